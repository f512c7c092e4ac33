"""The metadata in memory: SQLite, each call done at once on the event loop, by nobody but this process.

The twin of the driver on a file, for tests that make thousands of registries or let nothing run in threads.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, StaticPool, create_engine, event

T = TypeVar("T")


class MemoryMetadata:
    """A database in memory: an empty one, or a copy of what another one's ``content`` was."""

    def __init__(self, content: bytes | None = None) -> None:
        self._driver = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if content is not None:
            self._driver.deserialize(content)
        self._driver.execute("PRAGMA foreign_keys = ON")
        self._writing = create_engine("sqlite+pysqlite://", creator=lambda: self._driver, poolclass=StaticPool)
        self._reading = create_engine("sqlite+pysqlite://", creator=lambda: self._driver, poolclass=StaticPool)
        event.listen(self._writing, "begin", _begin)
        self._reader = self._reading.connect()

    @property
    def content(self) -> bytes:
        """The whole database."""
        return self._driver.serialize()

    @property
    def rows_changed(self) -> int:
        """How many rows were inserted, updated or deleted since the database was opened."""
        return self._driver.total_changes

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return self.read_now(query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return self.read_now(query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """As ``read``, for code that cannot wait."""
        self._driver.execute("PRAGMA query_only = ON")
        try:
            return query(self._reader)
        finally:
            self._driver.execute("PRAGMA query_only = OFF")

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See the port."""
        with self._writing.begin() as connection:
            return change(connection)

    async def check(self) -> None:
        """See the port."""

    async def close(self) -> None:
        """See the port."""
        self._reader.close()
        self._reading.dispose()
        self._writing.dispose()
        self._driver.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
