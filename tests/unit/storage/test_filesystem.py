"""What is special about files: modes, links, other processes, descriptors, a disk that is full."""

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.digest import hasher
from entrepot.storage import disk
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.port import BlobDamaged, StorageFull, StorageUnavailable
from entrepot.testing.blob_contract import KEY, MIB, OTHER_KEY, fetch, store, upload

STALLED_WRITER = Path(__file__).with_name("stalled_writer.py")


@pytest.fixture
def threads() -> Iterator[Executor]:
    """A few threads, so that calls meet."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "data" / "blobs"


@pytest.fixture
def storage(root: Path, threads: Executor) -> FilesystemStorage:
    """Files in a folder of the test's own."""
    return FilesystemStorage(root, threads=threads)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "entrepot-test", tmp_path]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


@contextmanager
def stalled_writer(root: Path) -> Generator["subprocess.Popen[str]"]:
    """Another process that has written to KEY with epoch 1 and now waits for a line."""
    command = [sys.executable, STALLED_WRITER, root, KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        try:
            yield process
        finally:
            process.kill()


def mode(path: Path) -> int:
    """The permission bits."""
    return path.stat().st_mode & 0o777


def open_descriptors() -> set[Path]:
    """What this process holds open."""
    return set(Path("/proc/self/fd").iterdir())


class Pausing:
    """A hasher that waits in the middle of a write until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def update(self, _data: bytes | bytearray | memoryview, /) -> None:
        """Wait."""
        self.entered.set()
        self.released.wait()

    def hexdigest(self) -> str:
        """Nothing was hashed."""
        return ""

    def copy(self) -> "Pausing":
        """Itself."""
        return self


async def test_nobody_else_can_read_what_is_stored(storage: FilesystemStorage, root: Path) -> None:
    """Folders are 0700 and files 0600 from the start."""
    await upload(storage, b"content")

    assert [mode(root), mode(root / KEY[:2])] == [0o700, 0o700]
    assert {mode(file) for file in (root / KEY[:2]).iterdir()} == {0o600}


async def test_a_sealed_blob_is_one_read_only_file(storage: FilesystemStorage, root: Path) -> None:
    """Sealing leaves the file where it was, takes its write bit and its fence, and keeps its inode."""
    await upload(storage, b"content and garbage")
    inode = (root / KEY[:2] / KEY).stat().st_ino

    await storage.seal(KEY, size=len(b"content"), epoch=1)
    with pytest.raises(Exception, match="newer request"):
        await upload(storage, b"newer", epoch=2)

    (file,) = (root / KEY[:2]).iterdir()
    assert (file.name, file.stat().st_ino, mode(file)) == (KEY, inode, 0o400)


async def test_deleting_leaves_no_file(storage: FilesystemStorage, root: Path) -> None:
    """A cancelled upload takes its fence with it."""
    await upload(storage, b"content")

    await storage.delete(KEY)

    assert list((root / KEY[:2]).iterdir()) == []


async def test_a_link_is_not_followed(storage: FilesystemStorage, root: Path, tmp_path: Path) -> None:
    """A symbolic link in the place of a blob leads nowhere, for reading and for writing."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (root / KEY[:2]).mkdir()
    (root / KEY[:2] / KEY).symlink_to(secret)

    with pytest.raises(StorageUnavailable):
        await fetch(storage, 6)
    with pytest.raises(StorageUnavailable):
        await upload(storage, b"broken")

    assert secret.read_bytes() == b"secret"


@pytest.fixture
def other_disk(root: Path, tmp_path: Path) -> Path:
    """Where the root leads, which is a link."""
    other_disk = tmp_path / "other disk"
    other_disk.mkdir()
    root.parent.mkdir()
    root.symlink_to(other_disk)
    return other_disk


async def test_the_root_may_be_a_link(root: Path, other_disk: Path, threads: Executor) -> None:
    """To another disk: on a fresh folder and on one in use everything works, and is there by its own name too."""
    fresh = FilesystemStorage(root, threads=threads)
    await fresh.identify("identity")
    await store(fresh, b"content")
    in_use = FilesystemStorage(root, threads=threads)
    await store(in_use, b"other", key=OTHER_KEY)
    await in_use.delete(OTHER_KEY)
    await in_use.check()

    assert await in_use.identity() == "identity"
    assert await fetch(FilesystemStorage(other_disk, threads=threads), 7) == b"content"


async def test_a_folder_of_the_root_may_be_a_link(tmp_path: Path, threads: Executor) -> None:
    """What is missing below it is made."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to("elsewhere")

    await store(FilesystemStorage(tmp_path / "data" / "blobs", threads=threads), b"content")

    assert (tmp_path / "elsewhere" / "blobs" / KEY[:2] / KEY).read_bytes() == b"content"


async def test_a_link_in_place_of_a_folder_below_the_root_is_refused(
    storage: FilesystemStorage, root: Path, tmp_path: Path
) -> None:
    """Nothing is stored by way of it, though the root may be one."""
    (root / KEY[:2]).symlink_to(tmp_path)

    with pytest.raises(StorageUnavailable):
        await store(storage, b"content")


async def test_a_failing_disk_is_unavailable_and_names_no_path(storage: FilesystemStorage, root: Path) -> None:
    """An error of the operating system says what went wrong, and not where."""
    (root / KEY[:2]).write_bytes(b"a file where a folder should be")

    with pytest.raises(StorageUnavailable) as refusal:
        await upload(storage, b"content")

    assert "File exists" in refusal.value.message
    assert str(root) not in refusal.value.message


async def test_a_blob_that_shrinks_while_it_is_read_ends_in_an_error(
    storage: FilesystemStorage, root: Path
) -> None:
    """Bytes that vanish between two chunks are BlobDamaged, not a shorter answer."""
    await store(storage, b"x" * (3 * MIB))

    reading = aiter(storage.read(KEY, start=0, length=3 * MIB))
    await anext(reading)
    os.truncate(root / KEY[:2] / KEY, MIB)

    with pytest.raises(BlobDamaged):
        _ = [chunk async for chunk in reading]


async def test_a_stalled_process_is_fenced(storage: FilesystemStorage, root: Path) -> None:
    """A writer in another process, opened before, changes nothing once a newer one is open here."""
    with stalled_writer(root) as process:
        async with storage.writer(KEY, offset=4, epoch=2, hasher=hasher("sha256")) as writer:
            answer, _ = await asyncio.to_thread(process.communicate, "go on\n")
            await writer.write([b"new"])
        await storage.seal(KEY, size=7, epoch=2)

    assert answer == "fenced\n"
    assert await fetch(storage, 7) == b"old new"


async def test_a_killed_process_blocks_nobody(storage: FilesystemStorage, root: Path) -> None:
    """What a killed worker wrote stays for the next one, which need not wait for it."""
    with stalled_writer(root) as process:
        process.kill()

    await upload(storage, b" new", offset=len(b"old old"), epoch=2)
    await storage.seal(KEY, size=len(b"old old new"), epoch=2)

    assert await fetch(storage, len(b"old old new")) == b"old old new"


@contextmanager
def batch_on_its_way(fence: Path) -> Generator[Callable[[], bool]]:
    """Hold the lock of a fence, as a writer does in the middle of a batch; the call tells if somebody waits."""
    with fence.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = re.compile(rf"-> FLOCK .*:{fence.stat().st_ino} ")
        yield lambda: waiting.search(Path("/proc/locks").read_text()) is not None


@pytest.mark.parametrize("call", ["open", "write", "seal", "delete"])
async def test_a_batch_on_its_way_is_waited_for(storage: FilesystemStorage, root: Path, call: str) -> None:
    """Nobody opens, writes, seals or deletes while the bytes of another are half-way into the file."""
    async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
        calls: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "open": lambda: upload(storage, b"newer", epoch=2),
            "write": lambda: writer.write([b"bytes"]),
            "seal": lambda: storage.seal(KEY, size=0, epoch=1),
            "delete": lambda: storage.delete(KEY),
        }

        with batch_on_its_way(root / KEY[:2] / f"{KEY}.fence") as is_waited_for:
            running = asyncio.create_task(calls[call]())
            while not (is_waited_for() or running.done()):
                await asyncio.wait([running], timeout=0.01)
            assert not running.done()

        await running


async def test_a_cancelled_write_ends_before_its_file_is_closed(storage: FilesystemStorage) -> None:
    """A cancelled request waits for its thread, however often it is cancelled, and leaks no descriptor."""
    open_before, digest = open_descriptors(), Pausing()

    async def push() -> None:
        async with storage.writer(KEY, offset=0, epoch=1, hasher=digest) as writer:
            await writer.write([b"content"])

    request = asyncio.create_task(push())
    await asyncio.to_thread(digest.entered.wait)
    for _cancellation in range(3):
        request.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not request.done()
    digest.released.set()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert open_descriptors() == open_before


async def test_a_queued_write_of_a_cancelled_request_is_never_begun(root: Path) -> None:
    """With every thread at work, a cancelled request does not wait for its turn."""
    digest = Pausing()
    with ThreadPoolExecutor(1) as threads:
        storage = FilesystemStorage(root, threads=threads)
        async with storage.writer(KEY, offset=0, epoch=1, hasher=digest) as writer:
            busy = asyncio.create_task(writer.write([b"content"]))
            await asyncio.to_thread(digest.entered.wait)
            queued = asyncio.create_task(upload(storage, b"content", key=OTHER_KEY))
            await asyncio.sleep(0)

            queued.cancel()
            with pytest.raises(asyncio.CancelledError):
                await queued

            digest.released.set()
            await busy

    assert not (root / OTHER_KEY[:2] / OTHER_KEY).exists()


async def test_refused_calls_leak_no_descriptor(storage: FilesystemStorage) -> None:
    """Readers that stop early and calls that are refused close what they opened."""
    await store(storage, b"x" * (3 * MIB))
    open_before = open_descriptors()

    reading = storage.read(KEY, start=0, length=3 * MIB)
    await anext(reading)
    await reading.aclose()
    with pytest.raises(BlobDamaged):
        await fetch(storage, 4 * MIB)
    with pytest.raises(Exception, match="newer request"):
        await upload(storage, b"late", epoch=2)
    with pytest.raises(BlobDamaged):
        await upload(storage, b"hole", key=OTHER_KEY, offset=1)

    assert open_descriptors() == open_before


async def test_a_full_disk_refuses_bytes_and_keeps_the_rest(small_disk: Path, threads: Executor) -> None:
    """A real file system without a free block: StorageFull, the committed bytes stay, deleting makes room."""
    storage = FilesystemStorage(small_disk / "blobs", threads=threads, reserve=0)
    await store(storage, b"x" * (MIB // 2))
    await upload(storage, b"committed", key=OTHER_KEY)

    with pytest.raises(StorageFull):
        await upload(storage, b"y" * MIB, key=OTHER_KEY, offset=9, epoch=2)

    assert await fetch(storage, 9, key=OTHER_KEY) == b"committed"
    await storage.delete(KEY)
    await upload(storage, b"y" * (MIB // 2), key=OTHER_KEY, offset=9, epoch=2)
    await storage.seal(OTHER_KEY, size=9 + MIB // 2, epoch=2)


async def test_an_upload_stops_at_the_reserve(small_disk: Path, threads: Executor) -> None:
    """An upload that was begun with room to spare may not use the reserve up, and gives its room back."""
    storage = FilesystemStorage(small_disk / "blobs", threads=threads, reserve=MIB // 2)

    reached = MIB

    async def push_without_end() -> None:
        nonlocal reached
        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            while True:
                reached = shutil.disk_usage(small_disk).free
                await writer.write([b"x" * 65536])

    with pytest.raises(StorageFull):
        await push_without_end()

    assert reached <= MIB // 2 < shutil.disk_usage(small_disk).free


@given(chunks=st.lists(st.binary(max_size=5), max_size=8), share=st.floats(0, 1))
def test_a_short_write_goes_on_at_the_first_byte_that_is_left(chunks: list[bytes], share: float) -> None:
    """However the kernel cuts a batch of chunks, what is left is exactly the rest."""
    content = b"".join(chunks)
    written = int(len(content) * share)

    left = disk.unwritten(chunks, written)

    assert b"".join(left) == content[written:]
