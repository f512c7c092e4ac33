"""What is done after the fact: draining what was detached, dropping expired uploads, trimming history.

Each sweep looks first whether there is anything to do, does a small piece of it in one short transaction, and says
whether there may be more; it can be stopped anywhere and repeated. Several workers may sweep at once: the second
finds nothing left to do.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from entrepot.core.clock import DAY, SECOND
from entrepot.features.audit import store as audit
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.repositories import store as repositories
from entrepot.operations.services import Services

#: Rows that one transaction writes, at most.
MOST_ROWS = 500
#: Rows of each kind that one transaction removes, where that is two kinds at a time.
BATCH = 200

Sweep = Callable[[Services], Awaitable[bool]]


async def drain_images(services: Services) -> bool:
    """Remove the rows of some detached images, the oldest first."""
    if not await services.metadata.look_up(images.has_detached):
        return False
    return await services.metadata.write(lambda c: images.drain_detached(c, MOST_ROWS))


async def drain_repositories(services: Services) -> bool:
    """Remove some of what belongs to one detached repository; its own row goes last."""
    repository_id = await services.metadata.look_up(repositories.find_detached)
    if repository_id is None:
        return False

    def change(connection: Connection) -> bool:
        repositories.lock(connection, repository_id)  # of two workers that find it the second waits
        removed = (
            images.drain_images_of(connection, repository_id, MOST_ROWS)
            or layers.expire_uploads_of(connection, repository_id, MOST_ROWS)
            or layers.drain_links(connection, repository_id, MOST_ROWS)
        )
        if removed:
            return True
        if images.has_rows(connection, repository_id) or layers.has_uploads(connection, repository_id):
            return False  # the other sweeps have to come first
        if not images.drop_history_of(connection, repository_id, MOST_ROWS):
            repositories.drop(connection, repository_id)
        return True

    return await services.metadata.write(change)


async def expire_uploads(services: Services) -> bool:
    """Drop the bytes and rows of uploads that nobody has touched for a day."""
    now = services.clock()
    if not await services.metadata.look_up(lambda c: layers.find_expired_uploads(c, now, 1)):
        return False

    def claim(connection: Connection) -> list[layers.ExpiredUpload]:
        expired = layers.find_expired_uploads(connection, now, BATCH)
        for upload in expired:
            layers.expire_upload(connection, upload.id)
        return expired

    expired = await services.metadata.write(claim)
    for upload in expired:
        if not upload.is_blob:
            await services.storage.delete(upload.storage_key)
    if expired:
        await services.metadata.write(lambda c: layers.forget_uploads(c, [upload.id for upload in expired]))
    return bool(expired)


def trimming(history_days: int) -> Sweep:
    """The sweep that forgets tag moves and audit records older than so many days."""

    async def trim(services: Services) -> bool:
        before = services.clock() - history_days * DAY

        def is_due(connection: Connection) -> bool:
            return images.has_moves_before(connection, before) or audit.has_before(connection, before)

        def change(connection: Connection) -> int:
            return images.trim_history(connection, before, BATCH) + audit.trim(connection, before, BATCH)

        return await services.metadata.look_up(is_due) and await services.metadata.write(change) > 0

    return trim


def all_sweeps(history_days: int) -> list[Sweep]:
    """Every sweep, in the order that lets one go on where another has made room."""
    return [drain_images, expire_uploads, drain_repositories, trimming(history_days)]


async def sweep_once(services: Services, sweeps: list[Sweep]) -> None:
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
