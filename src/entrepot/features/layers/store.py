"""The SQL of blobs, of which repository has which, and of uploads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from entrepot.core.digest import Digest
from entrepot.core.garbage import Cause, Garbage
from entrepot.core.partitions import RegistryId
from entrepot.features.layers.layer import Layer, Upload
from entrepot.features.layers.rules import MIN_PART_SIZE, UPLOAD_LIFE
from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import blobs, image_references, repositories, repository_layers, uploads

#: A repository has blobs of its own encryption key only, so of one digest there is one at the most.
_own_key = (
    select(repositories.c.encryption_key).where(repositories.c.id == bindparam("repository_id")).scalar_subquery()
)
_layer = (
    select(
        blobs.c.id,
        blobs.c.digest,
        blobs.c.size,
        blobs.c.storage_key,
        blobs.c.is_encrypted,
        repository_layers.c.lease_until,
    )
    .join(repository_layers, repository_layers.c.blob_id == blobs.c.id)
    .where(repository_layers.c.repository_id == bindparam("repository_id"), blobs.c.encryption_key == _own_key)
)
_layer_by_digest = LookUp(_layer.where(blobs.c.digest == bindparam("digest")))
_layer_named = LookUp(
    select(
        blobs.c.id,
        blobs.c.digest,
        blobs.c.size,
        blobs.c.storage_key,
        blobs.c.is_encrypted,
        repository_layers.c.lease_until,
    ).where(
        repositories.c.account == bindparam("account"),
        repositories.c.region == bindparam("region"),
        repositories.c.name == bindparam("name"),
        blobs.c.digest == bindparam("digest"),
        blobs.c.encryption_key == repositories.c.encryption_key,
        repository_layers.c.repository_id == repositories.c.id,
        repository_layers.c.blob_id == blobs.c.id,
    )
)


#: So many layers are found by one statement: as many as BatchCheckLayerAvailability may ask for.
_AT_ONCE = 100


@lru_cache(maxsize=_AT_ONCE)
def _layers_by_digests(count: int) -> LookUp:
    """The layers of so many digests: compiled once for each number of them.

    An outer join, so that both databases begin with the blobs that are named: they would rather read all layers of
    a repository, where they take those to be few.
    """
    digests = [bindparam(f"digest{number}", type_=blobs.c.digest.type) for number in range(count)]
    return LookUp(
        select(
            blobs.c.id,
            blobs.c.digest,
            blobs.c.size,
            blobs.c.storage_key,
            blobs.c.is_encrypted,
            repository_layers.c.lease_until,
        )
        .join(
            repository_layers,
            and_(
                repository_layers.c.repository_id == bindparam("repository_id"),
                repository_layers.c.blob_id == blobs.c.id,
            ),
            isouter=True,
        )
        .where(blobs.c.digest.in_(digests), blobs.c.encryption_key == _own_key)
    )


_held_links = (
    select(repository_layers.c.blob_id)
    .where(
        repository_layers.c.repository_id == bindparam("repository_id"),
        repository_layers.c.blob_id.in_(bindparam("blob_ids", expanding=True)),
    )
    .order_by(repository_layers.c.blob_id)
    .with_for_update(read=True)
)


def find_layer(connection: Connection, repository_id: int, digest: Digest) -> Layer | None:
    """The layer, if the repository has it."""
    row = _layer_by_digest.first(connection, {"repository_id": repository_id, "digest": str(digest)})
    return None if row is None else Layer(*row)


def find_named(connection: Connection, registry: RegistryId, repository: str, digest: Digest) -> Layer | None:
    """As ``find_layer``, in a repository by its name, in one statement; None also where there is no repository."""
    names = {"account": registry.account, "region": registry.region, "name": repository, "digest": str(digest)}
    row = _layer_named.first(connection, names)
    return None if row is None else Layer(*row)


def find_layers(connection: Connection, repository_id: int, digests: Sequence[Digest]) -> dict[str, Layer]:
    """Those of the layers that the repository has, by digest."""
    found: dict[str, Layer] = {}
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        wanted = {f"digest{number}": str(digest) for number, digest in enumerate(some)}
        rows = _layers_by_digests(len(some)).all(connection, {"repository_id": repository_id, **wanted})
        found.update((row[1], Layer(*row)) for row in rows if row[-1] is not None)
    return found


def hold_layers(connection: Connection, repository_id: int, digests: Sequence[Digest]) -> dict[str, Layer]:
    """As ``find_layers``, and no link among them can be dropped before this transaction has ended.

    FOR SHARE on the links, in the order of their keys, so that two pushes never wait for each other in a
    circle. On SQLite the transaction is alone anyway.
    """
    found = find_layers(connection, repository_id, digests)
    if connection.dialect.name == "sqlite":
        return found
    wanted = {"repository_id": repository_id, "blob_ids": [layer.blob_id for layer in found.values()]}
    held = set(connection.scalars(_held_links, wanted))
    return {digest: layer for digest, layer in found.items() if layer.blob_id in held}


def renew_leases(connection: Connection, repository_id: int, blob_ids: Sequence[int], lease_until: int) -> int:
    """Give these links a fresh lease; gives how many of them are still there."""
    result = connection.execute(
        update(repository_layers)
        .where(
            repository_layers.c.repository_id == repository_id,
            repository_layers.c.blob_id.in_(sorted(blob_ids)),
        )
        .values(lease_until=lease_until)
    )
    return result.rowcount


_select_blob = select(blobs.c.id, blobs.c.storage_key).where(
    blobs.c.digest == bindparam("digest"), blobs.c.encryption_key == bindparam("encryption_key")
)
_blob = LookUp(_select_blob)
_blob_held = LookUp(_select_blob.with_for_update(read=True))


def store_layer(
    connection: Connection,
    repository_id: int,
    digest: Digest,
    *,
    size: int,
    storage_key: str,
    encryption_key: str,
    is_encrypted: bool,
    now: int,
    lease_until: int,
) -> tuple[bool, bool]:
    """Record that the repository has the layer, with a fresh lease.

    Gives whether it is new there, and whether ``storage_key`` is the one under which it is kept: an older key
    counts. A blob that is collected at this very moment is recorded anew, with this key. The link comes before
    the blob, since whoever drops links locks them before their blobs.
    """
    known = {"digest": str(digest), "encryption_key": encryption_key}
    while True:
        blob = _blob.first(connection, known)
        if blob is not None and renew_leases(connection, repository_id, [blob[0]], lease_until):
            return False, blob[1] == storage_key
        row = {**known, "size": size, "storage_key": storage_key, "is_encrypted": is_encrypted}
        insert_if_absent(connection, blobs, [{**row, "stored_at": now}])
        blob = _blob_held.first(connection, known)
        if blob is not None and _insert_link(connection, repository_id, blob[0], now, lease_until):
            return True, blob[1] == storage_key


def link(connection: Connection, repository_id: int, blob_id: int, now: int, lease_until: int) -> None:
    """Let the repository have a layer, with a fresh lease. The caller holds another link of the blob."""
    while not (
        renew_leases(connection, repository_id, [blob_id], lease_until)
        or _insert_link(connection, repository_id, blob_id, now, lease_until)
    ):
        pass  # a link that is dropped or made at this very moment


def _insert_link(connection: Connection, repository_id: int, blob_id: int, now: int, lease_until: int) -> bool:
    """A new link, which is looked at when its lease is over; False when there is one."""
    times = {"linked_at": now, "lease_until": lease_until, "due_at": lease_until, "due_cause": Cause.PUSH}
    row = {"repository_id": repository_id, "blob_id": blob_id, **times}
    return insert_if_absent(connection, repository_layers, [row]) == 1


def hold_link(connection: Connection, repository_id: int, blob_id: int) -> bool:
    """Keep a link as it is for the rest of the transaction, against pushes too; False when it is not there."""
    row = connection.execute(
        select(repository_layers.c.blob_id)
        .where(repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id == blob_id)
        .with_for_update()
    ).first()
    return row is not None


def unlink(connection: Connection, repository_id: int, blob_id: int) -> list[Garbage]:
    """The repository no longer has the blob; gives its bytes if nobody has it now."""
    _delete_links(connection, repository_id, [blob_id])
    return _bury_unlinked(connection, {blob_id: Cause.UNLINK})


def drain_links(connection: Connection, repository_id: int, limit: int) -> tuple[int, list[Garbage]]:
    """Unlink at most ``limit`` blobs from a detached repository; gives how many, and the bytes nobody has now."""
    blob_ids = connection.scalars(
        select(repository_layers.c.blob_id)
        .where(repository_layers.c.repository_id == repository_id)
        .order_by(repository_layers.c.blob_id)
        .limit(limit)
        .with_for_update()
    ).all()
    _delete_links(connection, repository_id, blob_ids)
    return len(blob_ids), _bury_unlinked(connection, dict.fromkeys(blob_ids, Cause.REPOSITORY))


def has_links(connection: Connection, repository_id: int) -> bool:
    """True while the repository has a blob."""
    query = select(repository_layers.c.blob_id).where(repository_layers.c.repository_id == repository_id)
    return connection.execute(query.limit(1)).first() is not None


def queue_links(
    connection: Connection, repository_id: int, digests: Sequence[str], *, earliest: int, due_at: int
) -> None:
    """Let the collector look at these layers at ``due_at``: an image that named them is gone.

    One that is queued for the same cause stays as it is unless that is before ``earliest``, so a layer of many
    images is not written for each of them. In the order of their keys, as PutImage holds them.
    """
    links = connection.execute(
        select(repository_layers.c.blob_id, repository_layers.c.due_at, repository_layers.c.due_cause)
        .where(
            repository_layers.c.repository_id == repository_id,
            repository_layers.c.blob_id.in_(
                select(blobs.c.id).where(blobs.c.digest.in_(digests), blobs.c.encryption_key == _own_key)
            ),
        )
        .order_by(repository_layers.c.blob_id)
        .with_for_update(of=repository_layers),
        {"repository_id": repository_id},
    ).all()
    late = [
        row.blob_id for row in links if row.due_cause != Cause.IMAGE or row.due_at is None or row.due_at < earliest
    ]
    if late:
        connection.execute(
            update(repository_layers)
            .where(repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id.in_(late))
            .values(due_at=due_at, due_cause=Cause.IMAGE)
        )


_due_links = (
    select(
        repository_layers.c.repository_id,
        repository_layers.c.blob_id,
        repository_layers.c.lease_until,
        repository_layers.c.due_cause,
    )
    .where(repository_layers.c.due_at <= bindparam("now"))
    .order_by(repository_layers.c.due_at)
    .limit(bindparam("limit"))
)
#: Some image of the repository names the layer of the link: one that is deleted counts until it is drained. Not an
#: EXISTS, which PostgreSQL makes a join with the references of all images.
_is_named = (
    select(image_references.c.image_id)
    .join(blobs, blobs.c.digest == image_references.c.digest)
    .where(
        blobs.c.id == repository_layers.c.blob_id,
        image_references.c.repository_id == repository_layers.c.repository_id,
    )
    .correlate(repository_layers)
    .limit(1)
    .scalar_subquery()
    .is_not(None)
)


def has_due_links(connection: Connection, now: int) -> bool:
    """True when there is a link to look at."""
    return connection.execute(_due_links, {"now": now, "limit": 1}).first() is not None


def drop_due_links(connection: Connection, now: int, limit: int) -> tuple[int, list[Garbage]]:
    """Look at some links whose time has come: how many, and the bytes of those that nobody has now.

    A link with a lease is looked at again when that ends; one that an image needs is not looked at again; the
    others go. Links that another transaction holds are left for the next time.
    """
    due = connection.execute(
        _due_links.with_for_update(of=repository_layers, skip_locked=True), {"now": now, "limit": limit}
    ).all()
    dropped: dict[int, Cause] = {}
    for repository_id, links in groupby(sorted(due), key=lambda row: row.repository_id):
        dropped |= _drop_unneeded(connection, repository_id, list(links), now)
    return len(due), _bury_unlinked(connection, dropped)


def _drop_unneeded(
    connection: Connection, repository_id: int, links: Sequence[Row[*tuple[Any, ...]]], now: int
) -> dict[int, Cause]:
    """Remove those of a repository's links that have no lease and that no image needs; gives their blobs."""
    of_repository = repository_layers.c.repository_id == repository_id
    leased = [link.blob_id for link in links if link.lease_until > now]
    free = {link.blob_id: Cause(link.due_cause) for link in links if link.lease_until <= now}
    if leased:
        connection.execute(_look_later.where(of_repository, repository_layers.c.blob_id.in_(leased)))
    if free:
        # A statement of its own, for it has to see what was committed while the first waited for the locks.
        for blob_id in connection.scalars(_keep_named.where(of_repository, repository_layers.c.blob_id.in_(free))):
            del free[blob_id]
    _delete_links(connection, repository_id, free)
    return free


