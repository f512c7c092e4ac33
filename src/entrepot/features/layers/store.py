"""The SQL of blobs, of which repository has which, and of uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, insert, select, update

from entrepot.core.digest import Digest
from entrepot.features.layers.layer import Layer, Upload
from entrepot.features.layers.rules import LEASE, MIN_PART_SIZE, UPLOAD_LIFE
from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import blobs, repository_layers, uploads

_layer = (
    select(
        blobs.c.id,
        blobs.c.digest,
        blobs.c.size,
        blobs.c.storage_key,
        repository_layers.c.lease_until,
    )
    .join(repository_layers, repository_layers.c.blob_id == blobs.c.id)
    .where(repository_layers.c.repository_id == bindparam("repository_id"), blobs.c.encryption_key == "")
)
_layer_by_digest = LookUp(_layer.where(blobs.c.digest == bindparam("digest")))


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
        .where(blobs.c.digest.in_(digests), blobs.c.encryption_key == "")
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
    circle.
    """
    found = find_layers(connection, repository_id, digests)
    wanted = {"repository_id": repository_id, "blob_ids": [layer.blob_id for layer in found.values()]}
    held = set(connection.scalars(_held_links, wanted))
    return {digest: layer for digest, layer in found.items() if layer.blob_id in held}


def renew_leases(connection: Connection, repository_id: int, blob_ids: Sequence[int], now: int) -> int:
    """Give these links a fresh lease; gives how many of them are still there."""
    result = connection.execute(
        update(repository_layers)
        .where(
            repository_layers.c.repository_id == repository_id,
            repository_layers.c.blob_id.in_(sorted(blob_ids)),
        )
        .values(lease_until=now + LEASE)
    )
    return result.rowcount


def store_blob(
    connection: Connection, digest: Digest, *, size: int, storage_key: str, now: int
) -> tuple[int, str]:
    """Record a blob; gives its id and the storage key that counts, which is an older one's if there is one."""
    insert_if_absent(
        connection,
        blobs,
        [
            {
                "digest": str(digest),
                "encryption_key": "",
                "size": size,
                "storage_key": storage_key,
                "stored_at": now,
            }
        ],
    )
    row = connection.execute(
        select(blobs.c.id, blobs.c.storage_key)
        .where(blobs.c.digest == str(digest), blobs.c.encryption_key == "")
        .with_for_update(read=True)
    ).one()
    return row.id, row.storage_key


def link(connection: Connection, repository_id: int, blob_id: int, now: int) -> bool:
    """Say that the repository has the blob, with a fresh lease; False when it had it before."""
    inserted = insert_if_absent(
        connection,
        repository_layers,
        [
            {
                "repository_id": repository_id,
                "blob_id": blob_id,
                "linked_at": now,
                "lease_until": now + LEASE,
            }
        ],
    )
    if not inserted:
        renew_leases(connection, repository_id, [blob_id], now)
    return inserted == 1


def hold_link(connection: Connection, repository_id: int, blob_id: int) -> bool:
    """Keep a link as it is for the rest of the transaction, against pushes too; False when it is not there."""
    row = connection.execute(
        select(repository_layers.c.blob_id)
        .where(repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id == blob_id)
        .with_for_update()
    ).first()
    return row is not None


def unlink(connection: Connection, repository_id: int, blob_id: int) -> None:
    """The repository no longer has the blob."""
    connection.execute(
        delete(repository_layers).where(
            repository_layers.c.repository_id == repository_id, repository_layers.c.blob_id == blob_id
        )
    )


_upload = select(
    uploads.c.id,
    uploads.c.repository_id,
    uploads.c.storage_key,
    uploads.c.size,
    uploads.c.epoch,
    uploads.c.parts,
    uploads.c.has_short_part,
    uploads.c.completed_digest,
)
_upload_by_id = _upload.where(
    uploads.c.id == bindparam("upload_id"),
    uploads.c.repository_id == bindparam("repository_id"),
    uploads.c.touched_at > bindparam("alive_since"),
)


