"""What is special about a database at the other end of a network."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest
from sqlalchemy import Connection, select, text
from tests.postgresql import CRASH_SAFE, MIGRATED, Server, postgresql_server

from entrepot.metadata.port import MetadataUnavailable
from entrepot.metadata.postgresql import OLDEST_SERVER, PostgreSQLMetadata, ServerTooOld, check_version
from entrepot.metadata.schema import SCHEMA_VERSION
from entrepot.metadata.tables import schema


@pytest.fixture
def url(postgresql: Server) -> str:
    """A database with every table."""
    return postgresql.create_database()


@pytest.fixture
async def metadata(url: str) -> AsyncIterator[PostgreSQLMetadata]:
    """A driver that waits for a second at the most."""
    metadata = PostgreSQLMetadata(url, random=Random(0), connections=2, timeout=1, statement_timeout=1)
    yield metadata
    await metadata.close()


@pytest.fixture
async def administrator(url: str) -> AsyncIterator[PostgreSQLMetadata]:
    """Another worker."""
    administrator = PostgreSQLMetadata(url, random=Random(0))
    yield administrator
    await administrator.close()


def one(connection: Connection) -> int | None:
    """Anything at all."""
    return connection.scalar(text("SELECT 1"))


def raise_version(connection: Connection) -> int:
    """A write, and how many rows it changed."""
    return connection.execute(schema.update().values(version=schema.c.version + 1)).rowcount


def end_other_sessions(connection: Connection) -> None:
    """What a restart of the server does to those who are connected."""
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    ).all()


def end_this_session(connection: Connection) -> None:
    """The same in the middle of a transaction."""
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())")).all()


async def test_names_compare_byte_by_byte(metadata: PostgreSQLMetadata) -> None:
    """Every name is collated as "C", on a server whose own collation is a language's."""
    names = text(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND data_type = 'text'"
    )

    columns = await metadata.read(lambda connection: connection.execute(names).all())

    assert len(columns) > 20
    assert [column for column in columns if column.collation_name != "C"] == []


async def test_each_call_has_its_isolation(metadata: PostgreSQLMetadata) -> None:
    """Writes recheck in a later statement what others commit; reads cannot write, in their one snapshot."""

    def isolation(connection: Connection) -> tuple[str | None, str | None]:
        level = connection.scalar(text("SHOW transaction_isolation"))
        return level, connection.scalar(text("SHOW transaction_read_only"))

    assert await metadata.write(isolation) == ("read committed", "off")
    assert await metadata.read(isolation) == ("repeatable read", "on")
    assert (await metadata.look_up(isolation))[1] == "on"


async def test_connections_that_were_lost_are_replaced(
    metadata: PostgreSQLMetadata, administrator: PostgreSQLMetadata
) -> None:
    """After a restart of the server no call fails because its connection was the old one."""
    for call in (metadata.look_up, metadata.read, metadata.write):
        await call(one)
        await administrator.write(end_other_sessions)

        assert await call(one) == 1


