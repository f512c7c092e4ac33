"""GetDownloadUrlForLayer, and what its URLs answer."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.api.clients import ECR
from tests.api.images import ABSENT, digest_of, image, push, push_layer

from entrepot.core.clock import HOUR
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

IMAGE = image()
LAYER = IMAGE.blobs[1]


@pytest.fixture
async def url(ecr: ECR, repository: str) -> str:
    """The download URL of a layer that an image uses."""
    await push(ecr, repository, IMAGE, "v1")
    answer = await ecr("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest_of(LAYER))
    assert answer.keys() == {"downloadUrl", "layerDigest"}
    assert answer["layerDigest"] == digest_of(LAYER)
    return answer["downloadUrl"]


@pytest.fixture
async def client(registry: RunningRegistry) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.application)) as client:
        yield client


async def test_anybody_who_has_the_url_gets_the_layer(url: str, client: httpx.AsyncClient) -> None:
    """Without credentials, from the host by which the API was called."""
    answer = await client.get(url)

    assert answer.content == LAYER
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(LAYER))
    assert urlsplit(url)[:2] == ("http", "localhost:5000")
    assert not urlsplit(url).path.startswith("/v2/")


async def test_head_tells_of_the_layer_without_its_bytes(url: str, client: httpx.AsyncClient) -> None:
    """The length is the layer's."""
    answer = await client.head(url)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(LAYER))
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("bytes=0-4", slice(0, 5)),
        ("bytes=6-", slice(6, None)),
        ("bytes=-3", slice(len(LAYER) - 3, None)),
        ("bytes=3-1000", slice(3, None)),
    ],
)
async def test_a_part_of_the_layer_is_given_for_a_range(
    url: str, client: httpx.AsyncClient, asked: str, given: slice
) -> None:
    """Containerd's resolver fetches ranges side by side."""
    answer = await client.get(url, headers={"range": asked})

    first, last, _ = given.indices(len(LAYER))
    assert answer.status_code == 206
    assert answer.content == LAYER[given]
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(LAYER)}"


async def test_a_range_beyond_the_end_is_refused_with_the_size(url: str, client: httpx.AsyncClient) -> None:
    """RFC 9110's 416."""
    answer = await client.get(url, headers={"range": f"bytes={len(LAYER)}-"})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(LAYER)}"


async def test_a_url_works_for_an_hour(url: str, client: httpx.AsyncClient, registry: RunningRegistry) -> None:
    """And not a moment longer."""
    registry.clock.advance(HOUR - 1)
    before = await client.get(url)
    registry.clock.advance(1)
    after = await client.get(url)

    assert before.status_code == 200
    assert (after.status_code, after.text) == (403, "The download URL has expired\n")


async def test_a_url_for_one_layer_is_worth_nothing_for_another(url: str, client: httpx.AsyncClient) -> None:
    """The path and the ticket have to name the same one."""
    other = digest_of(IMAGE.blobs[0])

    answer = await client.get(url.replace(digest_of(LAYER), other))

    assert (answer.status_code, answer.text) == (403, "The download URL is not valid\n")


async def test_every_changed_character_of_the_ticket_is_noticed(url: str, client: httpx.AsyncClient) -> None:
    """So nobody makes a URL that was not handed out."""
    (ticket,) = parse_qs(urlsplit(url).query)["ticket"]

    for position in range(0, len(ticket), 7):
        changed = ticket[:position] + ("A" if ticket[position] != "A" else "B") + ticket[position + 1 :]
        assert (await client.get(url.replace(ticket, changed))).status_code == 403
    assert (await client.get(url.replace(ticket, ""))).status_code == 403
    assert (await client.get(url.partition("?")[0])).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_url_answers_get_and_head_only(url: str, client: httpx.AsyncClient, method: str) -> None:
    """It is a leave to read."""
    assert (await client.request(method, url)).status_code == 405


async def test_a_url_ends_with_what_it_is_for(
    url: str, client: httpx.AsyncClient, ecr: ECR, repository: str
) -> None:
    """A deleted repository gives nothing more away."""
    await ecr("DeleteRepository", repositoryName=repository, force=True)

    assert (await client.get(url)).status_code == 404


async def test_what_was_sent_is_counted(url: str, client: httpx.AsyncClient, registry: RunningRegistry) -> None:
    """The bytes of the layer, and nothing for HEAD."""
    await client.head(url)
    await client.get(url)

    assert registry.counters.bytes_sent == len(LAYER)


@produces("GetDownloadUrlForLayer", "LayerInaccessibleException")
async def test_a_layer_that_no_image_uses_cannot_be_downloaded(ecr: ECR, repository: str) -> None:
    """As in ECR, which may clean it up at any time."""
    digest = await push_layer(ecr, repository, b"content")

    assert await ecr.error("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest) == {
        "__type": "LayerInaccessibleException",
        "message": f"The layer with digest '{digest}' in the repository with name 'app' in the registry with id "
        "'000000000000' is not available because it is not associated with an image",
    }


async def test_a_config_is_downloaded_like_a_layer(url: str, ecr: ECR, repository: str) -> None:
    """An image uses it just as much."""
    digest = digest_of(IMAGE.blobs[0])

    answer = await ecr("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest)

    assert answer["layerDigest"] == digest
    assert answer["downloadUrl"] != url


async def test_a_layer_whose_image_is_deleted_becomes_inaccessible(ecr: ECR, repository: str) -> None:
    """The layer itself is still there for a while."""
    await push(ecr, repository, IMAGE, "v1")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])

    refused = await ecr.error("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest_of(LAYER))

    assert refused["__type"] == "LayerInaccessibleException"


@produces("GetDownloadUrlForLayer", "LayersNotFoundException")
async def test_a_layer_that_is_not_there_cannot_be_downloaded(ecr: ECR, repository: str) -> None:
    """The message names it."""
    assert await ecr.error("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=ABSENT) == {
        "__type": "LayersNotFoundException",
        "message": f"The layer with digest '{ABSENT}' does not exist within the repository with name 'app' in the "
        "registry with id '000000000000'",
    }
