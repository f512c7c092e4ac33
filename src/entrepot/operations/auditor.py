"""The auditor: whether rows and bytes are what they have to be, while the registry serves (designs/audit.md).

It goes through its stages one after the other, each in the order of its keys, and remembers how far it has come.
What looks wrong is looked at again before it is a finding. What a repair does, and that it was done, is one
transaction wherever it is rows alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from entrepot.core.clock import DAY, SECOND, Clock
from entrepot.core.digest import Digest, hasher
from entrepot.core.garbage import Cause
from entrepot.features.auditor import rules, store
from entrepot.features.auditor.errors import AuditorBusy
from entrepot.features.auditor.evidence import BlobEvidence, ImageEvidence, LinkEvidence, ManifestEvidence, Owners
from entrepot.features.auditor.findings import Finding, KeptFinding, Kind, Progress, Run, Stage, Total
from entrepot.features.collection import store as collection
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.encryption.messages import open_message
from entrepot.features.images import store as images
from entrepot.features.layers import store as layers
from entrepot.features.multiparts.ledger import MetadataPartLedger
from entrepot.keys.port import KeyUnusable
from entrepot.metadata.port import Metadata
from entrepot.operations.blob_store import check_storage
from entrepot.storage.port import BlobDamaged, BlobStorage, StoredObject

#: What one snapshot reads: images, with so many bytes of manifests, and rows of everything else.
IMAGES_AT_ONCE, MOST_MANIFEST_BYTES, ROWS_AT_ONCE = 50, 16 * 1024 * 1024, 200
#: Repositories that one transaction takes a damaged blob away from.
LINKS_AT_ONCE = 400
#: For so long the bytes of a damaged blob are kept when nobody has it any more.
DAMAGED_KEPT = 30 * DAY
#: How often an audit writes down how far it has come.
SAVED_EVERY = 2 * SECOND
#: Images that a finding about a blob names.
MOST_NAMED = 10

T = TypeVar("T")
A = TypeVar("A")
#: Mends what a finding says, in the caller's transaction; False when it is not so any more.
Repair = Callable[[Connection, int], bool]


class Audited(Protocol):
    """The part of the services that the auditor works with; see Services."""

    @property
    def metadata(self) -> Metadata:
        """See Services."""
        ...

    @property
    def storage(self) -> BlobStorage:
        """The storage itself, and no cache before it."""
        ...

    @property
    def encrypted_storage(self) -> BlobStorage:
        """See Services."""
        ...

    @property
    def data_keys(self) -> DataKeys:
        """See Services."""
        ...

    @property
    def clock(self) -> Clock:
        """See Services."""
        ...

    @property
    def random_hex(self) -> Callable[[int], str]:
        """See Services."""
        ...

    @property
    def sparse_manifests(self) -> bool:
        """See Services."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an audit is asked to do.

    It reads all bytes of every blob, or looks whether they are there. It repairs what cannot become worse by that;
    taking damaged blobs away, so that the next push brings them anew, is a choice of its own. It begins anew where
    it could go on. ``patience`` in seconds is how long it waits for an auditor that may have died.
    """

    reads_bytes: bool = True
    repairs: bool = False
    drops_damaged: bool = False
    restarts: bool = False
    bytes_per_second: int | None = None
    rows_per_second: int | None = None
    patience: float = rules.LEASE / SECOND + 1


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audit that goes on, or the last one: how far its stages have come, and what it has found."""

    run: Run
    stages: Sequence[Progress]
    totals: Sequence[Total]

    @property
    def faults(self) -> int:
        """Findings that are faults and are not repaired."""
        return sum(each.found - each.repaired for each in self.totals if each.kind.is_fault)


@dataclass(frozen=True, slots=True)
class _Step:
    """A piece of a stage: how far it comes with it, how much it has looked at, and what is left to be recorded."""

    cursor: str
    seen: int
    bytes: int = 0
    findings: Sequence[Finding] = field(default_factory=tuple[Finding, ...])


