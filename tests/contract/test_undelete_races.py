"""Undelete and those that want the same rows, in PostgreSQL, in a forced order (see test_collection_races)."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, select, text, update
from tests.contract import test_collection_races as races
from tests.contract.test_collection_races import FIRST_KEY, MANIFEST, NOW, ONE, Side

from entrepot.core.partitions import RegistryId
from entrepot.features.images import store as images
from entrepot.features.images.errors import ImageNotDeleted
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryAlreadyExists, RepositoryNotDeleted
from entrepot.features.repositories.repository import RepositorySettings
from entrepot.metadata import tables
from entrepot.operations.collection import Collected
from entrepot.operations.operator import Operator
from entrepot.operations.undelete import Undeleted, undelete_image, undelete_repository
from entrepot.server.wiring import SweepingServices
from entrepot.storage.memory import MemoryStorage

T = TypeVar("T")

engine, watcher, client, collector = races.engine, races.watcher, races.client, races.collector

REGISTRY = RegistryId("000000000000", "us-east-1")
OPERATOR = Operator(registry=REGISTRY, request_id="command")
DIGEST = str(MANIFEST.digest)
#: The repository ONE.
NAME = "r1"


class OnSide:
    """A database whose transactions are all one, which the test commits."""

    def __init__(self, side: Side) -> None:
        self._side = side

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """As the next step of the transaction."""
        return await self._side.connection.run_sync(query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """As the next step of the transaction."""
        return await self.look_up(query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """As the next step of the transaction."""
        return await self.look_up(change)

    async def check(self) -> None:
        """It is there."""

    async def close(self) -> None:
        """It is the test's."""


def services(side: Side) -> SweepingServices:
    """What an undelete needs, on one side."""
    return SweepingServices(OnSide(side), MemoryStorage(), Collected(), clock=lambda: NOW)


def undelete(side: Side) -> Coroutine[Any, Any, Undeleted]:
    """The image of ONE."""
    return undelete_image(services(side), OPERATOR, repository=NAME, digest=DIGEST)


def undelete_one(side: Side) -> Coroutine[Any, Any, str]:
    """The repository ONE."""
    return undelete_repository(services(side), OPERATOR, repository=NAME)


def drain(connection: Connection) -> images.Drained | None:
    """What the sweep does."""
    return images.drain_detached(connection, NOW, 500)


def put_image(connection: Connection) -> None:
    """PutImage with its lock of the repository."""
    repositories.find_and_hold(connection, REGISTRY, NAME)
    races.put_image(connection)


def create(connection: Connection) -> None:
    """CreateRepository with the name of ONE."""
    repositories.create(connection, REGISTRY, NAME, RepositorySettings(), {}, NOW)


def present(connection: Connection) -> list[str]:
    """The images that ONE has."""
    return list(connection.scalars(select(tables.images.c.digest).where(tables.images.c.repository_id == ONE)))


@pytest.fixture
async def _deleted(client: Side) -> None:  # pyright: ignore[reportUnusedFunction]
    """ONE has an image that is deleted and kept."""
    await client.do(races.put_image)
    await client.do(races.delete_image)
    await client.commit()


@pytest.fixture
async def _deleted_repository(client: Side, _deleted: None) -> None:  # pyright: ignore[reportUnusedFunction]
    """ONE is deleted too."""
    await client.do(lambda c: repositories.detach(c, ONE, NOW))
    await client.do(lambda c: c.execute(text("SELECT setval('repositories_id_seq', 100)")))  # ONE is not its own
    await client.commit()


@pytest.mark.usefixtures("_deleted")
async def test_an_image_that_is_being_drained_does_not_come_back(client: Side, collector: Side) -> None:
    """The undelete waits for the drain, and finds nothing."""
    assert await collector.do(drain) is not None
    undeleting = await client.begin_all(undelete(client))

    await collector.commit()

    with pytest.raises(ImageNotDeleted):
        await undeleting


@pytest.mark.usefixtures("_deleted")
async def test_an_image_whose_drain_is_undone_comes_back(client: Side, collector: Side) -> None:
    """As if there had been none."""
    await collector.do(drain)
    undeleting = await client.begin_all(undelete(client))

    await collector.connection.rollback()

    assert (await undeleting).digest == DIGEST


@pytest.mark.usefixtures("_deleted")
async def test_an_image_that_is_coming_back_is_not_drained(client: Side, collector: Side) -> None:
    """The drain does not wait, and later finds it no longer deleted."""
    await undelete(client)

    assert await collector.do(drain) is None
    await collector.commit()
    await client.commit()

    assert await collector.do(drain) is None
    assert await collector.do(present) == [DIGEST]


