"""Both databases, each test with one of its own."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest
from tests.postgresql import EMPTY, Server

from entrepot.metadata.port import Metadata
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.sqlite import SQLiteMetadata

#: Opens the test's database once more, as another worker would.
OpenMetadata = Callable[[], Metadata]


@pytest.fixture(params=["sqlite", "postgresql"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> OpenMetadata:
    """A driver on an empty database."""
    if request.param == "sqlite":
        return lambda: SQLiteMetadata(tmp_path / "metadata.sqlite")
    server: Server = request.getfixturevalue("postgresql")
    url = server.create_database(template=EMPTY)
    return lambda: PostgreSQLMetadata(url, random=Random(0))


@pytest.fixture
async def open_metadata(driver: OpenMetadata) -> AsyncIterator[OpenMetadata]:
    """Open an empty database, any number of times; all are closed at the end."""
    opened: list[Metadata] = []

    def open_metadata() -> Metadata:
        opened.append(driver())
        return opened[-1]

    yield open_metadata
    for metadata in opened:
        await metadata.close()


@pytest.fixture
def metadata(open_metadata: OpenMetadata) -> Metadata:
    """One of them."""
    return open_metadata()
