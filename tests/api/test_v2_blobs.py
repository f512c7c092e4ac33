"""Blobs of ``/v2/``: HEAD, GET, DELETE, and mounting one from another repository."""

import httpx
import pytest
from sqlalchemy import select
from tests.api.clients import ECR, errors_of
from tests.api.images import ABSENT, digest_of, image, push, push_layer
from tests.api.rows import count, rows

from entrepot.metadata import tables
from entrepot.testing.registry import RunningRegistry

CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)


@pytest.fixture
async def blob(ecr: ECR, repository: str) -> str:
    """The path of a blob."""
    await push_layer(ecr, repository, CONTENT)
    return f"/v2/{repository}/blobs/{DIGEST}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_blob_is_answered_with_its_digest_and_length(
    oci: httpx.AsyncClient, blob: str, method: str
) -> None:
    """HEAD as GET, but for the bytes."""
    answer = await oci.request(method, blob)

    assert answer.status_code == 200
    assert answer.content == (CONTENT if method == "GET" else b"")
    assert dict(answer.headers) == {
        "content-type": "application/octet-stream",
        "content-length": "10",
        "docker-content-digest": DIGEST,
        "docker-distribution-api-version": "registry/2.0",
        "etag": f'"{DIGEST}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_blob_that_is_not_there_is_unknown(oci: httpx.AsyncClient, repository: str, method: str) -> None:
    """404 with a body, but for HEAD."""
    answer = await oci.request(method, f"/v2/{repository}/blobs/{ABSENT}")

    assert answer.status_code == 404
    if method != "HEAD":
        assert errors_of(answer)[1:] == (
            "BLOB_UNKNOWN",
            f"The layer with digest '{ABSENT}' does not exist within the repository with name 'app' in the registry "
            "with id '000000000000'",
        )


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_no_digest_is_refused(oci: httpx.AsyncClient, repository: str, method: str) -> None:
    """400, not 404: it can never be there."""
    answer = await oci.request(method, f"/v2/{repository}/blobs/sha256:abc")

    assert errors_of(answer) == (
        400,
        "DIGEST_INVALID",
        "The digest 'sha256:abc' is not a valid sha256 or sha512 digest",
    )


@pytest.mark.parametrize(
    ("asked", "status", "content", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-20", 206, CONTENT, "bytes 0-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=4-2", 200, CONTENT, None),
        ("bytes=0-1,3-4", 200, CONTENT, None),
        ("lines=0-1", 200, CONTENT, None),
        ("nonsense", 200, CONTENT, None),
    ],
)
async def test_a_range_is_given_where_it_is_one(
    oci: httpx.AsyncClient, blob: str, asked: str, status: int, content: bytes, content_range: str | None
) -> None:
    """What is no single range of bytes is ignored, as RFC 9110 allows."""
    answer = await oci.get(blob, headers={"range": asked})

    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("content-range") == content_range


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
async def test_a_range_beyond_the_end_is_not_satisfiable(oci: httpx.AsyncClient, blob: str, asked: str) -> None:
    """416 with the size."""
    answer = await oci.get(blob, headers={"range": asked})

    assert errors_of(answer)[0] == 416
    assert answer.headers["content-range"] == "bytes */10"


async def test_head_takes_no_notice_of_a_range(oci: httpx.AsyncClient, blob: str) -> None:
    """RFC 9110: a range is for GET."""
    answer = await oci.head(blob, headers={"range": "bytes=2-4"})

    assert (answer.status_code, answer.headers["content-length"]) == (200, "10")


async def test_a_blob_is_read_before_an_image_uses_it(oci: httpx.AsyncClient, blob: str) -> None:
    """Other than in the API, where it is inaccessible: OCI clients verify what they have pushed."""
    assert (await oci.get(blob)).status_code == 200


async def test_deleting_a_blob_takes_it_out_of_its_repository_alone(
    ecr: ECR, oci: httpx.AsyncClient, blob: str
) -> None:
    """The other repository that has it keeps it."""
    await ecr("CreateRepository", repositoryName="other")
    await push_layer(ecr, "other", CONTENT)

    deleted = await oci.delete(blob)

    assert deleted.status_code == 202
    assert (await oci.get(blob)).status_code == 404
    assert (await oci.get(f"/v2/other/blobs/{DIGEST}")).content == CONTENT


async def test_a_blob_that_an_image_uses_stays(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Until the image is deleted."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    path = f"/v2/{repository}/blobs/{digest_of(pushed.blobs[0])}"

    refused = await oci.delete(path)
    await oci.delete(f"/v2/{repository}/manifests/{pushed.digest}")
    deleted = await oci.delete(path)

    assert errors_of(refused) == (
        405,
        "UNSUPPORTED",
        f"The layer with digest '{digest_of(pushed.blobs[0])}' is referenced by an image",
    )
    assert deleted.status_code == 202


async def test_a_blob_is_mounted_without_being_sent(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, blob: str
) -> None:
    """201 with its place in the new repository; no bytes move."""
    await ecr("CreateRepository", repositoryName="target")

    answer = await oci.post(f"/v2/target/blobs/uploads/?mount={DIGEST}&from=app")

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v2/target/blobs/{DIGEST}"
    assert answer.headers["docker-content-digest"] == DIGEST
    assert (await oci.get(answer.headers["location"])).content == CONTENT
    assert await count(registry, tables.blobs) == 1


@pytest.mark.parametrize(
    ("source", "digest"),
    [("missing", DIGEST), ("empty", DIGEST), ("app", ABSENT), ("app", "nonsense"), ("A", DIGEST)],
)
async def test_a_mount_that_cannot_be_is_an_upload_and_reveals_nothing(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, blob: str, source: str, digest: str
) -> None:
    """Whether the source is missing, lacks the blob, or the digest is none: the same 202."""
    for name in ("target", "empty"):
        await ecr("CreateRepository", repositoryName=name)

    answer = await oci.post(f"/v2/target/blobs/uploads/?mount={digest}&from={source}")

    (upload,) = await rows(registry, select(tables.uploads).where(tables.uploads.c.completed_digest.is_(None)))
    assert (answer.status_code, answer.content) == (202, b"")
    assert dict(answer.headers) == {
        "location": f"/v2/target/blobs/uploads/{upload.id}",
        "range": "0-0",
        "docker-upload-uuid": upload.id,
        "docker-distribution-api-version": "registry/2.0",
        "content-length": "0",
    }


async def test_a_mount_into_a_missing_repository_is_refused(oci: httpx.AsyncClient, blob: str) -> None:
    """As every other push there."""
    answer = await oci.post(f"/v2/missing/blobs/uploads/?mount={DIGEST}&from=app")

    assert errors_of(answer)[:2] == (404, "NAME_UNKNOWN")


async def test_a_mount_without_a_source_is_an_upload(oci: httpx.AsyncClient, blob: str) -> None:
    """No repository is searched for."""
    answer = await oci.post(f"/v2/app/blobs/uploads/?mount={DIGEST}")

    assert answer.status_code == 202


async def test_a_part_of_another_version_is_not_sent(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """RFC 9110, section 13.1.5: where If-Range names another entity, the whole one is sent."""
    digest = await push_layer(ecr, repository, b"0123456789")
    part = {"range": "bytes=2-3"}

    same = await oci.get(f"/v2/{repository}/blobs/{digest}", headers={**part, "if-range": f'"{digest}"'})
    other = await oci.get(f"/v2/{repository}/blobs/{digest}", headers={**part, "if-range": '"other"'})

    assert (same.status_code, same.content) == (206, b"23")
    assert (other.status_code, other.content) == (200, b"0123456789")


async def test_a_blob_whose_bytes_are_gone_is_an_error_with_a_body(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """It is found out before the headers are sent; and neither key nor path is told."""
    digest = await push_layer(ecr, repository, b"0123456789")
    ((key,),) = await rows(registry, select(tables.blobs.c.storage_key))
    await registry.storage.delete(key)

    answer = await oci.get(f"/v2/{repository}/blobs/{digest}")

    status, code, message = errors_of(answer)
    assert (status, code) == (503, "UNAVAILABLE")
    assert message == "The stored bytes cannot be read: they are missing"
