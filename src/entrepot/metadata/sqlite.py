"""The metadata in one SQLite file, shared by the worker processes of one machine.

Writes go through one thread, in transactions that are BEGIN IMMEDIATE: one that began as a reader could not become
a writer while another process writes, whatever the time-out. Changes that come meanwhile go into one transaction,
each in a savepoint of its own, and share its flush of the disk, which costs more than all of them (group commit).
Reads see the last commit and wait for nobody (WAL). Committed is durable (synchronous=FULL).
"""

import asyncio
import os
import re
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from entrepot.core.errors import EntrepotError
from entrepot.metadata.port import MetadataUnavailable

T = TypeVar("T")

#: Seconds between two tries to be the one that writes. SQLite's own waiting comes to tenths of a second in a few
#: tries, and a process that writes again and again then gets in first every time.
_POLL = 0.001
#: How often a write is tried before a database that stays busy is given up, each time for the busy time-out.
_ATTEMPTS = 3

#: A transaction takes no more changes on when it has so many, or has taken so long, in seconds.
_MOST_CHANGES = 64
_LONG_ENOUGH = 0.01

_READ_FAILURES = {
    sqlite3.SQLITE_BUSY: "it is busy",
    sqlite3.SQLITE_LOCKED: "it is busy",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_IOERR: "its disk failed",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is no SQLite database",
}
_WRITE_FAILURES = _READ_FAILURES | {
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_READONLY: "its file cannot be written",
}

#: Statements reach the driver by way of SQLAlchemy or, look-ups, directly.
_FAILURES = (DBAPIError, sqlite3.Error)
#: Of these, what undoes a statement and never the transaction around it.
_INTEGRITY_FAILURES = (IntegrityError, sqlite3.IntegrityError)

