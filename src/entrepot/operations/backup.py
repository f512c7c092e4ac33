"""Blobs from one storage into another, by the rows of a snapshot: into a backup, and back (designs/backup.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from entrepot.core.digest import Digest, hasher
from entrepot.features.backup import store
from entrepot.features.backup.store import Blob
from entrepot.features.encryption import store as encryption
from entrepot.features.encryption.data_keys import layers_of
from entrepot.storage.port import BlobDamaged, BlobStorage, Fenced

T = TypeVar("T")

#: Rows that are read at a time.
PAGE = 500
#: Blobs that are copied or checked at a time: with S3 most of the time is waiting.
AT_ONCE = 8

#: Told how many blobs are done with.
BlobProgress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of a snapshot; ``stored_size`` is how many bytes lie under its key, None where nobody knows it."""

    blob: Blob
    stored_size: int | None

    @property
    def key(self) -> str:
        """Its storage key."""
        return self.blob.storage_key

    def require_stored_size(self) -> int:
        """The stored size; raises BlobDamaged."""
        if self.stored_size is None:
            raise BlobDamaged("their data key is missing")
        return self.stored_size


@dataclass(frozen=True, slots=True)
class Damage:
    """A layer or a manifest (``kind``) whose bytes are not there, or are not those of its digest."""

    kind: str
    digest: str
    storage_key: str
    reason: str


@dataclass(slots=True)
class Copied:
    """How many blobs there are, of how many stored bytes, and which part of them was copied now."""

    blobs: int = 0
    bytes: int = 0
    new_blobs: int = 0
    new_bytes: int = 0
    damaged: list[Damage] = field(default_factory=list[Damage])


def blobs_of(snapshot: Connection) -> Iterator[StoredBlob]:
    """Every blob of a snapshot in the order of their keys, with its stored size; reads a page at a time."""
    after = ""
    while page := store.page_of_blobs(snapshot, after, PAGE):
        for blob in page:
            yield StoredBlob(blob, _stored_size(snapshot, blob))
        after = page[-1].storage_key


def keys_of(snapshot: Connection) -> Iterator[str]:
    """The storage key of every blob of a snapshot, in order; reads a page at a time."""
    after = ""
    while page := store.page_of_keys(snapshot, after, PAGE):
        yield from page
        after = page[-1]


def _stored_size(snapshot: Connection, blob: Blob) -> int | None:
    if not blob.is_encrypted:
        return blob.size
    known = encryption.find_before(snapshot, blob.storage_key, blob.size)
    if known is None:
        return None
    return known.segments[-1].stored_end(layers_of(known.wrapped)) if known.segments else 0


async def copy_blobs(
    blobs: Iterator[StoredBlob], source: BlobStorage, target: BlobStorage, *, epoch: int, progress: BlobProgress
) -> Copied:
    """Copy the blobs that ``target`` lacks, as they are stored and under the same keys; what is copied is durable.

    ``epoch`` is greater than that of any earlier copy. Those whose bytes are missing or wrong are reported and
    left out. Raises StorageFull, StorageUnavailable; then the next copy goes on from here.
    """
    done = Copied()

    async def copy_one(stored: StoredBlob) -> None:
        try:
            size = stored.require_stored_size()
            is_new = await _copy_blob(stored.blob, size, source, target, epoch)
        except BlobDamaged as error:
            done.damaged.append(Damage("layer", stored.blob.digest, stored.key, error.message))
        else:
            done.bytes += size
            done.new_blobs += is_new
            done.new_bytes += size if is_new else 0
        done.blobs += 1
        progress(done.blobs)

    await for_each(blobs, copy_one)
    return done


async def _copy_blob(blob: Blob, size: int, source: BlobStorage, target: BlobStorage, epoch: int) -> bool:
    """False when it is there already: what is sealed is complete, for no key is written twice."""
    try:
        await _write(blob, size, source, target, epoch)
    except Fenced:
        if await _is_stored(target, blob.storage_key, size):
            return False
        await target.delete(blob.storage_key)  # somebody has cut it short since
        await _write(blob, size, source, target, epoch)
    except BlobDamaged:
        await target.delete(blob.storage_key)
        raise
    await target.seal(blob.storage_key, size=size, epoch=epoch)
    return True


async def _write(blob: Blob, size: int, source: BlobStorage, target: BlobStorage, epoch: int) -> None:
    expected = Digest.parse(blob.digest)
    seen = hasher(expected.algorithm)
    async with target.writer(blob.storage_key, offset=0, epoch=epoch, hasher=seen) as writer:
        async with aclosing(source.read(blob.storage_key, start=0, length=size)) as chunks:
            async for chunk in chunks:
                await writer.write([chunk])
        if not blob.is_encrypted and seen.hexdigest() != expected.hex:
            raise BlobDamaged("they are not those of the digest")
        await writer.sync()


async def _is_stored(storage: BlobStorage, key: str, size: int) -> bool:
    try:
        async with aclosing(storage.read(key, start=size, length=0)) as nothing:
            await anext(nothing, None)
    except BlobDamaged:
        return False
    return True


async def for_each(items: Iterator[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Do ``work`` for each item, some at a time; the first error ends the others and is raised."""

    async def take() -> None:
        for item in items:  # whoever is free takes the next one
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(take())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
