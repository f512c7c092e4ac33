"""What is done after the fact, a little at a time."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import Connection, Engine, Executable, event, exists, insert, literal, select, update
from tests.api.clients import ECR
from tests.api.images import artifact, digest_of, image, push, push_layer, push_layers, put, upload
from tests.api.rows import count, execute, is_stored, rows

from entrepot.core.clock import DAY, HOUR
from entrepot.metadata import sqlite, tables
from entrepot.metadata.port import Metadata
from entrepot.operations import sweeps
from entrepot.operations.sweeps import all_sweeps, drain_repositories, expire_uploads, sweep_once, trimming
from entrepot.testing.registry import START, RunningRegistry

T = TypeVar("T")

ROOT = "arn:aws:iam::000000000000:root"
#: No transaction touches more rows than this.
MOST = 500


@dataclass
class Transactions:
    """How many rows each transaction has changed."""

    sizes: list[int] = field(default_factory=list[int])
    _before: int = 0

    def begin(self, connection: Connection) -> None:
        """A new one."""
        self.sizes.append(0)
        self._before = changes(connection)

    def execute(self, connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        """A statement in it, on PostgreSQL. One that is carried out for a list tells no number of rows."""
        if connection.dialect.name != "sqlite" and statement.startswith(("INSERT", "UPDATE", "DELETE")):
            self.sizes[-1] += len(parameters) if cursor.rowcount < 0 else cursor.rowcount

    def commit(self, connection: Connection) -> None:
        """Its end, on SQLite, where some statements go straight to the driver."""
        self.sizes[-1] += changes(connection) - self._before


def changes(connection: Connection) -> int:
    """How many rows a connection to SQLite has changed so far; 0 for one to PostgreSQL."""
    driver: Any = connection.connection.driver_connection
    return driver.total_changes if connection.dialect.name == "sqlite" else 0


@contextmanager
def counted() -> Generator[Transactions]:
    """Count the rows of every transaction of the block, whatever engine it is on.

    SQLite's takes one change at a time for it: those that come together would share one.
    """
    transactions = Transactions()
    together = sqlite._MOST_CHANGES  # pyright: ignore[reportPrivateUsage]
    sqlite._MOST_CHANGES = 1  # pyright: ignore[reportPrivateUsage, reportConstantRedefinition]
    event.listen(Engine, "begin", transactions.begin)
    event.listen(Engine, "after_cursor_execute", transactions.execute)
    event.listen(Engine, "commit", transactions.commit)
    try:
        yield transactions
    finally:
        sqlite._MOST_CHANGES = together  # pyright: ignore[reportPrivateUsage, reportConstantRedefinition]
        event.remove(Engine, "begin", transactions.begin)
        event.remove(Engine, "after_cursor_execute", transactions.execute)
        event.remove(Engine, "commit", transactions.commit)


async def sweep(registry: RunningRegistry) -> None:
    """Go round until nothing is left to do."""
    await sweep_once(registry.services, all_sweeps(history_days=90))


async def test_a_deleted_repository_is_drained_in_small_transactions(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Images, tags, references, layers, uploads and history: nothing of it is left."""
    await fill(ecr, registry, repository, images=450, tags=250)
    await ecr("DeleteRepository", repositoryName=repository, force=True)

    with counted() as transactions:
        await sweep(registry)

    assert max(transactions.sizes) <= MOST
    for table in (
        tables.repositories,
        tables.images,
        tables.image_tags,
        tables.image_references,
        tables.repository_layers,
        tables.uploads,
        tables.tag_history,
    ):
        assert await count(registry, table) == 0, table.name


