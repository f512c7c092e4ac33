"""Rows into a backup and back, from either database to either: all of them, or none."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, insert, select
from tests.contract.conftest import OpenMetadata
from tests.contract.store_of_thousands import fill
from tests.contract.test_copying import be_silent, count_rows
from tests.postgresql import Server

from entrepot.metadata import tables
from entrepot.metadata.blob_store import claim_identity, find_identity
from entrepot.metadata.copying import TargetNotEmpty, copy_database, finished_sqlite, new_sqlite
from entrepot.metadata.port import Metadata
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.restoring import require_unused, restore_rows
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata

#: Rows of these tell of what no backup has.
LEFT_OUT = {
    *("pins", "tombstones", "uploads", "multiparts", "multipart_parts"),
    *("auditor_run", "auditor_stages", "auditor_findings"),
}
#: Bytes that are a blob's, and some that are not.
BLOB, OTHER = "k00007", "n00000"


@pytest.fixture
async def source(metadata: Metadata) -> Metadata:
    """A grown-up installation on either database."""
    await metadata.write(migrate)
    await metadata.write(fill)
    await metadata.write(lambda connection: claim_identity(connection, "old"))
    return metadata


@pytest.fixture
async def small(open_metadata: OpenMetadata) -> Metadata:
    """A database with one encrypted blob and an upload, on either database."""
    metadata = open_metadata()
    await metadata.write(migrate)
    await metadata.write(fill_little)
    return metadata


def fill_little(connection: Connection) -> None:
    """See ``small``."""
    blob = {"digest": "sha256:1", "encryption_key": "", "size": 1, "stored_at": 0, "is_encrypted": True}
    connection.execute(insert(tables.blobs).values(storage_key=BLOB, **blob))
    for key in (BLOB, OTHER):
        connection.execute(insert(tables.data_keys).values(storage_key=key, wrapped=b"", epoch=0))
        segment = {"starts_at": 0, "ends_at": 1, "stored_at": 0, "salt": b""}
        connection.execute(insert(tables.encrypted_segments).values(storage_key=key, **segment))
    connection.execute(insert(tables.pins).values(name="backup", pinned_at=0, expires_at=1))
    connection.execute(insert(tables.tombstones).values(storage_key=OTHER, size=1, cause="image", made_at=0))


async def back_up(source: Metadata, path: Path) -> None:
    """Copy its rows into a file."""

    def copy(rows: Connection) -> None:
        with new_sqlite(path) as target:
            copy_database(rows, target, be_silent)

    await source.read(copy)


def stored_files(folder: Path) -> set[str]:
    """What makes up a copy."""
    return {file.name for file in folder.glob("backup*")}


async def restore(path: Path, target: Metadata) -> None:
    """Make a database of a file."""

    def copy(connection: Connection) -> None:
        with finished_sqlite(path) as rows:
            restore_rows(rows, connection, "new", be_silent)

    await target.write(copy)


@pytest.fixture(params=["sqlite", "postgresql"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Metadata]:
    """An empty database of either kind, with its tables."""
    if request.param == "sqlite":
        target: Metadata = SQLiteMetadata(tmp_path / "target.db", sync=False)
    else:
        server: Server = request.getfixturevalue("postgresql")
        target = PostgreSQLMetadata(server.create_database(), random=Random(0))
    await target.write(migrate)
    yield target
    await target.close()


@pytest.mark.timeout(300)
async def test_rows_come_back_as_they_were(source: Metadata, target: Metadata, tmp_path: Path) -> None:
    """Value by value, from either database to either, by way of one file that nobody needs anything beside."""
    path = tmp_path / "backup.db"
    await back_up(source, path)
    await restore(path, target)

    before, after = await source.read(count_rows), await target.read(count_rows)
    gone = {"data_keys", "encrypted_segments", "blob_store"}
    assert {name: rows for name, rows in after.items() if name not in LEFT_OUT | gone} == {
        name: rows for name, rows in before.items() if name not in LEFT_OUT | gone
    }
    assert {after[name] for name in LEFT_OUT} == {0}
    for table in tables.metadata.sorted_tables:
        if table.name not in LEFT_OUT | gone:
            rows = select(table).order_by(*table.primary_key)
            assert await target.read(lambda c, rows=rows: c.execute(rows).all()) == await source.read(
                lambda c, rows=rows: c.execute(rows).all()
            )
    assert stored_files(tmp_path) == {"backup.db"}


async def test_what_tells_of_bytes_that_no_backup_has_is_left_out(
    small: Metadata, target: Metadata, tmp_path: Path
) -> None:
    """Pins, tombstones, and the data keys of anything but blobs."""
    await back_up(small, tmp_path / "backup.db")
    await restore(tmp_path / "backup.db", target)

    counts = await target.read(count_rows)
    assert (counts["pins"], counts["tombstones"]) == (0, 0)
    for table in (tables.data_keys, tables.encrypted_segments):
        keys = select(table.c.storage_key)
        assert await target.read(lambda c, keys=keys: list(c.scalars(keys))) == [BLOB]


async def test_a_restored_database_goes_with_its_new_storage(
    small: Metadata, target: Metadata, tmp_path: Path
) -> None:
    """And not with the old one, which may be there still."""
    await small.write(lambda connection: claim_identity(connection, "old"))
    await back_up(small, tmp_path / "backup.db")

    await restore(tmp_path / "backup.db", target)

    assert await target.look_up(find_identity) == "new"


async def test_what_an_audit_said_of_the_empty_database_goes(
    small: Metadata, target: Metadata, tmp_path: Path
) -> None:
    """It is of no use to anybody, and does not stand in the way."""
    await back_up(small, tmp_path / "backup.db")
    stage = {"name": "blobs", "cursor": "", "seen": 1, "bytes": 0}
    await target.write(lambda c: c.execute(insert(tables.auditor_stages).values(**stage)).rowcount)
    await target.read(require_unused)

    await restore(tmp_path / "backup.db", target)

    assert (await target.read(count_rows))["auditor_stages"] == 0


async def test_a_database_in_use_is_not_restored_into(small: Metadata, target: Metadata, tmp_path: Path) -> None:
    """But rows that S3's driver has made for blobs that are being restored are none of its use."""
    await back_up(small, tmp_path / "backup.db")
    multipart = {"epoch": 1, "revision": 1, "part_size": 1, "next_part": 1, "next_tail": 1, "tails": "[]"}
    await target.write(
        lambda c: c.execute(insert(tables.multiparts).values(storage_key="k", **multipart)).rowcount
    )
    await target.read(require_unused)
    await target.write(lambda connection: claim_identity(connection, "another"))

    with pytest.raises(TargetNotEmpty, match="blob_store"):
        await restore(tmp_path / "backup.db", target)

    assert (await target.read(count_rows))["blobs"] == 0
