"""Uploads of ``/v2/``: POST, PATCH, PUT, status, cancel, and what breaks off."""

import hashlib
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest
from sqlalchemy import select
from tests.api.clients import ECR, authorized, break_off, errors_of, password
from tests.api.images import ABSENT, digest_of
from tests.api.rows import is_stored, rows

from entrepot.core.clock import DAY
from entrepot.metadata import tables
from entrepot.operations.batches import BATCH
from entrepot.testing.registry import RunningRegistry

CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)
MISSING = "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def location(oci: httpx.AsyncClient, repository: str) -> str:
    """Where a new upload goes on."""
    answer = await oci.post(f"/v2/{repository}/blobs/uploads/")
    assert answer.status_code == 202
    return answer.headers["location"]


async def test_a_new_upload_tells_where_it_goes_on(
    oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Nothing has arrived yet: OCI's clients expect 0-0 all the same."""
    answer = await oci.post(f"/v2/{repository}/blobs/uploads/")

    ((upload_id,),) = await rows(registry, select(tables.uploads.c.id))
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v2/{repository}/blobs/uploads/{upload_id}"
    assert answer.headers["docker-upload-uuid"] == upload_id
    assert answer.headers["range"] == "0-0"


async def test_docker_pushes_by_one_patch_and_an_empty_put(oci: httpx.AsyncClient, location: str) -> None:
    """Without Content-Range, without Content-Length."""

    async def chunks() -> AsyncIterator[bytes]:
        yield CONTENT[:4]
        yield CONTENT[4:]

    patched = await oci.patch(location, content=chunks())
    put = await oci.put(f"{location}?digest={DIGEST}")

    assert (patched.status_code, patched.headers["range"]) == (202, "0-9")
    assert patched.headers["location"] == location
    assert put.status_code == 201
    assert put.headers["location"] == f"/v2/app/blobs/{DIGEST}"
    assert put.headers["docker-content-digest"] == DIGEST
    assert (await oci.get(put.headers["location"])).content == CONTENT


async def test_chunks_with_a_content_range_follow_each_other(oci: httpx.AsyncClient, location: str) -> None:
    """As regctl sends them; the last one may come with the PUT."""
    for start, end in pairwise([0, 3, 8]):
        answer = await oci.patch(
            location, content=CONTENT[start:end], headers={"content-range": f"{start}-{end - 1}"}
        )
        assert (answer.status_code, answer.headers["range"]) == (202, f"0-{end - 1}")

    answer = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT[8:], headers={"content-range": "8-9"})

    assert answer.status_code == 201
    assert (await oci.get(answer.headers["location"])).content == CONTENT


async def test_containerd_pushes_by_a_put_with_the_whole_body(oci: httpx.AsyncClient, location: str) -> None:
    """After a POST."""
    answer = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)

    assert answer.status_code == 201
    assert (await oci.get(answer.headers["location"])).content == CONTENT


async def test_a_single_post_can_be_all(oci: httpx.AsyncClient, repository: str) -> None:
    """With the digest in its query and the blob as its body."""
    answer = await oci.post(f"/v2/{repository}/blobs/uploads/?digest={DIGEST}", content=CONTENT)

    assert (answer.status_code, answer.headers["location"]) == (201, f"/v2/{repository}/blobs/{DIGEST}")


async def test_the_status_tells_what_has_arrived(oci: httpx.AsyncClient, location: str) -> None:
    """So a client can go on where it was."""
    await oci.patch(location, content=CONTENT[:5])

    answer = await oci.get(location)

    assert (answer.status_code, answer.headers["range"]) == (204, "0-4")
    assert answer.headers["location"] == location


