"""What HTTP asks of ``/v2/``, whatever is in the registry: validators, methods, codings, queries."""

import json

import httpx
import pytest
from tests.api.clients import ECR, errors_of
from tests.api.images import Image, digest_of, image, push

from entrepot.core.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST
from entrepot.fronts.oci.front import HANDLERS
from entrepot.fronts.oci.profile import ECR as ECR_PROFILE
from entrepot.protocol.oci.paths import parse_path

pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)

PUSHED = image()
LAYER = digest_of(PUSHED.blobs[1])
PATHS = {
    "a tag": "manifests/v1",
    "a digest": f"manifests/{PUSHED.digest}",
    "a blob": f"blobs/{LAYER}",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]


@pytest.fixture
async def pushed(ecr: ECR, repository: str) -> Image:
    """An image under the tag ``v1``."""
    await push(ecr, repository, PUSHED, "v1")
    return PUSHED


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_what_a_client_has_is_not_sent_again(
    oci: httpx.AsyncClient, pushed: Image, method: str, path: str, form: str
) -> None:
    """RFC 9110, section 15.4.5: no body and no length, but the validator."""
    url = f"/v2/app/{path}"
    etag = (await oci.head(url)).headers["etag"]

    answer = await oci.request(method, url, headers={"if-none-match": form.format(etag)})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["docker-content-digest"] == etag.strip('"')
    assert "content-length" not in answer.headers
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_what_a_client_does_not_have_is_sent(oci: httpx.AsyncClient, pushed: Image, path: str) -> None:
    """A digest without quotes is no entity tag."""
    url = f"/v2/app/{path}"
    etag = (await oci.head(url)).headers["etag"]

    for other in ('"other"', etag.strip('"'), f'"{etag.strip(chr(34))} "'):
        assert (await oci.get(url, headers={"if-none-match": other})).status_code == 200


async def test_the_list_of_validators_may_be_in_several_lines(oci: httpx.AsyncClient, pushed: Image) -> None:
    """RFC 9110, section 5.3."""
    lines = [("if-none-match", '"other"'), ("if-none-match", f'"{pushed.digest}"')]

    assert (await oci.get("/v2/app/manifests/v1", headers=lines)).status_code == 304


async def test_a_tag_that_has_moved_is_sent(ecr: ECR, oci: httpx.AsyncClient, pushed: Image) -> None:
    """Its validator is its image's digest, so a client that asks again and again sees each move."""
    moved = image("moved")
    await push(ecr, "app", moved, "v1")

    answer = await oci.get("/v2/app/manifests/v1", headers={"if-none-match": f'"{pushed.digest}"'})

    assert (answer.status_code, answer.content) == (200, moved.content)


async def test_a_validator_goes_before_a_range(oci: httpx.AsyncClient, pushed: Image) -> None:
    """RFC 9110, section 13.2.2; so a range that cannot be satisfied is not looked at."""
    headers = {"if-none-match": f'"{LAYER}"', "range": "bytes=999999-"}

    assert (await oci.get(f"/v2/app/blobs/{LAYER}", headers=headers)).status_code == 304


@pytest.mark.parametrize("path", [f"manifests/{digest_of(b'')}", f"blobs/{digest_of(b'')}", "manifests/absent"])
async def test_what_is_not_there_is_not_unmodified(oci: httpx.AsyncClient, pushed: Image, path: str) -> None:
    """``*`` is no proof that there is something."""
    answer = await oci.get(f"/v2/app/{path}", headers={"if-none-match": "*"})

    assert errors_of(answer)[0] == 404


async def test_a_validator_is_no_leave(anonymous: httpx.AsyncClient, pushed: Image) -> None:
    """Who may not read is not told what has changed."""
    answer = await anonymous.get("/v2/app/manifests/v1", headers={"if-none-match": "*"})

    assert answer.status_code == 401


@pytest.mark.registry(profile=ECR_PROFILE)
async def test_a_download_url_knows_validators_too(oci: httpx.AsyncClient, pushed: Image) -> None:
    """Where ``/v2/`` gives the URL and not the bytes."""
    there = (await oci.get(f"/v2/app/blobs/{LAYER}")).headers["location"]

    assert (await oci.get(there, headers={"if-none-match": f'"{LAYER}"'})).status_code == 304


