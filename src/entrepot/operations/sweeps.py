"""What is done after the fact: draining what was detached, ending uploads, collecting garbage, trimming history.

Each sweep looks first whether there is anything to do, does a small piece of it in one short transaction, and says
whether there may be more; it can be stopped anywhere and repeated. Several workers may sweep at once: the second
finds nothing left to do.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from entrepot.core.clock import DAY, SECOND
from entrepot.core.garbage import Cause
from entrepot.features.audit import store as audit
from entrepot.features.audit.denials import MOST_KEPT
from entrepot.features.collection import store as collection
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.repositories import store as repositories
from entrepot.operations.collection import collect_layers, remove_bytes
from entrepot.operations.services import Upkeep

#: Rows that one transaction writes, at most.
MOST_ROWS = 500
#: Rows of each kind that one transaction removes, where that is two kinds at a time.
BATCH = 200

Sweep = Callable[[Upkeep], Awaitable[bool]]


async def drain_images(services: Upkeep) -> bool:
    """Remove some images that were deleted and are kept no longer, the oldest first."""
    return await drain_images_before(services, services.lifetimes.drained_before(services.clock()))


async def drain_images_before(services: Upkeep, before: int) -> bool:
    """Remove some images that were deleted ``before``, the oldest first."""
    if not await services.metadata.look_up(lambda c: images.has_detached(c, before)):
        return False
    return await drain(services, lambda c: images.drain_detached(c, before, MOST_ROWS))


async def drain(services: Upkeep, step: Callable[[Connection], images.Drained | None]) -> bool:
    """Remove the rows of some images for good; the collector looks at their layers later."""
    earliest = services.clock() + services.lifetimes.download

    def change(connection: Connection) -> images.Drained | None:
        drained = step(connection)
        if drained is not None and drained.named:
            layers.queue_links(
                connection,
                drained.repository_id,
                drained.named,
                earliest=earliest,
                due_at=earliest + services.lifetimes.download,
            )
        return drained

    drained = await services.metadata.write(change)
    _count_manifests(services, drained)
    return drained is not None


def _count_manifests(services: Upkeep, drained: images.Drained | None) -> None:
    if drained is not None:
        services.counters.collected(Cause.MANIFEST, drained.manifests, drained.manifest_bytes)


async def drain_repositories(services: Upkeep) -> bool:
    """Remove some of what belongs to one repository that was deleted and is kept no longer."""
    return await drain_repositories_before(services, services.lifetimes.drained_before(services.clock()))


async def drain_repositories_before(services: Upkeep, before: int) -> bool:
    """Remove some of what belongs to one repository that was deleted ``before``."""
    repository_id = await services.metadata.look_up(lambda c: repositories.find_detached(c, before))
    return repository_id is not None and await drain_repository(services, repository_id, before)


async def drain_repository(services: Upkeep, repository_id: int, before: int) -> bool:
    """Remove some of what belongs to a repository that was deleted ``before``; its own row goes last.

    Images that were deleted earlier than their repository go with it.
    """
    now = services.clock()

    def drain_images_of(connection: Connection) -> images.Drained | None:
        if not repositories.begin_draining(connection, repository_id, before):
            return None  # of two workers that find it the second waits
        most = MOST_ROWS - 1  # and the repository's own
        return images.drain_images_of(connection, repository_id, most) or images.drain_detached_from(
            connection, repository_id, now, most
        )

    def change(connection: Connection) -> bool:
        if not repositories.begin_draining(connection, repository_id, before):
            return False
        ended, garbage = layers.end_uploads_of(connection, repository_id, MOST_ROWS // 2)
        if not ended:
            ended, garbage = layers.drain_links(connection, repository_id, MOST_ROWS // 3)
        collection.bury(connection, garbage, now)
        if ended:
            return True
        if images.has_rows(connection, repository_id) or layers.has_links(connection, repository_id):
            return False  # the other sweeps have to come first
        if not images.drop_history_of(connection, repository_id, MOST_ROWS):
            repositories.drop(connection, repository_id)
        return True

    drained = await services.metadata.write(drain_images_of)
    _count_manifests(services, drained)
    return drained is not None or await services.metadata.write(change)


async def expire_uploads(services: Upkeep) -> bool:
    """Forget uploads that nobody has touched for a day; the collector removes their bytes."""
    now = services.clock()
    if not await services.metadata.look_up(lambda c: layers.has_expired_uploads(c, now)):
        return False

    def change(connection: Connection) -> bool:
        ended, garbage = layers.end_expired_uploads(connection, now, MOST_ROWS // 2)
        collection.bury(connection, garbage, now)
        return ended > 0

    return await services.metadata.write(change)


def trimming(history_days: int) -> Sweep:
    """The sweep that forgets tag moves and audit records older than so many days, and too many denials."""

    async def trim(services: Upkeep) -> bool:
        before = services.clock() - history_days * DAY

        def is_due(connection: Connection) -> bool:
            return (
                images.has_moves_before(connection, before)
                or audit.has_before(connection, before)
                or audit.has_more_denials(connection, MOST_KEPT)
            )

        def change(connection: Connection) -> int:
            trimmed = images.trim_history(connection, before, BATCH) + audit.trim(connection, before, BATCH)
            return trimmed or audit.trim_denials(connection, MOST_KEPT, BATCH)

        return await services.metadata.look_up(is_due) and await services.metadata.write(change) > 0

    return trim


def all_sweeps(history_days: int) -> list[Sweep]:
    """Every sweep, in the order that lets one go on where another has made room."""
    return [*collecting_sweeps(), trimming(history_days)]


def collecting_sweeps() -> list[Sweep]:
    """Those that remove what was deleted and what was never finished, in that order; bytes go last."""
    return [drain_images, expire_uploads, drain_repositories, collect_layers, remove_bytes]


async def sweep_once(services: Upkeep, sweeps: list[Sweep]) -> None:
    """Go round the sweeps until none of them finds anything.

    After each step as long a pause is made as it took, so that at least half the time is left to whoever pushes.
    """
    busy = True
    while busy:
        busy = False
        for sweep in sweeps:
            begun = services.clock()
            busy = await sweep(services) or busy
            await asyncio.sleep(max(0, services.clock() - begun) / SECOND)