@pytest.mark.parametrize("content_range", ["0-2", "2-4", "6-8", "100-102"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_at_a_wrong_offset_is_refused(
    oci: httpx.AsyncClient, location: str, method: str, content_range: str
) -> None:
    """416, and nothing of it is kept."""
    await oci.patch(location, content=CONTENT[:5])

    answer = await oci.request(
        method, f"{location}?digest={DIGEST}", content=b"567", headers={"content-range": content_range}
    )

    first = content_range.partition("-")[0]
    assert errors_of(answer) == (
        416,
        "BLOB_UPLOAD_INVALID",
        f"First byte of the layer part is {first} instead of 5",
    )
    assert (await oci.get(location)).headers["range"] == "0-4"


@pytest.mark.parametrize(
    "content_range", ["nonsense", "5-", "9-5", "bytes */10", "5-9-10", "\N{SUPERSCRIPT TWO}-3"]
)
async def test_a_content_range_that_is_none_is_refused(
    oci: httpx.AsyncClient, location: str, content_range: str
) -> None:
    """416 too: there is no telling where the chunk belongs."""
    answer = await oci.patch(location, content=b"56789", headers=[(b"content-range", content_range.encode())])

    assert errors_of(answer)[:2] == (416, "BLOB_UPLOAD_INVALID")


async def test_a_chunk_of_another_length_than_its_range_is_refused(oci: httpx.AsyncClient, location: str) -> None:
    """And nothing of it is kept."""
    answer = await oci.patch(location, content=b"0123", headers={"content-range": "0-9"})

    assert errors_of(answer)[:2] == (416, "BLOB_UPLOAD_INVALID")
    assert (await oci.get(location)).headers["range"] == "0-0"


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 404), ("PATCH", 404), ("PUT", 404), ("DELETE", 404), ("HEAD", 405), ("POST", 405)],
)
async def test_an_upload_that_is_not_there_is_unknown(
    oci: httpx.AsyncClient, repository: str, method: str, status: int
) -> None:
    """Whatever is asked of it, if it can be asked at all."""
    answer = await oci.request(method, f"{MISSING}?digest={ABSENT}")

    assert answer.status_code == status
    if status == 404:
        assert errors_of(answer)[1] == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize("upload_id", ["nonsense", "%00", "%2E%2E", "a" * 1000])
async def test_what_is_no_id_of_an_upload_is_not_found(
    oci: httpx.AsyncClient, repository: str, upload_id: str
) -> None:
    """And does no harm."""
    answer = await oci.get(f"/v2/{repository}/blobs/uploads/{upload_id}")

    assert answer.status_code == 404


async def test_a_cancelled_upload_is_over(
    oci: httpx.AsyncClient, registry: RunningRegistry, location: str
) -> None:
    """Its bytes are gone at once."""
    await oci.patch(location, content=CONTENT)
    ((key,),) = await rows(registry, select(tables.uploads.c.storage_key))

    cancelled = await oci.delete(location)

    assert (cancelled.status_code, cancelled.content) == (204, b"")
    assert (await oci.get(location)).status_code == 404
    assert (await oci.delete(location)).status_code == 404
    assert not await is_stored(registry, key)


async def test_an_upload_expires_after_a_day_without_a_touch(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, location: str
) -> None:
    """As through the API."""
    registry.clock.advance(DAY)
    oci.auth = ("AWS", await password(ecr))

    assert (await oci.get(location)).status_code == 404


async def test_bytes_of_a_patch_that_breaks_off_are_kept(
    oci: httpx.AsyncClient, registry: RunningRegistry, location: str
) -> None:
    """The status tells how many, and the client goes on from there."""
    answered = await break_off(registry, "PATCH", location, [CONTENT[:3], CONTENT[3:6]], authorized(oci))
    status = await oci.get(location)
    await oci.patch(location, content=CONTENT[6:], headers={"content-range": "6-9"})
    put = await oci.put(f"{location}?digest={DIGEST}")

    assert answered == 400
    assert status.headers["range"] == "0-5"
    assert put.status_code == 201


async def test_a_body_that_is_shorter_than_announced_has_broken_off(
    oci: httpx.AsyncClient, registry: RunningRegistry, location: str
) -> None:
    """Even if the connection ends in order."""
    headers = authorized(oci, **{"content-length": str(len(CONTENT))})

    await break_off(registry, "PUT", location, [CONTENT[:6]], headers, query=f"digest={digest_of(CONTENT[:6])}")

    assert (await oci.get(location)).headers["range"] == "0-5"
    assert (await oci.get(f"/v2/app/blobs/{digest_of(CONTENT[:6])}")).status_code == 404


