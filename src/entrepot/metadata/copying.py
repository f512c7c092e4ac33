"""Copying a whole database into another one, of either kind: every row in one transaction, checked before it ends.

It is all or nothing: what breaks off leaves the target as empty as it was. The source is only read.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, NullPool, Table, create_engine, exists, func, insert, inspect, select, text
from sqlalchemy.dialects import sqlite

from entrepot.core.errors import EntrepotError
from entrepot.metadata.schema import SCHEMA_VERSION, migrate, schema_version
from entrepot.metadata.tables import generations, metadata, schema

#: Rows that are held in memory at a time.
BATCH = 1000

#: Made by the migrations in every database, and so no sign that a database is in use.
_MADE = (schema, generations)
#: What is copied; a table comes after all that it refers to.
_TABLES = [table for table in metadata.sorted_tables if table is not schema]

#: Where the migrations say which of them were made; it is in no ``metadata``.
_OF_ALEMBIC = "alembic_version"

_BY_POSITION = sqlite.dialect(paramstyle="qmark")

Records = Sequence[tuple[Any, ...]]
#: Told of a table, how many of its rows are copied, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(eq=False)
class UnknownVersion(EntrepotError):
    """One of the two has a schema that is not this code's."""

    version: int

    template: ClassVar[str] = (
        f"A database of schema version {{version}} is copied by the release that made it so; "
        f"this one knows version {SCHEMA_VERSION}"
    )


@dataclass(eq=False)
class TargetNotEmpty(EntrepotError):
    """The target has rows of its own."""

    table: str

    template: ClassVar[str] = (
        "The target database has rows in table {table}: rows are copied into an empty one only"
    )


@dataclass(eq=False)
class CopyDiffers(EntrepotError):
    """A table came out different from its source. Nothing was kept."""

    table: str

    template: ClassVar[str] = "Table {table} differs from its source after the copy, so nothing was kept"


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """How many rows of a table were copied, and the SHA-256 over them in key order: of source and target alike."""

    table: str
    rows: int
    sha256: str


def sqlite_snapshot(path: Path) -> AbstractContextManager[Connection]:
    """A connection that sees one snapshot of an SQLite database, others writing or not, and cannot change it."""
    return _opened_sqlite(path, "mode=ro")


def finished_sqlite(path: Path) -> AbstractContextManager[Connection]:
    """A connection to an SQLite database that nobody writes any more: it takes no locks, and leaves no trace."""
    return _opened_sqlite(path, "mode=ro&immutable=1")


def new_sqlite(path: Path) -> AbstractContextManager[Connection]:
    """A transaction on an SQLite database of this caller's alone, in one durable file once the block has ended.

    Without SQLite's locks, which some network file systems lack.
    """
    return _opened_sqlite(path, "mode=rwc&nolock=1")


@contextmanager
def _opened_sqlite(path: Path, parameters: str) -> Generator[Connection]:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?{parameters}", uri=True, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()


def copy_database(
    source: Connection, target: Connection, progress: Progress, *, without: Collection[Table] = ()
) -> list[CopiedTable]:
    """Copy every row into a database that has none, in the caller's transaction, and compare.

    Makes the tables if need be. Others that would write wait for the end. Tables ``without`` are left as they are.
    Raises UnknownVersion, TargetNotEmpty, CopyDiffers, SchemaTooNew.
    """
    migrate(target)
    for version in (schema_version(source), schema_version(target)):
        if version != SCHEMA_VERSION:
            raise UnknownVersion(version)
    tables = [table for table in _TABLES if table not in without]
    names = ", ".join(table.name for table in tables)
    is_postgresql = target.dialect.name == "postgresql"
    if is_postgresql:
        target.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    require_empty(target, but=without)
    target.execute(generations.delete())
    copied = [_copy_table(source, target, table, progress) for table in tables]
    if is_postgresql:
        target.execute(text(f"ANALYZE {names}"))  # or the first statements would be planned for empty tables
    return copied


def count_all_rows(source: Connection) -> int:
    """How many rows ``copy_database`` copies of a database, which may be of an older schema."""
    names = set(inspect(source).get_table_names()) - {schema.name, _OF_ALEMBIC}
    return sum(source.execute(select(func.count()).select_from(text(name))).scalar_one() for name in names)


def require_empty(target: Connection, *, but: Collection[Table] = ()) -> None:
    """Raise TargetNotEmpty if a table has rows; those of ``but`` may have some."""
    for table in _TABLES:
        if table not in _MADE and table not in but and target.execute(select(exists(select(table)))).scalar():
            raise TargetNotEmpty(table.name)


def _copy_table(source: Connection, target: Connection, table: Table, progress: Progress) -> CopiedTable:
    write = _copy_in if target.dialect.name == "postgresql" else _insert
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    count, digest = 0, hashlib.sha256()
    for rows in _batches(source, table):
        write(target, table, rows)
        digest.update(_encoded(rows))
        count += len(rows)
        progress(table.name, count, total)
    if target.dialect.name == "postgresql":
        _set_sequence(target, table)
    copied = CopiedTable(table.name, total, digest.hexdigest())
    if count != total or _read_back(target, table) != copied:
        raise CopyDiffers(table.name)
    return copied


def _copy_in(target: Connection, table: Table, rows: Records) -> None:
    """By COPY: with INSERT the whole copy takes more than twice as long."""
    driver: Any = target.connection.dbapi_connection

    def copy(connection: Any) -> Any:
        return connection.copy_records_to_table(table.name, columns=table.columns.keys(), records=rows)

    driver.run_async(copy)


def _insert(target: Connection, table: Table, rows: Records) -> None:
    """SQLite's driver takes the values as they are."""
    driver: Any = target.connection.driver_connection
    driver.executemany(str(insert(table).compile(dialect=_BY_POSITION)), rows)


def _read_back(target: Connection, table: Table) -> CopiedTable:
    count, digest = 0, hashlib.sha256()
    for rows in _batches(target, table):
        digest.update(_encoded(rows))
        count += len(rows)
    return CopiedTable(table.name, count, digest.hexdigest())


def _batches(connection: Connection, table: Table) -> Iterator[Records]:
    """All rows in the order of their keys, which is the same on both databases."""
    rows = connection.execute(select(table).order_by(*table.primary_key), execution_options={"yield_per": BATCH})
    for partition in rows.partitions():
        yield [tuple(row) for row in partition]


def _encoded(rows: Records) -> bytes:
    return b"".join(map(msgspec.msgpack.encode, rows))


def _set_sequence(target: Connection, table: Table) -> None:
    """Let the next row that PostgreSQL numbers come after all that were copied; SQLite does so by itself."""
    column = table.autoincrement_column
    if column is None:
        return
    last = target.execute(select(func.max(column))).scalar()
    if last is not None:
        target.execute(select(func.setval(func.pg_get_serial_sequence(table.name, column.name), last)))
