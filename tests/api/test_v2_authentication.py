"""Who may call ``/v2/``: Basic credentials with a token of GetAuthorizationToken."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.api.clients import ECR, errors_of, oci_client, password

from entrepot.core.clock import HOUR
from entrepot.testing.registry import RunningRegistry

#: What is decided before the database is asked does not depend on it.
pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)


async def test_a_token_lasts_12_hours_and_names_the_registry(ecr: ECR) -> None:
    """The whole answer of GetAuthorizationToken."""
    answer = await ecr("GetAuthorizationToken")

    (data,) = answer["authorizationData"]
    assert data.pop("authorizationToken")
    assert data == {"expiresAt": 1767225600.0 + 12 * 3600, "proxyEndpoint": "http://localhost:5000"}


@pytest.mark.registry(public_url="https://{account}.dkr.ecr.{region}.{suffix}")
async def test_every_registry_that_is_asked_for_has_its_endpoint(ecr: ECR) -> None:
    """One token, which is good for all of them as far as the caller may reach them."""
    answer = await ecr("GetAuthorizationToken", registryIds=["111111111111", "000000000000"])

    assert [data["proxyEndpoint"] for data in answer["authorizationData"]] == [
        "https://111111111111.dkr.ecr.us-east-1.amazonaws.com",
        "https://000000000000.dkr.ecr.us-east-1.amazonaws.com",
    ]


async def test_the_token_is_the_parameter_of_a_basic_header(ecr: ECR, anonymous: httpx.AsyncClient) -> None:
    """Clients send it unchanged; its user is AWS."""
    (data,) = (await ecr("GetAuthorizationToken"))["authorizationData"]
    token = data["authorizationToken"]

    answer = await anonymous.get("/v2/", headers={"authorization": f"Basic {token}"})

    assert (answer.status_code, answer.content) == (200, b"{}")
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert b64decode(token).startswith(b"AWS:")


@pytest.mark.parametrize("path", ["/v2/", "/v2", "/v2/app/manifests/latest", "/v2/app/tags/list", "/v2/nonsense"])
async def test_the_challenge_is_ecrs_to_the_letter(anonymous: httpx.AsyncClient, path: str) -> None:
    """Clients parse it, so each byte of it was recorded from ECR."""
    answer = await anonymous.get(path)

    assert answer.status_code == 401
    assert dict(answer.headers) == {
        "www-authenticate": 'Basic realm="http://localhost:5000/",service="ecr.amazonaws.com"',
        "docker-distribution-api-version": "registry/2.0",
        "content-type": "text/plain; charset=utf-8",
        "content-length": "15",
    }
    assert answer.text == "Not Authorized\n"


@pytest.fixture
async def headers(ecr: ECR) -> dict[str, str]:
    """Authorization headers that are no good."""
    token = await password(ecr)

    def basic(text: str) -> str:
        return f"Basic {b64encode(text.encode()).decode()}"

    return {
        "another user": basic(f"root:{token}"),
        "another password": basic("AWS:secret"),
        "a changed token": basic(f"AWS:{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"),
        "no password": basic("AWS"),
        "an empty password": basic("AWS:"),
        "no base64": "Basic ???",
        "another scheme": f"Bearer {token}",
        "nothing": "",
    }


@pytest.mark.parametrize(
    "kind",
    [
        "another user",
        "another password",
        "a changed token",
        "no password",
        "an empty password",
        "no base64",
        "another scheme",
        "nothing",
    ],
)
async def test_credentials_that_are_no_good_are_challenged_again(
    anonymous: httpx.AsyncClient, headers: dict[str, str], kind: str
) -> None:
    """Without a word about what was wrong with them."""
    answer = await anonymous.get("/v2/", headers={"authorization": headers[kind]})

    assert (answer.status_code, answer.text) == (401, "Not Authorized\n")


async def test_an_expired_token_is_told_as_ecr_tells_it(oci: httpx.AsyncClient, registry: RunningRegistry) -> None:
    """In the words that docker prints, from the moment it expires."""
    registry.clock.advance(12 * HOUR - 1)
    before = await oci.get("/v2/")
    registry.clock.advance(1)
    after = await oci.get("/v2/")

    assert before.status_code == 200
    assert errors_of(after) == (
        403,
        "DENIED",
        "Your authorization token has expired. Reauthenticate and try again.",
    )


@pytest.fixture
async def elsewhere(registry: RunningRegistry, ecr: ECR) -> AsyncIterator[httpx.AsyncClient]:
    """Logged in, at a host that is another region's."""
    host = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
    async with oci_client(registry, await password(ecr), host=host) as client:
        yield client


async def test_a_token_is_good_for_its_region_only(elsewhere: httpx.AsyncClient) -> None:
    """As ECR's tokens."""
    assert errors_of(await elsewhere.get("/v2/")) == (
        403,
        "DENIED",
        "Your authorization token is for the region us-east-1, this registry is in eu-west-1.",
    )