async def test_no_request_makes_a_large_transaction(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Deleting what is large is one row; pushing is bounded by its references and tags."""
    await fill(ecr, registry, repository, images=450, tags=250)
    layers = [{"mediaType": "x/y", "digest": await push_layer(ecr, repository, b"layer"), "size": 5}] * 239
    large = artifact("large", None, layers=layers)
    await push_layers(ecr, repository, large)
    tags = "&".join(f"tag=large-{number}" for number in range(80))

    with counted() as transactions:
        put = await oci.put(
            f"/v2/{repository}/manifests/{large.digest}?{tags}",
            content=large.content,
            headers={"content-type": large.media_type},
        )
        await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": large.digest}])
        await ecr("DeleteRepository", repositoryName=repository, force=True)

    assert put.status_code == 201
    assert 300 < max(transactions.sizes) <= MOST


async def test_an_image_with_many_tags_and_references_is_drained_in_small_transactions(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Both together would be too many."""
    layers = [{"mediaType": "x/y", "digest": await push_layer(ecr, repository, b"layer"), "size": 5}] * 239
    large = artifact("large", None, layers=layers)
    await push(ecr, repository, large)
    await add_tags(registry, 199)
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": large.digest}])

    with counted() as transactions:
        await sweep(registry)

    assert max(transactions.sizes) <= MOST
    assert await count(registry, tables.images) == 0
    assert await count(registry, tables.image_references) == 0


async def test_a_round_with_nothing_to_do_writes_nothing(registry: RunningRegistry, repository: str) -> None:
    """Whoever writes has the database to himself for as long."""
    services = replace(registry.services, metadata=Unwritten(registry.services.metadata))

    await sweep_once(services, all_sweeps(history_days=90))


async def test_the_transactions_of_a_drain_are_full(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Each has its price, whatever it holds: 800 images, three rows each, are five of them."""
    await fill(ecr, registry, repository, images=800, tags=1)
    one_more = select(
        tables.images.c.id, literal(0), tables.images.c.repository_id, literal("layer"), literal("x"), literal(1)
    )
    columns = ["image_id", "position", "repository_id", "kind", "digest", "size"]
    bare = ~exists().where(tables.image_references.c.image_id == tables.images.c.id)
    await execute(registry, insert(tables.image_references).from_select(columns, one_more.where(bare)))
    await ecr("DeleteRepository", repositoryName=repository, force=True)

    with counted() as transactions:
        for _ in range(5):
            await drain_repositories(registry.services)

    assert await count(registry, tables.images) == 0
    assert max(transactions.sizes) <= MOST


async def test_deleting_an_image_writes_down_who_took_each_tag(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """In small transactions, before the answer, and once, though there are as many tags as an image may have."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await add_tags(registry, 999)

    with counted() as transactions:
        await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])
    registry.clock.advance(DAY)
    await sweep(registry)

    assert max(transactions.sizes) <= MOST
    assert await removals(registry) == sorted(
        (tag, START, ROOT, pushed.digest) for tag in ["v1", *(f"t{number}" for number in range(999))]
    )


