"""The SQL of data keys and of the segments that are encrypted under them."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_rows
from entrepot.metadata.tables import data_keys, encrypted_segments
from entrepot.storage.frames import Segment
from entrepot.storage.segment_ledger import Sealing

_key = LookUp(
    select(data_keys.c.wrapped, data_keys.c.sealed_size, data_keys.c.seal).where(
        data_keys.c.storage_key == bindparam("key")
    )
)
_of_key = encrypted_segments.c.storage_key == bindparam("key")
_segments = select(
    encrypted_segments.c.starts_at,
    encrypted_segments.c.ends_at,
    encrypted_segments.c.stored_at,
    encrypted_segments.c.salt,
).where(_of_key)
_all_segments = LookUp(_segments.order_by(encrypted_segments.c.starts_at))
_last_before = LookUp(
    _segments.where(encrypted_segments.c.starts_at < bindparam("offset"))
    .order_by(encrypted_segments.c.starts_at.desc())
    .limit(1)
)


def add_key(connection: Connection, key: str, wrapped: bytes) -> None:
    """Let the bytes under a new storage key be encrypted under these data keys."""
    row = {"storage_key": key, "wrapped": wrapped, "epoch": -1, "sealed_size": None, "seal": None}
    insert_rows(connection, data_keys, [row])


def find(connection: Connection, key: str) -> Sealing | None:
    """What is known about a storage key, with all its segments."""
    row = _key.first(connection, {"key": key})
    if row is None:
        return None
    wrapped, size, seal = row
    segments = tuple(Segment(*values) for values in _all_segments.all(connection, {"key": key}))
    return Sealing(wrapped, segments, size, seal)


def find_before(connection: Connection, key: str, offset: int) -> Sealing | None:
    """What is known about a storage key, with the last segment that starts before ``offset``."""
    row = _key.first(connection, {"key": key})
    if row is None:
        return None
    wrapped, size, seal = row
    last = _last_before.first(connection, {"key": key, "offset": offset})
    return Sealing(wrapped, () if last is None else (Segment(*last),), size, seal)


def record(connection: Connection, key: str, segment: Segment, epoch: int) -> bool:
    """Add a segment in the place of those that start where it does or later; False for a writer that is fenced."""
    if not _take(connection, key, epoch):
        return False
    connection.execute(
        delete(encrypted_segments).where(
            encrypted_segments.c.storage_key == key, encrypted_segments.c.starts_at >= segment.start
        )
    )
    insert_rows(
        connection,
        encrypted_segments,
        [
            {
                "storage_key": key,
                "starts_at": segment.start,
                "ends_at": segment.end,
                "stored_at": segment.stored_at,
                "salt": segment.salt,
            }
        ],
    )
    return True


def seal(connection: Connection, key: str, size: int, seal: bytes, epoch: int) -> bool:
    """Shut the ledger of a key; False for a writer that is fenced. True if it is sealed with these values."""
    if not _take(connection, key, epoch):
        row = _key.first(connection, {"key": key})
        return row is not None and (row[1], row[2]) == (size, seal)
    connection.execute(update(data_keys).where(data_keys.c.storage_key == key).values(sealed_size=size, seal=seal))
    return True


def _take(connection: Connection, key: str, epoch: int) -> bool:
    """Lock a key that is not sealed, and let no older epoch change it any more."""
    result = connection.execute(
        update(data_keys)
        .where(data_keys.c.storage_key == key, data_keys.c.epoch <= epoch, data_keys.c.sealed_size.is_(None))
        .values(epoch=epoch)
    )
    return result.rowcount == 1


def known_among(connection: Connection, keys: Sequence[str], limit: int) -> list[str]:
    """Those of the keys that have a row, at most ``limit``."""
    known = select(data_keys.c.storage_key).where(data_keys.c.storage_key.in_(keys))
    return list(connection.scalars(known.order_by(data_keys.c.storage_key).limit(limit)))


def forget(connection: Connection, keys: Sequence[str], limit: int) -> bool:
    """Remove segments of these keys, at most ``limit``, and when none is left the keys; True if there may be more.

    The keys are locked first, so no segment is recorded meanwhile.
    """
    own = data_keys.c.storage_key.in_(keys)
    connection.execute(
        select(data_keys.c.storage_key).where(own).order_by(data_keys.c.storage_key).with_for_update()
    )
    some = connection.execute(
        select(encrypted_segments.c.storage_key, encrypted_segments.c.starts_at)
        .where(encrypted_segments.c.storage_key.in_(keys))
        .order_by(encrypted_segments.c.storage_key, encrypted_segments.c.starts_at)
        .limit(limit)
    ).all()
    if not some:
        connection.execute(delete(data_keys).where(own))
        return False
    last = some[-1]
    whole = {row.storage_key for row in some} - {last.storage_key}
    for condition in (
        encrypted_segments.c.storage_key.in_(whole),
        and_(
            encrypted_segments.c.storage_key == last.storage_key, encrypted_segments.c.starts_at <= last.starts_at
        ),
    ):
        connection.execute(delete(encrypted_segments).where(condition))
    return True
