"""Giving up what is kept to be had back, so that its layers are collected (designs/history.md).

An operator's work. Only the window of undelete is cut short: leases and download URLs hold for as long as they
were promised, so the bytes go some hours later, by the collector.
"""

from sqlalchemy import Connection

from entrepot.features.images import store as images
from entrepot.features.images.errors import ImageNotDeleted
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotDeleted, RepositoryNotFound
from entrepot.operations.operator import Operator
from entrepot.operations.services import Upkeep
from entrepot.operations.sweeps import (
    MOST_ROWS,
    drain,
    drain_images_before,
    drain_repositories_before,
    drain_repository,
    sweep_once,
)


async def purge_image(services: Upkeep, operator: Operator, *, repository: str, digest: str) -> None:
    """Remove a deleted image for good, however often it was deleted.

    Raises RepositoryNotFound, ImageNotDeleted.
    """
    now = services.clock()

    def begin(connection: Connection) -> int:
        """Write down what is to go before anything goes: a purge that breaks off is on record."""
        target = repositories.find(connection, operator.registry, repository)
        if images.find_deleted(connection, target.id, digest) is None:
            raise ImageNotDeleted(digest, repository)
        operator.record(connection, "PurgeImage", repository, now, digest=digest)
        return target.id

    repository_id = await services.metadata.write(begin)
    await sweep_once(
        services, [lambda s: drain(s, lambda c: images.drain_deleted(c, repository_id, digest, MOST_ROWS))]
    )


async def purge_repository(services: Upkeep, operator: Operator, *, repository: str) -> None:
    """Remove for good all that was deleted under a name: images of the repository, and repositories.

    Raises RepositoryNotDeleted where there is neither a repository of this name nor a deleted one.
    """
    now = services.clock()

    def begin(connection: Connection) -> int | None:
        is_deleted = repositories.find_deleted(connection, operator.registry, repository) is not None
        try:
            present = repositories.find(connection, operator.registry, repository).id
        except RepositoryNotFound:
            if not is_deleted:
                raise RepositoryNotDeleted(repository, operator.registry.account) from None
            present = None
        operator.record(connection, "PurgeRepository", repository, now)
        return present

    present = await services.metadata.write(begin)
    if present is not None:
        await sweep_once(
            services, [lambda s: drain(s, lambda c: images.drain_detached_from(c, present, now, MOST_ROWS))]
        )
    while (deleted := await _find_deleted(services, operator, repository)) is not None:
        await sweep_once(services, [lambda s, deleted=deleted: _drain_repository(s, deleted, now)])


async def _drain_repository(services: Upkeep, deleted: repositories.DeletedRepository, now: int) -> bool:
    """Also one that was deleted by a clock that is ahead of this one."""
    return await drain_repository(services, deleted.id, max(now, deleted.detached_at))


async def _find_deleted(
    services: Upkeep, operator: Operator, repository: str
) -> repositories.DeletedRepository | None:
    return await services.metadata.look_up(lambda c: repositories.find_deleted(c, operator.registry, repository))


async def purge_all(services: Upkeep, operator: Operator) -> None:
    """Remove for good all that is deleted, in every account and region of the database."""
    now = services.clock()
    await services.metadata.write(lambda c: operator.record(c, "PurgeAll", "", now))
    await sweep_once(
        services,
        [lambda s: drain_images_before(s, now), lambda s: drain_repositories_before(s, now)],
    )