async def test_a_tag_that_is_set_anew_was_taken_off_before(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The history has both lines in their order, though the deleted image is not drained yet."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])

    await put(ecr, repository, pushed, "v1")
    await sweep(registry)

    assert await moves(registry) == [(None, pushed.digest), (pushed.digest, None), (None, pushed.digest)]


@pytest.mark.parametrize("tags", [2, 700])
async def test_tags_that_a_broken_off_deletion_left_are_taken_off_by_the_sweep(
    ecr: ECR, registry: RunningRegistry, repository: str, tags: int
) -> None:
    """With the time of the deletion, each once, though two workers sweep at once."""
    pushed = image()
    await push(ecr, repository, pushed)
    await add_tags(registry, tags)
    await execute(registry, break_off_the_deletion())
    registry.clock.advance(1)

    with counted() as transactions:
        await asyncio.gather(*(sweep(registry) for _ in range(2)))

    assert max(transactions.sizes) <= MOST
    assert await removals(registry) == sorted(
        (f"t{number}", START + 1, "entrepot", pushed.digest) for number in range(tags)
    )
    assert await count(registry, tables.images) == await count(registry, tables.image_tags) == 0


async def test_a_tag_that_a_broken_off_deletion_left_can_be_set(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """That it was removed is written down first."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await execute(registry, break_off_the_deletion())

    await put(ecr, repository, pushed, "v1")
    await sweep(registry)

    assert await moves(registry) == [(None, pushed.digest), (pushed.digest, None), (None, pushed.digest)]
    assert await removals(registry) == [("v1", START + 1, "entrepot", pushed.digest)]


async def test_draining_a_repository_writes_no_history(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """It goes with the repository; an image with more tags than a transaction has rows is no exception."""
    await push(ecr, repository, image("few"), "v1")
    await push(ecr, repository, image("many"))
    await add_tags(registry, 700)
    await ecr("DeleteRepository", repositoryName=repository, force=True)
    before = await count(registry, tables.tag_history)

    with counted() as transactions:
        while await count(registry, tables.images):
            await drain_repositories(registry.services)

    assert max(transactions.sizes) <= MOST
    assert await count(registry, tables.tag_history) == before
    assert await count(registry, tables.image_tags) == 0


async def test_draining_takes_no_tag_that_was_set_anew(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Nor the image that was pushed again."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])
    await push(ecr, repository, pushed, "v1")

    await sweep(registry)

    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == ["v1"]
    assert (await oci.get(f"/v2/{repository}/manifests/v1")).content == pushed.content
    layers = await ecr(
        "BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest_of(pushed.blobs[1])]
    )
    assert layers["layers"][0]["layerAvailability"] == "AVAILABLE"


async def test_draining_leaves_the_new_repository_of_the_name_alone(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Which may be filled while the old one is drained."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    await ecr("DeleteRepository", repositoryName=repository, force=True)
    await ecr("CreateRepository", repositoryName=repository)
    await push(ecr, repository, pushed, "v1")

    await sweep(registry)

    assert (await ecr("ListImages", repositoryName=repository))["imageIds"] == [
        {"imageDigest": pushed.digest, "imageTag": "v1"}
    ]


async def test_an_expired_upload_loses_its_bytes(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """An hour later, when no request can be in the middle of it; one that is still touched does not."""
    await upload(ecr, repository, b"forgotten")
    registry.clock.advance(DAY)
    alive = await upload(ecr, repository, b"alive")
    stored = await rows(registry, select(tables.uploads.c.id, tables.uploads.c.storage_key))
    keys: dict[str, str] = {row.id: row.storage_key for row in stored}

    await sweep(registry)
    registry.clock.advance(2 * HOUR)
    await sweep(registry)

    assert {await is_stored(registry, key) for upload_id, key in keys.items() if upload_id != alive} == {False}
    assert await is_stored(registry, keys[alive])
    assert [row.id for row in await rows(registry, select(tables.uploads.c.id))] == [alive]


async def test_a_completed_upload_that_expires_keeps_its_blob(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """The layer lives under the upload's key."""
    digest = await push_layer(ecr, repository, b"content")
    ((key,),) = await rows(registry, select(tables.blobs.c.storage_key))
    registry.clock.advance(DAY - HOUR)
    await ecr("BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest])
    registry.clock.advance(HOUR)

    await sweep(registry)

    assert await count(registry, tables.uploads) == 0
    assert await is_stored(registry, key)
    checked = await ecr("BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest])
    assert checked["layers"][0]["layerAvailability"] == "AVAILABLE"


async def test_uploads_expire_in_batches(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Many at once are many small transactions; each call says whether there may be more."""
    await upload(ecr, repository, b"")
    ((repository_id,),) = await rows(registry, select(tables.repositories.c.id))
    await execute(registry, *[insert(tables.uploads).values(_upload(repository_id, n)) for n in range(300)])
    registry.clock.advance(DAY)

    with counted() as transactions:
        busy = [await expire_uploads(registry.services) for _ in range(3)]

    assert busy == [True, True, False]
    assert max(transactions.sizes) <= MOST
    assert await count(registry, tables.uploads) == 0


async def test_history_and_audit_are_kept_for_a_window(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """What is older is forgotten; the tags themselves are not."""
    await push(ecr, repository, image("old"), "v1")
    registry.clock.advance(2 * DAY)
    await push(ecr, repository, image("new"), "v1")
    trim = trimming(history_days=1)

    busy = [await trim(registry.services) for _ in range(2)]

    assert busy == [True, False]
    assert [row.moved_at for row in await rows(registry, select(tables.tag_history.c.moved_at))] == [
        START + 2 * DAY
    ]
    assert [row.recorded_at for row in await rows(registry, select(tables.audit_records.c.recorded_at))] == [
        START + 2 * DAY
    ]
    assert len((await ecr("ListImages", repositoryName=repository))["imageIds"]) == 2


async def test_records_of_denials_are_bounded(registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, some in each transaction, and changes stay."""
    monkeypatch.setattr(sweeps, "MOST_KEPT", 10)
    await execute(registry, insert(tables.audit_records).values([_record(n, "") for n in range(500)]))
    await execute(registry, insert(tables.audit_records).values([_record(n, f"{n:016x}") for n in range(500)]))
    trim = trimming(history_days=1)

    with counted() as transactions:
        busy = [await trim(registry.services) for _ in range(4)]

    assert busy == [True, True, True, False]
    assert max(transactions.sizes) <= MOST
    kept = await rows(registry, select(tables.audit_records.c.recorded_at, tables.audit_records.c.request_id))
    assert [row.recorded_at - START for row in kept if not row.request_id] == list(range(490, 500))
    assert sum(1 for row in kept if row.request_id) == 500


def _record(number: int, request_id: str) -> dict[str, object]:
    return {
        "recorded_at": START + number,
        "request_id": request_id,
        "account": "",
        "region": "",
        "principal": "",
        "operation": "",
        "repository": "",
        "detail": "{}",
    }


@dataclass(frozen=True)
class Unwritten:
    """A database that is only read."""

    metadata: Metadata

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """As the database does."""
        return await self.metadata.look_up(query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """As the database does."""
        return await self.metadata.read(query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Not to be called."""
        raise AssertionError(change)

    async def check(self) -> None:
        """As the database does."""
        await self.metadata.check()

    async def close(self) -> None:
        """The database is another's."""


def break_off_the_deletion() -> Executable:
    """Detach every image with its tags still on it, as if its deletion had ended behind its first transaction."""
    return update(tables.images).values(
        detached_from=tables.images.c.repository_id, repository_id=None, detached_at=START + 1
    )


async def removals(registry: RunningRegistry) -> list[tuple[str, int, str, str]]:
    """Tag, time, principal and digest of each removal in the history, by tag."""
    history = tables.tag_history.c
    found = select(history.tag, history.moved_at, history.moved_by, history.from_digest)
    return sorted(tuple(row) for row in await rows(registry, found.where(history.to_digest.is_(None))))


async def moves(registry: RunningRegistry) -> list[tuple[str | None, str | None]]:
    """From where and to where each line of the history tells, in order."""
    history = tables.tag_history.c
    return [
        tuple(row)
        for row in await rows(registry, select(history.from_digest, history.to_digest).order_by(history.id))
    ]


async def fill(ecr: ECR, registry: RunningRegistry, repository: str, *, images: int, tags: int) -> None:
    """Put images into a repository by SQL, and tags on the first of them, layers and an upload."""
    await push(ecr, repository, image(), "v1")
    await upload(ecr, repository, b"open")
    ((repository_id,),) = await rows(registry, select(tables.repositories.c.id))
    await execute(
        registry,
        insert(tables.images).values([_image(repository_id, number) for number in range(images)]),
    )
    await add_tags(registry, tags)


async def add_tags(registry: RunningRegistry, number: int) -> None:
    """Put tags on the first image."""
    first, *_ = await rows(
        registry, select(tables.images.c.id, tables.images.c.repository_id).order_by(tables.images.c.id)
    )
    many = [
        {"repository_id": first.repository_id, "tag": f"t{one}", "image_id": first.id, "moved_at": START}
        for one in range(number)
    ]
    await execute(
        registry,
        insert(tables.image_tags).values(many),
        update(tables.images)
        .where(tables.images.c.id == first.id)
        .values(tag_count=tables.images.c.tag_count + number),
    )


def _image(repository_id: int, number: int) -> dict[str, object]:
    return {
        "repository_id": repository_id,
        "digest": f"sha256:{number:064x}",
        "encryption_key": "",
        "media_type": "x/y",
        "size": 0,
        "manifest_size": 0,
        "pushed_at": START,
        "tag_count": 0,
    }


def _upload(repository_id: int, number: int) -> dict[str, object]:
    return {
        "id": str(number),
        "repository_id": repository_id,
        "storage_key": f"{number:032x}",
        "size": 0,
        "epoch": 0,
        "parts": 0,
        "last_part_size": 0,
        "has_short_part": False,
        "created_at": START,
        "touched_at": START,
    }
