"""Garbage collection: layers that nobody needs, and bytes that nobody can reach (designs/collection.md).

Both are steps in the manner of ``operations/sweeps.py``, which goes round them: each may be stopped anywhere and
repeated, and several workers may take it at once.
"""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection

from entrepot.core.garbage import Cause, Garbage
from entrepot.features.collection import store as collection
from entrepot.features.collection.store import Buried
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.layers.store import QueuedLinks, Unneeded
from entrepot.features.repositories import store as repositories
from entrepot.operations.services import Upkeep

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
    """Remove bytes that were buried before the last download URL for them ran out, and then their tombstones."""
    before = services.lifetimes.unreachable_before(services.clock())
    storage_keys = await services.metadata.look_up(lambda c: collection.find_made_before(c, before, KEYS_AT_ONCE))
    if not storage_keys:
        return False
    await services.storage.delete_many(storage_keys)
    await MetadataSegmentLedger(services.metadata).forget(storage_keys)
    removed = await services.metadata.write(lambda c: collection.forget(c, storage_keys))
    _count(services, removed)
    return True


def _count(services: Upkeep, removed: list[Garbage]) -> None:
    blobs = Counter(each.cause for each in removed)
    for cause, count in blobs.items():
        size = sum(each.size for each in removed if each.cause == cause)
        services.counters.collected(cause, count, size)


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """What waits to be collected, in one snapshot; "due" is what a collection would do now.

    ``images`` and ``repositories`` are deleted and not drained yet. ``links`` are looked at when their time comes.
    ``unneeded`` are blobs and uploads that a collection would bury now, ``buried`` those whose bytes wait.
    """

    images: int
    repositories: int
    links: list[QueuedLinks]
    unneeded: list[Unneeded]
    buried: list[Buried]


async def report_garbage(services: Upkeep) -> GarbageReport:
    """Count what waits. Takes as long as there is garbage and new links, however much the registry keeps."""
    now = services.clock()
    due, before = services.lifetimes.past_everywhere(now), services.lifetimes.unreachable_before(now)

    def query(connection: Connection) -> GarbageReport:
        return GarbageReport(
            images=images.count_detached(connection),
            repositories=repositories.count_detached(connection),
            links=layers.count_queued_links(connection, due),
            unneeded=layers.count_unneeded(connection, due, now),
            buried=collection.count_tombstones(connection, before),
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
