"""Pins: what a backup is to copy outlives the collector, in whatever order the two get on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, delete, select
from tests.api.clients import ECR
from tests.api.images import push_layer
from tests.api.rows import count, execute, is_stored, rows
from tests.api.test_collection import UNTIL_REMOVED, collect_after, storage_key

from entrepot.core.clock import DAY, HOUR, MINUTE
from entrepot.features.backup.errors import PinExpired
from entrepot.features.collection import store as collection
from entrepot.features.collection.store import Pin
from entrepot.features.layers.rules import CLOCK_SKEW
from entrepot.metadata import tables
from entrepot.metadata.port import Metadata, MetadataUnavailable
from entrepot.operations.backup import blobs_of
from entrepot.operations.collection import remove_bytes, report_garbage
from entrepot.operations.pins import PIN_LIFE, while_pinned
from entrepot.operations.services import Services
from entrepot.storage.memory import MemoryStorage
from entrepot.testing.registry import RunningRegistry

T = TypeVar("T")

CONTENT = b"content"
UNTIL_BURIED = DAY + CLOCK_SKEW
AT_ONCE = 0.0


async def do_nothing() -> None:
    """Work that is done at once."""


async def pin_for(registry: RunningRegistry, microseconds: int) -> None:
    """Hold what a backup that began now would hold, for so long."""
    now = registry.clock()
    pin = Pin("backup", registry.services.lifetimes.unreachable_before(now), now + microseconds)
    await registry.services.metadata.write(lambda connection: collection.pin(connection, pin))


async def pins(registry: RunningRegistry) -> list[Pin]:
    """All rows, expired or not."""
    columns = (tables.pins.c.name, tables.pins.c.pinned_at, tables.pins.c.expires_at)
    return [Pin(*row) for row in await rows(registry, select(*columns))]


async def named_by_a_snapshot(registry: RunningRegistry) -> list[str]:
    """The keys that a backup would copy if it looked now."""

    def query(connection: Connection) -> list[str]:
        return [stored.key for stored in blobs_of(connection)]

    return await registry.services.metadata.read(query)


async def test_what_is_buried_while_a_backup_runs_stays_until_it_ends(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """However long that takes; then it goes, as it would have gone long before."""
    await push_layer(ecr, repository, CONTENT)
    key = await storage_key(registry, CONTENT)
    await pin_for(registry, 10 * DAY)

    await collect_after(registry, UNTIL_BURIED, 5 * DAY)
    buried, meanwhile = await count(registry, tables.tombstones), await is_stored(registry, key)
    await collect_after(registry, 5 * DAY)

    assert (buried, meanwhile) == (1, True)
    assert not await is_stored(registry, key)


async def test_what_was_buried_long_before_a_backup_goes_meanwhile(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """No backup can name it: so backups that never end keep nothing for ever."""
    await push_layer(ecr, repository, CONTENT)
    key = await storage_key(registry, CONTENT)
    await collect_after(registry, UNTIL_BURIED)
    registry.clock.advance(UNTIL_REMOVED)
    await pin_for(registry, 10 * DAY)

    await collect_after(registry)

    assert not await is_stored(registry, key)


async def test_a_pin_holds_until_it_has_expired_on_every_clock(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """A backup that was killed holds no longer than that."""
    await push_layer(ecr, repository, CONTENT)
    key = await storage_key(registry, CONTENT)
    await pin_for(registry, 3 * DAY)
    await collect_after(registry, UNTIL_BURIED)

    await collect_after(registry, 3 * DAY - UNTIL_BURIED + CLOCK_SKEW - 1)
    before = await is_stored(registry, key)
    await collect_after(registry, 1)

    assert before
    assert not await is_stored(registry, key)


@dataclass
class Paused:
    """The database of a collector that stops for a while before its look-up."""

    metadata: Metadata
    meanwhile: Callable[[], Awaitable[None]]

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See Metadata."""
        await self.meanwhile()
        return await self.metadata.look_up(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.metadata, name)


@dataclass
class PausedStorage:
    """The storage of a collector that stops for a while before it deletes."""

    storage: MemoryStorage
    meanwhile: Callable[[], Awaitable[None]]

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See BlobStorage."""
        await self.meanwhile()
        await self.storage.delete_many(keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)


async def begin_backup_and_delete(registry: RunningRegistry, ecr: ECR, repository: str) -> list[str]:
    """A pin, a snapshot, and then the deletion of what that names; gives the names."""
    await pin_for(registry, 10 * DAY)
    named = await named_by_a_snapshot(registry)
    await ecr("DeleteRepository", repositoryName=repository, force=True)
    await collect_after(registry)
    assert await count(registry, tables.tombstones) == len(named)
    return named


async def test_a_collector_that_stops_between_its_clock_and_its_look_up_spares_a_backup(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Pin, snapshot and burial come into the pause, and hours go by in it."""
    await push_layer(ecr, repository, CONTENT)
    named: list[str] = []

    async def meanwhile() -> None:
        named.extend(await begin_backup_and_delete(registry, ecr, repository))
        registry.clock.advance(9 * HOUR)

    collector: Services = replace(registry.services, metadata=Paused(registry.services.metadata, meanwhile))
    await remove_bytes(collector)

    assert named
    assert [await is_stored(registry, key) for key in named] == [True] * len(named)


