"""The metadata in PostgreSQL, shared by any number of replicas.

Writes are READ COMMITTED, on purpose: a later statement of the transaction has to see what another has
committed meanwhile, which is what the collector's recheck and every SELECT … FOR SHARE rely on. Reads are one
REPEATABLE READ snapshot. Reading connections are read-only by their settings, so that it costs no statement.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import ClassVar, TypeVar

from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from entrepot.core.errors import EntrepotError
from entrepot.metadata.port import MetadataUnavailable

T = TypeVar("T")

#: The oldest server that the tests have seen.
OLDEST_SERVER = 15

#: How often a transaction is tried that other transactions stand in the way of.
_ATTEMPTS = 8
#: Seconds before the second try, at the most; doubled with every further one.
_BACKOFF = 0.005

_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_CONFLICTS = {_SERIALIZATION_FAILURE, _DEADLOCK}
#: SQLSTATE classes (PostgreSQL manual, appendix A) that say that the server, not the statement, is at fault:
#: connection, authorization, no such database, rollback, resources, intervention (time-outs too), system error.
_UNAVAILABLE = {"08", "28", "3D", "40", "53", "57", "58"}
#: What the operator can do something about, and every client may know.
_REASONS = {
    "28000": "it refuses the user",
    "28P01": "it refuses the password",
    "3D000": "it has no such database",
    "42501": "it does not let the user do this",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55P03": "a lock was not to be had",
    "57014": "a statement took too long",
    "57P01": "it is stopping",
    "57P02": "it is restarting after a crash",
    "57P03": "it is starting or stopping",
}


@dataclass(eq=False)
class ServerTooOld(EntrepotError):
    """The server is of a major version that is not supported."""

    version: int

    template: ClassVar[str] = (
        f"The database server is PostgreSQL {{version}}, and {OLDEST_SERVER} is the oldest that will do"
    )


class PostgreSQLMetadata:
    """The database at ``url`` (``postgresql://user:password@host:port/name``, with libpq's parameters).

    ``connections`` is how many of them are open at the most for writing, and as many for reading; ``timeout`` the
    seconds that connecting and waiting for a connection may take, each, and ``statement_timeout`` those of a
    statement with its locks. ``random`` spreads the tries of transactions that met. A connection that was lost is
    replaced, by one to a primary server: after a failover nothing is left of the one that became a standby.
    """

    def __init__(
        self,
        url: str,
        *,
        random: Random,
        connections: int = 8,
        timeout: float = 10,
        statement_timeout: float = 10,
    ) -> None:
        self._random = random
        waits = _Waits(timeout, statement_timeout)
        self._writing = _engine(url, "READ COMMITTED", connections, waits, read_only=False)
        self._reading = _engine(url, "REPEATABLE READ", connections, waits, read_only=True)
        self._looking_up = self._reading.execution_options(isolation_level="AUTOCOMMIT")
        self._writes: set[asyncio.Task[object]] = set()

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See the port. Each statement sees the last commit."""
        return await _query(self._looking_up, query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return await _query(self._reading, query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See the port. If the caller is cancelled, the change goes on to its end in a task of its own."""
        running = asyncio.create_task(self._write(change))
        self._writes.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    async def check(self) -> None:
        """See the port; raises ServerTooOld too."""
        await self.look_up(_check_server)

    async def close(self) -> None:
        """See the port."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._reading.dispose()
        await self._writing.dispose()

    def _ended(self, running: asyncio.Task[object]) -> None:
        self._writes.discard(running)
        if not running.cancelled():
            running.exception()  # seen: the caller has it, or has gone

    async def _write(self, change: Callable[[Connection], T]) -> T:
        async with _unavailability():
            for attempt in range(_ATTEMPTS - 1):
                try:
                    return await self._transact(change)
                except DBAPIError as error:
                    if not (error.connection_invalidated or _sqlstate(error) in _CONFLICTS):
                        raise
                await asyncio.sleep(self._random.uniform(0, _BACKOFF * 2**attempt))
            return await self._transact(change)

    async def _transact(self, change: Callable[[Connection], T]) -> T:
        async with self._writing.connect() as connection:
            result = await connection.run_sync(change)
            try:
                await connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:  # nobody knows whether it was committed: not to be tried again
                    raise MetadataUnavailable("the connection was lost in a commit") from error
                raise
            return result


@dataclass(frozen=True, slots=True)
class _Waits:
    """How long something may take, in seconds."""

    connection: float
    statement: float


def _engine(url: str, isolation: str, connections: int, waits: _Waits, *, read_only: bool) -> AsyncEngine:
    milliseconds = f"{waits.statement * 1000:.0f}"
    settings = {
        "application_name": "entrepot",
        "default_transaction_read_only": "on" if read_only else "off",
        "statement_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
        "jit": "off",  # the statements are short, compiling them takes longer
    }
    return create_async_engine(
        "postgresql+asyncpg://",
        isolation_level=isolation,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=waits.connection,
        connect_args={
            "dsn": url,
            "server_settings": settings,
            "target_session_attrs": "primary",
            "timeout": waits.connection,
            # A server that went silent sends no time-out of its own: then the client's ends the wait.
            "command_timeout": 2 * waits.statement,
        },
    )


async def _query(engine: AsyncEngine, query: Callable[[Connection], T]) -> T:
    """Run a read, once more if the connection turns out to have died in the pool."""
    async with _unavailability():
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(query)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        async with engine.connect() as connection:
            return await connection.run_sync(query)


@asynccontextmanager
async def _unavailability() -> AsyncGenerator[None]:
    """Tell what the server or the network is to blame for from mistakes in a statement, which pass through."""
    try:
        yield
    except DBAPIError as error:
        sqlstate = _sqlstate(error)
        reason = _REASONS.get(sqlstate)
        if reason or sqlstate[:2] in _UNAVAILABLE:
            raise MetadataUnavailable(f"{reason or 'it failed'} (SQLSTATE {sqlstate})") from error
        if error.orig is not None and isinstance(error.orig.__cause__, TargetServerAttributeNotMatched):
            raise MetadataUnavailable("the server is no primary") from error
        if error.connection_invalidated:
            raise MetadataUnavailable("the connection was lost") from error
        raise
    except PoolTimeoutError as error:
        raise MetadataUnavailable("every connection is in use") from error
    except OSError as error:  # asyncpg's network errors and time-outs come through as they are
        raise MetadataUnavailable(f"it cannot be reached ({type(error).__name__})") from error


def check_version(major: int) -> None:
    """Raise ServerTooOld unless a server of this major version will do."""
    if major < OLDEST_SERVER:
        raise ServerTooOld(major)


def _check_server(connection: Connection) -> None:
    connection.execute(text("SELECT 1")).scalar()
    version = connection.dialect.server_version_info
    assert version is not None  # SQLAlchemy asked with its first connection
    check_version(int(version[0]))


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
