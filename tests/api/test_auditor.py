"""The auditor: it finds what is wrong, and nothing else, and repairs what it may."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import delete, insert, select, update
from tests.api.clients import ECR
from tests.api.collection_invariants import check_invariants
from tests.api.crashes import Countdown, Crashed, CrashingMetadata, CrashingStorage
from tests.api.images import Image, artifact, digest_of, image, index, push, push_layer, put, upload
from tests.api.rows import count, execute, is_stored
from tests.api.test_collection import collect, collect_after, storage_key

from entrepot.core.clock import DAY, HOUR, MINUTE, SECOND
from entrepot.core.digest import hasher
from entrepot.core.garbage import Cause
from entrepot.features.auditor.errors import AuditorBusy, AuditTakenOver
from entrepot.features.auditor.findings import Kind, Progress, Stage
from entrepot.features.auditor.rules import LEASE
from entrepot.features.layers.rules import CLOCK_SKEW
from entrepot.metadata import tables
from entrepot.operations.auditor import DAMAGED_KEPT, AuditReport, Choices, audit, list_findings
from entrepot.operations.blob_store import WrongStorage, claim_storage
from entrepot.operations.sweeps import collecting_sweeps
from entrepot.testing.registry import RunningRegistry

IMAGE = image("one")
LAYER = IMAGE.blobs[1]
#: A storage key that nobody has.
NOBODYS = "0123456789abcdef0123456789abcdef"
#: A digest that nothing has.
ABSENT = f"sha256:{'a' * 64}"

REPAIRING = Choices(repairs=True, patience=0)
DROPPING = Choices(repairs=True, drops_damaged=True, patience=0)


def be_silent(_progress: Progress) -> None:
    """Nobody waits for it."""


async def run(registry: RunningRegistry, choices: Choices | None = None) -> AuditReport:
    """A whole audit."""
    return await audit(registry.services, choices or Choices(patience=0), be_silent)


async def found(registry: RunningRegistry) -> list[tuple[Kind, bool]]:
    """Kinds of what the last audit has found, and whether that was repaired."""
    return [
        (kept.finding.kind, kept.repaired_at is not None)
        async for kept in list_findings(registry.services.metadata)
    ]


@pytest.fixture(autouse=True)
async def _started(registry: RunningRegistry) -> None:
    """The storage is the database's, as the first start of a registry sees to it."""
    await claim_storage(registry.services.metadata, registry.services.storage, registry.services.random_hex)


async def store_bytes(registry: RunningRegistry, key: str, content: bytes) -> None:
    """Put bytes under a storage key, in the place of those that are there."""
    await registry.storage.delete(key)
    async with registry.storage.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
        await writer.write([content])
        await writer.sync()
    await registry.storage.seal(key, size=len(content), epoch=1)


async def fill(ecr: ECR, repository: str) -> None:
    """Images of all kinds, one of them deleted, and uploads that are open or came to nothing."""
    await push(ecr, repository, IMAGE, "v1", "v2")
    await push(ecr, repository, image("other"))
    await put(ecr, repository, index(IMAGE, image("other")), "all")
    await push(ecr, repository, artifact("signature", IMAGE, "application/x"))
    gone = image("gone")
    await push(ecr, repository, gone, "old")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": gone.digest}])
    await push_layer(ecr, repository, b"a layer that no image came for")
    await upload(ecr, repository, b"half a layer")


@pytest.mark.parametrize(
    "choices", [REPAIRING, replace(REPAIRING, reads_bytes=False)], ids=["digests", "no digests"]
)
async def test_where_nothing_is_wrong_nothing_is_found(
    ecr: ECR, registry: RunningRegistry, repository: str, choices: Choices
) -> None:
    """Not in what is deleted, on its way in, or waiting to be collected either, at any time until it is."""
    await fill(ecr, repository)
    await ecr("CreateRepository", repositoryName="gone")
    await push(ecr, "gone", IMAGE)
    await ecr("DeleteRepository", repositoryName="gone", force=True)

    for time in (0, 3 * HOUR, DAY, DAY):
        registry.clock.advance(time)
        before = await run(registry, choices)
        await collect(registry)
        after = await run(registry, choices)

        assert (before.totals, after.totals) == ([], [])
        assert [each.is_over for each in after.stages] == [True] * len(Stage)


