"""What is special about a database that is a file."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from entrepot.metadata.port import MetadataUnavailable
from entrepot.metadata.schema import SCHEMA_VERSION, migrate
from entrepot.metadata.sqlite import NetworkFileSystem, SQLiteMetadata, file_system_of, refuse_network_file_system

Change = Callable[[Connection], Any]

MOUNTS = r"""
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 28 0:35 / /srv rw,relatime shared:2 - nfs4 files:/srv rw,vers=4.2
41 40 254:1 / /srv/local\040disk rw,relatime - xfs /dev/vdb rw
42 28 0:36 / /home/u/far rw,nosuid - fuse.sshfs far: rw
43 41 0:37 / /srv/local\040disk rw,relatime - cifs //files/share rw
44 28 0:38 / /srv/near rw,relatime - tmpfs tmpfs rw
""".strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "metadata.sqlite"


@pytest.fixture
async def metadata(path: Path) -> AsyncIterator[SQLiteMetadata]:
    """A database with every table, and a short patience."""
    metadata = SQLiteMetadata(path, busy_timeout=0.05)
    await metadata.write(migrate)
    yield metadata
    await metadata.close()


def files(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [file.name for file in folder.iterdir()]


def pragmas(connection: Connection) -> dict[str, object]:
    """What the connection is set to."""
    names = ("journal_mode", "synchronous", "foreign_keys")
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}


def fill_the_disk(connection: Connection) -> None:
    """Write more than the database may grow to."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    connection.execute(
        text("INSERT INTO manifests (digest, encryption_key, content) VALUES ('sha256:0', '', zeroblob(1000000))")
    )


def in_another_process(path: Path, statement: str) -> None:
    """Open the database elsewhere, run a statement, and close it."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(path), statement], check=True)


async def test_a_commit_is_durable(metadata: SQLiteMetadata) -> None:
    """The log is flushed at every commit (FULL is 2), and foreign keys hold."""
    assert await metadata.write(pragmas) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_nobody_else_can_read_the_database(metadata: SQLiteMetadata, path: Path) -> None:
    """The file and its log are 0600 from the start."""
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "metadata.sqlite": 0o600,
        "metadata.sqlite-wal": 0o600,
        "metadata.sqlite-shm": 0o600,
    }


async def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    """Characters that mean something in a URI mean nothing in the name of the file."""
    metadata = SQLiteMetadata(tmp_path / "50% of?mode=memory#1 ü.sqlite")

    await metadata.write(migrate)
    await metadata.check()
    await metadata.close()

    assert files(tmp_path) == ["50% of?mode=memory#1 ü.sqlite"]


async def test_a_look_up_runs_at_once(metadata: SQLiteMetadata) -> None:
    """A look-up costs no thread and no turn of the event loop."""
    thread = await metadata.look_up(lambda _: threading.get_ident())
    looking_up = metadata.look_up(lambda connection: connection.scalar(text("SELECT 1")))

    with pytest.raises(StopIteration) as finished:
        looking_up.send(None)

    assert thread == threading.get_ident()
    assert finished.value.value == 1


async def test_reads_do_not_wait_for_a_writer(metadata: SQLiteMetadata, path: Path) -> None:
    """While another process writes, reads and look-ups see the last commit."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE schema SET version = version + 1")
    query = text("SELECT version FROM schema")

    assert await metadata.read(lambda connection: connection.scalar(query)) == SCHEMA_VERSION
    assert await metadata.look_up(lambda connection: connection.scalar(query)) == SCHEMA_VERSION

    writer.close()