async def test_a_collector_that_saw_no_pin_finds_nothing_that_a_backup_names(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """It stops between looking up pins and tombstones: what it then finds was buried before the snapshot."""
    await push_layer(ecr, repository, CONTENT)
    lifetimes, metadata, now = registry.services.lifetimes, registry.services.metadata, registry.clock()

    seen = await metadata.look_up(lambda c: collection.held_from(c, lifetimes.past_everywhere(now)))
    named = await begin_backup_and_delete(registry, ecr, repository)
    registry.clock.advance(9 * HOUR)
    found = await metadata.look_up(lambda c: collection.find_made_before(c, lifetimes.unreachable_before(now), 10))

    assert seen is None
    assert named
    assert not set(found) & set(named)


async def test_a_collector_that_stops_before_it_deletes_spares_a_backup(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """What it had chosen goes, also in the middle of the backup; what the snapshot names stays."""
    await push_layer(ecr, repository, b"buried long ago")
    gone = await storage_key(registry, b"buried long ago")
    await collect_after(registry, UNTIL_BURIED)
    registry.clock.advance(UNTIL_REMOVED)
    await push_layer(ecr, repository, CONTENT)
    key = await storage_key(registry, CONTENT)
    named: list[str] = []

    async def meanwhile() -> None:
        await pin_for(registry, 10 * DAY)
        named.extend(await named_by_a_snapshot(registry))
        await collect_after(registry, UNTIL_BURIED, 3 * DAY)

    collector: Any = replace(registry.services, storage=PausedStorage(registry.storage, meanwhile))
    await remove_bytes(collector)

    assert named == [key]
    assert (await is_stored(registry, key), await is_stored(registry, gone)) == (True, False)


async def test_a_pin_is_there_during_the_work_and_gone_afterwards(registry: RunningRegistry) -> None:
    """Also when the work fails."""
    during: list[Pin] = []

    async def fail() -> None:
        during.extend(await pins(registry))
        raise LookupError

    with pytest.raises(LookupError):
        await while_pinned(registry.services, "backup", fail)

    assert [pin.name for pin in during] == ["backup"]
    assert await pins(registry) == []


async def test_a_pin_is_renewed_while_the_work_goes_on(registry: RunningRegistry) -> None:
    """So one blob that takes hours to copy is as safe as many."""

    async def take_hours() -> None:
        for _ in range(3):
            (before,) = await pins(registry)
            registry.clock.advance(PIN_LIFE - MINUTE)
            async with asyncio.timeout(30):
                while await pins(registry) == [before]:
                    pass  # the renewal takes its turn while the rows are read

    await while_pinned(registry.services, "backup", take_hours, renewal=AT_ONCE)

    assert await pins(registry) == []


async def test_a_renewal_that_comes_too_late_fails_the_work(registry: RunningRegistry) -> None:
    """In the middle: what it would go on with may be gone."""

    async def sleep_too_long() -> None:
        registry.clock.advance(PIN_LIFE)
        await asyncio.Event().wait()

    with pytest.raises(PinExpired):
        await while_pinned(registry.services, "backup", sleep_too_long, renewal=AT_ONCE)


async def test_a_pin_that_somebody_removed_fails_the_work(registry: RunningRegistry) -> None:
    """In the middle, too."""

    async def lose_the_pin() -> None:
        await execute(registry, delete(tables.pins))
        await asyncio.Event().wait()

    with pytest.raises(PinExpired):
        await while_pinned(registry.services, "backup", lose_the_pin, renewal=AT_ONCE)


async def test_work_that_ends_after_its_pin_fails(registry: RunningRegistry) -> None:
    """Though no renewal had the time to notice."""

    async def take_too_long() -> None:
        registry.clock.advance(PIN_LIFE)

    with pytest.raises(PinExpired):
        await while_pinned(registry.services, "backup", take_too_long)


@dataclass
class Away:
    """A database that does not answer the second write; the fourth is told of."""

    metadata: Metadata
    writes: int = 0
    fourth: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See Metadata."""
        self.writes += 1
        if self.writes == 2:
            raise MetadataUnavailable("it is away")
        result = await self.metadata.write(change)
        if self.writes == 4:
            self.fourth.set()
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self.metadata, name)


async def test_a_database_that_is_away_for_a_moment_does_no_harm(registry: RunningRegistry) -> None:
    """The pin holds far longer than from one renewal to the next."""
    away = Away(registry.services.metadata)
    services: Services = replace(registry.services, metadata=away)

    async def wait_for_two_more_renewals() -> None:
        async with asyncio.timeout(30):
            await away.fourth.wait()

    await while_pinned(services, "backup", wait_for_two_more_renewals, renewal=AT_ONCE)

    assert await pins(registry) == []


async def test_the_pin_of_a_killed_backup_is_cleared_away_by_the_next(registry: RunningRegistry) -> None:
    """Its row held nothing any more."""
    await pin_for(registry, PIN_LIFE)
    registry.clock.advance(PIN_LIFE + CLOCK_SKEW)

    await while_pinned(registry.services, "next", do_nothing)

    assert await pins(registry) == []


async def test_the_report_tells_of_pins_and_what_may_go_in_spite_of_them(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """So an operator sees why bytes stay."""
    await push_layer(ecr, repository, CONTENT)
    began = registry.clock()
    await pin_for(registry, 3 * DAY)
    await collect_after(registry, UNTIL_BURIED)
    registry.clock.advance(UNTIL_REMOVED)

    during = await report_garbage(registry.services)
    registry.clock.advance(3 * DAY)
    after = await report_garbage(registry.services)

    held_from = registry.services.lifetimes.unreachable_before(began)
    assert during.pins == [Pin("backup", held_from, began + 3 * DAY)]
    assert [(each.blobs, each.blobs_due) for each in during.buried] == [(1, 0)]
    assert (after.pins, [(each.blobs, each.blobs_due) for each in after.buried]) == ([], [(1, 1)])
