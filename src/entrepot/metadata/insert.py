"""INSERT, as SQLAlchemy spells it for each database; on SQLite compiled once and handed straight to the driver.

There to build and compile the statement takes ten times as long as to carry it out (see also hot.py). Values are
of types that SQLite's driver takes as they are: text, bytes, numbers, booleans.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, object]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns; a broken constraint raises."""
    if connection.dialect.name == "sqlite":
        _on_sqlite(connection, table, rows, if_absent=False)
    else:
        connection.execute(postgresql.insert(table), list(rows))


def insert_if_absent(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the rows, all of the same columns, that break no unique constraint; leave the others as they are.

    Gives the number of rows inserted. ON CONFLICT rather than a caught error: on PostgreSQL an error would
    end the whole transaction.
    """
    if connection.dialect.name == "sqlite":
        return _on_sqlite(connection, table, rows, if_absent=True)
    statement = postgresql.insert(table).on_conflict_do_nothing().values(list(rows))
    result: CursorResult[object] = connection.execute(statement)
    return result.rowcount


def _on_sqlite(connection: Connection, table: Table, rows: Sequence[Row], *, if_absent: bool) -> int:
    driver: Any = connection.connection.driver_connection
    sql = _sql(table, tuple(rows[0]), if_absent=if_absent)
    return driver.executemany(sql, rows).rowcount


@lru_cache(maxsize=256)
def _sql(table: Table, columns: tuple[str, ...], *, if_absent: bool) -> str:
    statement = sqlite.insert(table).values({name: bindparam(name) for name in columns})
    if if_absent:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))
