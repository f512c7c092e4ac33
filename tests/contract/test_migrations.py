"""The migrations on both databases: together they make exactly the tables of ``tables.py``."""

import asyncio
from collections.abc import Callable

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from entrepot.core.partitions import RegistryId
from entrepot.features.repositories import store as repositories
from entrepot.metadata import generation
from entrepot.metadata.migrations import config
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import (
    CODE_VERSION,
    SCHEMA_VERSION,
    SchemaTooNew,
    SchemaTooOld,
    check_schema,
    migrate,
    require_schema,
)
from entrepot.metadata.tables import metadata as tables
from entrepot.metadata.tables import schema

OpenMetadata = Callable[[], Metadata]


def differences(connection: Connection) -> list[object]:
    """What Alembic would change to get from the database to the tables."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, tables))


def definitions(connection: Connection) -> dict[str, str]:
    """Every index in the database's own words: Alembic does not compare their conditions."""
    query = {
        "sqlite": "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
    }[connection.dialect.name]
    found = {row[0]: row[1] for row in connection.execute(text(query))}
    return {name: definition for name, definition in found.items() if not name.startswith("alembic")}


def remake(connection: Connection) -> None:
    """Make the tables anew, from ``tables.py``."""
    tables.drop_all(connection)
    tables.create_all(connection)


async def test_the_migrations_make_the_tables(metadata: Metadata) -> None:
    """Tables, columns, types, keys, constraints and indexes are those that the code is written for."""
    await metadata.write(migrate)

    assert await metadata.read(differences) == []


async def test_the_first_release_is_upgraded(metadata: Metadata) -> None:
    """A database that was made when there was one migration ends as a new one does."""
    await metadata.write(lambda connection: command.upgrade(config(connection), "0001"))

    await metadata.write(migrate)

    assert await metadata.read(differences) == []
    await metadata.read(check_schema)


async def test_what_version_2_holds_is_there_in_version_3(metadata: Metadata) -> None:
    """With its policies, and with a generation to begin with; the code before it, which knows of none, is refused."""
    registry = RegistryId("000000000000", "us-east-1")

    def fill(connection: Connection) -> None:
        command.upgrade(config(connection), "0002")
        repository = {
            "id": 7,
            "account": registry.account,
            "region": registry.region,
            "name": "app",
            "created_at": 5,
            "tag_mutability": "MUTABLE",
            "tag_mutability_exclusions": "[]",
            "scan_on_push": False,
            "encryption_type": "AES256",
        }
        connection.execute(tables.tables["repositories"].insert().values(repository))
        repositories.replace_tags(connection, 7, {"team": "a"})
        repositories.put_document(connection, 7, "policy", '{"Statement": []}', 6)

    await metadata.write(fill)

    await metadata.write(migrate)

    found = await metadata.read(lambda c: repositories.find(c, registry, "app"))
    assert await metadata.read(lambda c: repositories.read_document(c, found.id, "policy")) == '{"Statement": []}'
    assert await metadata.read(lambda c: repositories.read_tags(c, found.id)) == {"team": "a"}
    assert await metadata.look_up(generation.read) == 0
    oldest_code = schema.select().with_only_columns(schema.c.oldest_code)
    assert await metadata.read(lambda c: c.scalar(oldest_code)) == CODE_VERSION


async def test_the_migrations_make_the_indexes(metadata: Metadata) -> None:
    """Indexes, with their order and conditions, are those that the code is written for."""
    await metadata.write(migrate)
    migrated = await metadata.read(definitions)

    await metadata.write(remake)

    assert migrated == await metadata.read(definitions)


async def test_migrating_again_changes_nothing(metadata: Metadata) -> None:
    """A start on a database that is new enough leaves it as it is."""
    await metadata.write(migrate)
    before = await metadata.read(lambda connection: connection.execute(schema.select()).all())

    await metadata.write(migrate)

    assert [row.version for row in before] == [SCHEMA_VERSION]
    assert await metadata.read(lambda connection: connection.execute(schema.select()).all()) == before
    await metadata.look_up(check_schema)


async def test_several_processes_may_start_at_a_time(open_metadata: OpenMetadata) -> None:
    """Of many that find an empty database one migrates it, and the others find it done."""
    await asyncio.gather(*(open_metadata().write(migrate) for _ in range(4)))

    await open_metadata().look_up(check_schema)


async def test_a_start_makes_the_tables_of_an_empty_database(open_metadata: OpenMetadata) -> None:
    """Also if several replicas start on it in the same moment."""
    await asyncio.gather(*(open_metadata().write(require_schema) for _ in range(4)))

    assert await open_metadata().read(differences) == []


async def test_a_start_leaves_an_old_database_alone(metadata: Metadata) -> None:
    """Replicas of the version before may be at work on it: `entrepot migrate` is what upgrades it."""
    await metadata.write(lambda connection: command.upgrade(config(connection), "0001"))

    with pytest.raises(SchemaTooOld, match="version 1"):
        await metadata.write(require_schema)

    assert await metadata.read(differences) != []


async def test_a_migration_that_breaks_off_leaves_nothing(metadata: Metadata) -> None:
    """The tables come all at once or not at all, on both databases."""

    def break_off(connection: Connection) -> None:
        migrate(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await metadata.write(break_off)

    with pytest.raises(SchemaTooOld, match="version 0"):
        await metadata.read(check_schema)
    await metadata.write(migrate)


async def test_a_database_made_for_newer_code_is_refused(metadata: Metadata) -> None:
    """Code that is too old for the database touches nothing and says so in one line."""
    await metadata.write(migrate)
    newer = schema.update().values(version=SCHEMA_VERSION + 7, oldest_code=CODE_VERSION + 1)
    await metadata.write(lambda connection: connection.execute(newer).rowcount)

    with pytest.raises(SchemaTooNew, match=f"needs code version {CODE_VERSION + 1} and this is {CODE_VERSION}"):
        await metadata.read(check_schema)
    with pytest.raises(SchemaTooNew):
        await metadata.write(migrate)


async def test_a_newer_database_that_this_code_can_live_with_is_used(metadata: Metadata) -> None:
    """A replica of an older version goes on beside a newer one, as long as the newer one says that it may."""
    await metadata.write(migrate)
    newer = schema.update().values(version=SCHEMA_VERSION + 7)
    await metadata.write(lambda connection: connection.execute(newer).rowcount)

    await metadata.write(migrate)
    await metadata.read(check_schema)

    assert (
        await metadata.read(
            lambda connection: connection.scalar(schema.select().with_only_columns(schema.c.version))
        )
        == SCHEMA_VERSION + 7
    )
