"""The SQL of tombstones and of pins.

A tombstone is written in the transaction that takes away the last other row that names its storage key. It goes
when the bytes are gone, and nothing leads back from it. A pin keeps bytes that have one: designs/backup.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, func, insert, select, update

from entrepot.core.garbage import Cause, Garbage
from entrepot.metadata.tables import blobs, pins, tombstones


def bury(connection: Connection, garbage: Sequence[Garbage], now: int) -> None:
    """Write a tombstone for each."""
    if garbage:
        rows = [
            {"storage_key": each.storage_key, "size": each.size, "cause": each.cause, "made_at": now}
            for each in garbage
        ]
        connection.execute(insert(tombstones), rows)


def unbury(connection: Connection, storage_key: str) -> bool:
    """Let the bytes of a blob be that has a tombstone by mistake; False where one of both is not there.

    The blob is locked, so nobody buries it meanwhile.
    """
    held = select(blobs.c.id).where(blobs.c.storage_key == storage_key).with_for_update()
    if connection.execute(held).first() is None:
        return False
    return connection.execute(delete(tombstones).where(tombstones.c.storage_key == storage_key)).rowcount == 1


def find_made_before(connection: Connection, before: int, limit: int) -> list[str]:
    """The storage keys of tombstones made before ``before``, the oldest first."""
    query = select(tombstones.c.storage_key).where(tombstones.c.made_at < before)
    return list(connection.scalars(query.order_by(tombstones.c.made_at).limit(limit)))


def postpone(connection: Connection, storage_keys: Sequence[str], now: int) -> None:
    """Let these wait as long as if they had been buried now: others go first."""
    if storage_keys:
        connection.execute(
            update(tombstones).where(tombstones.c.storage_key.in_(storage_keys)).values(made_at=now)
        )


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


@dataclass(frozen=True, slots=True)
class Pin:
    """Bytes that were buried at ``held_from`` or later are not removed before ``expires_at``."""

    name: str
    held_from: int
    expires_at: int


def pin(connection: Connection, new: Pin) -> None:
    """Hold bytes; the name is not in use."""
    row = {"name": new.name, "pinned_at": new.held_from, "expires_at": new.expires_at}
    connection.execute(insert(pins).values(row))


def renew_pin(connection: Connection, name: str, expires_at: int) -> bool:
    """Let a pin hold longer; False when it is gone."""
    changed = connection.execute(update(pins).where(pins.c.name == name).values(expires_at=expires_at))
    return changed.rowcount == 1


def unpin(connection: Connection, name: str) -> None:
    """Let go of what a pin holds."""
    connection.execute(delete(pins).where(pins.c.name == name))


def drop_expired_pins(connection: Connection, now: int) -> None:
    """Remove those that hold nothing any more: a backup that was killed leaves its own."""
    connection.execute(delete(pins).where(pins.c.expires_at <= now))


def list_pins(connection: Connection, now: int) -> list[Pin]:
    """The pins that hold something, the first to be removed first."""
    query = select(pins.c.name, pins.c.pinned_at, pins.c.expires_at).where(pins.c.expires_at > now)
    return [Pin(*row) for row in connection.execute(query.order_by(pins.c.expires_at, pins.c.name))]


def held_from(connection: Connection, now: int) -> int | None:
    """Since when bytes that were buried are held by a pin; None where there is none."""
    return connection.scalar(select(func.min(pins.c.pinned_at)).where(pins.c.expires_at > now))
