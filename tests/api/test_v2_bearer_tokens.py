"""The token endpoint, bearer tokens, and pulls without credentials."""

import json
from typing import Any

import httpx
import pytest
from tests.api.clients import ECR, HOST, errors_of, oci_client, password
from tests.api.images import Image, image, push_layers, put

from entrepot.core.clock import HOUR
from entrepot.testing.registry import RunningRegistry

pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)

EVERYBODY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}],
}


async def token_of(client: httpx.AsyncClient, *scopes: str) -> str:
    """A bearer token for scopes, by the client's credentials."""
    answer = await client.get("/token", params=[("service", HOST), *(("scope", scope) for scope in scopes)])
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


def bearing(registry: RunningRegistry, token: str) -> httpx.AsyncClient:
    """A client with a bearer token."""
    client = oci_client(registry, None)
    client.headers["authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
async def pushed(ecr: ECR, repository: str) -> Image:
    """An image under the tag ``v1``."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    await put(ecr, repository, pushed, "v1")
    return pushed


async def test_a_bearer_token_pulls_what_its_scope_names(
    registry: RunningRegistry, oci: httpx.AsyncClient, pushed: Image
) -> None:
    """The scope is told back, and how long the token lasts."""
    answer = await oci.get("/token", params={"service": HOST, "scope": "repository:app:pull"})

    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["expires_in"], found["scope"]) == (3600, "repository:app:pull")
    assert found["issued_at"] == "2026-01-01T00:00:00Z"
    pulled = await bearing(registry, found["token"]).get("/v2/app/manifests/v1")
    assert (pulled.status_code, pulled.content) == (200, pushed.content)


async def test_the_oauth_form_gives_the_same(registry: RunningRegistry, ecr: ECR, pushed: Image) -> None:
    """As containerd asks for it."""
    form = {
        "grant_type": "password",
        "service": HOST,
        "client_id": "containerd",
        "scope": "repository:app:pull",
        "username": "AWS",
        "password": await password(ecr),
    }

    answer = await oci_client(registry, None).post("/token", data=form)

    assert answer.status_code == 200
    assert (await bearing(registry, answer.json()["access_token"]).get("/v2/app/manifests/v1")).is_success


@pytest.mark.parametrize("form", [{"grant_type": "refresh_token"}, {}, {"grant_type": ""}])
async def test_another_grant_is_refused(anonymous: httpx.AsyncClient, form: dict[str, str]) -> None:
    """In the words of OAuth 2."""
    answer = await anonymous.post("/token", data=form)

    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize(
    ("scope", "method", "path", "wanted"),
    [
        ("repository:app:pull", "DELETE", "/v2/app/manifests/v1", "repository:app:delete"),
        ("repository:app:pull", "POST", "/v2/app/blobs/uploads/", "repository:app:pull,push"),
        ("repository:app:pull", "GET", "/v2/other/manifests/v1", "repository:other:pull"),
        ("repository:app:push", "GET", "/v2/app/tags/list", "repository:app:pull"),
        ("registry:catalog:*", "GET", "/v2/app/tags/list", "repository:app:pull"),
    ],
)
async def test_a_token_for_something_else_is_challenged_with_what_it_lacks(
    registry: RunningRegistry,
    oci: httpx.AsyncClient,
    pushed: Image,
    scope: str,
    method: str,
    path: str,
    wanted: str,
) -> None:
    """So that a client asks for the right one, although its holder may do it."""
    client = bearing(registry, await token_of(oci, scope))

    answer = await client.request(method, path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer realm="http://{HOST}/token",service="{HOST}",scope="{wanted}",error="insufficient_scope"'
    )


async def test_a_mount_needs_its_source_in_the_scope(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, pushed: Image
) -> None:
    """Without it the answer is an upload, as for a source that is not there."""
    await ecr("CreateRepository", repositoryName="other")
    layer = json.loads(pushed.content)["layers"][0]["digest"]
    query = {"mount": layer, "from": "app"}
    narrow = bearing(registry, await token_of(oci, "repository:other:pull,push"))
    wide = bearing(registry, await token_of(oci, "repository:other:pull,push", "repository:app:pull"))

    assert (await narrow.post("/v2/other/blobs/uploads/", params=query)).status_code == 202
    assert (await wide.post("/v2/other/blobs/uploads/", params=query)).status_code == 201


async def test_a_bearer_token_ends_after_an_hour_and_with_the_token_it_came_from(
    registry: RunningRegistry, oci: httpx.AsyncClient, pushed: Image
) -> None:
    """Whichever is sooner; an expired one is challenged, so clients fetch another."""
    registry.clock.advance(12 * HOUR - HOUR // 2)
    late = await oci.get("/token", params={"scope": "repository:app:pull"})
    client = bearing(registry, late.json()["token"])

    assert late.json()["expires_in"] == 1800
    assert (await client.get("/v2/app/manifests/v1")).status_code == 200
    registry.clock.advance(HOUR // 2)
    assert (await client.get("/v2/app/manifests/v1")).status_code == 401


async def test_the_token_endpoint_wants_credentials(
    registry: RunningRegistry, anonymous: httpx.AsyncClient
) -> None:
    """Those of ``docker login``, and no others."""
    wrong = oci_client(registry, "guessed")
    other = oci_client(registry, None)
    other.auth = ("root", "x")

    for client in (anonymous, wrong, other):
        answer = await client.get("/token", params={"scope": "repository:app:pull"})
        assert (answer.status_code, answer.text) == (401, "Not Authorized\n")


async def test_an_authorization_token_is_no_bearer_token(registry: RunningRegistry, ecr: ECR) -> None:
    """Each is worth something for its own purpose only; and the other way round."""
    token = await password(ecr)
    bearer = await token_of(oci_client(registry, token))

    assert (await bearing(registry, token).get("/v2/")).status_code == 401
    assert (await oci_client(registry, bearer).get("/v2/")).status_code == 401


async def test_more_scopes_than_anybody_needs_are_refused(oci: httpx.AsyncClient) -> None:
    """A token goes into a header."""
    answer = await oci.get("/token", params=[("scope", f"repository:app{n}:pull") for n in range(51)])

    assert answer.status_code == 400
    assert "at most 50 scopes" in answer.text


async def test_without_the_setting_nobody_pulls_without_credentials(
    registry: RunningRegistry, ecr: ECR, anonymous: httpx.AsyncClient, pushed: Image
) -> None:
    """A policy for everybody is one for every AWS principal, as at ECR."""
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=json.dumps(EVERYBODY))

    assert (await anonymous.get("/v2/app/manifests/v1")).status_code == 401
    assert (await anonymous.get("/token", params={"scope": "repository:app:pull"})).status_code == 401


@pytest.mark.registry(anonymous_pull=True)
async def test_with_the_setting_a_policy_for_everybody_lets_everybody_pull(
    registry: RunningRegistry, ecr: ECR, anonymous: httpx.AsyncClient, pushed: Image
) -> None:
    """A client without credentials is sent to the token endpoint, gets a token there, and pulls."""
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=json.dumps(EVERYBODY))

    challenged = await anonymous.get("/v2/")
    token = await token_of(anonymous, "repository:app:pull,push")
    client = bearing(registry, token)

    assert challenged.headers["www-authenticate"] == f'Bearer realm="http://{HOST}/token",service="{HOST}"'
    assert (await client.get("/v2/app/manifests/v1")).content == pushed.content
    layer = json.loads(pushed.content)["layers"][0]["digest"]
    assert (await client.get(f"/v2/app/blobs/{layer}")).status_code == 200
    assert (await client.get("/v2/app/tags/list")).json()["tags"] == ["v1"]


@pytest.mark.registry(anonymous_pull=True, create_on_push=True)
async def test_nobody_in_particular_never_pushes(
    registry: RunningRegistry, ecr: ECR, anonymous: httpx.AsyncClient, pushed: Image
) -> None:
    """Whatever the policy grants to everybody, and where pushes make repositories too."""
    await ecr("SetRepositoryPolicy", repositoryName="app", policyText=json.dumps(EVERYBODY))
    client = bearing(registry, await token_of(anonymous, "repository:app:*", "repository:new:*"))

    assert (await client.post("/v2/app/blobs/uploads/")).status_code == 401
    assert (await client.put("/v2/app/manifests/v2", content=pushed.content)).status_code == 401
    assert (await client.delete("/v2/app/manifests/v1")).status_code == 401
    assert (await client.post("/v2/new/blobs/uploads/")).status_code == 401


@pytest.mark.registry(anonymous_pull=True)
async def test_a_repository_without_such_a_policy_is_as_good_as_missing(
    registry: RunningRegistry, anonymous: httpx.AsyncClient, pushed: Image
) -> None:
    """The same challenge, so nothing is learned of what is there."""
    client = bearing(registry, await token_of(anonymous, "repository:app:pull", "repository:none:pull"))

    there = await client.get("/v2/app/manifests/v1")
    missing = await client.get("/v2/none/manifests/v1")

    assert there.status_code == missing.status_code == 401
    assert there.headers["www-authenticate"] == missing.headers["www-authenticate"]


@pytest.mark.registry(anonymous_pull=True)
async def test_credentials_work_as_before_where_anybody_may_pull(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, pushed: Image
) -> None:
    """Basic at once, or a bearer token for them."""
    client = bearing(registry, await token_of(oci, "repository:app:pull,push"))

    assert (await oci.post("/v2/app/blobs/uploads/")).status_code == 202
    assert (await client.post("/v2/app/blobs/uploads/")).status_code == 202


async def test_a_source_of_bad_tokens_is_slowed_down_and_good_ones_are_not(
    registry: RunningRegistry, ecr: ECR
) -> None:
    """After some failures at once the answer is that of a rate, until they are forgiven."""
    good, bad = oci_client(registry, await password(ecr)), oci_client(registry, "guessed")
    statuses = [(await bad.get("/v2/")).status_code for _ in range(25)]

    assert statuses == [401] * 19 + [429] * 6
    assert (await good.get("/v2/")).status_code == 200
    assert errors_of(await bad.get("/v2/")) == (429, "TOOMANYREQUESTS", "Rate exceeded")
    registry.clock.advance(HOUR)
    assert (await bad.get("/v2/")).status_code == 401
