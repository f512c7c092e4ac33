"""Which storage goes with a database, on both kinds of them."""

import asyncio
import secrets
from collections.abc import Callable

import pytest

from entrepot.metadata.blob_store import find_claim
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate
from entrepot.operations.blob_store import NotStarted, StorageTaken, WrongStorage, check_storage, claim_storage
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import StorageFull

OpenMetadata = Callable[[], Metadata]


@pytest.fixture
async def metadata(open_metadata: OpenMetadata) -> Metadata:
    """A database that no storage goes with yet."""
    metadata = open_metadata()
    await metadata.write(migrate)
    return metadata


async def claim(metadata: Metadata, storage: MemoryStorage) -> None:
    """What a registry does when it starts."""
    await claim_storage(metadata, storage, secrets.token_hex)


async def test_the_first_storage_stays(metadata: Metadata) -> None:
    """Each further start over it passes; over another, which is empty, none does, and it stays as it is."""
    ours, other = MemoryStorage(), MemoryStorage()
    await claim(metadata, ours)
    await claim(metadata, ours)

    for refused in (claim, check_storage):
        with pytest.raises(WrongStorage, match=f"the identity {await ours.identity()}, and .* has none"):
            await refused(metadata, other)

    assert await other.identity() is None
    await check_storage(metadata, ours)


async def test_the_storage_of_another_database_is_refused(metadata: Metadata) -> None:
    """Also by a database that has none yet: of two that share a place, each would take the other's bytes for lost.

    Nothing is written: it may be the storage that goes with this database once a restore has come to its end.
    """
    storage = MemoryStorage()
    await storage.identify("other")

    with pytest.raises(StorageTaken, match="the identity other"):
        await claim(metadata, storage)

    assert await storage.identity() == "other"
    assert await metadata.look_up(find_claim) is None


async def test_a_database_that_knows_of_no_storage_is_refused(metadata: Metadata) -> None:
    """Before the first start, and while one is restored into it: its rows say nothing of what lies there."""
    empty, restored = MemoryStorage(), MemoryStorage()
    await restored.identify("new")

    for storage in (empty, restored):
        with pytest.raises(NotStarted):
            await check_storage(metadata, storage)


async def test_replicas_may_start_together(metadata: Metadata, open_metadata: OpenMetadata) -> None:
    """All write one identity, whichever comes first."""
    storage = MemoryStorage()

    await asyncio.gather(*(claim(each, storage) for each in (metadata, open_metadata(), open_metadata())))

    await claim(metadata, storage)


async def test_a_claim_that_broke_off_is_finished_by_the_next_start(metadata: Metadata) -> None:
    """As on a full disk: the identity is in the database and not yet in the storage."""
    storage = MemoryStorage(capacity=0)
    with pytest.raises(StorageFull):
        await claim(metadata, storage)
    await check_storage(metadata, storage)

    storage.capacity = 1000
    await claim(metadata, storage)

    with pytest.raises(WrongStorage):
        await claim(metadata, MemoryStorage())


async def test_a_copy_with_the_same_identity_will_do(metadata: Metadata) -> None:
    """Layers may be moved to another place, with all that lies beside them."""
    storage, copy = MemoryStorage(), MemoryStorage()
    await claim(metadata, storage)

    await copy.identify(await storage.identity() or "")

    await claim(metadata, copy)
