"""The SQL of the auditor: what it reads of everybody's rows, in the order of their keys, and its own progress.

It asks the tables themselves, by statements of its own, and not the functions that maintain them.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from entrepot.features.auditor.errors import AuditorBusy, AuditTakenOver
from entrepot.features.auditor.evidence import (
    BlobEvidence,
    ImageEvidence,
    LinkEvidence,
    ManifestEvidence,
    Owners,
    ReferenceRow,
)
from entrepot.features.auditor.findings import Finding, KeptFinding, Kind, Progress, Run, Stage, Total
from entrepot.features.auditor.rules import LEASE
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import (
    auditor_findings,
    auditor_run,
    auditor_stages,
    blobs,
    data_keys,
    image_references,
    image_tags,
    images,
    manifests,
    multiparts,
    repositories,
    repository_layers,
    tombstones,
    uploads,
)

_ONLY_ROW = 1
_is_only_row = auditor_run.c.id == _ONLY_ROW
#: Notes of one kind that are kept.
MOST_NOTES = 100

_wanted: BindParameter[Any] = bindparam("wanted", expanding=True)
_is_detached = repositories.c.detached_at.is_not(None)
_place = repositories.c.account + "/" + repositories.c.region + "/" + repositories.c.name

# What hangs on a row is asked for by scalar subqueries: of anything else PostgreSQL would make joins, and read the
# whole of a table that it takes for a small one.
_tags = (
    select(func.count())
    .select_from(image_tags)
    .where(image_tags.c.image_id == images.c.id)
    .correlate(images)
    .scalar_subquery()
)
_images = (
    select(
        images.c.id,
        case((~_is_detached, _place)),
        images.c.digest,
        images.c.encryption_key,
        case((~_is_detached, repositories.c.encryption_key)),
        images.c.media_type,
        images.c.artifact_type,
        images.c.config_media_type,
        images.c.subject_digest,
        images.c.size,
        images.c.manifest_size,
        images.c.tag_count,
        _tags,
        manifests.c.content,
        manifests.c.wrapped,
    )
    .join(repositories, repositories.c.id == images.c.repository_id, isouter=True)
    .join(
        manifests,
        (manifests.c.digest == images.c.digest) & (manifests.c.encryption_key == images.c.encryption_key),
        isouter=True,
    )
    .where(images.c.id.in_(_wanted))
    .order_by(images.c.id)
)
_layer_size = (
    select(blobs.c.size)
    .join(repository_layers, repository_layers.c.blob_id == blobs.c.id)
    .where(
        blobs.c.digest == image_references.c.digest,
        blobs.c.encryption_key == images.c.encryption_key,
        repository_layers.c.repository_id == images.c.repository_id,
    )
    .correlate(image_references, images)
    .scalar_subquery()
)
_children = images.alias("children")
_child_size = (
    select(_children.c.size)
    .where(_children.c.repository_id == images.c.repository_id, _children.c.digest == image_references.c.digest)
    .correlate(image_references, images)
    .scalar_subquery()
)
_references = (
    select(
        image_references.c.image_id,
        image_references.c.kind,
        image_references.c.digest,
        image_references.c.size,
        case((image_references.c.kind == "child", _child_size), else_=_layer_size),
    )
    .join(images, images.c.id == image_references.c.image_id)
    .where(image_references.c.image_id.in_(_wanted))
    .order_by(image_references.c.image_id, image_references.c.position)
)


def next_images(connection: Connection, after: int, limit: int, most_bytes: int) -> list[ImageEvidence]:
    """The images behind one, by their ids: at least one, and more while their manifests have so few bytes."""
    rows = connection.execute(
        select(images.c.id, images.c.manifest_size).where(images.c.id > after).order_by(images.c.id).limit(limit)
    ).all()
    chosen: list[int] = []
    for row in rows:
        most_bytes -= row.manifest_size
        if chosen and most_bytes < 0:
            break
        chosen.append(row.id)
    return read_images(connection, chosen)


def read_images(connection: Connection, image_ids: Sequence[int]) -> list[ImageEvidence]:
    """Those of the images that are there, by their ids."""
    named = {
        image_id: [ReferenceRow(*values) for _, *values in rows]
        for image_id, rows in groupby(
            connection.execute(_references, {"wanted": image_ids}), key=lambda row: row[0]
        )
    }
    rows = connection.execute(_images, {"wanted": image_ids})
    return [ImageEvidence(*row, references=named.get(row[0], ())) for row in rows]


_manifests = select(
    manifests.c.digest,
    manifests.c.encryption_key,
    select(images.c.id)
    .where(images.c.digest == manifests.c.digest, images.c.encryption_key == manifests.c.encryption_key)
    .correlate(manifests)
    .limit(1)
    .scalar_subquery()
    .is_not(None),
)
_manifest_key = tuple_(manifests.c.digest, manifests.c.encryption_key)


def next_manifests(connection: Connection, after: tuple[str, str], limit: int) -> list[ManifestEvidence]:
    """The manifests behind one, by digest and encryption key."""
    some = _manifests.where(_manifest_key > tuple_(*after))
    rows = connection.execute(some.order_by(manifests.c.digest, manifests.c.encryption_key).limit(limit))
    return [ManifestEvidence(*row) for row in rows]


def read_manifests(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[ManifestEvidence]:
    """Those of the manifests that are there."""
    wanted = or_(*(and_(manifests.c.digest == digest, manifests.c.encryption_key == key) for digest, key in keys))
    return [ManifestEvidence(*row) for row in connection.execute(_manifests.where(wanted))]


_naming_image = (
    select(image_references.c.image_id)
    .where(
        image_references.c.repository_id == repository_layers.c.repository_id,
        image_references.c.digest == blobs.c.digest,
    )
    .correlate(repository_layers, blobs)
    .limit(1)
    .scalar_subquery()
)
_links = (
    select(
        repository_layers.c.repository_id,
        repository_layers.c.blob_id,
        case((_is_detached, "a deleted repository"), else_=_place),
        blobs.c.digest,
        repository_layers.c.due_at,
        _naming_image.is_not(None),
        repositories.c.encryption_key,
        blobs.c.encryption_key,
        _is_detached,
    )
    .join(repositories, repositories.c.id == repository_layers.c.repository_id)
    .join(blobs, blobs.c.id == repository_layers.c.blob_id)
)
_link_key = tuple_(repository_layers.c.repository_id, repository_layers.c.blob_id)


def next_links(connection: Connection, after: tuple[int, int], limit: int) -> list[LinkEvidence]:
    """The links behind one, by repository and blob; the database itself sees that each has both."""
    some = _links.where(_link_key > tuple_(*after))
    rows = connection.execute(
        some.order_by(repository_layers.c.repository_id, repository_layers.c.blob_id).limit(limit)
    )
    return [LinkEvidence(*row) for row in rows]


def read_links(connection: Connection, keys: Sequence[tuple[int, int]]) -> list[LinkEvidence]:
    """Those of the links that are there."""
    wanted = or_(
        *(
            and_(repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id == blob_id)
            for repository_id, blob_id in keys
        )
    )
    return [LinkEvidence(*row) for row in connection.execute(_links.where(wanted))]


_others = blobs.alias("others")
_blob = (
    blobs.c.id,
    blobs.c.digest,
    blobs.c.encryption_key,
    blobs.c.size,
    blobs.c.storage_key,
    blobs.c.is_encrypted,
)
_blobs = select(
    *_blob,
    select(repository_layers.c.blob_id)
    .where(repository_layers.c.blob_id == blobs.c.id)
    .correlate(blobs)
    .limit(1)
    .scalar_subquery()
    .is_not(None),
    select(tombstones.c.storage_key)
    .where(tombstones.c.storage_key == blobs.c.storage_key)
    .correlate(blobs)
    .scalar_subquery()
    .is_not(None),
    select(func.count())
    .select_from(_others)
    .where(_others.c.storage_key == blobs.c.storage_key, _others.c.id != blobs.c.id)
    .correlate(blobs)
    .scalar_subquery()
    + select(func.count())
    .select_from(uploads)
    .where(uploads.c.storage_key == blobs.c.storage_key, uploads.c.completed_digest.is_(None))
    .correlate(blobs)
    .scalar_subquery(),
)


def next_blobs(connection: Connection, after: int, limit: int) -> list[BlobEvidence]:
    """The blobs behind one, by their ids."""
    return _as_blobs(connection, _blobs.where(blobs.c.id > after).order_by(blobs.c.id).limit(limit))


def read_blobs(connection: Connection, blob_ids: Sequence[int]) -> list[BlobEvidence]:
    """Those of the blobs that are there."""
    return _as_blobs(connection, _blobs.where(blobs.c.id.in_(blob_ids)))


def _as_blobs(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[BlobEvidence]:
    return [BlobEvidence(*row) for row in connection.execute(query)]


def find_naming(connection: Connection, blob: BlobEvidence, limit: int) -> list[str]:
    """Images that need a blob, as findings name them: at most ``limit``."""
    some_links = (
        select(repository_layers.c.repository_id)
        .where(repository_layers.c.blob_id == blob.id)
        .order_by(repository_layers.c.repository_id)
        .limit(limit)
    )
    named: list[str] = []
    for repository_id in connection.scalars(some_links).all():
        rows = connection.execute(
            select(_place, images.c.digest)
            .join(image_references, image_references.c.image_id == images.c.id)
            .join(repositories, repositories.c.id == images.c.repository_id)
            .where(
                image_references.c.repository_id == repository_id,
                image_references.c.digest == blob.digest,
                repositories.c.detached_at.is_(None),
            )
            .limit(limit - len(named))
        )
        named += [f"{place}@{digest}" for place, digest in rows]
    return named


def next_data_keys(connection: Connection, after: str, limit: int) -> list[str]:
    """The storage keys behind one that have data keys."""
    query = select(data_keys.c.storage_key).where(data_keys.c.storage_key > after)
    return list(connection.scalars(query.order_by(data_keys.c.storage_key).limit(limit)))


def next_multiparts(connection: Connection, after: str, limit: int) -> list[str]:
    """The storage keys behind one that have rows of uploads into S3."""
    query = select(multiparts.c.storage_key).where(multiparts.c.storage_key > after)
    return list(connection.scalars(query.order_by(multiparts.c.storage_key).limit(limit)))


def find_owners(connection: Connection, storage_keys: Sequence[str]) -> Owners:
    """Those of the storage keys that an open upload, a blob or a tombstone has; the others are nobody's."""
    owners: dict[str, BlobEvidence | None] = {}
    owners.update(
        dict.fromkeys(
            connection.scalars(
                select(uploads.c.storage_key).where(
                    uploads.c.storage_key.in_(storage_keys), uploads.c.completed_digest.is_(None)
                )
            )
        )
    )
    buried = select(tombstones.c.storage_key).where(tombstones.c.storage_key.in_(storage_keys))
    owners.update(dict.fromkeys(connection.scalars(buried)))
    rows = connection.execute(select(*_blob).where(blobs.c.storage_key.in_(storage_keys)))
    owners.update((row.storage_key, BlobEvidence(*row)) for row in rows)
    return owners


