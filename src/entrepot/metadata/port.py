"""The metadata port: how features reach the database.

Store code is synchronous over a SQLAlchemy ``Connection`` and is handed in whole, as one function.
There is no await and no I/O other than SQL inside it, so a transaction is never left open by a
cancelled request: once handed over, the function runs to its end and is committed or rolled back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from sqlalchemy import Connection

from entrepot.core.errors import Unavailable

T = TypeVar("T")


@dataclass(eq=False)
class MetadataUnavailable(Unavailable):
    """The database does not answer, or did not within its time.

    Nothing was changed, unless a connection to PostgreSQL was lost in the middle of COMMIT: then nobody knows.
    """

    reason: str

    template: ClassVar[str] = "The registry's database cannot answer: {reason}"


class Metadata(Protocol):
    """One database. Every driver passes ``tests/contract/test_metadata.py``."""

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """Run a read of a few indexed rows, at once: on SQLite inline on the event loop (about 10 µs a row)."""
        ...

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a read of any size in one snapshot, off the event loop."""
        ...

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run ``change`` in one transaction; its result is returned once the commit is durable.

        An exception from ``change`` rolls everything back and is raised here. The function is run again after a
        serialisation failure, a deadlock or a busy database, so it must have no effect but its SQL.
        """
        ...

    async def check(self) -> None:
        """Return when the database answers; raises MetadataUnavailable."""
        ...

    async def close(self) -> None:
        """Finish running transactions and let go of every connection and thread."""
        ...