def create_upload(
    connection: Connection, repository_id: int, upload_id: str, storage_key: str, now: int
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
        )
    )
    return Upload(upload_id, repository_id, storage_key, 0, 0, 0, has_short_part=False, completed_digest=None)


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
    connection: Connection, upload_id: str, epoch: int, size: int, *, part_size: int | None, now: int
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
    return connection.execute(change.values(size=size, touched_at=now)).rowcount == 1


def complete_upload(connection: Connection, upload_id: str, epoch: int, digest: Digest, now: int) -> bool:
    """Remember the upload as completed; False for a fenced writer."""
    result = connection.execute(
        update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.epoch == epoch, uploads.c.completed_digest.is_(None))
        .values(completed_digest=str(digest), touched_at=now)
    )
    return result.rowcount == 1


def expire_upload(connection: Connection, upload_id: str) -> None:
    """Make an upload unknown at once; its bytes and its row go when expired uploads are swept.

    The epoch moves on too, so that a writer in the middle of a part is fenced.
    """
    connection.execute(
        update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.completed_digest.is_(None))
        .values(touched_at=0, epoch=uploads.c.epoch + 1)
    )


def expire_uploads_of(connection: Connection, repository_id: int, limit: int) -> int:
    """Expire the uploads of a detached repository, open and completed; gives how many, at most ``limit``."""
    some = (
        select(uploads.c.id)
        .where(uploads.c.repository_id == repository_id, uploads.c.touched_at > 0)
        .order_by(uploads.c.touched_at)
        .limit(limit)
    )
    result = connection.execute(
        update(uploads)
        .where(uploads.c.id.in_(some.scalar_subquery()))
        .values(touched_at=0, epoch=uploads.c.epoch + 1)
    )
    return result.rowcount


@dataclass(frozen=True, slots=True)
class ExpiredUpload:
    """An upload that is over; ``epoch`` outranks every writer it had."""

    id: str
    storage_key: str
    is_blob: bool


def find_expired_uploads(connection: Connection, now: int, limit: int) -> list[ExpiredUpload]:
    """Uploads past their life, the longest ones first; ``is_blob`` when a blob lives under their key."""
    blob = exists().where(
        blobs.c.digest == uploads.c.completed_digest, blobs.c.storage_key == uploads.c.storage_key
    )
    rows = connection.execute(
        select(uploads.c.id, uploads.c.storage_key, blob.label("is_blob"))
        .where(uploads.c.touched_at <= now - UPLOAD_LIFE)
        .order_by(uploads.c.touched_at)
        .limit(limit)
    )
    return [ExpiredUpload(row.id, row.storage_key, bool(row.is_blob)) for row in rows]


def forget_uploads(connection: Connection, upload_ids: Sequence[str]) -> None:
    """Remove the rows of expired uploads whose bytes are gone, or are a blob's."""
    connection.execute(delete(uploads).where(uploads.c.id.in_(upload_ids)))


def drain_links(connection: Connection, repository_id: int, limit: int) -> int:
    """Unlink blobs from a detached repository; gives how many, at most ``limit``."""
    some = (
        select(repository_layers.c.blob_id)
        .where(repository_layers.c.repository_id == repository_id)
        .order_by(repository_layers.c.blob_id)
        .limit(limit)
    )
    result = connection.execute(
        delete(repository_layers).where(
            repository_layers.c.repository_id == repository_id,
            repository_layers.c.blob_id.in_(some.scalar_subquery()),
        )
    )
    return result.rowcount


def has_uploads(connection: Connection, repository_id: int) -> bool:
    """True while any upload of the repository has a row."""
    return (
        connection.execute(select(uploads.c.id).where(uploads.c.repository_id == repository_id).limit(1)).first()
        is not None
    )


def _to_upload(row: Row[*tuple[Any, ...]]) -> Upload:
    return Upload(*row)