async def test_other_bytes_than_the_digest_are_refused_and_the_upload_stays(
    oci: httpx.AsyncClient, location: str
) -> None:
    """In ECR's words; the right digest completes it afterwards."""
    await oci.patch(location, content=CONTENT)

    refused = await oci.put(f"{location}?digest={ABSENT}")
    put = await oci.put(f"{location}?digest={DIGEST}")

    assert errors_of(refused) == (
        400,
        "BLOB_UPLOAD_INVALID",
        "None of the provided layer digests match the calculated layer digest",
    )
    assert put.status_code == 201


@pytest.mark.parametrize("query", ["", "?digest=", "?digest=nonsense", "?digest=md5:ab", "?digest=sha256:AB"])
async def test_a_completion_needs_a_digest(oci: httpx.AsyncClient, location: str, query: str) -> None:
    """Of an algorithm that is computed here."""
    answer = await oci.put(location + query, content=CONTENT)

    assert errors_of(answer)[:2] == (400, "DIGEST_INVALID")


async def test_a_completion_whose_answer_got_lost_can_be_repeated(oci: httpx.AsyncClient, location: str) -> None:
    """It is 201 again, and no longer an upload that takes bytes."""
    first = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)

    again = await oci.put(f"{location}?digest={DIGEST}")
    more = await oci.patch(location, content=b"more")

    assert first.status_code == again.status_code == 201
    assert dict(first.headers) == dict(again.headers)
    assert errors_of(more)[:2] == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_sha512_digest_is_an_identity_of_its_own(oci: httpx.AsyncClient, location: str) -> None:
    """Which may be named at the very end only, after bytes were hashed with sha256."""
    digest = f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"
    await oci.patch(location, content=CONTENT[:5])
    await oci.patch(location, content=CONTENT[5:])

    put = await oci.put(f"{location}?digest={digest}")

    assert put.status_code == 201, put.text
    assert put.headers["docker-content-digest"] == digest
    assert (await oci.get(f"/v2/app/blobs/{digest}")).content == CONTENT
    assert (await oci.get(f"/v2/app/blobs/{DIGEST}")).status_code == 404


async def test_what_arrived_is_counted(oci: httpx.AsyncClient, registry: RunningRegistry, location: str) -> None:
    """A layer that is mounted or there already adds nothing."""
    await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)
    await oci.head(f"/v2/app/blobs/{DIGEST}")

    assert registry.counters.bytes_received == len(CONTENT)


async def test_a_put_with_a_body_can_be_repeated(oci: httpx.AsyncClient, location: str) -> None:
    """Its answer may have got lost: the same request again is the same answer, and its bytes are of no use."""
    first = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)

    again = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["location"] == first.headers["location"]
    assert (await oci.get(first.headers["location"])).content == CONTENT


async def test_a_completion_is_not_repeated_once_the_blob_is_gone(oci: httpx.AsyncClient, location: str) -> None:
    """It would answer that a blob is there which is not."""
    await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)
    await oci.delete(f"/v2/app/blobs/{DIGEST}")

    again = await oci.put(f"{location}?digest={DIGEST}")

    assert errors_of(again)[:2] == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_push_without_room_is_refused_and_leaves_room(
    registry: RunningRegistry, oci: httpx.AsyncClient, location: str
) -> None:
    """What had arrived of it is dropped at once, so that a smaller one still fits."""
    registry.storage.capacity = 2 * BATCH

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield bytes(BATCH)

    refused = await oci.patch(location, content=chunks())
    put = await oci.put(f"{location}?digest={DIGEST}", content=CONTENT)

    assert errors_of(refused) == (403, "DENIED", "The registry has no room for new layers and images")
    assert put.status_code == 201
