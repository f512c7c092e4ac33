"""What is done after the fact, a little at a time."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, event, insert, select, update
from tests.api.clients import ECR
from tests.api.images import artifact, digest_of, image, push, push_layer, push_layers, upload
from tests.api.rows import count, execute, is_stored, rows

from entrepot.core.clock import DAY
from entrepot.metadata import tables
from entrepot.operations.sweeps import all_sweeps, expire_uploads, sweep_once, trimming
from entrepot.testing.registry import START, RunningRegistry

#: No transaction touches more rows than this.
MOST = 500


@dataclass
class Transactions:
    """How many rows each transaction has changed."""

    sizes: list[int] = field(default_factory=list[int])

    def begin(self, _connection: Connection) -> None:
        """A new one."""
        self.sizes.append(0)

    def execute(self, _connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        """A statement in it."""
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            self.sizes[-1] += cursor.rowcount


@contextmanager
def counted() -> Generator[Transactions]:
    """Count the rows of every transaction of the block, whatever engine it is on."""
    transactions = Transactions()
    event.listen(Engine, "begin", transactions.begin)
    event.listen(Engine, "after_cursor_execute", transactions.execute)
    try:
        yield transactions
    finally:
        event.remove(Engine, "begin", transactions.begin)
        event.remove(Engine, "after_cursor_execute", transactions.execute)


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
    tags = "&".join(f"tag=large-{number}" for number in range(100))

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


async def test_draining_writes_down_that_each_tag_went(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """With the time at which the image was deleted."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])
    registry.clock.advance(DAY)

    await sweep(registry)

    gone = select(tables.tag_history.c.tag, tables.tag_history.c.moved_at, tables.tag_history.c.from_digest)
    assert set(await rows(registry, gone.where(tables.tag_history.c.to_digest.is_(None)))) == {
        ("v1", START, pushed.digest),
        ("v2", START, pushed.digest),
    }


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
    """One that is still touched does not."""
    await upload(ecr, repository, b"forgotten")
    registry.clock.advance(DAY)
    alive = await upload(ecr, repository, b"alive")
    stored = await rows(registry, select(tables.uploads.c.id, tables.uploads.c.storage_key))
    keys: dict[str, str] = {row.id: row.storage_key for row in stored}

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
    registry.clock.advance(2 * DAY)

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