_look_later = update(repository_layers).values(due_at=repository_layers.c.lease_until)
_keep_named = (
    update(repository_layers)
    .values(due_at=None, due_cause=None)
    .where(_is_named)
    .returning(repository_layers.c.blob_id)
)


def _delete_links(connection: Connection, repository_id: int, blob_ids: Collection[int]) -> None:
    if blob_ids:
        connection.execute(
            delete(repository_layers).where(
                repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id.in_(blob_ids)
            )
        )


def _bury_unlinked(connection: Connection, causes: Mapping[int, Cause]) -> list[Garbage]:
    """Remove those of the blobs, which have just lost a link, that have no other; gives their bytes.

    Each blob is locked before it is asked for other links, in a statement of its own: of two transactions that
    take its last two links the later one sees what the earlier one has done.
    """
    if not causes:
        return []
    connection.execute(
        select(blobs.c.id).where(blobs.c.id.in_(causes)).order_by(blobs.c.id).with_for_update()
    ).all()
    linked = exists(select(repository_layers.c.blob_id).where(repository_layers.c.blob_id == blobs.c.id))
    buried = connection.execute(
        delete(blobs)
        .where(blobs.c.id.in_(causes), ~linked)
        .returning(blobs.c.id, blobs.c.storage_key, blobs.c.size)
    )
    return [Garbage(row.storage_key, row.size, causes[row.id]) for row in buried]


