"""The metadata drivers, each against the whole contract."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, Table, Text, create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from entrepot.metadata.port import Metadata, MetadataUnavailable

T = TypeVar("T")
OpenMetadata = Callable[[], Metadata]

tables = MetaData()
counters = Table(
    "counters", tables, Column("name", Text, primary_key=True), Column("value", Integer, nullable=False)
)
marks = Table("marks", tables, Column("counter", ForeignKey(counters.c.name), primary_key=True))


@pytest.fixture
async def metadata(open_metadata: OpenMetadata) -> Metadata:
    """A database with a table of counters, ``a`` and ``b`` at 0."""
    metadata = open_metadata()
    await metadata.write(make_counters)
    return metadata


def make_counters(connection: Connection) -> None:
    """Two counters at 0."""
    tables.create_all(connection)
    connection.execute(counters.insert(), [{"name": "a", "value": 0}, {"name": "b", "value": 0}])


def increase(connection: Connection, *names: str) -> None:
    """Count in SQL, so that nobody's count is lost."""
    for name in names:
        connection.execute(counters.update().where(counters.c.name == name).values(value=counters.c.value + 1))


def values(connection: Connection) -> dict[str, int]:
    """Every counter."""
    return {row.name: row.value for row in connection.execute(select(counters))}


def elsewhere(driver: OpenMetadata, change: Callable[[Connection], T]) -> T:
    """Write from another worker, start to end, whatever this thread is in the middle of."""

    async def write() -> T:
        metadata = driver()
        try:
            return await metadata.write(change)
        finally:
            await metadata.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, write()).result()


def conflict(connection: Connection) -> None:
    """What a driver says when another transaction stands in the way."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))
    else:
        (_, _, file) = connection.exec_driver_sql("PRAGMA database_list").one()
        second = create_engine(f"sqlite:///{file}", connect_args={"timeout": 0})
        try:
            with second.connect() as other:
                other.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            second.dispose()


class Pause:
    """Stops a change in its middle until it is let go: its thread on SQLite, its statement on PostgreSQL."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, connection: Connection) -> None:
        """Wait."""
        self.entered.set()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        else:
            self.released.wait()


