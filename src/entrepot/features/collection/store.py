"""The SQL of tombstones.

A tombstone is written in the transaction that takes away the last other row that names its storage key. It goes
when the bytes are gone, and nothing leads back from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, func, insert, select

from entrepot.core.garbage import Cause, Garbage
from entrepot.metadata.tables import tombstones


def bury(connection: Connection, garbage: Sequence[Garbage], now: int) -> None:
    """Write a tombstone for each."""
    if garbage:
        rows = [
            {"storage_key": each.storage_key, "size": each.size, "cause": each.cause, "made_at": now}
            for each in garbage
        ]
        connection.execute(insert(tombstones), rows)


def find_made_before(connection: Connection, before: int, limit: int) -> list[str]:
    """The storage keys of tombstones made before ``before``, the oldest first."""
    query = select(tombstones.c.storage_key).where(tombstones.c.made_at < before)
    return list(connection.scalars(query.order_by(tombstones.c.made_at).limit(limit)))


def forget(connection: Connection, storage_keys: Sequence[str]) -> list[Garbage]:
    """Remove tombstones whose bytes are gone; gives those that nobody else has removed."""
    rows = connection.execute(
        delete(tombstones)
        .where(tombstones.c.storage_key.in_(storage_keys))
        .returning(tombstones.c.storage_key, tombstones.c.size, tombstones.c.cause)
    )
    return [Garbage(row.storage_key, row.size, Cause(row.cause)) for row in rows]


@dataclass(frozen=True, slots=True)
class Buried:
    """The tombstones of one cause: how many and how many bytes, and of these what may be removed now."""

    cause: Cause
    blobs: int
    bytes: int
    blobs_due: int
    bytes_due: int


def count_tombstones(connection: Connection, before: int) -> list[Buried]:
    """All tombstones by cause; those made before ``before`` are due. Reads every one of them."""
    is_due = tombstones.c.made_at < before
    rows = connection.execute(
        select(
            tombstones.c.cause,
            func.count(),
            func.sum(tombstones.c.size),
            func.sum(case((is_due, 1), else_=0)),
            func.sum(case((is_due, tombstones.c.size), else_=0)),
        )
        .group_by(tombstones.c.cause)
        .order_by(tombstones.c.cause)
    )
    return [Buried(Cause(cause), *map(int, numbers)) for cause, *numbers in rows]