def bury_unlinked(connection: Connection, blob_id: int, cause: Cause) -> list[Garbage]:
    """Remove a blob if no repository has it; gives its bytes. For the auditor: the rules above leave none."""
    return _bury_unlinked(connection, {blob_id: cause})


def queue_unnamed(connection: Connection, repository_id: int, blob_id: int, due_at: int) -> bool:
    """Let the collector look at a link that is not queued, unless an image names it; False where all is right.

    The link is locked first, so an image that comes to name it is seen.
    """
    if not hold_link(connection, repository_id, blob_id):
        return False
    changed = connection.execute(
        update(repository_layers)
        .where(
            repository_layers.c.repository_id == repository_id,
            repository_layers.c.blob_id == blob_id,
            repository_layers.c.due_at.is_(None),
            ~_is_named,
        )
        .values(due_at=due_at, due_cause=Cause.PUSH)
    )
    return changed.rowcount == 1


def drop_blob(
    connection: Connection, blob_id: int, storage_key: str, limit: int, cause: Cause
) -> tuple[int, list[Garbage]]:
    """Take a blob that is kept under this key away from some repositories, whatever needs it, and then remove it.

    Gives from how many, at most ``limit``, and its bytes once nobody has it.
    """
    repository_ids = connection.scalars(
        select(repository_layers.c.repository_id)
        .join(blobs, blobs.c.id == repository_layers.c.blob_id)
        .where(repository_layers.c.blob_id == blob_id, blobs.c.storage_key == storage_key)
        .order_by(repository_layers.c.repository_id)
        .limit(limit)
        .with_for_update(of=repository_layers)
    ).all()
    for repository_id in repository_ids:
        _delete_links(connection, repository_id, [blob_id])
    if len(repository_ids) == limit:  # others may have it
        return limit, []
    return len(repository_ids), _bury_unlinked(connection, {blob_id: cause})