def claim_run(connection: Connection, holder: str, now: int, *, reads_bytes: bool, restart: bool) -> Run:
    """Make ``holder`` the one who goes on with the audit, or begins the next one.

    An audit is gone on with unless it has ended, reads more or less than this one is to, or is to ``restart``.
    Raises AuditorBusy while another one has the lease.
    """
    free = {"holder": "", "lease_until": 0, "reads_bytes": reads_bytes, "begun_at": now, "ended_at": now}
    insert_if_absent(connection, auditor_run, [{"id": _ONLY_ROW, "number": 0, **free}])
    run = Run(*connection.execute(_run.with_for_update()).one())
    if run.ended_at is None and run.holder != holder and run.lease_until > now:
        raise AuditorBusy
    change = update(auditor_run).where(_is_only_row).values(holder=holder, lease_until=now + LEASE)
    if run.ended_at is not None or restart or run.reads_bytes != reads_bytes:
        change = change.values(number=run.number + 1, reads_bytes=reads_bytes, begun_at=now, ended_at=None)
        connection.execute(delete(auditor_stages))
    connection.execute(change)
    return Run(*connection.execute(_run).one())


_run = select(
    auditor_run.c.number,
    auditor_run.c.holder,
    auditor_run.c.lease_until,
    auditor_run.c.reads_bytes,
    auditor_run.c.begun_at,
    auditor_run.c.ended_at,
).where(_is_only_row)