@pytest.mark.parametrize("validator", [f'W/"{LAYER}"', '"other"', LAYER, "Mon, 01 Jan 2026 00:00:00 GMT", ""])
async def test_a_part_is_sent_only_of_what_the_client_has_for_certain(
    oci: httpx.AsyncClient, pushed: Image, validator: str
) -> None:
    """RFC 9110, section 13.1.5: If-Range compares strongly; else the whole is sent."""
    headers = {"range": "bytes=0-1", "if-range": validator}

    answer = await oci.get(f"/v2/app/blobs/{LAYER}", headers=headers)

    assert (answer.status_code, answer.content) == (200, PUSHED.blobs[1])


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "",
        OCI_MANIFEST,
        f"{DOCKER_MANIFEST_LIST}, {OCI_INDEX}",
        DOCKER_MANIFEST,
        f"{OCI_MANIFEST};q=0, */*;q=0.1",
        "text/html",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "nonsense",
    ],
)
@pytest.mark.parametrize("reference", ["v1", PUSHED.digest])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_manifest_is_the_same_whatever_is_accepted(
    oci: httpx.AsyncClient, pushed: Image, method: str, reference: str, accept: str | None
) -> None:
    """A conversion has another digest, and 406 would stop clients that read every type but forget to say so."""
    headers = {} if accept is None else {"accept": accept}

    answer = await oci.request(method, f"/v2/app/manifests/{reference}", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == OCI_MANIFEST
    assert answer.headers["docker-content-digest"] == pushed.digest
    assert answer.content == (pushed.content if method == "GET" else b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/app/blobs/uploads/"),
        ("PATCH", "/v2/app/blobs/uploads/some"),
        ("PUT", "/v2/app/blobs/uploads/some"),
        ("PUT", "/v2/app/manifests/v2"),
    ],
)
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "zstd", "identity, gzip", "none"])
async def test_a_coded_body_is_refused(
    oci: httpx.AsyncClient, repository: str, method: str, path: str, coding: str
) -> None:
    """415 with what is understood (RFC 9110, section 15.5.16): the digest is that of the bytes before the coding."""
    answer = await oci.request(method, path, content=b"\x1f\x8b", headers={"content-encoding": coding})

    assert errors_of(answer) == (
        415,
        "UNSUPPORTED",
        f"The request body has the Content-Encoding '{coding}': send it as it is",
    )
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_a_body_that_says_it_is_not_coded_is_taken(
    oci: httpx.AsyncClient, repository: str, coding: str
) -> None:
    """As one that says nothing."""
    answer = await oci.post(
        f"/v2/{repository}/blobs/uploads/?digest={digest_of(b'content')}",
        content=b"content",
        headers={"content-encoding": coding},
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path",
    [
        "/v2/",
        "/v2",
        "/v2/app/blobs/uploads/",
        "/v2/app/blobs/uploads",
        "/v2/app/blobs/uploads/some",
        f"/v2/app/blobs/{LAYER}",
        "/v2/app/manifests/v1",
        "/v2/app/tags/list",
        f"/v2/app/referrers/{LAYER}",
    ],
)
async def test_a_method_that_is_not_offered_is_told_those_that_are(
    oci: httpx.AsyncClient, repository: str, method: str, path: str
) -> None:
    """RFC 9110, section 15.5.6; and OCI's body."""
    parsed = parse_path(path)
    assert parsed is not None
    offered = HANDLERS[type(parsed)]
    if method in offered:
        return

    answer = await oci.request(method, path)

    assert answer.status_code == 405
    if method != "HEAD":
        assert errors_of(answer)[1:] == ("UNSUPPORTED", f"{method} is not supported here")
    assert answer.headers["allow"] == ", ".join(offered)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_the_token_endpoint_is_read_and_posted_to(oci: httpx.AsyncClient, method: str) -> None:
    """And nothing else."""
    answer = await oci.request(method, "/token")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/v2/app", "/v2/app/", "/v2/app/tags", "/v2/app/manifests", "/v2/app/blobs/", "/v2//", "/v2/_catalog"]
)
async def test_a_path_that_does_not_exist_has_a_body(oci: httpx.AsyncClient, method: str, path: str) -> None:
    """404 by every method; whoever guesses paths reads JSON."""
    answer = await oci.request(method, path)

    assert answer.status_code in {400, 404, 405}
    assert answer.headers["content-type"].startswith("application/json")
    if method != "HEAD":
        (error,) = json.loads(answer.content)["errors"]
        assert error["code"] in {
            "NAME_UNKNOWN",
            "DIGEST_INVALID",
            "NAME_INVALID",
            "UNSUPPORTED",
            "MANIFEST_UNKNOWN",
        }


async def test_a_query_has_a_bound(oci: httpx.AsyncClient, repository: str) -> None:
    """200 parameters: each costs something before anybody looks at it."""
    within = await oci.get(f"/v2/{repository}/tags/list?" + "&".join(["a=b"] * 200))
    beyond = await oci.get(f"/v2/{repository}/tags/list?" + "&".join(["a=b"] * 201))
    with_nul = await oci.get(f"/v2/{repository}/tags/list?last=%00")

    assert within.status_code == 200
    assert errors_of(beyond) == (400, "UNSUPPORTED", "The query has more than 200 parameters")
    assert errors_of(with_nul) == (400, "UNSUPPORTED", "The query has a NUL character")


async def test_of_a_parameter_that_is_sent_twice_the_first_counts(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """For every reader of the query alike."""
    await ecr("CreateRepository", repositoryName="app")
    await push(ecr, "app", PUSHED, "a", "b")

    answer = await oci.get("/v2/app/tags/list?n=1&n=2")

    assert answer.json()["tags"] == ["a"]


@pytest.mark.parametrize("name", ["content-length", "range", "content-type", "if-range"])
async def test_a_header_of_one_value_is_sent_once(oci: httpx.AsyncClient, pushed: Image, name: str) -> None:
    """Two readers of two values would take different ones."""
    method, path = ("PUT", "manifests/v1") if name == "content-type" else ("GET", f"blobs/{LAYER}")
    lines = [(name, "1"), (name, "1")]

    answer = await oci.request(method, f"/v2/app/{path}", headers=lines)

    assert answer.status_code == 400