_upload = select(
    uploads.c.id,
    uploads.c.repository_id,
    uploads.c.storage_key,
    uploads.c.size,
    uploads.c.epoch,
    uploads.c.parts,
    uploads.c.has_short_part,
    uploads.c.completed_digest,
    uploads.c.is_encrypted,
    uploads.c.hash_state,
)
_upload_by_id = _upload.where(
    uploads.c.id == bindparam("upload_id"),
    uploads.c.repository_id == bindparam("repository_id"),
    uploads.c.touched_at > bindparam("alive_since"),
)


def create_upload(
    connection: Connection, repository_id: int, upload_id: str, storage_key: str, now: int, *, is_encrypted: bool
) -> Upload:
    """Begin an upload: the storage key is committed before the first byte is written under it."""
    connection.execute(
        insert(uploads).values(
            id=upload_id,
            repository_id=repository_id,
            storage_key=storage_key,
            size=0,
            epoch=0,
            parts=0,
            last_part_size=0,
            has_short_part=False,
            created_at=now,
            touched_at=now,
            is_encrypted=is_encrypted,
        )
    )
    return Upload(
        upload_id,
        repository_id,
        storage_key,
        size=0,
        epoch=0,
        parts=0,
        has_short_part=False,
        completed_digest=None,
        is_encrypted=is_encrypted,
    )