def find_run(connection: Connection) -> Run | None:
    """The audit that goes on, or the last one."""
    row = connection.execute(_run).first()
    return None if row is None else Run(*row)


def hold_run(connection: Connection, run: Run, now: int) -> None:
    """Renew the lease, and let nobody take the audit over before the transaction ends; raises AuditTakenOver."""
    result = connection.execute(
        update(auditor_run)
        .where(
            _is_only_row,
            auditor_run.c.holder == run.holder,
            auditor_run.c.number == run.number,
            auditor_run.c.ended_at.is_(None),
        )
        .values(lease_until=now + LEASE)
    )
    if not result.rowcount:
        raise AuditTakenOver


def end_run(connection: Connection, now: int) -> None:
    """The audit that the caller holds is over."""
    connection.execute(update(auditor_run).where(_is_only_row).values(ended_at=now, lease_until=0))


def release_run(connection: Connection, run: Run) -> None:
    """Let whoever comes go on with it at once."""
    connection.execute(
        update(auditor_run)
        .where(_is_only_row, auditor_run.c.holder == run.holder, auditor_run.c.number == run.number)
        .values(lease_until=0)
    )


def save_progress(connection: Connection, progress: Progress, now: int) -> None:
    """Remember how far a stage has come."""
    values: dict[str, object] = {
        "cursor": progress.cursor,
        "seen": progress.seen,
        "bytes": progress.bytes,
        "ended_at": now if progress.is_over else None,
    }
    row = {"name": progress.stage, **values}
    if not insert_if_absent(connection, auditor_stages, [row]):
        connection.execute(update(auditor_stages).where(auditor_stages.c.name == progress.stage).values(values))


