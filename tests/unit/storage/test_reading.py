"""How a file of a blob is read: from memory where it is there, else in a thread."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from hashlib import sha256
from pathlib import Path

import pytest

from entrepot.storage.disk import read_cached
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.port import BlobDamaged

KEY = "0" * 32
MIB = 1024 * 1024
CONTENT = os.urandom(3 * MIB + 5)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[FilesystemStorage]:
    """An empty storage."""
    with ThreadPoolExecutor(2) as threads:
        yield FilesystemStorage(tmp_path, threads=threads, reserve=0)


async def fill(storage: FilesystemStorage) -> None:
    """Write the blob."""
    async with storage.writer(KEY, offset=0, epoch=1, hasher=sha256()) as writer:
        await writer.write([CONTENT])
        await writer.sync()
    await storage.seal(KEY, size=len(CONTENT), epoch=1)


async def pieces(storage: FilesystemStorage, start: int = 0) -> list[bytes]:
    """What a read gives."""
    return [piece async for piece in storage.read(KEY, start=start, length=len(CONTENT) - start)]


def forget(path: Path) -> None:
    """Let the system have none of the file in memory, as far as it listens."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def test_what_is_not_in_memory_is_read_all_the_same(storage: FilesystemStorage, tmp_path: Path) -> None:
    """From the disk."""
    await fill(storage)
    forget(tmp_path / KEY[:2] / KEY)

    found = await pieces(storage, start=1)

    assert b"".join(found) == CONTENT[1:]


def test_reading_from_memory_never_gives_what_is_not_there(tmp_path: Path) -> None:
    """At the end of a file it gives nothing, as where it would have to wait."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    room = memoryview(bytearray(4))
    with path.open("rb") as file:
        found = [read_cached(file.fileno(), position, room) for position in (0, 8, 10)]

    assert found in ([b"0123", b"89", b""], [b"", b"", b""])  # the latter where the system cannot be asked


async def test_a_file_that_is_cut_while_it_is_read_ends_the_read(
    storage: FilesystemStorage, tmp_path: Path
) -> None:
    """Rather than to give fewer bytes than were asked for."""
    await fill(storage)
    path = tmp_path / KEY[:2] / KEY
    async with aclosing(storage.read(KEY, start=0, length=len(CONTENT))) as reading:
        await anext(reading)
        path.chmod(0o600)
        os.truncate(path, MIB // 2)

        with pytest.raises(BlobDamaged):
            async for _ in reading:
                pass


async def test_pieces_are_smaller_where_many_read(storage: FilesystemStorage) -> None:
    """So what the server holds of them for slow clients does not grow with their number; alone they are large."""
    await fill(storage)
    alone = await pieces(storage)
    async with AsyncExitStack() as others:
        for _ in range(99):
            other = await others.enter_async_context(aclosing(storage.read(KEY, start=0, length=len(CONTENT))))
            await anext(other)

        shared = await pieces(storage)

    assert max(map(len, alone)) == MIB // 2
    assert max(map(len, shared)) <= MIB // 16
    assert b"".join(shared) == CONTENT


async def test_a_read_lets_others_have_their_turn(storage: FilesystemStorage) -> None:
    """Also where it need not wait for anything."""
    await fill(storage)
    reading = asyncio.create_task(pieces(storage))
    turns = 0

    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns >= len(reading.result())
