"""Blobs of a registry into another storage and what verifying finds, whichever way they are stored."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from tests.api.clients import ECR
from tests.api.images import digest_of, image, push, push_layer
from tests.api.rows import execute, rows
from tests.api.test_collection import storage_key

from entrepot.core.clock import system_clock
from entrepot.core.digest import hasher
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.keys.keyring import Keyring
from entrepot.keys.local import LocalKeyProvider
from entrepot.keys.master import MasterKeyWrapping
from entrepot.metadata import tables
from entrepot.metadata.port import Metadata
from entrepot.operations.backup import Copied, StoredBlob, blobs_of, copy_blobs, for_each
from entrepot.operations.backup_verification import Verified, verify
from entrepot.protocol.tokens import MasterKey
from entrepot.storage.encrypted import EncryptedStorage
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import BlobStorage, StorageUnavailable
from entrepot.testing.registry import RunningRegistry

PUSHED = image("first"), image("second")


@pytest.fixture(params=["AES256", "KMS", "KMS_DSSE"])
async def filled(request: pytest.FixtureRequest, ecr: ECR) -> str:
    """A repository with two images, stored in plain (AES256 without encryption at rest) or encrypted."""
    kind: str = request.param
    await ecr("CreateRepository", repositoryName="filled", encryptionConfiguration={"encryptionType": kind})
    for pushed in PUSHED:
        await push(ecr, "filled", pushed)
    return kind


async def blobs(registry: RunningRegistry) -> list[StoredBlob]:
    """What a snapshot names now."""
    return await registry.services.metadata.read(lambda connection: list(blobs_of(connection)))


async def back_up(registry: RunningRegistry, target: BlobStorage, epoch: int = 1) -> Copied:
    """Copy what is missing there."""
    found = iter(await blobs(registry))
    return await copy_blobs(found, registry.storage, target, epoch=epoch, progress=tell_nobody)


def tell_nobody(_done: int) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Backup:
    """Rows and bytes of a backup, and its keys."""

    metadata: Metadata
    storage: BlobStorage
    encrypted_storage: BlobStorage
    data_keys: DataKeys


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Where encryption runs."""
    with ThreadPoolExecutor(1) as threads:
        yield threads


def backup_of(
    registry: RunningRegistry,
    storage: MemoryStorage,
    threads: ThreadPoolExecutor,
    data_keys: DataKeys | None = None,
) -> Backup:
    """A backup in this storage, with the keys of the registry or others."""
    services = registry.services
    keys = data_keys or services.data_keys
    ledger = MetadataSegmentLedger(services.metadata)
    encrypted = EncryptedStorage(storage, ledger, keys.unwrap, threads=threads, random_bytes=bytes)
    return Backup(services.metadata, storage, encrypted, keys)


def no_keys(folder: Path) -> DataKeys:
    """What somebody has who has neither the keyring nor the master key."""
    kms = LocalKeyProvider(Keyring(folder / "keyring.json", system_clock))
    return DataKeys(kms, MasterKeyWrapping(MasterKey(bytes(32))), system_clock)


async def check(registry: RunningRegistry, backup: Backup) -> Verified:
    """What verifying finds."""
    return await verify(backup, iter(await blobs(registry)), tell_nobody)


async def replace_bytes(storage: MemoryStorage, key: str, content: bytes) -> None:
    """What a rotten disk does."""
    await storage.delete(key)
    async with storage.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
        await writer.write([content])
        await writer.sync()
    await storage.seal(key, size=len(content), epoch=1)


async def content(storage: BlobStorage, key: str, size: int) -> bytes:
    """Stored bytes."""
    return b"".join([chunk async for chunk in storage.read(key, start=0, length=size)])


@pytest.mark.usefixtures("filled")
async def test_a_backup_has_every_byte_as_it_is_stored(registry: RunningRegistry) -> None:
    """Under the same keys; what is encrypted stays so."""
    target = MemoryStorage()

    copied = await back_up(registry, target)

    named = await blobs(registry)
    assert len(named) == copied.blobs == copied.new_blobs == 4
    for stored in named:
        size = stored.require_stored_size()
        assert await content(target, stored.key, size) == await content(registry.storage, stored.key, size)
    assert copied.bytes == copied.new_bytes == sum(stored.require_stored_size() for stored in named)