async def audit(services: Audited, choices: Choices, tell: Callable[[Progress], None]) -> AuditReport:
    """Go on with the audit that was broken off, or begin one, and see it to its end; ``tell`` hears how far it is.

    Raises AuditorBusy, AuditTakenOver, WrongStorage, and what keeps rows, bytes or keys from being read:
    MetadataUnavailable, StorageUnavailable, KeyServiceUnavailable. After any of them it can be gone on with.
    """
    await check_storage(services.metadata, services.storage)
    auditor = _Auditor(services, choices, await _claim(services, choices), tell)
    try:
        await auditor.go_through()
    except BaseException:
        await services.metadata.write(lambda c: store.release_run(c, auditor.run))
        raise
    report = await report_audit(services.metadata)
    assert report is not None  # this one
    return report


async def _claim(services: Audited, choices: Choices) -> Run:
    holder = services.random_hex(16)

    def claim(connection: Connection) -> Run:
        return store.claim_run(
            connection, holder, services.clock(), reads_bytes=choices.reads_bytes, restart=choices.restarts
        )

    with suppress(AuditorBusy):  # it may have been killed: then its lease runs out
        return await services.metadata.write(claim)
    await asyncio.sleep(choices.patience)
    return await services.metadata.write(claim)


async def report_audit(metadata: Metadata) -> AuditReport | None:
    """How far the audit has come; None before the first one."""

    def query(connection: Connection) -> AuditReport | None:
        run = store.find_run(connection)
        if run is None:
            return None
        begun = store.find_progress(connection)
        return AuditReport(
            run, [begun[stage] for stage in Stage if stage in begun], store.total_findings(connection)
        )

    return await metadata.read(query)


async def list_findings(metadata: Metadata) -> AsyncGenerator[KeptFinding]:
    """What the audit has found, in the order in which it was found."""
    after = 0
    while page := await metadata.read(lambda c, after=after: store.page_of_findings(c, after, ROWS_AT_ONCE)):
        after, _ = page[-1]
        for _, finding in page:
            yield finding


