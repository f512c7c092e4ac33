"""Which storage has the bytes that the database names: the first one that it is used with.

The database makes an identity, and the storage keeps a copy. Where another one is found, or none, a registry would
look for layers where they are not, and take for removed what is only somewhere else.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import blob_store

_ONLY_ROW = 1


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """The identity of the database's storage; not ``is_written`` as long as none is known to have it."""

    identity: str
    is_written: bool


def claim_identity(connection: Connection, identity: str) -> ClaimedIdentity:
    """Give the database's storage this identity if it has none yet; the one that it has then."""
    insert_if_absent(connection, blob_store, [{"id": _ONLY_ROW, "identity": identity, "is_written": False}])
    return ClaimedIdentity(*connection.execute(select(blob_store.c.identity, blob_store.c.is_written)).one())


def find_claim(connection: Connection) -> ClaimedIdentity | None:
    """The identity that the database has for its storage; None before the first start, and during a restore."""
    row = connection.execute(select(blob_store.c.identity, blob_store.c.is_written)).one_or_none()
    return None if row is None else ClaimedIdentity(*row)


def find_identity(connection: Connection) -> str | None:
    """The identity that the storage has been given; None before that."""
    return connection.scalar(select(blob_store.c.identity).where(blob_store.c.is_written))


def confirm_identity(connection: Connection) -> None:
    """The storage has it: from now on no other will do."""
    connection.execute(update(blob_store).values(is_written=True))


def adopt_identity(connection: Connection, identity: str) -> None:
    """Say that a storage goes with the database that has this identity already; the database knows of none yet."""
    connection.execute(insert(blob_store).values(id=_ONLY_ROW, identity=identity, is_written=True))
