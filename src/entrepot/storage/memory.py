"""Blobs in memory: the twin of the filesystem driver, for tests and for a registry inside a test."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from entrepot.core.digest import Hasher
from entrepot.storage.port import BlobDamaged, BlobWriter, Fenced, Listing, StorageFull, StoredObject

_MIB = 2**20
_PAGE = 1000
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class _Blob:
    content: bytearray = field(default_factory=bytearray)
    epoch: int = -1
    closed: bool = False  # sealed, or deleted while somebody still held it

    def admit(self, epoch: int) -> None:
        if self.closed or self.epoch > epoch:
            raise Fenced
        self.epoch = epoch

    def require(self, size: int) -> None:
        if len(self.content) < size:
            raise BlobDamaged(f"{len(self.content)} of {size} bytes are there")


class MemoryStorage:
    """Blobs in the memory of one event loop.

    New bytes are refused once ``capacity`` bytes are kept; a test may lower it to see a full storage.
    """

    def __init__(self, *, capacity: int = 1024 * _MIB) -> None:
        self.capacity = capacity
        self._blobs: dict[str, _Blob] = {}
        self._identity: str | None = None

    @asynccontextmanager
    async def writer(self, key: str, *, offset: int, epoch: int, hasher: Hasher) -> AsyncGenerator[BlobWriter]:
        """See the port; also raises BlobDamaged when fewer than ``offset`` bytes are there."""
        self.require_room()
        blob = self._blobs.setdefault(_checked(key), _Blob())
        blob.admit(epoch)
        blob.require(offset)
        try:
            yield _Writer(self, blob, offset, epoch, hasher)
        except BaseException:
            if not blob.closed and blob.epoch == epoch:
                del blob.content[offset:]
            raise

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; a sealed blob is never cut again: another size than its own is Fenced."""
        blob = self._blobs.setdefault(_checked(key), _Blob())
        if not blob.closed:
            blob.admit(epoch)
        blob.require(size)
        if blob.closed and len(blob.content) > size:
            raise Fenced
        del blob.content[size:]
        blob.closed = True

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; every byte is readable once it is written."""

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        blob = self._blobs.get(_checked(key))
        if blob is None:
            raise BlobDamaged("they are missing")
        blob.require(start + length)
        for position in range(start, start + length, _MIB):
            yield bytes(blob.content[position : min(position + _MIB, start + length)])

    async def delete(self, key: str) -> None:
        """See the port."""
        blob = self._blobs.pop(_checked(key), None)
        if blob is not None:
            blob.closed = True

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port."""
        for key in keys:
            await self.delete(key)

    async def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port; the names are the keys."""
        while keys := sorted(key for key in self._blobs if key > after)[:_PAGE]:
            after = keys[-1]
            yield Listing([StoredObject(key, key, len(self._blobs[key].content)) for key in keys], after)

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port."""
        await self.delete_many([each.name for each in objects])

    async def direct_url(self, key: str) -> None:
        """See the port."""

    async def check(self) -> None:
        """See the port."""
        self.require_room()

    async def identity(self) -> str | None:
        """See the port."""
        return self._identity

    async def identify(self, identity: str) -> None:
        """See the port."""
        self.require_room()
        self._identity = identity

    def keys(self) -> set[str]:
        """Every key that has bytes: for tests, since the registry never lists."""
        return set(self._blobs)

    def require_room(self) -> None:
        """Raise StorageFull when the capacity has been reached."""
        if sum(len(blob.content) for blob in self._blobs.values()) >= self.capacity:
            raise StorageFull


class _Writer:
    """What ``writer`` hands out."""

    def __init__(self, storage: MemoryStorage, blob: _Blob, offset: int, epoch: int, hasher: Hasher) -> None:
        self._storage = storage
        self._blob = blob
        self._offset = offset
        self._epoch = epoch
        self._hasher = hasher

    async def write(self, chunks: Sequence[bytes]) -> None:
        self._storage.require_room()
        self._blob.admit(self._epoch)
        for chunk in chunks:
            self._blob.content[self._offset : self._offset + len(chunk)] = chunk
            self._offset += len(chunk)
            self._hasher.update(chunk)

    async def sync(self) -> None:
        """Memory is as durable as it gets."""


def _checked(key: str) -> str:
    """ValueError for what is no key, as from the driver whose keys become file names."""
    if _KEY.fullmatch(key) is None:
        message = "a storage key is 32 lower case hexadecimal digits"
        raise ValueError(message)
    return key
