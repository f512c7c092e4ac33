"""Blobs as plain files of one machine, shared by any number of worker processes.

    ROOT/4f/4f1c…e2          the bytes, from the first byte of the upload until the blob is deleted
    ROOT/4f/4f1c…e2.fence    the newest epoch, while the bytes may still change (``fence.py``)
    ROOT/identity            what ``identify`` was given

A file is never renamed. Mode 0600 says that it is being written, mode 0400 that it is sealed. A file's
name is made durable with its first bytes, and a folder's name with the first file in it.
"""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from entrepot.core.digest import Hasher
from entrepot.storage.disk import Disk, OpenFile, open_cached, open_to_read, read_at, read_cached
from entrepot.storage.port import BlobWriter, Listing, StorageFull, StorageUnavailable, StoredObject
from entrepot.storage.room import RESERVE
from entrepot.storage.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")

#: What a read takes at a time is a share of this. The server holds some such pieces for each client that is slow:
#: large ones cost memory where clients are many, small ones time where they are few.
_SHARED = 4 * 1024 * 1024
#: Above 512 KiB each piece is memory that the allocator takes from the system anew, at twice the cost.
_SMALLEST, _LARGEST = 16 * 1024, 512 * 1024
#: Objects that one page of a listing has.
_PAGE = 1000
#: No room on the disk, in the quota, or below the largest size a file may have.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FilesystemStorage:
    """Blobs below ``root``, which is made if it is absent.

    ``threads`` run every call that may wait for the disk. New bytes are refused once fewer than ``reserve``
    bytes are free, so that a database on the same disk can still commit. ``sync=False`` leaves durability to
    the kernel, for tests and measurements.
    """

    def __init__(self, root: Path, *, threads: Executor, sync: bool = True, reserve: int = RESERVE) -> None:
        self._threads = threads
        self._room = memoryview(bytearray(_LARGEST))
        self._readers = 0
        try:
            self._disk = Disk(root, sync=sync, reserve=reserve)
        except OSError as error:
            reason = os.strerror(error.errno or errno.EIO)
            raise StorageUnavailable(f"its folder cannot be made ({reason})") from error

    @asynccontextmanager
    async def writer(self, key: str, *, offset: int, epoch: int, hasher: Hasher) -> AsyncGenerator[BlobWriter]:
        """See the port; also raises BlobDamaged when fewer than ``offset`` bytes are there."""
        path = self._disk.path(key)
        with ExitStack() as held:
            file = await _run(self._threads, self._disk.open_to_write, path, offset, epoch, hasher, held)
            try:
                yield _Writer(file, self._threads)
            except BaseException:
                await _run(self._threads, file.discard)  # above all when the disk is full
                raise

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; a sealed blob is never cut again: another size than its own is Fenced."""
        await _run(self._threads, self._disk.seal, self._disk.path(key), size, epoch)

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; every byte is readable once it is written."""

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        path, position, end = self._disk.file(key), start, start + length
        self._readers += 1
        try:
            with ExitStack() as held:
                # A trip to a thread costs more than the rest, where the file and its bytes are in memory.
                file = open_cached(path, end, held)
                if file is None:
                    file = await _run(self._threads, open_to_read, path, end, held)
                while position < end:
                    length = min(self._piece, end - position)
                    chunk = read_cached(file, position, self._room[:length])
                    if not chunk:
                        chunk = await _run(self._threads, read_at, file, position, length)
                    position += len(chunk)
                    yield chunk
                    if position < end:  # neither the read nor who uses it may have waited: it is the others' turn
                        await asyncio.sleep(0)
        finally:
            self._readers -= 1

    @property
    def _piece(self) -> int:
        return max(_SMALLEST, min(_LARGEST, _SHARED // self._readers))

    async def delete(self, key: str) -> None:
        """See the port; after a power cut the key is still absent."""
        await _run(self._threads, self._disk.delete, self._disk.path(key))

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port."""
        for key in keys:
            await self.delete(key)

    async def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port; names are paths below the root. A folder is read at a time."""
        for folder in await _run(self._threads, self._disk.folders, after):
            objects = await _run(self._threads, self._disk.objects_in, folder, after)
            for start in range(0, len(objects), _PAGE):
                page = objects[start : start + _PAGE]
                yield Listing(page, page[-1].name if folder else "")

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port."""
        for each in objects:
            if each.key is not None:
                await _run(self._threads, self._disk.remove, self._disk.path(each.key), is_fence=each.of_upload)

    async def direct_url(self, key: str) -> None:
        """See the port."""

    async def check(self) -> None:
        """See the port."""
        await _run(self._threads, self._disk.check)

    async def identity(self) -> str | None:
        """See the port."""
        return await _run(self._threads, self._disk.identity)

    async def identify(self, identity: str) -> None:
        """See the port; after a power cut the name is still there, whole."""
        await _run(self._threads, self._disk.identify, identity)


class _Writer:
    """What ``writer`` hands out: the calls of an open file, each in a thread."""

    def __init__(self, file: OpenFile, threads: Executor) -> None:
        self._file = file
        self._threads = threads

    async def write(self, chunks: Sequence[bytes]) -> None:
        await _run(self._threads, self._file.append, chunks)

    async def sync(self) -> None:
        await _run(self._threads, self._file.sync)


async def _run(threads: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await in_thread(threads, call, *args, **kwargs)
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise StorageUnavailable(os.strerror(error.errno or errno.EIO)) from error
