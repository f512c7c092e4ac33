"""What a listing shows of places that keep more than blobs."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.s3 import S3Server

from entrepot.core.digest import hasher
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.s3 import S3Storage
from entrepot.storage.s3_bucket import MOST_KEYS, Bucket, Location
from entrepot.testing.blob_contract import KEY, OTHER_KEY, fetch, listed, store, upload
from entrepot.testing.part_ledger import MemoryPartLedger

#: A key that lies in another folder than its own.
MISPLACED = "ab" * 16


@pytest.fixture
def threads() -> Iterator[Executor]:
    """A few threads, so that calls meet."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture
def files(tmp_path: Path, threads: Executor) -> FilesystemStorage:
    """Files in a folder of the test's own."""
    return FilesystemStorage(tmp_path, threads=threads)


@pytest.fixture
def bucket(s3: S3Server, threads: Executor) -> Bucket:
    """A bucket of the test's own, below a prefix."""
    return Bucket(s3.client(), Location(s3.create_bucket(), "blobs/"), threads)


@pytest.fixture
def objects(bucket: Bucket, threads: Executor) -> S3Storage:
    """A storage in the bucket."""
    return S3Storage(bucket, MemoryPartLedger(), threads=threads)


async def test_files_of_others_have_no_key(files: FilesystemStorage, tmp_path: Path) -> None:
    """In the root or where blobs are; the root's own files are not listed."""
    await files.identify("name")
    await files.check()
    await store(files, b"content")
    await store(files, b"content", key="ff" * 16)
    folder = tmp_path / KEY[:2]
    for foreign in (
        tmp_path / "lost+found" / "x",
        tmp_path / "notes.txt",
        folder / "notes.txt",
        folder / MISPLACED,
    ):
        foreign.parent.mkdir(exist_ok=True)
        foreign.write_text("foreign")

    found = await listed(files)

    assert {each.key for each in found} == {KEY, "ff" * 16, None}
    assert {each.name for each in found if each.key is None} == {
        "lost+found",
        "notes.txt",
        f"{KEY[:2]}/notes.txt",
        f"{KEY[:2]}/{MISPLACED}",
    }


async def test_a_fence_is_listed_only_without_its_file(files: FilesystemStorage, tmp_path: Path) -> None:
    """Beside a file it goes with it. Alone it is removed alone: the file may come back from a backup."""
    await upload(files, b"open")
    beside = await listed(files)
    path = tmp_path / KEY[:2] / KEY
    content = path.read_bytes()
    path.unlink()

    alone = await listed(files)
    path.write_bytes(content)
    await files.remove_objects(alone)

    assert [(each.name, each.of_upload) for each in beside] == [(f"{KEY[:2]}/{KEY}", False)]
    assert [(each.name, each.key, each.of_upload) for each in alone] == [(f"{KEY[:2]}/{KEY}.fence", KEY, True)]
    assert await fetch(files, 4) == b"open"
    assert len(await listed(files)) == 1


async def test_what_uploads_leave_in_a_bucket_is_listed_and_removed(objects: S3Storage, bucket: Bucket) -> None:
    """A tail that arrived after its blob was sealed, and multipart uploads that no ledger knows; the blob stays."""
    await store(objects, b"content")
    name = f"{KEY[:2]}/{KEY}"
    await bucket.put(f"{name}.7", b"late")
    for stray in (name, f"{OTHER_KEY[:2]}/{OTHER_KEY}"):
        await bucket.begin(stray)

    found = [each for each in await listed(objects) if each.of_upload]
    await objects.remove_objects(found)

    assert sorted((each.name.partition("?")[0], each.key, each.size) for each in found) == sorted(
        [(name, KEY, 0), (f"{name}.7", KEY, 4), (f"{OTHER_KEY[:2]}/{OTHER_KEY}", OTHER_KEY, 0)]
    )
    assert [each.name for each in await listed(objects)] == [name]
    assert await fetch(objects, 7) == b"content"


async def test_objects_of_others_have_no_key(objects: S3Storage, bucket: Bucket, s3: S3Server) -> None:
    """Those outside the prefix are not listed at all, and neither are the storage's own."""
    await objects.identify("name")
    await objects.check()
    for name in ("notes.txt", f"00/{KEY}", f"{KEY[:2]}/{KEY}.x", f"{KEY[:2]}/{KEY}.1/x"):
        await bucket.put(name, b"foreign")
    await bucket.begin("other/upload")

    found = await listed(objects)

    assert {each.key for each in found} == {None}
    assert len(found) == 5


@pytest.mark.timeout(120)
async def test_more_objects_than_one_answer_has_are_all_listed(objects: S3Storage, bucket: Bucket) -> None:
    """Page after page, and on from any of them."""
    keys = [f"{number:032x}" for number in range(MOST_KEYS + 10)]
    await asyncio.gather(*(bucket.put(f"{key[:2]}/{key}", b"x") for key in keys))

    pages = [page async for page in objects.list_objects(after="")]

    assert [each.key for page in pages for each in page.objects] == keys
    assert len(pages) == 2
    assert [each.key for each in await listed(objects, after=pages[0].cursor)] == keys[MOST_KEYS:]


async def test_an_upload_that_goes_on_is_listed_by_its_key(objects: S3Storage) -> None:
    """Its tail and its multipart upload, so that whoever has the key is asked for."""
    async with objects.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
        await writer.write([b"x" * 100])
        await writer.sync()

        found = await listed(objects)

    assert found
    assert {(each.key, each.of_upload) for each in found} == {(KEY, True)}
