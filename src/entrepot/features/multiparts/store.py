"""The SQL of multipart uploads and of their parts."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update

from entrepot.metadata.hot import LookUp
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import multipart_parts, multiparts
from entrepot.storage.s3_ledger import Multipart, Part, Tail

_by_key = LookUp(
    select(
        multiparts.c.epoch,
        multiparts.c.revision,
        multiparts.c.upload_id,
        multiparts.c.part_size,
        multiparts.c.next_part,
        multiparts.c.next_tail,
        multiparts.c.tails,
        multiparts.c.sealed_size,
    ).where(multiparts.c.storage_key == bindparam("key"))
)
_decode_tails = msgspec.json.Decoder(tuple[Tail, ...]).decode
_encode_tails = msgspec.json.Encoder().encode


def find(connection: Connection, key: str) -> Multipart | None:
    """What is known about a blob that is not sealed."""
    row = _by_key.first(connection, {"key": key})
    if row is None:
        return None
    epoch, revision, upload_id, part_size, next_part, next_tail, tails, sealed_size = row
    return Multipart(
        epoch, revision, upload_id, part_size, next_part, next_tail, _decode_tails(tails), sealed_size
    )


def list_parts(connection: Connection, key: str) -> list[Part]:
    """Its parts in the order of their bytes: at most 10,000, as S3 has it."""
    rows = connection.execute(
        select(multipart_parts.c.number, multipart_parts.c.ends_at, multipart_parts.c.etag)
        .where(multipart_parts.c.storage_key == key)
        .order_by(multipart_parts.c.ends_at)
    )
    return [Part(*row) for row in rows]


def end(connection: Connection, key: str, size: int) -> int:
    """Where the last part ends that ends at ``size`` or before; 0 if there is none."""
    found = connection.scalar(
        select(func.max(multipart_parts.c.ends_at)).where(
            multipart_parts.c.storage_key == key, multipart_parts.c.ends_at <= size
        )
    )
    return found or 0


def replace(
    connection: Connection, key: str, old: Multipart | None, new: Multipart, parts: Sequence[Part]
) -> bool:
    """Compare and set; ``parts`` are added if ``old`` was there."""
    values = {
        "epoch": new.epoch,
        "revision": new.revision,
        "upload_id": new.upload_id,
        "part_size": new.part_size,
        "next_part": new.next_part,
        "next_tail": new.next_tail,
        "tails": _encode_tails(new.tails).decode(),
        "sealed_size": new.sealed_size,
    }
    if old is None:
        is_replaced = insert_if_absent(connection, multiparts, [{"storage_key": key, **values}]) == 1
    else:
        is_replaced = connection.execute(update(multiparts).where(_is(key, old)).values(values)).rowcount == 1
    if is_replaced and parts:
        connection.execute(insert(multipart_parts), [_row(key, part) for part in parts])
    return is_replaced


def has_parts_after(connection: Connection, key: str, size: int) -> bool:
    """True if a part ends beyond ``size``."""
    return connection.execute(_parts_after(key, size, 1)).first() is not None


def drop_parts_after(connection: Connection, key: str, epoch: int, size: int, limit: int) -> bool:
    """Drop parts that end beyond ``size``, at most ``limit`` of them; False if the epoch is another one."""
    held = connection.execute(
        select(multiparts.c.storage_key)
        .where(multiparts.c.storage_key == key, multiparts.c.epoch == epoch)
        .with_for_update()
    ).first()
    if held is None:
        return False
    connection.execute(
        delete(multipart_parts).where(
            multipart_parts.c.storage_key == key,
            multipart_parts.c.ends_at.in_(_parts_after(key, size, limit).scalar_subquery()),
        )
    )
    return True


def forget(connection: Connection, key: str, old: Multipart, limit: int) -> bool:
    """Drop parts, at most ``limit``, and when none is left the rest; True if there may be more of them.

    Nothing is dropped unless ``old`` is there.
    """
    held = connection.execute(select(multiparts.c.storage_key).where(_is(key, old)).with_for_update()).first()
    if held is None:
        return False
    dropped = connection.execute(
        delete(multipart_parts).where(
            multipart_parts.c.storage_key == key,
            multipart_parts.c.ends_at.in_(_parts_after(key, 0, limit).scalar_subquery()),
        )
    )
    if dropped.rowcount == limit:
        return True
    connection.execute(delete(multiparts).where(multiparts.c.storage_key == key))
    return False


def _parts_after(key: str, size: int, limit: int) -> Any:
    return (
        select(multipart_parts.c.ends_at)
        .where(multipart_parts.c.storage_key == key, multipart_parts.c.ends_at > size)
        .order_by(multipart_parts.c.ends_at)
        .limit(limit)
    )


def _is(key: str, old: Multipart) -> ColumnElement[bool]:
    return and_(
        multiparts.c.storage_key == key,
        multiparts.c.epoch == old.epoch,
        multiparts.c.revision == old.revision,
    )


def _row(key: str, part: Part) -> dict[str, object]:
    return {"storage_key": key, "ends_at": part.end, "number": part.number, "etag": part.etag}