_MOUNTS = Path("/proc/self/mountinfo")
#: File systems over a network, where SQLite's locks and shared memory do not work between machines.
_NETWORK_FILE_SYSTEMS = {
    *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs"),
    *("fuse.sshfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
}


@dataclass(eq=False)
class NetworkFileSystem(EntrepotError):
    """The database was to lie on a file system on which it would be damaged."""

    folder: str
    kind: str

    template: ClassVar[str] = (
        "The folder {folder} is on a network file system ({kind}), where SQLite's locks do not hold: "
        "use a local disk, or PostgreSQL"
    )


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What a change raised."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that waits to be made, and where its caller waits for what comes of it."""

    make: Callable[[Connection], Any]
    result: Future[Any]

    def end(self, outcome: object) -> None:
        """Let the caller go on: with the result, or with what was raised."""
        if isinstance(outcome, _Refusal):
            self.result.set_exception(outcome.error)
        else:
            self.result.set_result(outcome)


class SQLiteMetadata:
    """The database at ``path``, which is made, empty and with mode 0600, by the first write.

    ``readers`` is the number of reads that run at a time, ``busy_timeout`` the seconds that a call waits for
    another process. ``sync=False`` leaves durability to the kernel, for tests and measurements. Raises
    NetworkFileSystem.
    """

    def __init__(self, path: Path, *, readers: int = 4, busy_timeout: float = 5, sync: bool = True) -> None:
        if _MOUNTS.exists():  # on Linux; elsewhere nothing is known
            refuse_network_file_system(path.parent.resolve(), _MOUNTS.read_text())
        self._path = path
        self._busy_timeout = busy_timeout
        self._synchronous = "FULL" if sync else "OFF"
        self._writer = ThreadPoolExecutor(1, "metadata-writer")
        self._readers = ThreadPoolExecutor(readers, "metadata-reader")
        self._writing = _engine(self._connect_to_write, size=1, begin=self._begin_to_write)
        self._reading = _engine(self._connect_to_read, size=readers, begin=_begin_to_read)
        self._looking_up = _engine(self._connect_to_read, size=1, begin=None)
        self._inline: Connection | None = None
        self._waiting: deque[_Change] = deque()

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See the port. Runs here and now; each statement sees the last commit."""
        try:
            # Never handed back to the pool, which would cost more than the look-up.
            if self._inline is None:
                self._inline = self._looking_up.connect()
            return query(self._inline)
        except _FAILURES as error:
            _raise_if_unavailable(error, _READ_FAILURES)
            raise

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See the port. If the caller is cancelled, a change that has begun goes on to its end in its thread."""
        result: Future[T] = Future()
        self._waiting.append(_Change(change, result))
        self._writer.submit(self._write_waiting)
        return await asyncio.wrap_future(result)

    async def check(self) -> None:
        """See the port."""
        await self.read(lambda connection: connection.execute(text("SELECT count(*) FROM sqlite_schema")).scalar())

    async def close(self) -> None:
        """See the port."""
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        if self._inline is not None:
            self._inline.close()
        for engine in (self._looking_up, self._reading, self._writing):
            engine.dispose()

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return query(connection)
        except _FAILURES as error:
            _raise_if_unavailable(error, _READ_FAILURES)
            raise

    def _write_waiting(self) -> None:
        """Carry out changes that wait. It is called once for each, and finds none when they went with others."""
        done: list[tuple[_Change, object]] = []
        try:
            self._write_together(done)
        except Exception:  # noqa: BLE001 (each is tried by itself, and told what becomes of it)
            changes = [change for change, _ in done] or list(filter(None, [self._next()]))
            for change in changes:
                self._write_alone(change)
        else:
            for change, outcome in done:
                change.end(outcome)

    def _next(self) -> "_Change | None":
        """The next change that waits and has not been called off."""
        while self._waiting:
            change = self._waiting.popleft()
            if change.result.set_running_or_notify_cancel():
                return change
        return None

    def _write_together(self, done: list[tuple["_Change", object]]) -> None:
        """Make waiting changes in one transaction; ``done`` gets each as it is taken on, with what came of it.

        Raises what undoes the transaction, which may be any failure of SQLite's but a broken constraint.
        """
        if not self._waiting:
            return
        with self._writing.begin() as connection:
            driver: Any = connection.connection.driver_connection
            end = time.monotonic() + _LONG_ENOUGH
            while len(done) < _MOST_CHANGES and (not done or time.monotonic() < end):
                change = self._next()
                if change is None:
                    break
                done.append((change, None))
                driver.execute("SAVEPOINT change")
                try:
                    outcome: object = change.make(connection)
                except Exception as error:
                    if isinstance(error, _FAILURES) and not isinstance(error, _INTEGRITY_FAILURES):
                        raise
                    outcome = _Refusal(error)  # the caller's, and raised there
                    driver.execute("ROLLBACK TO change")
                driver.execute("RELEASE change")
                done[-1] = change, outcome

    def _write_alone(self, change: "_Change") -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._writing.begin() as connection:
                    outcome = change.make(connection)
            except _FAILURES as error:
                if _failure(error) != sqlite3.SQLITE_BUSY or attempt == _ATTEMPTS:
                    change.end(_Refusal(_unavailable(error, _WRITE_FAILURES) or error))
                    return
            except Exception as error:  # noqa: BLE001 (it is the caller's, and raised there)
                change.end(_Refusal(error))
                return
            else:
                change.end(outcome)
                return

    def _connect_to_write(self) -> sqlite3.Connection:
        self._make_file()
        connection = self._connect("rw")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise MetadataUnavailable(f"its file system allows no write-ahead log but {mode}")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 0")  # from here on _begin_to_write waits
        return connection

    def _make_file(self) -> None:
        """Make an empty file for its owner alone, unless there is one.

        One that is there is opened by nobody but SQLite: to close it again would let go of every lock that this
        process has on it (fcntl(2)). The next process to close the database would take itself for the last one and
        remove the log, and with it all that is committed from then on.
        """
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise MetadataUnavailable(f"its file cannot be opened ({os.strerror(error.errno or 0)})") from error

    def _begin_to_write(self, connection: Connection) -> None:
        """Wait for those that write, and go next."""
        driver: Any = connection.connection.driver_connection
        end = time.monotonic() + self._busy_timeout
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _failure(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(_POLL)
            else:
                return

    def _connect_to_read(self) -> sqlite3.Connection:
        return self._connect("ro")

    def _connect(self, mode: str) -> sqlite3.Connection:
        """A connection that begins and ends no transaction of its own accord."""
        return sqlite3.connect(
            f"file:{quote(os.fspath(self._path))}?mode={mode}",
            uri=True,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )


def _engine(
    connect: Callable[[], sqlite3.Connection], *, size: int, begin: Callable[[Connection], None] | None
) -> Engine:
    engine = create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=0
    )
    if begin is not None:
        event.listen(engine, "begin", begin)
    return engine


def _begin_to_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _failure(error: DBAPIError | sqlite3.Error) -> int:
    """SQLite's primary result code, 0 if the error is not SQLite's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF


def _raise_if_unavailable(error: DBAPIError | sqlite3.Error, reasons: dict[int, str]) -> None:
    unavailable = _unavailable(error, reasons)
    if unavailable is not None:
        raise unavailable from error


def _unavailable(error: DBAPIError | sqlite3.Error, reasons: dict[int, str]) -> MetadataUnavailable | None:
    reason = reasons.get(_failure(error))
    return None if reason is None else MetadataUnavailable(reason)


def refuse_network_file_system(folder: Path, mountinfo: str) -> None:
    """Raise NetworkFileSystem if ``folder`` is on one, by a mountinfo file."""
    kind = file_system_of(folder, mountinfo)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise NetworkFileSystem(os.fspath(folder), kind)


def file_system_of(folder: Path, mountinfo: str) -> str:
    """The type of the file system that holds ``folder``, by a mountinfo file (proc_pid_mountinfo(5)).

    Of the mounts above the folder the deepest counts, and of those in one place the last. '' if there is none.
    """
    kind, depth = "", 0
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        mounted = Path(re.sub(r"\\([0-7]{3})", _unescape, before.split(" ")[4]))
        if folder.is_relative_to(mounted) and len(mounted.parts) >= depth:
            kind, depth = after.split(" ")[0], len(mounted.parts)
    return kind


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))
