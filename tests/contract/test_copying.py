"""Moving an installation from SQLite to PostgreSQL: all rows, or none."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, func, insert, select, text
from tests.contract.store_of_thousands import fill
from tests.postgresql import EMPTY, Server

from entrepot.metadata import tables
from entrepot.metadata.copying import (
    CopiedTable,
    CopyDiffers,
    TargetNotEmpty,
    UnknownVersion,
    copy_database,
    count_all_rows,
    sqlite_snapshot,
)
from entrepot.metadata.master_key import claim_master_key
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.schema import SCHEMA_VERSION, migrate, schema_version
from entrepot.metadata.sqlite import SQLiteMetadata


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables.metadata.sorted_tables
    }


def be_silent(_table: str, _rows: int, _total: int) -> None:
    """Whoever runs the test does not wait for it."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of this file have their source."""
    return tmp_path_factory.mktemp("source") / "metadata.db"


@pytest.fixture
async def source(path: Path) -> AsyncIterator[SQLiteMetadata]:
    """A grown-up installation on SQLite."""
    source = SQLiteMetadata(path, sync=False)
    if await source.write(lambda connection: connection.dialect.has_table(connection, "schema")) is False:
        await source.write(migrate)
        await source.write(fill)
        await source.write(lambda connection: claim_master_key(connection, "a-key"))
    yield source
    await source.close()


@pytest.fixture
async def target(postgresql: Server) -> AsyncIterator[PostgreSQLMetadata]:
    """A database without a table."""
    target = PostgreSQLMetadata(postgresql.create_database(template=EMPTY), random=Random(0))
    yield target
    await target.close()


async def copy(path: Path, target: PostgreSQLMetadata) -> list[CopiedTable]:
    """Copy all rows."""
    with sqlite_snapshot(path) as rows:
        return await target.write(lambda connection: copy_database(rows, connection, be_silent))


async def test_every_row_is_copied(source: SQLiteMetadata, path: Path, target: PostgreSQLMetadata) -> None:
    """Each table has as many rows as it had, and what is said of them is so."""
    before = await source.read(count_rows)

    copied = await copy(path, target)

    assert await target.read(count_rows) == before
    assert {each.table: each.rows for each in copied} == {
        name: rows for name, rows in before.items() if name != "schema"
    }
    assert await source.read(count_all_rows) == sum(each.rows for each in copied)
    assert sum(before.values()) > 10_000
    assert await target.read(schema_version) == SCHEMA_VERSION


async def test_rows_are_the_same_value_by_value(
    source: SQLiteMetadata, path: Path, target: PostgreSQLMetadata
) -> None:
    """Text, bytes, numbers, truths and NULLs come out as they went in."""
    await copy(path, target)

    for table in tables.metadata.sorted_tables:
        rows = select(table).order_by(*table.primary_key)
        assert await target.read(
            lambda connection, rows=rows: connection.execute(rows).all()
        ) == await source.read(lambda connection, rows=rows: connection.execute(rows).all())


@pytest.mark.usefixtures("source")
async def test_new_rows_are_numbered_after_the_copied_ones(path: Path, target: PostgreSQLMetadata) -> None:
    """The first push to the new database does not meet a number that is taken."""
    await copy(path, target)
    row = {"digest": "sha256:new", "encryption_key": "", "size": 1, "storage_key": "new", "stored_at": 0}

    def push(connection: Connection) -> tuple[int, int]:
        last = connection.execute(select(func.max(tables.blobs.c.id))).scalar_one()
        return last, connection.execute(insert(tables.blobs).values(row).returning(tables.blobs.c.id)).scalar_one()

    last, new = await target.write(push)
    assert new == last + 1


@pytest.mark.usefixtures("source")
async def test_a_second_copy_is_refused(path: Path, target: PostgreSQLMetadata) -> None:
    """Rows of a database in use are never mixed with others."""
    await copy(path, target)
    before = await target.read(count_rows)

    with pytest.raises(TargetNotEmpty):
        await copy(path, target)

    assert await target.read(count_rows) == before


@pytest.mark.usefixtures("source")
async def test_a_copy_that_breaks_off_leaves_nothing(path: Path, target: PostgreSQLMetadata) -> None:
    """Not even the tables, if it made them; the next try starts anew."""

    def break_off(table: str, _rows: int, _total: int) -> None:
        if table == "audit_records":
            raise LookupError

    with sqlite_snapshot(path) as rows, pytest.raises(LookupError):
        await target.write(lambda connection: copy_database(rows, connection, break_off))

    assert await target.read(schema_version) == 0
    await copy(path, target)


@pytest.mark.usefixtures("source")
async def test_a_copy_that_differs_is_not_kept(path: Path, target: PostgreSQLMetadata) -> None:
    """What the target holds is read again before the commit: one byte that differs undoes all."""

    def spoil_tags(connection: Connection) -> None:
        migrate(connection)
        connection.execute(
            text(
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN NEW.moved_at := NEW.moved_at + 1; RETURN NEW; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER spoil BEFORE INSERT ON image_tags FOR EACH ROW EXECUTE FUNCTION spoil()")
        )

    await target.write(spoil_tags)

    with pytest.raises(CopyDiffers, match="image_tags"):
        await copy(path, target)

    assert (await target.read(count_rows))["repositories"] == 0


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_database_of_another_version_is_refused(
    tmp_path: Path, target: PostgreSQLMetadata, side: str
) -> None:
    """Columns that this code does not know would be lost."""
    source = SQLiteMetadata(tmp_path / "metadata.db", sync=False)
    await source.write(migrate)
    await target.write(migrate)
    newer = tables.schema.update().values(version=SCHEMA_VERSION + 1)
    changed = source if side == "source" else target
    await changed.write(lambda connection: connection.execute(newer).rowcount)

    with pytest.raises(UnknownVersion, match=f"version {SCHEMA_VERSION + 1}"):
        await copy(tmp_path / "metadata.db", target)

    await source.close()


async def test_the_source_cannot_be_changed(source: SQLiteMetadata, path: Path) -> None:
    """The copy has a connection to it that only reads."""
    before = await source.read(count_rows)

    with sqlite_snapshot(path) as rows, pytest.raises(Exception, match="readonly"):
        rows.execute(tables.audit_records.delete())

    assert await source.read(count_rows) == before
