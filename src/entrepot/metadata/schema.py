"""The schema's version, and which code may use it.

The one row of table ``schema`` says how new the tables are and how old the code may be that uses them. So replicas
of an older version go on working beside a newer one, for as long as its tables allow it, and not a moment longer.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, inspect, select, text

from entrepot.core.errors import EntrepotError
from entrepot.metadata.tables import schema

#: The version of the tables that this code knows; the last migration sets it.
SCHEMA_VERSION = 13
#: The version of this code, as the tables see it; raised when older code must not use newer tables.
CODE_VERSION = 5

#: PostgreSQL's advisory lock under which the schema changes: "entrepot" in ASCII.
_LOCK = 0x656E747265706F74


@dataclass(eq=False)
class SchemaTooNew(EntrepotError):
    """The database has been used by a later version, which has made it unfit for this one."""

    oldest_code: int

    template: ClassVar[str] = (
        f"The database needs code version {{oldest_code}} and this is {CODE_VERSION}: "
        "use the release that last worked with it, or a later one"
    )


@dataclass(eq=False)
class SchemaTooOld(EntrepotError):
    """The database has not been made or upgraded by this version; ``version`` is 0 when it is empty."""

    version: int

    template: ClassVar[str] = (
        f"The database has schema version {{version}} and {SCHEMA_VERSION} is needed: run 'entrepot migrate'"
    )


def migrate(connection: Connection) -> None:
    """Make or upgrade the tables, in the caller's write transaction; nothing happens if they are new enough.

    One process at a time: on SQLite by the write transaction itself, on PostgreSQL by a lock. Raises SchemaTooNew.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if schema_version(connection) < SCHEMA_VERSION:
        from entrepot.metadata.migrations import upgrade  # noqa: PLC0415  (Alembic takes longer than a start may)

        upgrade(connection)


def require_schema(connection: Connection) -> None:
    """Make the tables in an empty database, in the caller's write transaction, and leave any other as it is.

    Raises SchemaTooNew or SchemaTooOld unless this code may use it then.
    """
    if schema_version(connection) == 0:
        migrate(connection)
    check_schema(connection)


def check_schema(connection: Connection) -> None:
    """Raise SchemaTooNew or SchemaTooOld unless this code may use the database."""
    version = schema_version(connection)
    if version < SCHEMA_VERSION:
        raise SchemaTooOld(version)


def schema_version(connection: Connection) -> int:
    """The version of the tables, 0 if there are none; raises SchemaTooNew."""
    if not inspect(connection).has_table(schema.name):
        return 0
    row = connection.execute(select(schema.c.version, schema.c.oldest_code)).one()
    if row.oldest_code > CODE_VERSION:
        raise SchemaTooNew(row.oldest_code)
    return row.version
