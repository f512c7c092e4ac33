"""Look-ups that do not pass SQLAlchemy on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select

from entrepot.metadata.hot import LookUp
from entrepot.metadata.port import MetadataUnavailable
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.metadata.tables import manifests

CONTENT = LookUp(
    select(manifests.c.content, manifests.c.digest)
    .where(manifests.c.digest == bindparam("digest"), manifests.c.encryption_key == "k")
    .limit(1)
)


@pytest.fixture
async def metadata(tmp_path: Path) -> AsyncIterator[SQLiteMetadata]:
    """A database that is made by its first write."""
    metadata = SQLiteMetadata(tmp_path / "metadata.db", sync=False)
    yield metadata
    await metadata.close()


def find(connection: Connection) -> tuple[object, ...] | None:
    """Look the one manifest up."""
    return CONTENT.first(connection, {"digest": "d"})


def store(connection: Connection) -> tuple[object, ...] | None:
    """Insert the manifest, and look it up in the same transaction."""
    connection.execute(insert(manifests).values(digest="d", encryption_key="k", content=b"{}"))
    return find(connection)


async def test_a_row_is_found_with_the_constants_of_the_statement(metadata: SQLiteMetadata) -> None:
    """Values that are part of the statement count, beside those that are given."""
    await metadata.write(migrate)
    assert await metadata.look_up(find) is None

    inside = await metadata.write(store)

    assert inside == await metadata.look_up(find) == await metadata.read(find) == (b"{}", "d")


async def test_a_transaction_that_is_undone_was_seen_by_none(metadata: SQLiteMetadata) -> None:
    """A look-up inside is part of the transaction; nobody else finds what is not committed."""
    await metadata.write(migrate)

    def break_off(connection: Connection) -> None:
        assert store(connection) is not None
        raise LookupError

    with pytest.raises(LookupError):
        await metadata.write(break_off)

    assert await metadata.look_up(find) is None


async def test_a_damaged_database_is_unavailable(metadata: SQLiteMetadata, tmp_path: Path) -> None:
    """The driver's own errors are told apart as SQLAlchemy's are."""
    (tmp_path / "metadata.db").write_bytes(b"no database" * 1000)

    with pytest.raises(MetadataUnavailable, match="no SQLite database"):
        await metadata.look_up(find)