class _Auditor:
    """One process at work on an audit that it has claimed."""

    def __init__(self, services: Audited, choices: Choices, run: Run, tell: Callable[[Progress], None]) -> None:
        self.run = run
        self._services = services
        self._metadata = services.metadata
        self._storage = services.storage
        self._clock = services.clock
        self._choices = choices
        self._tell = tell
        self._rows = rules.Pace(choices.rows_per_second, services.clock)
        self._bytes = rules.Pace(choices.bytes_per_second, services.clock)
        self._renewed_at = services.clock()
        self._stages: dict[Stage, Callable[[str], AsyncGenerator[_Step]]] = {
            Stage.IMAGES: self._look_at_images,
            Stage.MANIFESTS: self._look_at_manifests,
            Stage.LINKS: self._look_at_links,
            Stage.BLOBS: self._look_at_blobs,
            Stage.DATA_KEYS: partial(self._look_at_keys, next_keys=store.next_data_keys, what="data keys"),
            Stage.MULTIPARTS: partial(
                self._look_at_keys, next_keys=store.next_multiparts, what="a multipart upload"
            ),
            Stage.OBJECTS: self._look_at_objects,
            Stage.BYTES: self._look_at_bytes,
        }

    async def go_through(self) -> None:
        """Every stage that is not over."""
        while await self._held(lambda c, _: store.drop_findings_before(c, self.run, ROWS_AT_ONCE)):
            pass
        begun = await self._metadata.read(store.find_progress)
        for stage in Stage:
            progress = begun.get(stage, Progress(stage))
            if not progress.is_over:
                await self._go_through_stage(progress)
        await self._held(store.end_run)

    async def _go_through_stage(self, progress: Progress) -> None:
        saved_at = self._clock()
        async with aclosing(self._stages[progress.stage](progress.cursor)) as steps:
            async for step in steps:
                progress = replace(
                    progress,
                    cursor=step.cursor,
                    seen=progress.seen + step.seen,
                    bytes=progress.bytes + step.bytes,
                )
                if step.findings or self._clock() - saved_at >= SAVED_EVERY:
                    await self._save(progress, step.findings)
                    saved_at = self._clock()
                await asyncio.sleep(self._rows.spend(step.seen))
        await self._save(replace(progress, is_over=True), ())

    async def _save(self, progress: Progress, findings: Sequence[Finding]) -> None:
        """How far it has come, and what was found on the way, in one transaction."""

        def change(connection: Connection, now: int) -> None:
            store.record_findings(connection, self.run, findings, now)
            store.save_progress(connection, progress, now)

        await self._held(change)
        self._tell(progress)

    async def _held(self, change: Callable[[Connection, int], T]) -> T:
        """A transaction of whoever holds the audit, at the time that it is given; raises AuditTakenOver."""
        now = self._clock()

        def hold_and_change(connection: Connection) -> T:
            store.hold_run(connection, self.run, now)
            return change(connection, now)

        result = await self._metadata.write(hold_and_change)
        self._renewed_at = now
        return result

    async def _settle(self, confirmed: Sequence[tuple[Finding, Repair | None]]) -> list[Finding]:
        """Repair what may be repaired; gives the other findings."""
        left: list[Finding] = []
        for finding, repair in confirmed:
            if repair is None or not self._choices.repairs:
                left.append(finding)
            else:
                await self._repair(finding, repair)
        return left

    async def _repair(self, finding: Finding, repair: Repair) -> None:
        def change(connection: Connection, now: int) -> None:
            if repair(connection, now):
                store.record_findings(connection, self.run, [finding], now, repaired=True)

        await self._held(change)

    async def _confirm(
        self,
        batch: Sequence[T],
        judge: Callable[[T], Awaitable[list[Finding]]],
        read_again: Callable[[Connection, Sequence[T]], Sequence[T]],
    ) -> list[tuple[T, Finding]]:
        """What is wrong in a batch, and is so in another snapshot too: what it is about, and the finding."""
        doubtful = [each for each in batch if await judge(each)]
        if not doubtful:
            return []
        fresh = await self._metadata.read(lambda c: read_again(c, doubtful))
        return [(each, finding) for each in fresh for finding in await judge(each)]

    async def _look_at_images(self, cursor: str) -> AsyncGenerator[_Step]:
        after = int(cursor or 0)

        def read(connection: Connection) -> list[ImageEvidence]:
            return store.next_images(connection, after, IMAGES_AT_ONCE, MOST_MANIFEST_BYTES)

        def read_again(connection: Connection, doubtful: Sequence[ImageEvidence]) -> list[ImageEvidence]:
            return store.read_images(connection, [image.id for image in doubtful])

        while batch := await self._metadata.read(read):
            confirmed = await self._confirm(batch, self._judge_image, read_again)
            after = batch[-1].id
            findings = await self._settle(
                [(finding, _repair_of_image(image, finding)) for image, finding in confirmed]
            )
            yield _Step(str(after), len(batch), findings=findings)

    async def _judge_image(self, image: ImageEvidence) -> list[Finding]:
        sparse = self._services.sparse_manifests
        found = rules.judge_image(image, sparse=sparse)
        if image.content is None:
            return found
        content = image.content
        try:
            if image.wrapped is not None:
                data_keys = await self._services.data_keys.unwrap(image.wrapped)
                content = open_message(data_keys, content, image.digest)
        except KeyUnusable as error:
            return [*found, Finding(Kind.UNCHECKED, image.subject, f"its manifest: {error.message}")]
        except BlobDamaged as error:
            return [*found, Finding(Kind.MANIFEST_DAMAGED, image.subject, error.reason)]
        return found + rules.judge_manifest_bytes(image, content, sparse=sparse)

    async def _look_at_manifests(self, cursor: str) -> AsyncGenerator[_Step]:
        digest, _, key = cursor.partition(" ")

        def read(connection: Connection) -> list[ManifestEvidence]:
            return store.next_manifests(connection, (digest, key), ROWS_AT_ONCE)

        def read_again(connection: Connection, doubtful: Sequence[ManifestEvidence]) -> list[ManifestEvidence]:
            return store.read_manifests(connection, [(each.digest, each.encryption_key) for each in doubtful])

        def repair(manifest: ManifestEvidence) -> Repair:
            return lambda connection, _: images.drop_unused_manifest(connection, manifest.digest)

        while batch := await self._metadata.read(read):
            confirmed = await self._confirm(batch, _awaited(rules.judge_manifest), read_again)
            digest, key = batch[-1].digest, batch[-1].encryption_key
            findings = await self._settle([(finding, repair(manifest)) for manifest, finding in confirmed])
            yield _Step(f"{digest} {key}", len(batch), findings=findings)

    async def _look_at_links(self, cursor: str) -> AsyncGenerator[_Step]:
        repository_id, _, blob_id = cursor.partition(" ")
        after = (int(repository_id or 0), int(blob_id or 0))

        def read(connection: Connection) -> list[LinkEvidence]:
            return store.next_links(connection, after, ROWS_AT_ONCE)

        def read_again(connection: Connection, doubtful: Sequence[LinkEvidence]) -> list[LinkEvidence]:
            return store.read_links(connection, [(each.repository_id, each.blob_id) for each in doubtful])

        def repair(link: LinkEvidence, finding: Finding) -> Repair | None:
            if finding.kind is not Kind.LINK_UNQUEUED:
                return None
            return lambda connection, now: layers.queue_unnamed(connection, link.repository_id, link.blob_id, now)

        while batch := await self._metadata.read(read):
            confirmed = await self._confirm(batch, _awaited(rules.judge_link), read_again)
            after = (batch[-1].repository_id, batch[-1].blob_id)
            findings = await self._settle([(finding, repair(link, finding)) for link, finding in confirmed])
            yield _Step(f"{after[0]} {after[1]}", len(batch), findings=findings)

    async def _look_at_blobs(self, cursor: str) -> AsyncGenerator[_Step]:
        after = int(cursor or 0)

        def read(connection: Connection) -> list[BlobEvidence]:
            return store.next_blobs(connection, after, ROWS_AT_ONCE)

        def read_again(connection: Connection, doubtful: Sequence[BlobEvidence]) -> list[BlobEvidence]:
            return store.read_blobs(connection, [blob.id for blob in doubtful])

        while batch := await self._metadata.read(read):
            confirmed = await self._confirm(batch, _awaited(rules.judge_blob), read_again)
            after = batch[-1].id
            findings = await self._settle(
                [(finding, _repair_of_blob(blob, finding)) for blob, finding in confirmed]
            )
            yield _Step(str(after), len(batch), findings=findings)

    async def _look_at_keys(
        self, cursor: str, *, next_keys: Callable[[Connection, str, int], list[str]], what: str
    ) -> AsyncGenerator[_Step]:
        """Storage keys that something is noted about: each has to be somebody's."""
        while keys := await self._metadata.read(partial(_call, next_keys, cursor, ROWS_AT_ONCE)):
            cursor = keys[-1]
            unowned = await self._unowned(await self._unowned(keys))
            findings = [
                Finding(Kind.KEY_UNOWNED, key, f"there is {what} of it, and it is nobody's") for key in unowned
            ]
            if self._choices.repairs:
                for finding in findings:
                    await self._remove_unowned(finding, finding.subject)
                findings = []
            yield _Step(cursor, len(keys), findings=findings)

    async def _unowned(self, keys: Sequence[str]) -> list[str]:
        owners = await self._find_owners(keys)
        return [key for key in keys if key not in owners]

    async def _find_owners(self, keys: Sequence[str]) -> Owners:
        """Who has the keys, in a snapshot that begins after the caller has learned of them."""
        found: dict[str, BlobEvidence | None] = {}
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            found.update(await self._metadata.read(lambda c, some=some: store.find_owners(c, some)))
        return found

    async def _look_at_objects(self, cursor: str) -> AsyncGenerator[_Step]:
        async with aclosing(self._storage.list_objects(after=cursor)) as listing:
            async for page in listing:
                yield _Step(page.cursor, len(page.objects), findings=await self._judge_objects(page.objects))

    async def _judge_objects(self, objects: Sequence[StoredObject]) -> list[Finding]:
        """What was listed before and is looked up now: what is nobody's at this moment can never be anybody's."""
        findings: list[Finding] = []
        doubtful, _ = await self._doubtful(objects)
        doubtful, owners = await self._doubtful(doubtful)
        for each in doubtful:
            blob = owners.get(each.key or "")
            if each.key is None:
                findings.append(Finding(Kind.FOREIGN_OBJECT, each.name, f"it has {each.size} bytes"))
            elif each.key not in owners:
                findings += await self._judge_unowned(each, each.key)
            elif each.of_upload:
                finding = Finding(Kind.BYTES_UNOWNED, each.name, f"{each.size} bytes, left over beside a blob")
                findings += await self._remove_left_over(finding, each)
            elif blob is not None and await self._is_longer(blob):
                findings += await self._settle_damage(blob, "more bytes are there than were stored")
        return findings

    async def _doubtful(self, objects: Sequence[StoredObject]) -> tuple[list[StoredObject], Owners]:
        owners = await self._find_owners(sorted({each.key for each in objects if each.key is not None}))
        return [each for each in objects if _is_doubtful(each, owners)], owners

    async def _judge_unowned(self, stored: StoredObject, key: str) -> list[Finding]:
        detail = f"{stored.size} bytes under a storage key that is nobody's"
        finding = Finding(Kind.BYTES_UNOWNED, stored.name, detail)
        if not self._choices.repairs:
            return [finding]
        await self._remove_unowned(finding, key, stored)
        return []

    async def _remove_unowned(self, finding: Finding, key: str, *objects: StoredObject) -> None:
        """Remove what is there of a key that is nobody's: its owner's row, if there was one, has gone for good."""
        await self._storage.delete_many([key])
        await self._storage.remove_objects(objects)
        await MetadataSegmentLedger(self._metadata).forget([key])
        parts = MetadataPartLedger(self._metadata)
        while head := await parts.find(key):
            await parts.forget(key, head)
        await self._repair(finding, lambda _connection, _now: True)

    async def _remove_left_over(self, finding: Finding, stored: StoredObject) -> list[Finding]:
        if not self._choices.repairs:
            return [finding]
        await self._storage.remove_objects([stored])
        await self._repair(finding, lambda _connection, _now: True)
        return []

    async def _is_longer(self, blob: BlobEvidence) -> bool:
        """Whether there are bytes beyond the end of a blob that is not encrypted."""
        try:
            async with aclosing(self._storage.read(blob.storage_key, start=blob.size, length=1)) as beyond:
                return await anext(beyond, None) is not None
        except BlobDamaged:
            return False

    async def _look_at_bytes(self, cursor: str) -> AsyncGenerator[_Step]:
        after = int(cursor or 0)
        while batch := await self._metadata.read(partial(_call, store.next_blobs, after, ROWS_AT_ONCE)):
            for blob in batch:
                findings = await self._judge_bytes(blob)
                after = blob.id
                yield _Step(str(after), 1, blob.size if self._choices.reads_bytes else 0, findings)

    async def _judge_bytes(self, blob: BlobEvidence) -> list[Finding]:
        """Read a blob; what is wrong with it is read once more, and is nothing if the blob is gone by then."""
        try:
            damage = await self._damage(blob)
            if damage is None or await self._is_gone(blob):
                return []
            damage = await self._damage(blob)
        except KeyUnusable as error:
            return [Finding(Kind.UNCHECKED, blob.subject, error.message)]
        if damage is None or await self._is_gone(blob):
            return []
        return await self._settle_damage(blob, damage)

    async def _damage(self, blob: BlobEvidence) -> str | None:
        """What is wrong with the bytes of a blob, None if they are as they have to be; raises KeyUnusable."""
        storage = self._services.encrypted_storage if blob.is_encrypted else self._storage
        algorithm = Digest.parse(blob.digest).algorithm
        context = hasher(algorithm)
        start = 0 if self._choices.reads_bytes else max(0, blob.size - 1)
        try:
            async with aclosing(storage.read(blob.storage_key, start=start, length=blob.size - start)) as chunks:
                async for chunk in chunks:
                    context.update(chunk)
                    await self._linger(len(chunk))
        except BlobDamaged as error:
            return error.reason
        found = str(Digest(algorithm, context.hexdigest()))
        return f"they have the digest {found}" if self._choices.reads_bytes and found != blob.digest else None

    async def _linger(self, size: int) -> None:
        """So many bytes were read: wait as long as the pace asks, and keep the lease meanwhile."""
        await asyncio.sleep(self._bytes.spend(size))
        if self._clock() - self._renewed_at >= rules.LEASE // 3:
            await self._held(lambda _connection, _now: None)

    async def _settle_damage(self, blob: BlobEvidence, damage: str) -> list[Finding]:
        """A damaged blob, with images that need it; taken away if that was asked for."""
        await check_storage(self._metadata, self._storage)  # a disk that is not mounted damages every blob
        named = await self._metadata.read(lambda c: store.find_naming(c, blob, MOST_NAMED))
        finding = Finding(Kind.BLOB_DAMAGED, blob.subject, f"{damage}; needed by {', '.join(named) or 'no image'}")
        if not self._choices.drops_damaged:
            return [finding]
        while await self._held(partial(self._drop_damaged, blob, finding)):
            pass
        return [] if await self._is_gone(blob) else [finding]

    def _drop_damaged(self, blob: BlobEvidence, finding: Finding, connection: Connection, now: int) -> bool:
        """Take a blob away from some repositories; True if it has to be done again."""
        if not _is_alone(connection, blob):
            return False
        dropped, garbage = layers.drop_blob(connection, blob.id, blob.storage_key, LINKS_AT_ONCE, Cause.AUDIT)
        if garbage:
            collection.bury(connection, garbage, now + DAMAGED_KEPT)
            store.record_findings(connection, self.run, [finding], now, repaired=True)
        return dropped > 0 and not garbage

    async def _is_gone(self, blob: BlobEvidence) -> bool:
        return not await self._metadata.read(lambda c: store.read_blobs(c, [blob.id]))


