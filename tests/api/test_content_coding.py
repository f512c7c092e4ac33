"""Compressed answers of the API, and request bodies that must not be."""

import gzip

import httpx
import pytest
from tests.api.clients import CONTENT_TYPE, ECR

from entrepot.fronts.ecr.front import GZIP_FROM
from entrepot.testing.registry import RunningRegistry

#: What is done with bodies does not depend on the database.
pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)


@pytest.fixture
async def many(ecr: ECR) -> None:
    """So many repositories that a list of them is large."""
    for number in range(10):
        await ecr("CreateRepository", repositoryName=f"repository-{number}")


async def describe(
    ecr: ECR, registry: RunningRegistry, accept_encoding: str | None
) -> tuple[httpx.Headers, bytes]:
    """The headers and the bytes, as they are sent, of an answer of DescribeRepositories."""
    headers = {} if accept_encoding is None else {"accept-encoding": accept_encoding}
    request = ecr.signed("DescribeRepositories", b"{}", headers)
    if accept_encoding is None:
        del request.headers["accept-encoding"]
    answer = await httpx.ASGITransport(registry.application).handle_async_request(request)
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    return answer.headers, b"".join([chunk async for chunk in answer.stream])


@pytest.mark.usefixtures("many")
async def test_a_large_answer_is_compressed_for_who_asks(ecr: ECR, registry: RunningRegistry) -> None:
    """It is the same answer."""
    plain_headers, plain = await describe(ecr, registry, "identity")
    headers, compressed = await describe(ecr, registry, "gzip")

    assert gzip.decompress(compressed) == plain
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == CONTENT_TYPE
    assert int(headers["content-length"]) == len(compressed) < len(plain)
    assert "content-encoding" not in plain_headers


@pytest.mark.usefixtures("many")
async def test_nobody_gets_what_was_not_asked_for(ecr: ECR, registry: RunningRegistry) -> None:
    """Without the header, an answer is as it is."""
    headers, body = await describe(ecr, registry, None)

    assert "content-encoding" not in headers
    assert body.startswith(b"{")


async def test_a_small_answer_is_not_worth_it(ecr: ECR, registry: RunningRegistry) -> None:
    """It fits into one packet anyway."""
    headers, body = await describe(ecr, registry, "gzip")

    assert len(body) < GZIP_FROM
    assert "content-encoding" not in headers


@pytest.mark.parametrize("coding", ["gzip", "amz-1.0", "br"])
async def test_a_compressed_body_is_refused(ecr: ECR, registry: RunningRegistry, coding: str) -> None:
    """With the reason, before it is read."""
    request = ecr.signed("DescribeRepositories", gzip.compress(b"{}"), {"content-encoding": coding})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(registry.application)) as client:
        answer = await client.send(request)

    assert (answer.status_code, answer.json()) == (
        400,
        {
            "__type": "SerializationException",
            "message": f"The request body has the Content-Encoding '{coding}': send it as it is",
        },
    )