def find_upload(connection: Connection, repository_id: int, upload_id: str, now: int) -> Upload | None:
    """The upload, open or completed, unless it has expired."""
    row = connection.execute(
        _upload_by_id,
        {"upload_id": upload_id, "repository_id": repository_id, "alive_since": now - UPLOAD_LIFE},
    ).first()
    return None if row is None else _to_upload(row)


def lock_upload(connection: Connection, repository_id: int, upload_id: str, now: int) -> Upload | None:
    """As ``find_upload``, and the row is this transaction's until it ends."""
    row = connection.execute(
        _upload_by_id.with_for_update(),
        {"upload_id": upload_id, "repository_id": repository_id, "alive_since": now - UPLOAD_LIFE},
    ).first()
    return None if row is None else _to_upload(row)


def take_epoch(connection: Connection, upload: Upload, now: int) -> int:
    """Make the caller the only writer of an upload that it has locked; gives the writer's epoch."""
    connection.execute(
        update(uploads).where(uploads.c.id == upload.id).values(epoch=upload.epoch + 1, touched_at=now)
    )
    return upload.epoch + 1


def commit_part(
    connection: Connection,
    upload_id: str,
    epoch: int,
    size: int,
    *,
    part_size: int | None,
    hash_state: bytes | None,
    now: int,
) -> bool:
    """Move the committed offset to ``size``, by one part of ``part_size`` bytes; False for a fenced writer.

    None for bytes that are no part: those of a request that broke off are not judged by their number.
    """
    change = update(uploads).where(
        uploads.c.id == upload_id, uploads.c.epoch == epoch, uploads.c.completed_digest.is_(None)
    )
    if part_size is not None:
        short_before = and_(uploads.c.parts > 0, uploads.c.last_part_size < MIN_PART_SIZE)
        change = change.values(
            parts=uploads.c.parts + 1,
            has_short_part=uploads.c.has_short_part | short_before,
            last_part_size=part_size,
        )
    return connection.execute(change.values(size=size, hash_state=hash_state, touched_at=now)).rowcount == 1


def complete_upload(connection: Connection, upload_id: str, epoch: int, digest: Digest, now: int) -> bool:
    """Remember the upload as completed; False for a fenced writer.

    Its bytes are the blob's from now on, or garbage: the row stands for them no longer.
    """
    result = connection.execute(
        update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.epoch == epoch, uploads.c.completed_digest.is_(None))
        .values(completed_digest=str(digest), touched_at=now)
    )
    return result.rowcount == 1


def end_upload(connection: Connection, upload: Upload) -> list[Garbage]:
    """Forget an upload that the caller has locked; gives its bytes. A writer in the middle of a part is fenced."""
    connection.execute(delete(uploads).where(uploads.c.id == upload.id))
    return _bytes_of([upload])


def end_uploads_of(connection: Connection, repository_id: int, limit: int) -> tuple[int, list[Garbage]]:
    """Forget at most ``limit`` uploads of a detached repository; gives how many, and their bytes."""
    of_repository = _upload.where(uploads.c.repository_id == repository_id).order_by(uploads.c.touched_at)
    return _end_uploads(connection, of_repository.limit(limit).with_for_update())


_expired_uploads = (
    _upload.where(uploads.c.touched_at <= bindparam("before"))
    .order_by(uploads.c.touched_at)
    .limit(bindparam("limit"))
)


def has_expired_uploads(connection: Connection, now: int) -> bool:
    """True when there are uploads past their life."""
    row = connection.execute(_expired_uploads, {"before": now - UPLOAD_LIFE, "limit": 1}).first()
    return row is not None


