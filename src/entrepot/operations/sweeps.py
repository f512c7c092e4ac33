"""What is done after the fact: draining what was detached, dropping expired uploads, trimming history.

Each sweep does a small piece, one short transaction at a time, and says whether there may be more; it can be
stopped anywhere and repeated. Several workers may sweep at once: the second finds nothing left to do.
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

#: Rows that one transaction removes.
BATCH = 200
#: Who is written down in the history for tags that go with their image.
DRAINED_BY = "entrepot"

Sweep = Callable[[Services], Awaitable[bool]]


async def drain_images(services: Services) -> bool:
    """Remove the rows of some detached images, the oldest first.

    A step writes at most twice the tags asked for, or a row for each reference of an image and its own: begun with
    fewer than BATCH rows written, a transaction ends with fewer than 500.
    """

    def change(connection: Connection) -> int:
        written = 0
        while written < BATCH and (image := images.find_detached(connection)) is not None:
            written += images.drain_image(connection, image, moved_by=DRAINED_BY, limit=BATCH // 2)
        return written

    return await services.metadata.write(change) > 0


async def drain_repositories(services: Services) -> bool:
    """Remove some of what belongs to one detached repository; its own row goes last."""
    now = services.clock()

    def change(connection: Connection) -> bool:
        repository_id = repositories.find_detached(connection)
        if repository_id is None:
            return False
        removed = (
            images.detach_images_of(connection, repository_id, now, BATCH)
            or layers.expire_uploads_of(connection, repository_id, BATCH)
            or layers.drain_links(connection, repository_id, BATCH)
        )
        if removed:
            return True
        if images.has_rows(connection, repository_id) or layers.has_uploads(connection, repository_id):
            return False  # the other sweeps have to come first
        if not images.drop_history_of(connection, repository_id, BATCH):
            repositories.drop(connection, repository_id)
        return True

    return await services.metadata.write(change)


async def expire_uploads(services: Services) -> bool:
    """Drop the bytes and rows of uploads that nobody has touched for a day."""
    now = services.clock()

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

        def change(connection: Connection) -> int:
            return images.trim_history(connection, before, BATCH) + audit.trim(connection, before, BATCH)

        return await services.metadata.write(change) > 0

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
