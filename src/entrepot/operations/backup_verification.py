"""Checking that a backup has what its snapshot names, byte for byte (designs/backup.md)."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from entrepot.core.digest import Digest, hasher
from entrepot.features.backup import store
from entrepot.features.backup.store import StoredManifest
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.encryption.messages import open_message
from entrepot.keys.port import KeyServiceUnavailable, KeyUnusable
from entrepot.metadata.port import Metadata
from entrepot.operations.backup import BlobProgress, Damage, StoredBlob, for_each
from entrepot.storage.port import BlobDamaged, BlobStorage, StorageUnavailable

#: Manifests that are read at a time: each may have 4 MiB.
PAGE = 20

_NO_KEY = (KeyUnusable, KeyServiceUnavailable)


class Snapshot(Protocol):
    """Rows and bytes of a backup, and what its encrypted parts are opened with, as far as the keys are there."""

    @property
    def metadata(self) -> Metadata:
        """The rows."""
        ...

    @property
    def storage(self) -> BlobStorage:
        """The bytes as they are stored."""
        ...

    @property
    def encrypted_storage(self) -> BlobStorage:
        """The bytes as they were before they were encrypted."""
        ...

    @property
    def data_keys(self) -> DataKeys:
        """What unwraps data keys."""
        ...


@dataclass(slots=True)
class Verified:
    """What was checked, in ``bytes`` as they are stored; ``unopened`` by its length alone, for want of its key."""

    blobs: int = 0
    bytes: int = 0
    manifests: int = 0
    unopened: int = 0
    damaged: list[Damage] = field(default_factory=list[Damage])


async def verify(snapshot: Snapshot, blobs: Iterator[StoredBlob], progress: BlobProgress) -> Verified:
    """Compare the bytes of these blobs, and of all manifests of the snapshot, with their digests."""
    verified = Verified()

    async def verify_one(stored: StoredBlob) -> None:
        try:
            await _verify_blob(snapshot, stored, verified)
        except (BlobDamaged, StorageUnavailable) as error:
            verified.damaged.append(Damage("layer", stored.blob.digest, stored.key, error.message))
        verified.blobs += 1
        progress(verified.blobs)

    await for_each(blobs, verify_one)
    async for manifest in _manifests(snapshot.metadata):
        try:
            await _verify_manifest(snapshot.data_keys, manifest, verified)
        except BlobDamaged as error:
            verified.damaged.append(Damage("manifest", manifest.digest, "", error.message))
        verified.manifests += 1
    return verified


async def _verify_blob(snapshot: Snapshot, stored: StoredBlob, verified: Verified) -> None:
    blob, size = stored.blob, stored.require_stored_size()
    verified.bytes += size
    if not blob.is_encrypted:
        await _compare(snapshot.storage, blob.storage_key, blob.size, blob.digest)
        return
    try:
        await _compare(snapshot.encrypted_storage, blob.storage_key, blob.size, blob.digest)
    except _NO_KEY:
        verified.unopened += 1
        async with aclosing(snapshot.storage.read(blob.storage_key, start=size, length=0)) as nothing:
            await anext(nothing, None)


async def _compare(storage: BlobStorage, key: str, size: int, digest: str) -> None:
    expected = Digest.parse(digest)
    seen = hasher(expected.algorithm)
    async with aclosing(storage.read(key, start=0, length=size)) as chunks:
        async for chunk in chunks:
            seen.update(chunk)
    if seen.hexdigest() != expected.hex:
        raise BlobDamaged("they are not those of the digest")


async def _manifests(metadata: Metadata) -> AsyncGenerator[StoredManifest]:
    after = ("", "")
    while page := await metadata.read(lambda c, after=after: store.page_of_manifests(c, after, PAGE)):
        for manifest in page:
            yield manifest
        after = (page[-1].digest, page[-1].encryption_key)


async def _verify_manifest(data_keys: DataKeys, stored: StoredManifest, verified: Verified) -> None:
    content = stored.content
    if stored.wrapped is not None:
        try:
            content = open_message(await data_keys.unwrap(stored.wrapped), content, stored.digest)
        except _NO_KEY:
            verified.unopened += 1
            return
    expected = Digest.parse(stored.digest)
    if Digest.of(content, expected.algorithm) != expected:
        raise BlobDamaged("they are not those of the digest")