@pytest.fixture
def pause(driver: OpenMetadata) -> Iterator[Pause]:
    """A pause, held by another worker where the database does the waiting."""
    pause, held = Pause(), threading.Event()

    def hold(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        held.set()
        if connection.dialect.name == "postgresql":
            pause.released.wait()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(elsewhere, driver, hold)
        held.wait()
        yield pause
        pause.released.set()


async def test_a_write_is_seen_by_every_worker(metadata: Metadata, open_metadata: OpenMetadata) -> None:
    """What was committed is read at once, by look-ups and reads, here and elsewhere."""
    await metadata.write(lambda connection: increase(connection, "a"))

    for worker in (metadata, open_metadata()):
        assert await worker.look_up(values) == {"a": 1, "b": 0}
        assert await worker.read(values) == {"a": 1, "b": 0}


async def test_a_write_gives_the_change_s_result(metadata: Metadata) -> None:
    """What the change returns is returned."""
    assert await metadata.write(values) == {"a": 0, "b": 0}


async def test_an_exception_undoes_the_whole_change(metadata: Metadata) -> None:
    """The exception of a change is raised as it is, and nothing of the change stays."""

    def fail(connection: Connection) -> None:
        increase(connection, "a", "b")
        raise LookupError

    with pytest.raises(LookupError):
        await metadata.write(fail)

    assert await metadata.write(values) == {"a": 0, "b": 0}


async def test_a_broken_rule_of_the_tables_is_told(metadata: Metadata) -> None:
    """Constraints hold, foreign keys too, and their errors pass through."""
    with pytest.raises(IntegrityError):
        await metadata.write(lambda connection: connection.execute(marks.insert(), {"counter": "absent"}))
    with pytest.raises(IntegrityError):
        await metadata.write(lambda connection: connection.execute(counters.insert(), {"name": "a", "value": 1}))


async def test_a_mistake_in_a_statement_is_told(metadata: Metadata) -> None:
    """A statement that is wrong is not taken for a database that is unavailable."""
    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(DBAPIError, match="absent"):
            await call(lambda connection: connection.execute(text("SELECT * FROM absent")))


async def test_reading_cannot_write(metadata: Metadata) -> None:
    """A look-up and a read that try to write are refused by the database."""
    for call in (metadata.look_up, metadata.read):
        with pytest.raises(DBAPIError):
            await call(lambda connection: increase(connection, "a"))

    assert await metadata.read(values) == {"a": 0, "b": 0}
    assert await metadata.look_up(values) == {"a": 0, "b": 0}


async def test_a_read_is_one_snapshot(metadata: Metadata, driver: OpenMetadata) -> None:
    """What another worker commits in the middle of a read is not seen by it, and by the next one."""

    def look_twice(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
        first = values(connection)
        elsewhere(driver, lambda connection: increase(connection, "a"))
        return first, values(connection)

    first, second = await metadata.read(look_twice)

    assert first == second == {"a": 0, "b": 0}
    assert await metadata.read(values) == {"a": 1, "b": 0}


async def test_a_conflict_is_tried_again(metadata: Metadata) -> None:
    """A change that another transaction stood in the way of is run again from its start."""
    runs = 0

    def change(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        increase(connection, "a")
        if runs == 1:
            conflict(connection)
        return runs

    assert await metadata.write(change) == 2
    assert await metadata.read(values) == {"a": 1, "b": 0}


async def test_a_conflict_without_end_is_given_up(metadata: Metadata) -> None:
    """After a bounded number of tries the database is unavailable, and nothing was changed."""
    runs = 0

    def change(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        increase(connection, "a")
        conflict(connection)

    with pytest.raises(MetadataUnavailable):
        await metadata.write(change)

    assert 1 < runs < 20
    assert await metadata.read(values) == {"a": 0, "b": 0}


async def test_concurrent_writers_lose_nothing(open_metadata: OpenMetadata, metadata: Metadata) -> None:
    """Two workers that write the same rows at a time, in opposite orders, all get through."""
    other = open_metadata()

    await asyncio.gather(
        *(
            worker.write(lambda connection, names=names: increase(connection, *names))
            for _ in range(20)
            for worker, names in ((metadata, "ab"), (other, "ba"))
        )
    )

    assert await metadata.read(values) == {"a": 40, "b": 40}


async def test_more_reads_than_connections_all_get_their_turn(metadata: Metadata) -> None:
    """Reads beyond the pool wait for one another."""
    answers = await asyncio.gather(
        *(metadata.read(values) for _ in range(40)), *(metadata.look_up(values) for _ in range(40))
    )

    assert answers == [{"a": 0, "b": 0}] * 80


async def test_a_cancelled_write_ends_whole(metadata: Metadata, open_metadata: OpenMetadata, pause: Pause) -> None:
    """A change that has begun when its caller is cancelled runs to its end and is committed; closing waits for it."""

    def change(connection: Connection) -> None:
        increase(connection, "a")
        pause(connection)
        increase(connection, "b")

    request = asyncio.create_task(metadata.write(change))
    await asyncio.to_thread(pause.entered.wait)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    pause.released.set()
    await metadata.close()

    assert await open_metadata().write(values) == {"a": 1, "b": 1}


async def test_a_cancelled_write_that_fails_leaves_nothing(
    metadata: Metadata, open_metadata: OpenMetadata, pause: Pause
) -> None:
    """The same for a change that fails after its caller has gone: it is undone, and nobody is disturbed."""

    def change(connection: Connection) -> None:
        increase(connection, "a")
        pause(connection)
        raise LookupError

    request = asyncio.create_task(metadata.write(change))
    await asyncio.to_thread(pause.entered.wait)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    pause.released.set()
    await metadata.close()

    assert await open_metadata().write(values) == {"a": 0, "b": 0}


async def test_cancelled_reads_use_no_connection_up(metadata: Metadata, pause: Pause) -> None:
    """Reads that are cancelled in their middle give their connections back."""

    def read(connection: Connection) -> None:
        values(connection)
        pause(connection)

    for _ in range(20):
        pause.entered.clear()
        request = asyncio.create_task(metadata.read(read))
        await asyncio.to_thread(pause.entered.wait)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        if pause.entered.is_set():
            pause.released.set()

    assert await metadata.read(values) == {"a": 0, "b": 0}


async def test_a_working_database_says_so(metadata: Metadata) -> None:
    """The check of a database that answers returns."""
    await metadata.check()
