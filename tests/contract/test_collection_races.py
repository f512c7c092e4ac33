"""The collector and those that it must not harm, in PostgreSQL, statement by statement in a forced order.

Each side is a transaction of its own on a connection of its own. "Waits" is seen in the server: the one side stands
before a lock that the other one has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from tests.postgresql import Server

from entrepot.core.clock import DAY
from entrepot.core.digest import Digest
from entrepot.core.manifest import Manifest, Reference
from entrepot.features.images import store as images
from entrepot.features.images.image import ManifestBytes
from entrepot.features.layers import store as layers
from entrepot.metadata import tables

T = TypeVar("T")

NOW = 10 * DAY
LAYER = Digest.of(b"layer")
MANIFEST = Manifest(Digest.of(b"{}"), "x/y", (Reference("layer", LAYER, 5),), None, None, None)
#: Two repositories, and the key under which the layer lies at first.
ONE, TWO = 1, 2
FIRST_KEY, SECOND_KEY = "1" * 32, "2" * 32


@dataclass
class Side:
    """One transaction, step by step."""

    connection: AsyncConnection
    watcher: AsyncConnection
    pid: int

    async def do(self, step: Callable[[Connection], T]) -> T:
        """A step that waits for nobody."""
        return await asyncio.wait_for(self.connection.run_sync(step), 10)

    async def begin(self, step: Callable[[Connection], T]) -> "asyncio.Task[T]":
        """A step that has to wait for the other side: gives it once it does."""
        return await self.begin_all(self.connection.run_sync(step))

    async def begin_all(self, steps: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """As ``begin``, of what is done on this side's connection."""
        task = asyncio.create_task(steps)
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01) WHERE pid = :pid AND wait_event_type = 'Lock'"
        )
        while not await self.watcher.scalar(waiting, {"pid": self.pid}):
            assert not task.done(), "it does not wait"
            await self.watcher.rollback()  # what is seen of the activity stays the same in a transaction
        await self.watcher.rollback()
        return task

    async def commit(self) -> None:
        """Let the other side go on."""
        await self.connection.commit()


@pytest.fixture
async def engine(postgresql: Server) -> AsyncIterator[AsyncEngine]:
    """A database where ONE has a layer whose lease is over, and nobody needs."""
    url = postgresql.create_database().replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, isolation_level="READ COMMITTED")
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    yield engine
    await engine.dispose()


def fill(connection: Connection) -> None:
    """See ``engine``."""
    for repository_id in (ONE, TWO):
        connection.execute(
            insert(tables.repositories).values(
                id=repository_id,
                account="000000000000",
                region="us-east-1",
                name=f"r{repository_id}",
                created_at=0,
                tag_mutability="MUTABLE",
                tag_mutability_exclusions="[]",
                scan_on_push=False,
                encryption_type="AES256",
            )
        )
    store(connection, ONE, FIRST_KEY, lease_until=NOW - 1)


def store(connection: Connection, repository_id: int, key: str, lease_until: int = NOW + DAY) -> tuple[bool, bool]:
    """What a completion does."""
    return layers.store_layer(
        connection,
        repository_id,
        LAYER,
        size=5,
        storage_key=key,
        encryption_key="",
        is_encrypted=False,
        now=NOW,
        lease_until=lease_until,
    )


def collect(connection: Connection) -> list[str]:
    """What the collector does with links; gives the keys that nobody has then."""
    return [garbage.storage_key for garbage in layers.drop_due_links(connection, NOW, 10)[1]]


def put_image(connection: Connection, repository_id: int = ONE) -> list[str]:
    """What PutImage does, if its layer is there; gives the digests of the layers it holds."""
    held = layers.hold_layers(connection, repository_id, [LAYER])
    if held:
        images.insert_image(
            connection,
            repository_id,
            MANIFEST,
            ManifestBytes(b"{}"),
            encryption_key="",
            manifest_size=2,
            size=5,
            now=NOW,
        )
    return list(held)


def delete_image(connection: Connection) -> None:
    """What BatchDeleteImage does."""
    image = images.lock_image(connection, ONE, str(MANIFEST.digest))
    assert image is not None
    images.detach(connection, ONE, image, NOW)


def blob_id(connection: Connection) -> int:
    """The layer's blob."""
    return connection.scalars(select(tables.blobs.c.id)).one()


def keys(connection: Connection) -> list[str]:
    """Under which keys there are blobs."""
    return list(connection.scalars(select(tables.blobs.c.storage_key)))


def links(connection: Connection) -> list[tuple[int, int | None]]:
    """Which repositories have a layer, and when that is looked at."""
    found = select(tables.repository_layers.c.repository_id, tables.repository_layers.c.due_at)
    return [tuple(row) for row in connection.execute(found.order_by(tables.repository_layers.c.repository_id))]


def manifests(connection: Connection) -> int:
    """How many manifests are stored."""
    return connection.scalar(select(func.count()).select_from(tables.manifests)) or 0