@pytest.mark.parametrize("encryption", ["KMS", "KMS_DSSE"])
async def test_what_is_encrypted_is_looked_at_in_plain(
    ecr: ECR, registry: RunningRegistry, encryption: str
) -> None:
    """By the keys that pulls use; what they do not open is noted, and is no fault."""
    await ecr("CreateRepository", repositoryName="secret", encryptionConfiguration={"encryptionType": encryption})
    await fill(ecr, "secret")

    clean = await run(registry, REPAIRING)
    for arn in registry.keyring.read().keys:
        registry.keyring.set_enabled(arn, enabled=False)
    registry.clock.advance(2 * MINUTE)
    closed = await run(registry, REPAIRING)

    assert clean.totals == []
    assert ({each.kind for each in closed.totals}, closed.faults) == ({Kind.UNCHECKED}, 0)


Damage = Callable[[RunningRegistry], Awaitable[None]]


async def lose_a_manifest(registry: RunningRegistry) -> None:
    """Its row is gone."""
    await execute(registry, delete(tables.manifests).where(tables.manifests.c.digest == IMAGE.digest))


async def change_a_manifest(registry: RunningRegistry) -> None:
    """It has other bytes."""
    change = update(tables.manifests).where(tables.manifests.c.digest == IMAGE.digest)
    await execute(registry, change.values(content=IMAGE.content.replace(b"2", b"3", 1)))


async def change_an_image(registry: RunningRegistry) -> None:
    """It has another size and subject than its manifest."""
    change = update(tables.images).where(tables.images.c.digest == IMAGE.digest)
    await execute(registry, change.values(size=1, subject_digest=ABSENT))


async def lose_a_reference(registry: RunningRegistry) -> None:
    """The image does not name its layer any more, which does not wait for the collector."""
    of_layer = tables.image_references.c.digest == digest_of(LAYER)
    await execute(registry, delete(tables.image_references).where(of_layer))


async def change_a_reference(registry: RunningRegistry) -> None:
    """It names a layer that is not there."""
    change = update(tables.image_references).where(tables.image_references.c.digest == digest_of(LAYER))
    await execute(registry, change.values(digest=ABSENT))


async def lose_a_link(registry: RunningRegistry) -> None:
    """The repository does not have a layer of its image any more, nor has anybody."""
    blob = select(tables.blobs.c.id).where(tables.blobs.c.digest == digest_of(LAYER)).scalar_subquery()
    await execute(registry, delete(tables.repository_layers).where(tables.repository_layers.c.blob_id == blob))


async def miscount_tags(registry: RunningRegistry) -> None:
    """One too many."""
    await execute(registry, update(tables.images).values(tag_count=tables.images.c.tag_count + 1))


async def keep_a_manifest(registry: RunningRegistry) -> None:
    """One that no image has."""
    await execute(registry, insert(tables.manifests).values(digest=ABSENT, encryption_key="", content=b"{}"))


async def link_under_another_key(registry: RunningRegistry) -> None:
    """The blob is one that another key protects."""
    change = update(tables.blobs).where(tables.blobs.c.digest == digest_of(LAYER))
    await execute(registry, change.values(encryption_key="KMS arn"))


async def bury_a_blob(registry: RunningRegistry) -> None:
    """Its bytes are to be removed though it is there."""
    key = await storage_key(registry, LAYER)
    row = {"storage_key": key, "size": 1, "cause": "image", "made_at": registry.clock()}
    await execute(registry, insert(tables.tombstones).values(row))


