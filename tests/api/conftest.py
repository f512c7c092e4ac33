"""A registry, on both databases, and clients of its two faces."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection
from tests.api.clients import ECR, oci_client, password
from tests.api.query_clients import Query
from tests.postgresql import Server

from entrepot.metadata import tables
from entrepot.metadata.port import Metadata
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.testing.registry import RunningRegistry
from entrepot.testing.registry import registry as running_registry

REPOSITORY = "app"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks of this folder known."""
    config.addinivalue_line("markers", "registry(**options): how the test's registry is started")
    config.addinivalue_line("markers", "produces(operation, error): the test sees this modelled error")


@pytest.fixture(scope="session")
def postgresql_url(postgresql: Server) -> str:
    """One database for all tests, which leave it empty: making one takes longer than most of them."""
    return postgresql.create_database()


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with every table, to be copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "metadata.db"

    async def make() -> None:
        metadata = SQLiteMetadata(path, sync=False)
        await metadata.write(migrate)
        await metadata.close()

    asyncio.run(make())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
async def metadata(
    request: pytest.FixtureRequest, sqlite_database: Path, tmp_path: Path
) -> AsyncIterator[Metadata]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        path = shutil.copy(sqlite_database, tmp_path)
        metadata = SQLiteMetadata(Path(path), sync=False)
    else:
        metadata = PostgreSQLMetadata(request.getfixturevalue("postgresql_url"), random=Random(0))
    try:
        yield metadata
        if request.param == "postgresql":
            await metadata.write(empty)
    finally:
        await metadata.close()


def empty(connection: Connection) -> None:
    """Delete every row but those that the migrations make, in one statement."""
    kept = (tables.schema, tables.generations)
    names = [table.name for table in reversed(tables.metadata.sorted_tables) if table not in kept]
    deletions = " ".join(f"DELETE FROM {name};" for name in names)
    connection.exec_driver_sql(f"DO $$ BEGIN {deletions} END $$")


@pytest.fixture
async def registry(request: pytest.FixtureRequest, metadata: Metadata) -> AsyncIterator[RunningRegistry]:
    """An empty registry, on either database."""
    options: dict[str, Any] = {}
    for mark in request.node.iter_markers("registry"):
        options |= mark.kwargs
    async with running_registry(metadata, **options) as running:
        yield running


@pytest.fixture
async def ecr(request: pytest.FixtureRequest, registry: RunningRegistry) -> AsyncIterator[ECR]:
    """The API, by the root key. A test that is marked with errors it produces has to have seen them."""
    client = ECR(registry)
    yield client
    expected = {mark.args for mark in request.node.iter_markers("produces")}
    assert expected <= client.errors


@pytest.fixture
def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


@pytest.fixture
async def repository(ecr: ECR) -> str:
    """The name of an empty repository."""
    await ecr("CreateRepository", repositoryName=REPOSITORY)
    return REPOSITORY


@pytest.fixture
async def oci(registry: RunningRegistry, ecr: ECR) -> AsyncIterator[httpx.AsyncClient]:
    """``/v2/``, logged in."""
    async with oci_client(registry, await password(ecr)) as client:
        yield client


@pytest.fixture
async def anonymous(registry: RunningRegistry) -> AsyncIterator[httpx.AsyncClient]:
    """``/v2/``, not logged in."""
    async with oci_client(registry, None) as client:
        yield client