def end_expired_uploads(connection: Connection, now: int, limit: int) -> tuple[int, list[Garbage]]:
    """Forget at most ``limit`` uploads past their life, the oldest first; gives how many, and their bytes.

    One that is being locked by another transaction may be about to live on, and is left alone.
    """
    expired = _expired_uploads.with_for_update(skip_locked=True)
    return _end_uploads(connection, expired.params(before=now - UPLOAD_LIFE, limit=limit))


def _end_uploads(connection: Connection, some: Select[*tuple[Any, ...]]) -> tuple[int, list[Garbage]]:
    ended = [_to_upload(row) for row in connection.execute(some)]
    if ended:
        connection.execute(delete(uploads).where(uploads.c.id.in_([upload.id for upload in ended])))
    return len(ended), _bytes_of(ended)


def _bytes_of(ended: Sequence[Upload]) -> list[Garbage]:
    """Those of a completed upload are another row's."""
    return [
        Garbage(upload.storage_key, upload.size, Cause.UPLOAD)
        for upload in ended
        if upload.completed_digest is None
    ]


def _to_upload(row: Row[*tuple[Any, ...]]) -> Upload:
    return Upload(*row)


@dataclass(frozen=True, slots=True)
class QueuedLinks:
    """The links that the collector is to look at for one cause: how many, and how many of them now."""

    cause: Cause
    waiting: int
    due: int


def count_queued_links(connection: Connection, now: int) -> list[QueuedLinks]:
    """All queued links by cause. Reads every one of them."""
    rows = connection.execute(
        select(
            repository_layers.c.due_cause,
            func.count(),
            func.sum(case((repository_layers.c.due_at <= now, 1), else_=0)),
        )
        .where(repository_layers.c.due_at.is_not(None))
        .group_by(repository_layers.c.due_cause)
        .order_by(repository_layers.c.due_cause)
    )
    return [QueuedLinks(Cause(cause), *map(int, numbers)) for cause, *numbers in rows]


@dataclass(frozen=True, slots=True)
class Unneeded:
    """What a collection would bury now for one cause: how many, and how many bytes."""

    cause: Cause
    blobs: int
    bytes: int


def count_unneeded(connection: Connection, due: int, now: int, *, deleted_before: int) -> list[Unneeded]:
    """Blobs and uploads that a collection would bury now, by cause. Reads all links and uploads that go.

    All that belongs to repositories ``deleted_before`` goes.
    """
    links = repository_layers.join(repositories, repositories.c.id == repository_layers.c.repository_id)
    detached = repositories.c.detached_at <= deleted_before
    attached = or_(repositories.c.detached_at.is_(None), repositories.c.detached_at > deleted_before)
    not_needed = select(repository_layers.c.blob_id, repository_layers.c.due_cause.label("cause")).where(
        repository_layers.c.due_at <= due, repository_layers.c.lease_until <= due, ~_is_named, attached
    )
    deleted = select(repository_layers.c.blob_id, literal(Cause.REPOSITORY.value)).where(detached)
    going = union_all(not_needed.select_from(links), deleted.select_from(links)).subquery()
    links_that_go = (
        select(going.c.blob_id, func.count().label("number"), func.max(going.c.cause).label("cause"))
        .group_by(going.c.blob_id)
        .subquery()
    )
    all_links = select(func.count()).where(repository_layers.c.blob_id == links_that_go.c.blob_id)
    of_blobs = (
        select(links_that_go.c.cause, blobs.c.size)
        .join(blobs, blobs.c.id == links_that_go.c.blob_id)
        .where(all_links.scalar_subquery() == links_that_go.c.number)
    )
    of_uploads = (
        select(literal(Cause.UPLOAD.value), uploads.c.size)
        .join(repositories, repositories.c.id == uploads.c.repository_id)
        .where(uploads.c.completed_digest.is_(None))
    )
    expired = of_uploads.where(uploads.c.touched_at <= now - UPLOAD_LIFE, attached)
    found = union_all(of_blobs, expired, of_uploads.where(detached)).subquery()
    rows = connection.execute(
        select(found.c.cause, func.count(), func.sum(found.c.size)).group_by(found.c.cause).order_by(found.c.cause)
    )
    return [Unneeded(Cause(cause), *map(int, numbers)) for cause, *numbers in rows]