@pytest.mark.usefixtures("_deleted")
async def test_the_layers_of_an_image_that_is_coming_back_are_left(client: Side, collector: Side) -> None:
    """By a collector that comes meanwhile, and by the next."""
    due = update(tables.repository_layers).values(due_at=NOW, due_cause="push")
    await client.do(lambda c: c.execute(due))
    await client.commit()
    await undelete(client)

    assert await collector.do(races.collect) == []
    await collector.commit()
    await client.commit()

    assert await collector.do(races.collect) == []
    assert await collector.do(races.keys) == [FIRST_KEY]


@pytest.mark.usefixtures("_deleted")
async def test_an_image_comes_back_while_the_collector_looks_at_its_layers(client: Side, collector: Side) -> None:
    """The undelete waits for the collector, who has found the layer named by what was deleted."""
    due = update(tables.repository_layers).values(due_at=NOW, due_cause="push")
    await client.do(lambda c: c.execute(due))
    await client.commit()
    assert await collector.do(races.collect) == []
    undeleting = await client.begin_all(undelete(client))

    await collector.commit()

    assert (await undeleting).digest == DIGEST
    await client.commit()
    assert await collector.do(races.links) == [(ONE, None)]


@pytest.mark.usefixtures("_deleted")
async def test_an_image_that_is_being_pushed_again_is_there_once(client: Side, collector: Side) -> None:
    """The undelete waits for the push, and finds its image."""
    await collector.do(put_image)
    undeleting = await client.begin_all(undelete(client))

    await collector.commit()

    assert (await undeleting).was_there
    assert await client.do(present) == [DIGEST]


@pytest.mark.usefixtures("_deleted")
async def test_an_image_that_is_pushed_while_it_comes_back_is_there_once(client: Side, collector: Side) -> None:
    """The push waits, and finds its image there."""
    await undelete(client)
    putting = await collector.begin(put_image)

    await client.commit()

    await putting
    assert await collector.do(present) == [DIGEST]


@pytest.mark.usefixtures("_deleted")
async def test_two_undeletes_of_an_image_bring_it_back_once(client: Side, collector: Side) -> None:
    """The second finds it there."""
    await undelete(client)
    undeleting = await collector.begin_all(undelete(collector))

    await client.commit()

    assert (await undeleting).was_there
    assert await collector.do(present) == [DIGEST]


@pytest.mark.usefixtures("_deleted_repository")
async def test_a_repository_that_is_being_drained_does_not_come_back(client: Side, collector: Side) -> None:
    """From the first step of its drain on."""
    assert await collector.do(lambda c: repositories.begin_draining(c, ONE, NOW))
    undeleting = await client.begin_all(undelete_one(client))

    await collector.commit()

    with pytest.raises(RepositoryNotDeleted):
        await undeleting


@pytest.mark.usefixtures("_deleted_repository")
async def test_a_repository_that_is_coming_back_is_not_drained(client: Side, collector: Side) -> None:
    """The drain, which has found it deleted, waits and asks again."""
    await undelete_one(client)
    draining = await collector.begin(lambda c: repositories.begin_draining(c, ONE, NOW))

    await client.commit()

    assert not await draining


@pytest.mark.usefixtures("_deleted_repository")
async def test_a_name_that_is_being_taken_is_taken(client: Side, collector: Side) -> None:
    """The undelete waits for the creation."""
    await collector.do(create)
    undeleting = await client.begin_all(undelete_one(client))

    await collector.commit()

    with pytest.raises(RepositoryAlreadyExists):
        await undeleting


@pytest.mark.usefixtures("_deleted_repository")
async def test_a_name_that_is_coming_back_is_taken(client: Side, collector: Side) -> None:
    """The creation waits for the undelete."""
    await undelete_one(client)
    creating = await collector.begin(create)

    await client.commit()

    with pytest.raises(RepositoryAlreadyExists):
        await creating


@pytest.mark.usefixtures("_deleted_repository")
async def test_two_undeletes_of_a_repository_bring_it_back_once(client: Side, collector: Side) -> None:
    """The second finds the name taken by the first."""
    await undelete_one(client)
    undeleting = await collector.begin_all(undelete_one(collector))

    await client.commit()

    with pytest.raises((RepositoryAlreadyExists, RepositoryNotDeleted)):
        await undeleting