async def test_a_connection_lost_in_a_change_is_tried_again(metadata: PostgreSQLMetadata) -> None:
    """Nothing was committed, so the change is run again on another connection."""
    runs = 0

    def change(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            end_this_session(connection)
        return raise_version(connection)

    assert await metadata.write(change) == 1
    assert runs == 2


async def test_a_connection_lost_in_a_commit_is_told(metadata: PostgreSQLMetadata) -> None:
    """Nobody knows whether the change was committed, so it is not run a second time."""
    await metadata.write(make_commits_fatal)
    runs = 0

    def change(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        raise_version(connection)

    with pytest.raises(MetadataUnavailable, match="commit"):
        await metadata.write(change)

    assert runs == 1


def make_commits_fatal(connection: Connection) -> None:
    """From here on, a change of table ``schema`` ends its session when it is committed."""
    connection.execute(
        text(
            "CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
    )
    connection.execute(
        text(
            "CREATE CONSTRAINT TRIGGER fatal AFTER UPDATE ON schema DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION end_session()"
        )
    )


async def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    """The time-out of a statement frees its connection, and the database counts as unavailable."""
    metadata = PostgreSQLMetadata(url, random=Random(0), connections=1, statement_timeout=0.1)

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable, match="57014"):
            await call(lambda connection: connection.execute(text("SELECT pg_sleep(60)")).all())
        assert await call(one) == 1

    await metadata.close()


async def test_waiting_for_a_connection_has_an_end(url: str) -> None:
    """A pool that stays used up is unavailable, and not a queue without end."""
    metadata = PostgreSQLMetadata(url, random=Random(0), connections=1, timeout=0.2)

    def hold(connection: Connection) -> None:
        for _ in range(5):
            connection.execute(text("SELECT pg_sleep(0.1)"))

    holding = asyncio.create_task(metadata.read(hold))
    await asyncio.sleep(0)
    with pytest.raises(MetadataUnavailable, match="in use"):
        await metadata.read(one)

    await holding
    assert await metadata.read(one) == 1
    await metadata.close()


async def test_cancelled_reads_use_no_connection_up(metadata: PostgreSQLMetadata) -> None:
    """Reads that are cancelled in their middle leave the pool as it was."""
    for _ in range(5):
        begun = asyncio.Event()

        def read(connection: Connection, begun: asyncio.Event = begun) -> None:
            one(connection)
            begun.set()
            connection.execute(text("SELECT pg_sleep(0.5)"))

        request = asyncio.create_task(metadata.read(read))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    assert await asyncio.gather(metadata.read(one), metadata.read(one)) == [1, 1]


@pytest.mark.parametrize("fault", ["server", "database"])
async def test_a_server_that_is_not_there_is_unavailable(postgresql: Server, fault: str) -> None:
    """No server at the address, or none with this database: unavailable, in every call."""
    url = postgresql.url("absent") if fault == "database" else "postgresql://postgres@127.0.0.1:1/absent"
    metadata = PostgreSQLMetadata(url, random=Random(0))

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable):
            await call(one)
    with pytest.raises(MetadataUnavailable):
        await metadata.check()

    await metadata.close()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test alone, which stops it."""
    with postgresql_server(CRASH_SAFE) as server:
        yield server


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_server_that_comes_back_is_used_again(own_server: Server, mode: str) -> None:
    """While it is down every call is refused at once; afterwards the same driver goes on, and nothing is lost."""
    metadata = PostgreSQLMetadata(own_server.url(MIGRATED), random=Random(0))
    assert await metadata.write(raise_version) == 1
    own_server.stop(mode)

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable):
            await call(one)

    own_server.start()
    assert await metadata.read(version) == SCHEMA_VERSION + 1
    assert await metadata.write(raise_version) == 1
    await metadata.close()


async def test_a_server_that_hangs_is_used_again(own_server: Server) -> None:
    """One that sends nothing any more is given up in time, and no connection to it is left behind in use."""
    metadata = PostgreSQLMetadata(
        own_server.url(MIGRATED), random=Random(0), connections=1, timeout=1, statement_timeout=0.2
    )
    assert await metadata.write(one) == await metadata.read(one) == 1
    pids = [own_server.pid, *await metadata.read(sessions)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    try:
        for call in (metadata.look_up, metadata.read, metadata.write):
            with pytest.raises(MetadataUnavailable):
                await call(one)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    for call in (metadata.look_up, metadata.read, metadata.write):
        assert await call(one) == 1
    await metadata.close()


async def test_a_standby_is_not_used(own_server: Server) -> None:
    """After a failover the server at the address may be one that cannot write: it is not there, until it can."""
    own_server.stop()
    (own_server.data / "standby.signal").touch()
    own_server.start()
    metadata = PostgreSQLMetadata(own_server.url(MIGRATED), random=Random(0))

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable, match="primary"):
            await call(one)

    own_server.run("pg_ctl", "promote")
    assert await metadata.write(raise_version) == 1
    await metadata.close()


def version(connection: Connection) -> int | None:
    """The version that ``raise_version`` raises."""
    return connection.scalar(select(schema.c.version))


def sessions(connection: Connection) -> list[int]:
    """The processes that serve the database's clients."""
    query = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    return list(connection.execute(query).scalars())


@pytest.mark.parametrize("major", [9, 14])
def test_an_old_server_is_refused(major: int) -> None:
    """Its version and the oldest that will do are named."""
    with pytest.raises(ServerTooOld, match=f"is PostgreSQL {major}, and 15 is the oldest"):
        check_version(major)


async def test_the_server_of_the_tests_will_do(metadata: PostgreSQLMetadata) -> None:
    """The check passes on the oldest server that is supported, and on any later one."""
    check_version(OLDEST_SERVER)
    await metadata.check()


async def test_closing_leaves_no_connection(
    metadata: PostgreSQLMetadata, administrator: PostgreSQLMetadata
) -> None:
    """After close the server knows nothing of the worker any more."""
    await asyncio.gather(*(call(one) for call in (metadata.look_up, metadata.read, metadata.write)))
    await metadata.close()

    def others(connection: Connection) -> int | None:
        return connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01) "
                "WHERE datname = current_database() AND application_name = 'entrepot' AND pid <> pg_backend_pid()"
            )
        )

    while await administrator.look_up(others):  # the server takes a moment to see them go
        pass
