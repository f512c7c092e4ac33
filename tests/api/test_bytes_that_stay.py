"""Bytes that the storage does not let go of: they wait, and hold up nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import insert, select
from tests.api.rows import execute, rows

from entrepot.core.clock import DAY
from entrepot.core.digest import hasher
from entrepot.core.garbage import Cause
from entrepot.metadata import tables
from entrepot.operations.collection import KEYS_AT_ONCE, remove_bytes
from entrepot.operations.services import Services
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import StorageUnavailable
from entrepot.testing.registry import RunningRegistry

STUCK = {f"{number:032x}" for number in (0, 1, 250, KEYS_AT_ONCE + 7)}


class Holding(MemoryStorage):
    """Does not delete some keys, whatever else is asked for with them; or nothing at all, while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = set(STUCK)
        self.is_away = False
        self.asked = 0

    async def delete_many(self, keys: Sequence[str]) -> None:
        """As the storage, unless one of them is stuck."""
        self.asked += 1
        if self.is_away or self.stuck & set(keys):
            raise StorageUnavailable("1 keys are not deleted: access to the bucket is denied")
        await super().delete_many(keys)

    async def check(self) -> None:
        """As the storage, unless it is away."""
        if self.is_away:
            raise StorageUnavailable("it is away")


@pytest.fixture
def storage() -> Holding:
    """Holds on to STUCK."""
    return Holding()


@pytest.fixture
async def services(registry: RunningRegistry, storage: Holding) -> Services:
    """Those of a registry with twice as many buried keys as are removed at a time."""
    keys = [f"{number:032x}" for number in range(2 * KEYS_AT_ONCE)]
    for key in keys:
        async with storage.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([b"garbage"])
    for first in range(0, len(keys), KEYS_AT_ONCE):
        buried = [
            {"storage_key": key, "size": 7, "cause": Cause.IMAGE, "made_at": number}
            for number, key in enumerate(keys[first : first + KEYS_AT_ONCE], first)
        ]
        await execute(registry, insert(tables.tombstones).values(buried))
    registry.clock.advance(DAY)
    return replace(registry.services, storage=storage)


async def tombstones(registry: RunningRegistry) -> set[str]:
    """The keys that are still to be removed."""
    return {key for (key,) in await rows(registry, select(tables.tombstones.c.storage_key))}


async def test_bytes_that_cannot_be_removed_hold_up_no_others(
    registry: RunningRegistry, services: Services, storage: Holding
) -> None:
    """All others go in one round, which ends; those that stay are tried again later."""
    while await remove_bytes(services):
        assert storage.asked < 100

    assert await tombstones(registry) == storage.keys() == STUCK

    storage.stuck.clear()
    registry.clock.advance(DAY)
    while await remove_bytes(services):
        pass

    assert await tombstones(registry) == storage.keys() == set()


async def test_a_storage_that_is_away_is_asked_once(
    registry: RunningRegistry, services: Services, storage: Holding
) -> None:
    """And every tombstone stays."""
    storage.is_away = True

    with pytest.raises(StorageUnavailable):
        await remove_bytes(services)

    assert storage.asked == 1
    assert len(await tombstones(registry)) == 2 * KEYS_AT_ONCE