async def share_a_key(registry: RunningRegistry) -> None:
    """Two blobs are kept under one storage key."""
    key = await storage_key(registry, LAYER)
    await registry.storage.delete(await storage_key(registry, IMAGE.blobs[0]))
    change = update(tables.blobs).where(tables.blobs.c.digest == digest_of(IMAGE.blobs[0]))
    await execute(registry, change.values(storage_key=key))


async def note_nobodys_data_key(registry: RunningRegistry) -> None:
    """A data key of bytes that no row names."""
    await execute(registry, insert(tables.data_keys).values(storage_key=NOBODYS, wrapped=b"", epoch=0))


async def note_nobodys_multipart(registry: RunningRegistry) -> None:
    """A multipart upload of bytes that no row names."""
    values = {"epoch": 0, "revision": 0, "part_size": 0, "next_part": 1, "next_tail": 1, "tails": "[]"}
    await execute(registry, insert(tables.multiparts).values(storage_key=NOBODYS, **values))


async def store_nobodys_bytes(registry: RunningRegistry) -> None:
    """Bytes that no row names."""
    await store_bytes(registry, NOBODYS, b"whose?")


async def lose_bytes(registry: RunningRegistry) -> None:
    """Those of a layer are gone."""
    await registry.storage.delete(await storage_key(registry, LAYER))


async def cut_bytes(registry: RunningRegistry) -> None:
    """The last one is missing."""
    await store_bytes(registry, await storage_key(registry, LAYER), LAYER[:-1])


async def flip_a_bit(registry: RunningRegistry) -> None:
    """In a layer."""
    await store_bytes(registry, await storage_key(registry, LAYER), bytes([LAYER[0] ^ 1]) + LAYER[1:])


async def add_bytes(registry: RunningRegistry) -> None:
    """Behind the end of a layer."""
    await store_bytes(registry, await storage_key(registry, LAYER), LAYER + b"more")


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (lose_a_manifest, [Kind.MANIFEST_MISSING]),
        (change_a_manifest, [Kind.MANIFEST_DAMAGED]),
        (change_an_image, [Kind.IMAGE_DIFFERS]),
        (lose_a_reference, [Kind.IMAGE_DIFFERS, Kind.REFERENCES_DIFFER]),
        (change_a_reference, [Kind.LAYER_MISSING, Kind.REFERENCES_DIFFER]),
        (link_under_another_key, [Kind.LAYER_MISSING, Kind.LINK_OF_OTHER_KEY]),
        (share_a_key, [Kind.KEY_SHARED, Kind.KEY_SHARED, Kind.BLOB_DAMAGED]),
        (lose_bytes, [Kind.BLOB_DAMAGED]),
        (cut_bytes, [Kind.BLOB_DAMAGED]),
        (flip_a_bit, [Kind.BLOB_DAMAGED]),
        (add_bytes, [Kind.BLOB_DAMAGED]),
    ],
)
async def test_damage_is_found_and_left_as_it_is(
    ecr: ECR, registry: RunningRegistry, repository: str, damage: Damage, kinds: list[Kind]
) -> None:
    """What no repair is safe for is a fault in each audit, until somebody mends it."""
    await push(ecr, repository, IMAGE, "v1")
    await damage(registry)

    first = await run(registry, REPAIRING)
    second = await run(registry)

    assert sorted(await found(registry)) == sorted((kind, False) for kind in kinds)
    assert first.totals == second.totals
    assert first.faults == len(kinds)


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (miscount_tags, [Kind.TAG_COUNT]),
        (keep_a_manifest, [Kind.MANIFEST_UNUSED]),
        (bury_a_blob, [Kind.KEY_BURIED]),
        (note_nobodys_data_key, [Kind.KEY_UNOWNED]),
        (note_nobodys_multipart, [Kind.KEY_UNOWNED]),
        (store_nobodys_bytes, [Kind.BYTES_UNOWNED]),
    ],
)
async def test_what_is_safe_to_repair_is_repaired_when_asked(
    ecr: ECR, registry: RunningRegistry, repository: str, damage: Damage, kinds: list[Kind]
) -> None:
    """It is found and left alone first, repaired then, and is no fault any more; nothing else has changed."""
    await push(ecr, repository, IMAGE, "v1")
    before = registry.storage.keys()
    await damage(registry)

    finding = await run(registry)
    unrepaired = await found(registry)
    repairing = await run(registry, REPAIRING)
    repaired = await found(registry)
    clean = await run(registry)

    assert {kind for kind, _ in unrepaired} == set(kinds)
    assert not any(is_repaired for _, is_repaired in unrepaired)
    assert repaired == [(kind, True) for kind in kinds]
    assert (finding.faults > 0, repairing.faults, clean.totals) == (True, 0, [])
    assert registry.storage.keys() == before
    await check_invariants(registry, set())
    await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])


