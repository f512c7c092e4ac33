"""Garbage collection: what goes, what stays, and when."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import Engine, event, insert, select, update
from tests.api.clients import ECR, password
from tests.api.collection_invariants import check_invariants, check_nothing_is_left
from tests.api.crashes import Crashed, crashing
from tests.api.images import Image, digest_of, image, push, push_layer, push_layers, put, upload
from tests.api.rows import count, execute, is_stored, rows
from tests.api.test_sweeps import MOST, counted

from entrepot.core.clock import DAY, HOUR, MINUTE
from entrepot.core.garbage import Cause
from entrepot.features.layers.rules import CLOCK_SKEW
from entrepot.metadata import tables
from entrepot.operations.collection import collect_layers, report_garbage
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.testing.registry import START, RunningRegistry

#: How long after a deletion it is certain that the layers are out of the repository, and how long until the bytes go.
UNTIL_DROPPED, UNTIL_REMOVED = 2 * HOUR + CLOCK_SKEW + 1, HOUR + CLOCK_SKEW + 1
CONTENT = b"content"


async def collect(registry: RunningRegistry) -> None:
    """Go round until nothing is left to do."""
    await sweep_once(registry.services, collecting_sweeps())


async def collect_after(registry: RunningRegistry, *times: int) -> None:
    """Collect now, and after each of the times."""
    await collect(registry)
    for time in times:
        registry.clock.advance(time)
        await collect(registry)


async def storage_key(registry: RunningRegistry, content: bytes) -> str:
    """Under which a layer is kept."""
    key = select(tables.blobs.c.storage_key).where(tables.blobs.c.digest == digest_of(content))
    ((found,),) = await rows(registry, key)
    return found


async def is_available(ecr: ECR, repository: str, content: bytes) -> bool:
    """What BatchCheckLayerAvailability says."""
    answer = await ecr("BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest_of(content)])
    return answer["layers"][0]["layerAvailability"] == "AVAILABLE"


async def delete(ecr: ECR, repository: str, pushed: Image) -> None:
    """BatchDeleteImage by digest."""
    answer = await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])
    assert answer["failures"] == []


async def tombstones(registry: RunningRegistry) -> list[tuple[str, str]]:
    """Storage key and cause of each."""
    found = await rows(registry, select(tables.tombstones.c.storage_key, tables.tombstones.c.cause))
    return [(row.storage_key, row.cause) for row in found]


async def test_a_layer_that_no_image_came_for_goes_with_its_lease(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Not a moment before it has ended on every replica's clock; its bytes go an hour later."""
    await push_layer(ecr, repository, CONTENT)
    key = await storage_key(registry, CONTENT)

    await collect_after(registry, DAY + CLOCK_SKEW - 1)
    before = await count(registry, tables.repository_layers)
    await collect_after(registry, 1)
    after, stored = await count(registry, tables.repository_layers), await is_stored(registry, key)
    await collect_after(registry, UNTIL_REMOVED)

    assert (before, after, stored) == (1, 0, True)
    assert registry.counters.collected_count == {Cause.PUSH: 1}
    assert registry.counters.collected_bytes == {Cause.PUSH: len(CONTENT)}
    assert not await is_stored(registry, key)
    assert await tombstones(registry) == []