async def test_a_second_backup_copies_what_is_new(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """And nothing else."""
    target = MemoryStorage()
    await push(ecr, repository, PUSHED[0])
    await back_up(registry, target)
    await push_layer(ecr, repository, b"new")

    copied = await back_up(registry, target, epoch=2)

    assert (copied.blobs, copied.new_blobs, copied.new_bytes) == (3, 1, 3)


async def test_a_copy_that_broke_off_is_made_anew(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Whatever there is of it already."""
    await push_layer(ecr, repository, b"content")
    key, target = await storage_key(registry, b"content"), MemoryStorage()
    async with target.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
        await writer.write([b"XXXX and more than there is"])

    copied = await back_up(registry, target, epoch=2)

    assert copied.new_blobs == 1
    assert await content(target, key, 7) == b"content"


async def test_a_copy_that_was_cut_short_is_made_anew(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Though it was complete once."""
    await push_layer(ecr, repository, b"content")
    key, target = await storage_key(registry, b"content"), MemoryStorage()
    await replace_bytes(target, key, b"cont")

    copied = await back_up(registry, target, epoch=2)

    assert copied.new_blobs == 1
    assert await content(target, key, 7) == b"content"


@pytest.mark.parametrize("found", [None, b"CONTENT", b"cont"], ids=["gone", "changed", "short"])
async def test_bytes_that_the_registry_has_lost_are_reported_and_left_out(
    ecr: ECR, registry: RunningRegistry, repository: str, found: bytes | None
) -> None:
    """The others are copied all the same."""
    await push_layer(ecr, repository, b"content")
    await push_layer(ecr, repository, b"other")
    key, target = await storage_key(registry, b"content"), MemoryStorage()
    await registry.storage.delete(key)
    if found is not None:
        await replace_bytes(registry.storage, key, found)

    copied = await back_up(registry, target)

    assert [(damage.digest, damage.storage_key) for damage in copied.damaged] == [(digest_of(b"content"), key)]
    assert (copied.blobs, copied.new_blobs) == (2, 1)
    with pytest.raises(Exception, match="cannot be read"):
        await content(target, key, 1)


@pytest.mark.usefixtures("filled")
async def test_what_is_whole_is_found_whole(registry: RunningRegistry, threads: ThreadPoolExecutor) -> None:
    """Every layer and every manifest was opened."""
    target = MemoryStorage()
    await back_up(registry, target)

    verified = await check(registry, backup_of(registry, target, threads))

    assert (verified.blobs, verified.manifests, verified.unopened, verified.damaged) == (4, 2, 0, [])


@pytest.mark.usefixtures("filled")
async def test_a_byte_that_differs_is_found(registry: RunningRegistry, threads: ThreadPoolExecutor) -> None:
    """And named by its digest and its storage key."""
    target = MemoryStorage()
    await back_up(registry, target)
    damaged = (await blobs(registry))[1]
    stored = bytearray(await content(target, damaged.key, damaged.require_stored_size()))
    stored[-1] ^= 1
    await replace_bytes(target, damaged.key, bytes(stored))

    verified = await check(registry, backup_of(registry, target, threads))

    assert [(each.kind, each.digest, each.storage_key) for each in verified.damaged] == [
        ("layer", damaged.blob.digest, damaged.key)
    ]


async def test_without_keys_a_blob_that_is_too_short_is_found(
    filled: str, registry: RunningRegistry, threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """What could not be opened is counted."""
    target = MemoryStorage()
    await back_up(registry, target)
    short = (await blobs(registry))[1]
    stored = await content(target, short.key, short.require_stored_size())
    await replace_bytes(target, short.key, stored[:-1])

    verified = await check(registry, backup_of(registry, target, threads, no_keys(tmp_path)))

    assert [each.digest for each in verified.damaged] == [short.blob.digest]
    assert verified.unopened == (0 if filled == "AES256" else 6)


@pytest.mark.registry(encrypt_at_rest=True)
async def test_without_the_master_key_what_is_encrypted_at_rest_is_not_opened(
    ecr: ECR, registry: RunningRegistry, repository: str, threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """With it all is."""
    target = MemoryStorage()
    await push(ecr, repository, PUSHED[0])
    await back_up(registry, target)

    without = await check(registry, backup_of(registry, target, threads, no_keys(tmp_path)))
    opened = await check(registry, backup_of(registry, target, threads))

    assert (without.unopened, without.damaged) == (3, [])
    assert (opened.unopened, opened.damaged) == (0, [])


@pytest.mark.usefixtures("filled")
async def test_a_manifest_that_differs_is_found(registry: RunningRegistry, threads: ThreadPoolExecutor) -> None:
    """And named by its digest."""
    target = MemoryStorage()
    await back_up(registry, target)
    digest = PUSHED[0].digest
    of_digest = tables.manifests.c.digest == digest
    ((stored,),) = await rows(registry, select(tables.manifests.c.content).where(of_digest))
    changed = bytes(stored)[:-1] + bytes([stored[-1] ^ 1])
    await execute(registry, update(tables.manifests).where(of_digest).values(content=changed))

    verified = await check(registry, backup_of(registry, target, threads))

    assert [(each.kind, each.digest) for each in verified.damaged] == [("manifest", digest)]


@pytest.mark.registry(encrypt_at_rest=True)
async def test_a_blob_without_its_data_key_is_found(
    ecr: ECR, registry: RunningRegistry, repository: str, threads: ThreadPoolExecutor
) -> None:
    """By the backup, and when that is verified: nobody can read it any more."""
    await push_layer(ecr, repository, b"content")
    key, target = await storage_key(registry, b"content"), MemoryStorage()
    for table in (tables.encrypted_segments, tables.data_keys):
        await execute(registry, delete(table).where(table.c.storage_key == key))

    copied = await back_up(registry, target)
    verified = await check(registry, backup_of(registry, target, threads))

    reasons = {each.reason for each in (*copied.damaged, *verified.damaged)}
    assert reasons == {"The stored bytes cannot be read: their data key is missing"}


async def test_the_first_error_ends_all_work() -> None:
    """And is raised as it is; others do not go on to their ends."""
    done: list[int] = []

    async def work(number: int) -> None:
        if number == 20:
            raise StorageUnavailable("it is away")
        if number > 20:
            await asyncio.Event().wait()
        done.append(number)

    with pytest.raises(StorageUnavailable):
        await for_each(iter(range(100)), work)

    assert done == list(range(20))


async def test_each_item_is_worked_on_once() -> None:
    """However many work at a time."""
    done: list[int] = []

    async def work(number: int) -> None:
        done.append(number)

    await for_each(iter(range(100)), work)

    assert sorted(done) == list(range(100))
