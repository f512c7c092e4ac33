"""The metadata drivers, each against the whole contract."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
marks = Table("marks", tables, Column[str]("counter", Text, ForeignKey(counters.c.name), primary_key=True))


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
        file = connection.scalar(text("SELECT file FROM pragma_database_list WHERE name = 'main'"))
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
    """Two workers that write the same rows at a time all get through."""
    other = open_metadata()

    await asyncio.gather(
        *(worker.write(lambda connection: increase(connection, "a", "b")) for worker in (metadata, other) * 20)
    )

    assert await metadata.read(values) == {"a": 40, "b": 40}


async def test_writers_that_wait_for_each_other_both_get_through(
    open_metadata: OpenMetadata, metadata: Metadata
) -> None:
    """Changes that take the same rows in opposite orders are no reason to fail."""
    other = open_metadata()

    for _ in range(5):
        await asyncio.gather(
            metadata.write(lambda connection: increase(connection, "a", "b")),
            other.write(lambda connection: increase(connection, "b", "a")),
        )

    assert await metadata.read(values) == {"a": 10, "b": 10}


async def test_more_reads_than_connections_all_get_their_turn(metadata: Metadata) -> None:
    """Reads beyond the pool wait for one another."""
    answers = await asyncio.gather(
        *(metadata.read(values) for _ in range(40)), *(metadata.look_up(values) for _ in range(40))
    )

    assert answers == [{"a": 0, "b": 0}] * 80


async def test_a_cancelled_write_ends_whole(metadata: Metadata, open_metadata: OpenMetadata, pause: Pause) -> None:
    """A change that has begun when its caller is cancelled is committed as a whole; closing waits for it."""

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


async def test_a_working_database_says_so(metadata: Metadata) -> None:
    """The check of a database that answers returns."""
    await metadata.check()