async def test_a_database_that_stays_busy_is_unavailable(metadata: SQLiteMetadata, path: Path) -> None:
    """A writer that never ends makes others give up after a time, without running their change."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    runs: list[Connection] = []

    with pytest.raises(MetadataUnavailable, match="busy"):
        await metadata.write(runs.append)

    writer.execute("ROLLBACK")
    writer.close()
    assert runs == []
    await metadata.write(runs.append)
    assert len(runs) == 1


async def test_a_full_disk_is_unavailable_and_harmless(metadata: SQLiteMetadata) -> None:
    """A change for which there is no room is undone; reading goes on, and so does writing once there is room."""
    with pytest.raises(MetadataUnavailable, match="disk is full"):
        await metadata.write(fill_the_disk)

    assert await metadata.read(lambda connection: connection.scalar(text("SELECT count(*) FROM manifests"))) == 0
    await metadata.write(
        lambda connection: connection.execute(text("UPDATE schema SET version = version + 1")).rowcount
    )


@pytest.fixture
def damaged(path: Path) -> Path:
    """A file that is no database."""
    path.write_bytes(b"this is no database" * 100)
    return path


async def test_a_damaged_file_is_unavailable(damaged: Path) -> None:
    """A file that is no database is told as such, by every call."""
    metadata = SQLiteMetadata(damaged)

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable, match="no SQLite database"):
            await call(lambda connection: connection.execute(text("SELECT * FROM schema")).all())

    await metadata.close()


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """Reading makes no file, and a folder that is missing is not made."""
    metadata = SQLiteMetadata(tmp_path / "absent" / "metadata.sqlite")

    for call in (metadata.look_up, metadata.read, metadata.write):
        with pytest.raises(MetadataUnavailable):
            await call(lambda connection: connection.scalar(text("SELECT 1")))

    await metadata.close()
    assert files(tmp_path) == []


async def test_closing_leaves_no_thread_and_no_log(path: Path) -> None:
    """After close only the database itself is left."""
    metadata = SQLiteMetadata(path)
    await metadata.write(migrate)
    await asyncio.gather(metadata.check(), metadata.look_up(pragmas))

    await metadata.close()

    assert [thread.name for thread in threading.enumerate() if "metadata" in thread.name] == []
    assert files(path.parent) == [path.name]


async def test_another_process_that_closes_the_database_leaves_the_log(path: Path) -> None:
    """It would remove the log if this process had lost its lock, and with it what is committed from then on."""
    maker = SQLiteMetadata(path)
    await maker.write(migrate)
    await maker.close()
    metadata = SQLiteMetadata(path)
    await metadata.look_up(pragmas)
    await metadata.write(lambda connection: connection.execute(text("UPDATE schema SET version = version")))
    log = path.with_name(f"{path.name}-wal")
    inode = log.stat().st_ino

    in_another_process(path, "UPDATE schema SET version = version")

    assert log.stat().st_ino == inode
    await metadata.close()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/registry", "nfs4"),
        ("/srv/near/by", "tmpfs"),
        ("/srv/nearby", "nfs4"),
        ("/srv/local disk/data", "cifs"),
        ("/home/u/far", "fuse.sshfs"),
        ("/home/u", "ext4"),
    ],
)
def test_a_folder_is_on_its_deepest_mount(folder: str, kind: str) -> None:
    """Of the mounts above a folder the deepest counts, and of two in one place the later."""
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_a_network_file_system_is_refused() -> None:
    """In one line that names the folder, the reason and the way out."""
    with pytest.raises(NetworkFileSystem, match=r"/srv/registry.*nfs4.*local disk, or PostgreSQL"):
        refuse_network_file_system(Path("/srv/registry"), MOUNTS)

    refuse_network_file_system(Path("/var/lib"), MOUNTS)


def adding(number: int) -> Change:
    """A change that inserts a row."""

    def change(connection: Connection) -> int:
        connection.execute(
            text("INSERT INTO manifests (digest, encryption_key, content) VALUES (:digest, '', x'00')"),
            {"digest": f"sha256:{number}"},
        )
        return number

    return change


def digests(connection: Connection) -> list[str]:
    """What was inserted."""
    return sorted(row[0] for row in connection.execute(text("SELECT digest FROM manifests")))


async def together(metadata: SQLiteMetadata, *changes: Change) -> list[object]:
    """What comes of changes that have to wait for another one, and so find each other."""
    entered, released = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        entered.set()
        released.wait()

    first = asyncio.create_task(metadata.write(hold))
    await asyncio.to_thread(entered.wait)
    others = [asyncio.create_task(metadata.write(change)) for change in changes]
    await asyncio.sleep(0)
    released.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


async def test_changes_that_wait_share_one_commit(metadata: SQLiteMetadata) -> None:
    """The disk is flushed once for all of them; each gets its own result."""
    transactions: set[int] = set()

    def noting(number: int) -> Change:
        def change(connection: Connection) -> int:
            transactions.add(id(connection.get_transaction()))
            return adding(number)(connection)

        return change

    results = await together(metadata, *(noting(number) for number in range(5)))

    assert results == [0, 1, 2, 3, 4]
    assert len(transactions) == 1
    assert len(await metadata.read(digests)) == 5


async def test_a_change_that_is_refused_leaves_its_neighbours_alone(metadata: SQLiteMetadata) -> None:
    """What it did is undone, what they did is committed; a broken constraint is such a refusal too."""

    def refused(connection: Connection) -> None:
        adding(7)(connection)
        raise LookupError("mine")

    def twice(connection: Connection) -> None:
        adding(8)(connection)
        adding(8)(connection)

    results = await together(metadata, adding(1), refused, twice, adding(2))

    assert results[0] == 1
    assert results[3] == 2
    assert isinstance(results[1], LookupError)
    assert isinstance(results[2], IntegrityError)
    assert await metadata.read(digests) == ["sha256:1", "sha256:2"]


async def test_a_failure_that_undoes_the_transaction_is_told_to_its_own_change(metadata: SQLiteMetadata) -> None:
    """A disk that is full for one change is not for the others: each is tried again by itself."""
    runs: list[int] = []

    def counted(connection: Connection) -> int:
        runs.append(1)
        return adding(1)(connection)

    def filling(connection: Connection) -> None:
        fill_the_disk(connection)

    results = await together(metadata, counted, filling)

    assert results[0] == 1
    assert len(runs) == 2
    assert isinstance(results[1], MetadataUnavailable)
    assert await metadata.read(digests) == ["sha256:1"]


async def test_a_change_that_is_called_off_while_it_waits_is_never_made(metadata: SQLiteMetadata) -> None:
    """And those behind it are."""
    entered, released = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        entered.set()
        released.wait()

    first = asyncio.create_task(metadata.write(hold))
    await asyncio.to_thread(entered.wait)
    called_off = asyncio.create_task(metadata.write(adding(1)))
    behind = asyncio.create_task(metadata.write(adding(2)))
    await asyncio.sleep(0)
    called_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await called_off
    released.set()
    await asyncio.gather(first, behind)

    assert await metadata.read(digests) == ["sha256:2"]