async def test_a_layer_of_an_image_stays(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """And is not looked at again, once it was found named."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    await collect_after(registry, 10 * DAY, 10 * DAY)

    assert [await is_available(ecr, repository, blob) for blob in pushed.blobs] == [True, True]
    assert [row.due_at for row in await rows(registry, select(tables.repository_layers.c.due_at))] == [None, None]


async def test_a_deleted_image_takes_its_layers_along(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Two hours later, and their bytes after one more; those that another image names stay."""
    gone, kept = image("gone"), image("kept")
    shared = Image(kept.media_type, kept.content.replace(b'"schemaVersion": 2', b'"schemaVersion":2'), kept.blobs)
    for pushed in (gone, kept, shared):
        await push(ecr, repository, pushed)
    await collect_after(registry, 2 * DAY)
    stored = [await storage_key(registry, blob) for blob in gone.blobs]
    await delete(ecr, repository, gone)
    await delete(ecr, repository, shared)

    await collect_after(registry, UNTIL_DROPPED)
    buried = await tombstones(registry)
    await collect_after(registry, UNTIL_REMOVED)

    assert sorted(buried) == sorted((key, "image") for key in stored)
    assert [await is_stored(registry, key) for key in stored] == [False, False]
    assert [await is_available(ecr, repository, blob) for blob in kept.blobs] == [True, True]
    size = sum(map(len, gone.blobs))
    assert (registry.counters.collected_count[Cause.IMAGE], registry.counters.collected_bytes[Cause.IMAGE]) == (
        2,
        size,
    )


async def test_a_download_url_outlives_the_image(
    ecr: ECR, registry: RunningRegistry, repository: str, anonymous: httpx.AsyncClient
) -> None:
    """For its whole hour: a pull that has begun comes to its end."""
    pushed = image()
    await push(ecr, repository, pushed)
    await collect_after(registry, 2 * DAY)
    answer = await ecr("GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest_of(pushed.blobs[1]))
    await delete(ecr, repository, pushed)

    await collect_after(registry, HOUR - 1)

    assert (await anonymous.get(answer["downloadUrl"])).content == pushed.blobs[1]


async def test_a_layer_that_is_asked_for_at_the_last_moment_is_there_for_its_image(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """The answer has renewed the lease."""
    pushed = image()
    await push_layers(ecr, repository, pushed)
    registry.clock.advance(DAY - MINUTE)
    oci.auth = ("AWS", await password(ecr))
    heads = [await oci.head(f"/v2/{repository}/blobs/{digest_of(blob)}") for blob in pushed.blobs]

    await collect_after(registry, 12 * HOUR, 11 * HOUR)

    assert [head.status_code for head in heads] == [200, 200]
    assert (await put(ecr, repository, pushed))["image"]["imageId"]["imageDigest"] == pushed.digest


async def test_a_completion_that_is_repeated_renews_the_lease(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Its answer is as good as the first one."""
    upload_id = await upload(ecr, repository, CONTENT)
    members = {"repositoryName": repository, "uploadId": upload_id, "layerDigests": [digest_of(CONTENT)]}
    await ecr("CompleteLayerUpload", **members)
    registry.clock.advance(DAY - MINUTE)

    refused = await ecr.error("CompleteLayerUpload", **members)

    assert refused["__type"] == "LayerAlreadyExistsException"
    ((lease_until,),) = await rows(registry, select(tables.repository_layers.c.lease_until))
    assert lease_until == START + 2 * DAY - MINUTE


async def test_a_layer_of_two_repositories_goes_with_the_last(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Each has its own link and its own lease."""
    await ecr("CreateRepository", repositoryName="other")
    await push_layer(ecr, repository, CONTENT)
    registry.clock.advance(HOUR)
    mounted = await oci.post(f"/v2/other/blobs/uploads/?mount={digest_of(CONTENT)}&from={repository}")

    await collect_after(registry, 23 * HOUR + CLOCK_SKEW)
    first = await rows(registry, select(tables.repositories.c.name).join(tables.repository_layers))
    await collect_after(registry, HOUR)

    assert mounted.status_code == 201
    assert [row.name for row in first] == ["other"]
    assert await count(registry, tables.blobs) == 0


async def test_a_deleted_repository_takes_everything_along(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Without a wait but that for bytes: nobody can reach what is in it any more."""
    await push(ecr, repository, image(), "v1")
    await push_layer(ecr, repository, CONTENT)
    await upload(ecr, repository, b"open")
    await ecr("DeleteRepository", repositoryName=repository, force=True)

    await collect(registry)
    buried = await tombstones(registry)
    await collect_after(registry, UNTIL_REMOVED)

    assert sorted(cause for _, cause in buried) == ["repository", "repository", "repository", "upload"]
    await check_nothing_is_left(registry)


async def test_a_layer_that_is_deleted_by_its_digest_goes_at_once(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Pushed again it is another blob, under another key; removing the old bytes does it no harm."""
    await push_layer(ecr, repository, CONTENT)
    old = await storage_key(registry, CONTENT)
    deleted = await oci.delete(f"/v2/{repository}/blobs/{digest_of(CONTENT)}")
    buried = await tombstones(registry)

    await push_layer(ecr, repository, CONTENT)
    await collect_after(registry, UNTIL_REMOVED)

    assert deleted.status_code == 202
    assert buried == [(old, "unlink")]
    assert await storage_key(registry, CONTENT) != old
    assert not await is_stored(registry, old)
    oci.auth = ("AWS", await password(ecr))
    assert (await oci.get(f"/v2/{repository}/blobs/{digest_of(CONTENT)}")).content == CONTENT


async def test_a_manifest_goes_with_the_last_image_that_has_it(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """It is stored once for all repositories."""
    pushed = image()
    await ecr("CreateRepository", repositoryName="other")
    for name in (repository, "other"):
        await push(ecr, name, pushed)

    await delete(ecr, repository, pushed)
    await collect(registry)
    first = await count(registry, tables.manifests)
    await delete(ecr, "other", pushed)
    await collect(registry)

    assert (first, await count(registry, tables.manifests)) == (1, 0)
    assert registry.counters.collected_count[Cause.MANIFEST] == 1
    assert registry.counters.collected_bytes[Cause.MANIFEST] == len(pushed.content)


async def test_bytes_that_were_there_already_are_nobodys(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Of two uploads of one digest the first one's bytes are kept; the others are named until they are gone."""
    await ecr("CreateRepository", repositoryName="other")
    await push_layer(ecr, repository, CONTENT)

    await push_layer(ecr, "other", CONTENT)

    await check_invariants(registry, set())
    ((key, cause),) = await tombstones(registry)
    assert cause == "upload"
    assert not await is_stored(registry, key)


async def test_a_base_layer_of_many_deleted_images_is_written_once(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Within the hour: what is queued late enough stays as it is."""
    pushed = [
        Image(one.media_type, one.content + b" " * number, one.blobs) for number, one in enumerate([image()] * 3)
    ]
    for one in pushed:
        await push(ecr, repository, one)
    await collect_after(registry, 2 * DAY)
    due: list[set[int]] = []

    for one in pushed:
        await delete(ecr, repository, one)
        await collect(registry)
        due.append({row.due_at for row in await rows(registry, select(tables.repository_layers.c.due_at))})
        registry.clock.advance(50 * MINUTE)

    begun = START + 2 * DAY
    assert due == [{begun + 2 * HOUR}, {begun + 2 * HOUR}, {begun + 100 * MINUTE + 2 * HOUR}]


async def test_layers_are_collected_in_small_transactions(registry: RunningRegistry, repository: str) -> None:
    """And full ones: a link is three rows when it goes."""
    await add_layers(registry, 1_000)
    registry.clock.advance(2 * DAY)

    with counted() as transactions:
        busy = [await collect_layers(registry.services) for _ in range(8)]

    assert max(transactions.sizes) <= MOST
    assert busy == [True] * 7 + [False]
    assert await count(registry, tables.tombstones) == 1_000


async def test_several_collectors_share_the_work(registry: RunningRegistry, repository: str) -> None:
    """Each layer is counted once, even if its bytes are removed twice."""
    await add_layers(registry, 1_000)
    registry.clock.advance(2 * DAY)

    await asyncio.gather(*(collect(registry) for _ in range(3)))
    registry.clock.advance(UNTIL_REMOVED)
    await asyncio.gather(*(collect(registry) for _ in range(3)))

    assert await count(registry, tables.blobs) == await count(registry, tables.tombstones) == 0
    assert registry.counters.collected_count == {Cause.PUSH: 1_000}


async def test_links_that_are_due_and_leased_are_looked_at_when_the_lease_ends(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """The queue does not turn round and round."""
    await push_layer(ecr, repository, CONTENT)
    registry.clock.advance(20 * HOUR)
    assert await is_available(ecr, repository, CONTENT)
    registry.clock.advance(5 * HOUR)

    busy = [await collect_layers(registry.services) for _ in range(2)]

    assert busy == [True, False]
    ((due_at,),) = await rows(registry, select(tables.repository_layers.c.due_at))
    assert due_at == START + 44 * HOUR


async def test_the_report_tells_what_waits_and_what_is_due(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """By cause, in numbers and bytes: what it calls unneeded is what a collection buries."""
    await ecr("CreateRepository", repositoryName="other")
    pushed = image()
    await push(ecr, repository, pushed)
    await push_layer(ecr, repository, CONTENT)
    await push_layer(ecr, "other", b"of the other")
    await upload(ecr, repository, b"open")
    registry.clock.advance(DAY + HOUR)
    await ecr("DeleteRepository", repositoryName="other", force=True)

    before = await report_garbage(registry.services)
    await collect(registry)
    buried = await report_garbage(registry.services)
    await delete(ecr, repository, pushed)
    deleted = await report_garbage(registry.services)
    await collect_after(registry, UNTIL_REMOVED)
    after = await report_garbage(registry.services)

    found = [(each.cause, each.blobs, each.bytes) for each in before.unneeded]
    assert found == [("push", 1, len(CONTENT)), ("repository", 1, 12), ("upload", 1, 4)]
    assert [(each.cause, each.waiting, each.due) for each in before.links] == [("push", 4, 4)]
    assert (before.repositories.due, before.buried) == (1, [])
    assert [(each.cause, each.blobs, each.bytes) for each in buried.buried] == found
    assert (buried.unneeded, buried.links, buried.repositories.due) == ([], [], 0)
    assert deleted.images.due == 1
    assert [(each.cause, each.waiting, each.due) for each in after.links] == [("image", 2, 0)]
    assert (after.images.due, after.buried) == (0, [])


@pytest.mark.timeout(300)
async def test_a_crash_at_any_moment_changes_nothing_in_the_end(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Before and after each transaction and each removal: the next collection comes to the same end."""
    buried: set[str] = set()
    moments = 0
    while await fill_and_crash(ecr, registry, repository, moments + 1):
        moments += 1
        await check_invariants(registry, buried)
        await collect_to_the_end(registry)

    assert moments > 20
    await check_nothing_is_left_but(registry, 1)


@pytest.mark.timeout(300)
async def test_a_crash_at_any_statement_changes_nothing_in_the_end(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """In the middle of a transaction: it is undone."""
    buried: set[str] = set()
    moments = 0
    while True:
        await fill_with_garbage(ecr, registry, repository)
        try:
            with broken_off(moments + 1):
                await collect_to_the_end(registry)
        except LookupError:
            moments += 1
        else:
            break
        await check_invariants(registry, buried)
        await collect_to_the_end(registry)

    assert moments > 20
    await check_nothing_is_left_but(registry, 1)


async def fill_and_crash(ecr: ECR, registry: RunningRegistry, repository: str, at: int) -> bool:
    """Make garbage of every kind and die while it is collected; False when that came to its end before."""
    await fill_with_garbage(ecr, registry, repository)
    services = crashing(registry.services, at)
    try:
        for _ in range(3):
            await sweep_once(services, collecting_sweeps())
            registry.clock.advance(2 * DAY)
    except Crashed:
        return True
    return False


async def collect_to_the_end(registry: RunningRegistry) -> None:
    """Until everything has been waited for."""
    await collect_after(registry, 2 * DAY, 2 * DAY)


async def fill_with_garbage(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Garbage of every kind."""
    await ecr("CreateRepository", repositoryName="deleted")
    await push(ecr, "deleted", image("in both"), "v1")
    await upload(ecr, "deleted", b"open")
    await push_layer(ecr, repository, CONTENT)
    await upload(ecr, repository, b"forgotten")
    for name in ("in both", "one"):
        await push(ecr, repository, image(name), "v1")
        await delete(ecr, repository, image(name))
    await ecr("DeleteRepository", repositoryName="deleted", force=True)


async def check_nothing_is_left_but(registry: RunningRegistry, repositories: int) -> None:
    """As when nothing has been pushed yet."""
    assert await count(registry, tables.repositories) == repositories
    await execute(registry, update(tables.repositories).values(name=None, detached_at=1))
    await collect(registry)
    await check_nothing_is_left(registry)


@contextmanager
def broken_off(at: int) -> Generator[None]:
    """Raise LookupError instead of the statement ``at``, counted from 1, that changes something."""
    left = at

    def execute(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            left -= 1
            if left == 0:
                raise LookupError

    event.listen(Engine, "before_cursor_execute", execute)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", execute)


async def add_layers(registry: RunningRegistry, number: int) -> None:
    """Put layers into the repository by SQL, that nobody has been promised for more than a day."""
    ((repository_id,),) = await rows(registry, select(tables.repositories.c.id))
    blobs = [
        {
            "id": 1_000_000 + one,
            "digest": f"sha256:{one:064x}",
            "encryption_key": "",
            "size": 1,
            "storage_key": f"{one:032x}",
            "stored_at": START,
        }
        for one in range(number)
    ]
    links = [
        {
            "repository_id": repository_id,
            "blob_id": blob["id"],
            "linked_at": START,
            "lease_until": START + DAY,
            "due_at": START + DAY,
            "due_cause": "push",
        }
        for blob in blobs
    ]
    await execute(registry, insert(tables.blobs).values(blobs), insert(tables.repository_layers).values(links))