def find_progress(connection: Connection) -> dict[Stage, Progress]:
    """How far each stage has come that was begun."""
    rows = connection.execute(select(auditor_stages).where(auditor_stages.c.name.in_(list(Stage))))
    return {
        Stage(row.name): Progress(Stage(row.name), row.cursor, row.seen, row.bytes, row.ended_at is not None)
        for row in rows
    }


def record_findings(
    connection: Connection, run: Run, findings: Sequence[Finding], now: int, *, repaired: bool = False
) -> None:
    """Keep findings, each once; of a kind of notes only the first ones."""
    room = {
        kind: MOST_NOTES - count
        for kind, count in connection.execute(
            select(auditor_findings.c.kind, func.count())
            .where(auditor_findings.c.kind.in_([kind for kind in Kind if not kind.is_fault]))
            .group_by(auditor_findings.c.kind)
        )
    }
    rows: list[dict[str, object]] = []
    for each in findings:
        if not each.kind.is_fault:
            room[each.kind] = room.get(each.kind, MOST_NOTES) - 1
        if room.get(each.kind, 0) >= 0:
            rows.append(
                {
                    "run": run.number,
                    "kind": each.kind,
                    "subject": each.subject,
                    "detail": each.detail,
                    "found_at": now,
                    "repaired_at": now if repaired else None,
                }
            )
    if rows:
        insert_if_absent(connection, auditor_findings, rows)


def drop_findings_before(connection: Connection, run: Run, limit: int) -> int:
    """Forget findings of earlier audits, which were made before this one's; gives how many, at most ``limit``."""
    first = (
        select(auditor_findings.c.id).where(auditor_findings.c.id > 0).order_by(auditor_findings.c.id).limit(limit)
    )
    return connection.execute(
        delete(auditor_findings).where(
            auditor_findings.c.id.in_(first.scalar_subquery()), auditor_findings.c.run != run.number
        )
    ).rowcount


def total_findings(connection: Connection) -> list[Total]:
    """How many findings there are, by kind. Reads every one of them."""
    rows = connection.execute(
        select(auditor_findings.c.kind, func.count(), func.count(auditor_findings.c.repaired_at))
        .group_by(auditor_findings.c.kind)
        .order_by(auditor_findings.c.kind)
    )
    return [Total(Kind(kind), found, repaired) for kind, found, repaired in rows]


def page_of_findings(connection: Connection, after: int, limit: int) -> list[tuple[int, KeptFinding]]:
    """The findings behind one, in the order in which they were found, each with its id."""
    rows = connection.execute(
        select(auditor_findings).where(auditor_findings.c.id > after).order_by(auditor_findings.c.id).limit(limit)
    )
    return [(row.id, _to_kept(row)) for row in rows]


def _to_kept(row: Row[*tuple[Any, ...]]) -> KeptFinding:
    return KeptFinding(Finding(Kind(row.kind), row.subject, row.detail), row.found_at, row.repaired_at)