@pytest.fixture
async def watcher(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Sees who waits."""
    async with engine.connect() as connection:
        yield connection


async def side(engine: AsyncEngine, watcher: AsyncConnection) -> AsyncIterator[Side]:
    """A connection, and the id of its session."""
    async with engine.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        await connection.rollback()
        yield Side(connection, watcher, pid or 0)


@pytest.fixture
async def client(engine: AsyncEngine, watcher: AsyncConnection) -> AsyncIterator[Side]:
    """A request."""
    async for one in side(engine, watcher):
        yield one


@pytest.fixture
async def collector(engine: AsyncEngine, watcher: AsyncConnection) -> AsyncIterator[Side]:
    """The collector, or a second request that takes something away."""
    async for one in side(engine, watcher):
        yield one


async def test_nobody_in_the_way_is_collected(collector: Side) -> None:
    """The layer of these tests is garbage indeed."""
    assert await collector.do(collect) == [FIRST_KEY]
    assert await collector.do(links) == []


async def test_a_layer_of_an_image_that_is_being_put_is_left(client: Side, collector: Side) -> None:
    """The collector does not wait for PutImage, and later finds the layer named."""
    await client.do(put_image)

    assert await collector.do(collect) == []
    await collector.commit()
    await client.commit()

    assert await collector.do(collect) == []
    assert await collector.do(links) == [(ONE, None)]


async def test_an_image_put_after_its_layer_was_dropped_is_refused(client: Side, collector: Side) -> None:
    """PutImage waits for the collector, and does not take for present what is gone."""
    await collector.do(collect)
    putting = await client.begin(put_image)

    await collector.commit()

    assert await putting == []


async def test_an_image_put_while_a_collection_is_undone_is_taken(client: Side, collector: Side) -> None:
    """As if there had been none."""
    await collector.do(collect)
    putting = await client.begin(put_image)

    await collector.connection.rollback()

    assert await putting == [str(LAYER)]


async def test_a_lease_that_is_being_renewed_counts(client: Side, collector: Side) -> None:
    """The collector comes back when it ends."""
    blob = await client.do(blob_id)
    assert await client.do(lambda c: layers.renew_leases(c, ONE, [blob], NOW + DAY)) == 1

    assert await collector.do(collect) == []
    await collector.commit()
    await client.commit()

    assert await collector.do(collect) == []
    assert await collector.do(links) == [(ONE, NOW + DAY)]


async def test_a_lease_of_a_layer_that_is_being_dropped_is_not_renewed(client: Side, collector: Side) -> None:
    """So the answer is not positive."""
    blob = await client.do(blob_id)
    await collector.do(collect)
    renewing = await client.begin(lambda c: layers.renew_leases(c, ONE, [blob], NOW + DAY))

    await collector.commit()

    assert await renewing == 0


async def test_a_blob_that_is_being_linked_elsewhere_stays(client: Side, collector: Side) -> None:
    """The collector waits for the completion, and then sees its link."""
    assert await client.do(lambda c: store(c, TWO, SECOND_KEY)) == (True, False)
    collecting = await collector.begin(collect)

    await client.commit()

    assert await collecting == []
    assert await collector.do(keys) == [FIRST_KEY]
    assert await collector.do(links) == [(TWO, NOW + DAY)]


async def test_a_blob_that_is_pushed_while_it_is_collected_gets_a_key_of_its_own(
    client: Side, collector: Side
) -> None:
    """The buried key does not come back."""
    assert await collector.do(collect) == [FIRST_KEY]
    completing = await client.begin(lambda c: store(c, TWO, SECOND_KEY))

    await collector.commit()

    assert await completing == (True, True)
    assert await client.do(keys) == [SECOND_KEY]


async def test_a_blob_that_is_about_to_be_collected_is_not_linked(client: Side, collector: Side) -> None:
    """The completion waits for whoever has locked it, and stores the layer anew."""
    await collector.do(lambda c: c.execute(select(tables.blobs).with_for_update()))
    completing = await client.begin(lambda c: store(c, TWO, SECOND_KEY))

    assert await collector.do(collect) == [FIRST_KEY]
    await collector.commit()

    assert await completing == (True, True)


async def test_a_layer_that_is_pushed_again_while_it_is_dropped_is_new(client: Side, collector: Side) -> None:
    """In the same repository: the completion waits for the link, not for the blob, so nobody waits in a circle."""
    await collector.do(lambda c: layers.hold_link(c, ONE, blob_id(c)))
    completing = await client.begin(lambda c: store(c, ONE, SECOND_KEY))

    assert await collector.do(collect) == [FIRST_KEY]
    await collector.commit()

    assert await completing == (True, True)


async def test_a_layer_that_is_being_mounted_stays(client: Side, collector: Side) -> None:
    """The link it is mounted from is held; when that is deleted afterwards, the blob has another one."""

    def mount(connection: Connection) -> None:
        held = layers.hold_layers(connection, ONE, [LAYER])
        layers.link(connection, TWO, held[str(LAYER)].blob_id, NOW, NOW + DAY)

    await client.do(mount)

    assert await collector.do(collect) == []
    await collector.commit()
    holding = await collector.begin(lambda c: layers.hold_link(c, ONE, blob_id(c)))
    await client.commit()

    assert await holding
    assert await collector.do(lambda c: layers.unlink(c, ONE, blob_id(c))) == []
    assert await collector.do(keys) == [FIRST_KEY]


async def test_a_layer_that_is_being_dropped_cannot_be_mounted(client: Side, collector: Side) -> None:
    """The mount waits, and finds nothing."""
    await collector.do(collect)
    mounting = await client.begin(lambda c: layers.hold_layers(c, ONE, [LAYER]))

    await collector.commit()

    assert await mounting == {}


async def test_of_two_that_drop_the_last_two_links_one_buries_the_blob(client: Side, collector: Side) -> None:
    """Neither sees what the other one does, but the second waits for the first."""
    await client.do(lambda c: store(c, TWO, SECOND_KEY))
    await client.commit()
    blob = await client.do(blob_id)
    assert await client.do(lambda c: layers.unlink(c, TWO, blob)) == []
    collecting = await collector.begin(collect)

    await client.commit()

    assert await collecting == [FIRST_KEY]
    assert await collector.do(keys) == []


async def test_a_link_that_is_found_named_by_an_image_being_drained_is_queued(
    client: Side, collector: Side
) -> None:
    """The collector sees the last reference for a last time; the drain waits for it, and has the last word.

    So it does even if the time that it has read before would do.
    """
    queued = update(tables.repository_layers).values(due_at=NOW, due_cause="image")
    await client.do(lambda c: c.execute(queued))
    await client.do(put_image)
    await client.do(delete_image)
    await client.commit()
    drained = await client.do(lambda c: images.drain_detached(c, NOW, 500))
    assert drained is not None
    assert drained.named == [str(LAYER)]
    assert await collector.do(collect) == []
    assert await collector.do(links) == [(ONE, None)]
    queueing = await client.begin(
        lambda c: layers.queue_links(c, ONE, drained.named, earliest=NOW, due_at=NOW + 2)
    )

    await collector.commit()
    await queueing

    assert await client.do(links) == [(ONE, NOW + 2)]


async def test_a_manifest_that_is_being_put_elsewhere_stays(client: Side, collector: Side) -> None:
    """The drain of its last image waits for PutImage, and then sees another one."""
    await collector.do(put_image)
    await collector.do(delete_image)
    await collector.do(lambda c: store(c, TWO, SECOND_KEY))
    await collector.commit()
    await client.do(lambda c: put_image(c, TWO))
    draining = await collector.begin(lambda c: images.drain_detached(c, NOW, 500))

    await client.commit()

    drained = await draining
    assert drained is not None
    assert drained.manifests == 0
    assert await collector.do(manifests) == 1


async def test_a_manifest_that_is_put_while_it_is_collected_is_stored_anew(client: Side, collector: Side) -> None:
    """PutImage waits for the drain, and brings the bytes itself."""
    await collector.do(put_image)
    await collector.do(delete_image)
    await collector.commit()
    drained = await collector.do(lambda c: images.drain_detached(c, NOW, 500))
    assert drained is not None
    assert drained.manifests == 1
    putting = await client.begin(put_image)

    await collector.commit()

    assert await putting == [str(LAYER)]
    assert await client.do(manifests) == 1


async def test_an_upload_that_is_being_touched_does_not_expire(client: Side, collector: Side) -> None:
    """Nor when its touch is committed in the very moment."""
    await client.do(lambda c: layers.create_upload(c, ONE, "id", SECOND_KEY, NOW - DAY + 1, is_encrypted=False))
    await client.commit()
    upload = await client.do(lambda c: layers.lock_upload(c, ONE, "id", NOW))
    assert upload is not None
    await client.do(lambda c: layers.take_epoch(c, upload, NOW))

    assert await collector.do(lambda c: layers.end_expired_uploads(c, NOW + 1, 10)) == (0, [])
    await collector.commit()
    await client.commit()

    assert await collector.do(lambda c: layers.end_expired_uploads(c, NOW + 1, 10)) == (0, [])


async def test_the_database_itself_refuses_to_bury_a_blob_with_a_link(client: Side) -> None:
    """Whatever the code believes."""
    with pytest.raises(IntegrityError, match="foreign key"):
        await client.do(lambda c: c.execute(tables.blobs.delete()))


async def test_a_detached_image_holds_its_layer_until_it_is_drained(client: Side, collector: Side) -> None:
    """So a pull that is going on finds it."""
    await client.do(put_image)
    await client.do(delete_image)
    await client.commit()

    assert await collector.do(collect) == []

    due = update(tables.repository_layers).values(due_at=NOW, due_cause="push")
    await collector.do(lambda c: c.execute(due))
    assert await collector.do(collect) == []
    assert await collector.do(keys) == [FIRST_KEY]
