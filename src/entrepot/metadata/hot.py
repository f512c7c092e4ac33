"""Statements that nearly every request asks: compiled once, and on SQLite handed straight to the driver.

There SQLAlchemy's own work for a statement takes five times as long as the statement. On PostgreSQL, where a round
trip outweighs both, they go through SQLAlchemy as all others do.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import ReturningUpdate


class _Statement:
    """Columns are of types that SQLite's driver gives as they are: text, bytes, numbers, 0 or 1 for a Boolean."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        self._statement = statement
        self._sql = str(compiled)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    def first(self, connection: Connection, parameters: Mapping[str, object]) -> tuple[Any, ...] | None:
        """The first row that the statement finds, a value for each column."""
        if connection.dialect.name != "sqlite":
            row = connection.execute(self._statement, parameters).first()
            return None if row is None else tuple(row)
        return self._execute(connection, parameters).fetchone()

    def all(self, connection: Connection, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Every row that the statement finds."""
        if connection.dialect.name != "sqlite":
            return [tuple(row) for row in connection.execute(self._statement, parameters)]
        return self._execute(connection, parameters).fetchall()

    def _execute(self, connection: Connection, parameters: Mapping[str, object]) -> sqlite3.Cursor:
        driver: Any = connection.connection.driver_connection
        return driver.execute(self._sql, {**self._constants, **parameters} if self._constants else parameters)


class LookUp(_Statement):
    """A SELECT of few rows."""


class Change(_Statement):
    """An UPDATE of few rows that returns columns of theirs."""