def _call(query: Callable[[Connection, A, int], T], after: A, limit: int, connection: Connection) -> T:
    """A query that only lacks the connection, bound to values of this moment."""
    return query(connection, after, limit)


def _awaited(judge: Callable[[T], list[Finding]]) -> Callable[[T], Awaitable[list[Finding]]]:
    """A rule that has nothing to wait for, beside one that has."""

    async def judge_at_once(each: T) -> list[Finding]:
        return judge(each)

    return judge_at_once


def _repair_of_image(image: ImageEvidence, finding: Finding) -> Repair | None:
    if finding.kind is not Kind.TAG_COUNT:
        return None
    return lambda connection, _: images.count_tags_anew(connection, image.id)


def _repair_of_blob(blob: BlobEvidence, finding: Finding) -> Repair | None:
    """None where a repair could take bytes from another blob."""
    if finding.kind is Kind.KEY_BURIED:
        return lambda connection, _: collection.unbury(connection, blob.storage_key)
    if finding.kind is Kind.BLOB_UNLINKED and not (blob.is_buried or blob.others):
        return lambda connection, now: _bury(connection, blob, now)
    return None


def _bury(connection: Connection, blob: BlobEvidence, now: int) -> bool:
    if not _is_alone(connection, blob):
        return False
    garbage = layers.bury_unlinked(connection, blob.id, Cause.AUDIT)
    collection.bury(connection, garbage, now)
    return bool(garbage)


def _is_alone(connection: Connection, blob: BlobEvidence) -> bool:
    """Whether the blob is there, and nothing else names its bytes."""
    return [(each.is_buried, each.others) for each in store.read_blobs(connection, [blob.id])] == [(False, 0)]


def _is_doubtful(stored: StoredObject, owners: Owners) -> bool:
    """What is nobody's, is left over beside a blob, or is longer than its blob."""
    if stored.key is None or stored.key not in owners:
        return True
    blob = owners[stored.key]
    return blob is not None and (stored.of_upload or (not blob.is_encrypted and stored.size > blob.size))
