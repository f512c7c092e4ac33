"""Garbage collection: layers that nobody needs, and bytes that nobody can reach (designs/collection.md).

Both are steps in the manner of ``operations/sweeps.py``, which goes round them: each may be stopped anywhere and
repeated, and several workers may take it at once.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from entrepot.core.garbage import Cause, Detached, Garbage
from entrepot.features.collection import store as collection
from entrepot.features.collection.store import Buried, Pin
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.layers.store import QueuedLinks, Unneeded
from entrepot.features.repositories import store as repositories
from entrepot.operations.services import Upkeep
from entrepot.storage.port import StorageFull, StorageUnavailable

log = structlog.get_logger()

#: Links that one transaction looks at. One that goes is three rows: itself, its blob and a tombstone.
LINKS_AT_ONCE = 166
#: Keys whose bytes are removed by one call of the storage, and then their tombstones by one transaction.
KEYS_AT_ONCE = 500


async def collect_layers(services: Upkeep) -> bool:
    """Take layers that no image needs out of their repositories, once nobody has been promised them any more.

    The bytes of those that no repository has then are buried in the same transaction.
    """
    now = services.clock()
    due = services.lifetimes.past_everywhere(now)
    if not await services.metadata.look_up(lambda c: layers.has_due_links(c, due)):
        return False

    def change(connection: Connection) -> bool:
        seen, garbage = layers.drop_due_links(connection, due, LINKS_AT_ONCE)
        collection.bury(connection, garbage, now)
        return seen > 0

    return await services.metadata.write(change)


async def remove_bytes(services: Upkeep) -> bool:
    """Remove bytes that were buried before the last download URL for them ran out, and then their tombstones.

    The order is what a backup relies on (designs/backup.md): the clock, then the pins, then the tombstones.
    """
    now = services.clock()
    storage_keys = await services.metadata.look_up(
        lambda c: collection.find_made_before(c, _removable_before(c, services, now), KEYS_AT_ONCE)
    )
    if not storage_keys:
        return False
    staying = set(await _delete(services, storage_keys))
    gone = [key for key in storage_keys if key not in staying]
    await MetadataSegmentLedger(services.metadata).forget(gone)

    def change(connection: Connection) -> list[Garbage]:
        collection.postpone(connection, sorted(staying), now)  # to the end, so that they hold up no others
        return collection.forget(connection, gone)

    _count(services, await services.metadata.write(change))
    return True


async def _delete(services: Upkeep, storage_keys: Sequence[str]) -> list[str]:
    """Delete bytes; gives the keys of those that a working storage does not let go of.

    Raises StorageUnavailable when it does not work.
    """
    try:
        await services.storage.delete_many(storage_keys)
    except StorageUnavailable as error:
        with suppress(StorageFull):
            await services.storage.check()
        if len(storage_keys) == 1:
            log.warning("bytes cannot be removed; it is tried again", key=storage_keys[0], reason=error.message)
            return [*storage_keys]
        middle = len(storage_keys) // 2
        return [
            *await _delete(services, storage_keys[:middle]),
            *await _delete(services, storage_keys[middle:]),
        ]
    return []


def _removable_before(connection: Connection, services: Upkeep, now: int) -> int:
    """Bytes that were buried before then may be removed: nobody downloads them, and no backup is to copy them."""
    held_from = collection.held_from(connection, services.lifetimes.past_everywhere(now))
    before = services.lifetimes.unreachable_before(now)
    return before if held_from is None else min(before, held_from)


def _count(services: Upkeep, removed: list[Garbage]) -> None:
    blobs = Counter(each.cause for each in removed)
    for cause, count in blobs.items():
        size = sum(each.size for each in removed if each.cause == cause)
        services.counters.collected(cause, count, size)


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """What waits to be collected, in one snapshot; "due" is what a collection would do now.

    ``images`` and ``repositories`` are deleted, and kept to be had back or not drained yet; ``kept_until`` is when
    the first of them is kept no longer. ``links`` are looked at when their time comes. ``unneeded`` are blobs and
    uploads that a collection would bury now, ``buried`` those whose bytes wait. ``pins`` hold bytes that would be
    due without them.
    """

    images: Detached
    repositories: Detached
    kept_until: int | None
    links: list[QueuedLinks]
    unneeded: list[Unneeded]
    buried: list[Buried]
    pins: list[Pin]


async def report_garbage(services: Upkeep) -> GarbageReport:
    """Count what waits. Takes as long as there is garbage and new links, however much the registry keeps."""
    now = services.clock()
    due = services.lifetimes.past_everywhere(now)
    deleted_before = services.lifetimes.drained_before(now)

    def query(connection: Connection) -> GarbageReport:
        of_images = images.count_detached(connection, deleted_before)
        of_repositories = repositories.count_detached(connection, deleted_before)
        kept = [each for each in (of_images.oldest_kept, of_repositories.oldest_kept) if each is not None]
        return GarbageReport(
            images=of_images,
            repositories=of_repositories,
            kept_until=min(kept) + services.lifetimes.undelete if kept else None,
            links=layers.count_queued_links(connection, due),
            unneeded=layers.count_unneeded(connection, due, now, deleted_before=deleted_before),
            buried=collection.count_tombstones(connection, _removable_before(connection, services, now)),
            pins=collection.list_pins(connection, due),
        )

    return await services.metadata.read(query)


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run has removed, by cause: counters that count nothing else."""

    count: Counter[Cause] = field(default_factory=Counter[Cause])
    bytes: Counter[Cause] = field(default_factory=Counter[Cause])

    def collected(self, cause: Cause, count: int, size: int) -> None:
        """See Counters."""
        self.count[cause] += count
        self.bytes[cause] += size

    def operation(self, name: str, outcome: str) -> None:
        """A collection calls no operation."""

    def layer_bytes_received(self, count: int) -> None:
        """A collection receives nothing."""

    def layer_bytes_sent(self, count: int) -> None:
        """A collection sends nothing."""