async def test_a_layer_that_nothing_needs_goes_the_collectors_way(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """A link that the collector has lost sight of is queued, and goes with its lease."""
    await push_layer(ecr, repository, b"lost")
    key = await storage_key(registry, b"lost")
    await execute(registry, update(tables.repository_layers).values(due_at=None))

    await run(registry, REPAIRING)
    repaired = await found(registry)
    await collect_after(registry, MINUTE)
    leased = await count(registry, tables.repository_layers)
    await collect_after(registry, 2 * DAY, 2 * HOUR)

    assert (repaired, leased) == ([(Kind.LINK_UNQUEUED, True)], 1)
    assert not await is_stored(registry, key)


async def test_a_blob_that_no_repository_has_is_buried(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """And its bytes go when nobody can be downloading them any more."""
    await push(ecr, repository, IMAGE, "v1")
    key = await storage_key(registry, LAYER)
    await lose_a_link(registry)

    await run(registry, REPAIRING)
    after = await found(registry)
    stored = await is_stored(registry, key)
    await collect_after(registry, HOUR + CLOCK_SKEW + 1)

    assert sorted(after) == [(Kind.BLOB_UNLINKED, True), (Kind.LAYER_MISSING, False)]
    assert (stored, await is_stored(registry, key)) == (True, False)


async def test_a_blob_that_shares_its_bytes_is_never_buried(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """They would be taken from the other one."""
    await push(ecr, repository, IMAGE, "v1")
    key = await storage_key(registry, LAYER)
    await share_a_key(registry)
    await lose_a_link(registry)

    await run(registry, DROPPING)
    await collect_after(registry, 3 * DAY, 2 * HOUR)

    assert (Kind.BLOB_UNLINKED, False) in await found(registry)
    assert await is_stored(registry, key)


@pytest.mark.parametrize("damage", [lose_bytes, flip_a_bit])
async def test_a_damaged_layer_that_is_dropped_is_pushed_anew(
    ecr: ECR, registry: RunningRegistry, repository: str, damage: Damage
) -> None:
    """Every repository that had it asks for it again, and has it then; the damaged bytes are kept for a while."""
    await ecr("CreateRepository", repositoryName="other")
    for name in (repository, "other"):
        await push(ecr, name, IMAGE, "v1")
    key = await storage_key(registry, LAYER)
    await damage(registry)
    before = await is_stored(registry, key)

    dropping = await run(registry, DROPPING)
    (kept,) = [kept async for kept in list_findings(registry.services.metadata)]
    missing = await run(registry)
    for name in (repository, "other"):
        await push(ecr, name, IMAGE, "v1-again")
    healed = await run(registry)
    await collect_after(registry, DAMAGED_KEPT - MINUTE)
    after = await is_stored(registry, key)
    await collect_after(registry, 2 * HOUR)

    assert dropping.faults == 0
    assert f"app@{IMAGE.digest}" in kept.finding.detail
    assert f"other@{IMAGE.digest}" in kept.finding.detail
    assert [(each.kind, each.found) for each in missing.totals] == [(Kind.LAYER_MISSING, 2)]
    assert healed.totals == []
    assert (before, await is_stored(registry, key)) == (after, False)


async def test_a_storage_that_is_not_there_damages_nothing(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """A disk that is no longer mounted ends the audit; it does not make every layer a damaged one."""
    await claim_storage(registry.services.metadata, registry.storage, registry.services.random_hex)
    await push(ecr, repository, IMAGE, "v1")

    async def unmount_and_read(key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        await registry.storage.identify("what lies below the mount")
        await registry.storage.delete(key)
        async for chunk in registry.storage.read(key, start=start, length=length):
            yield chunk

    services = replace(registry.services, storage=Unmounting(registry, unmount_and_read))

    with pytest.raises(WrongStorage):
        await audit(services, DROPPING, be_silent)

    assert await found(registry) == []
    assert await count(registry, tables.blobs) == len(IMAGE.blobs)


class Unmounting:
    """A storage that goes away when it is read."""

    def __init__(self, registry: RunningRegistry, read: Callable[..., AsyncGenerator[bytes]]) -> None:
        self._storage = registry.storage
        self.read = read

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)


async def test_an_index_without_an_image_is_noted(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """``/v2/`` lets clients delete it, so it is no fault."""
    await push(ecr, repository, IMAGE)
    await put(ecr, repository, index(IMAGE), "all")
    await execute(
        registry,
        update(tables.images)
        .where(tables.images.c.digest == IMAGE.digest)
        .values(repository_id=None, detached_from=tables.images.c.repository_id, detached_at=registry.clock()),
    )

    report = await run(registry)

    assert ([each.kind for each in report.totals], report.faults) == ([Kind.CHILD_MISSING], 0)


@pytest.mark.registry(sparse_manifests=True)
async def test_sparse_manifests_may_lack_everything(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Where the setting says so."""
    await put(ecr, repository, IMAGE, "v1")
    await put(ecr, repository, index(image("absent")), "all")

    assert (await run(registry)).totals == []


async def test_another_auditor_is_refused_until_it_has_been_silent_for_long(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Then the audit is taken over, and the first one changes nothing any more."""
    await push(ecr, repository, IMAGE, "v1")
    refused: list[Exception] = []

    async def interrupt() -> None:
        with suppress(AuditorBusy):
            await run(registry)
            refused.append(AssertionError("it was not refused"))
        registry.clock.advance(LEASE + SECOND)
        await run(registry)

    interrupted = iter([interrupt])

    async def audit_beside() -> None:
        for call in interrupted:
            await call()

    services = replace(registry.services, storage=Interrupted(registry, audit_beside))

    with pytest.raises(AuditTakenOver):
        await audit(services, Choices(patience=0), be_silent)

    assert refused == []


class Interrupted:
    """A storage that lets something else happen before it is read."""

    def __init__(self, registry: RunningRegistry, happen: Callable[[], Awaitable[None]]) -> None:
        self._storage = registry.storage
        self._happen = happen

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        await self._happen()
        async for chunk in self._storage.read(key, start=start, length=length):
            yield chunk

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)


async def test_an_audit_goes_on_where_it_was_killed(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """At every moment: it finds each fault once, repairs each, and looks at nothing twice that it had done with."""
    await fill(ecr, repository)
    await miscount_tags(registry)
    await flip_a_bit(registry)
    await store_nobodys_bytes(registry)
    await keep_a_manifest(registry)
    moments = 0
    while await audit_and_crash(registry, 12):
        moments += 1
        registry.clock.advance(LEASE + SECOND)

    assert moments > 3
    kinds = await found(registry)
    assert [kind for kind, is_repaired in kinds if not is_repaired] == [Kind.BLOB_DAMAGED]
    assert {kind for kind, is_repaired in kinds if is_repaired} <= {
        Kind.TAG_COUNT,
        Kind.BYTES_UNOWNED,
        Kind.MANIFEST_UNUSED,
    }
    assert not await is_stored(registry, NOBODYS)
    last = await run(registry)
    assert [(each.kind, each.found) for each in last.totals] == [(Kind.BLOB_DAMAGED, 1)]
    looked_at = {each.stage: each.seen for each in last.stages}
    assert looked_at[Stage.IMAGES] == await count(registry, tables.images)


async def test_a_crash_at_any_moment_of_a_repair_leaves_it_to_be_done(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Whatever was done and whatever was not, the next audit comes to the same end."""
    await push(ecr, repository, IMAGE, "v1")
    for at in range(1, 60, 2):
        await miscount_tags(registry)
        await store_nobodys_bytes(registry)
        if not await audit_and_crash(registry, at, restarts=True):
            break
        registry.clock.advance(LEASE + SECOND)
        await run(registry, REPAIRING)

        assert (await run(registry)).totals == []
        assert not await is_stored(registry, NOBODYS)
    else:
        pytest.fail("it never came to its end")


async def audit_and_crash(registry: RunningRegistry, at: int, *, restarts: bool = False) -> bool:
    """Audit as a process that is killed at a moment; False when it came to its end before."""

    def tick() -> int:
        registry.clock.advance(SECOND)
        return registry.clock()

    death = Death(at)
    services = replace(
        registry.services,
        metadata=CrashingMetadata(registry.services.metadata, death),
        storage=CrashingStorage(registry.services.storage, death),
        clock=tick,
    )
    try:
        await audit(services, replace(REPAIRING, restarts=restarts), be_silent)
    except Crashed:
        return True
    return False


class Death(Countdown):
    """After the last moment nothing is done any more, not even what handles an error."""

    def pass_one(self) -> None:
        """Raise Crashed when it was the last, and ever after."""
        self.left -= 1
        if self.left <= 0:
            raise Crashed


class Pushing:
    """A client that pushes images with layers that others push too, and deletes most of them again."""

    def __init__(self, ecr: ECR, name: str, chance: Random) -> None:
        self._ecr = ecr
        self._name = name
        self._chance = chance
        self._kept: list[Image] = []

    async def work(self) -> None:
        """One push, and perhaps one deletion."""
        shared = image(f"shared {self._chance.randrange(3)}")
        pushed = image(f"{self._name} {self._chance.random()}", layers=json.loads(shared.content)["layers"])
        await push(self._ecr, self._name, replace(pushed, blobs=(pushed.blobs[0], shared.blobs[1])), "latest")
        self._kept.append(pushed)
        if len(self._kept) > 2:
            gone = self._kept.pop(self._chance.randrange(2))
            ids = [{"imageDigest": gone.digest}]
            await self._ecr("BatchDeleteImage", repositoryName=self._name, imageIds=ids)


async def test_pushes_deletions_and_collections_are_never_taken_for_faults(
    ecr: ECR, registry: RunningRegistry
) -> None:
    """However an audit, which repairs, meets them; and it takes nothing from them."""
    working = asyncio.Event()
    names, chance = ["first", "second", "third"], Random(7)
    for name in names:
        await ecr("CreateRepository", repositoryName=name)
    clients = [Pushing(ecr, name, chance) for name in names]

    async def work() -> None:
        for _ in range(12):
            await asyncio.gather(*(client.work() for client in clients))
            registry.clock.advance(3 * HOUR)  # while nobody sends anything, for signatures live for minutes
        working.clear()

    async def collect_meanwhile() -> None:
        while working.is_set():
            for sweep in collecting_sweeps():
                await sweep(registry.services)
            await asyncio.sleep(0)

    async def audit_meanwhile() -> int:
        audits = 0
        while working.is_set():
            report = await run(registry, DROPPING)
            assert report.totals == [], [kept async for kept in list_findings(registry.services.metadata)]
            audits += 1
        return audits

    working.set()
    async with asyncio.TaskGroup() as together:
        together.create_task(work())
        together.create_task(collect_meanwhile())
        audits = together.create_task(audit_meanwhile())

    assert audits.result() > 1
    assert registry.counters.collected_count[Cause.IMAGE] > 0
    await check_invariants(registry, set())
