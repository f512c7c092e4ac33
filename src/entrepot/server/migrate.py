"""Bringing the database to this version's schema, and moving an installation from SQLite to PostgreSQL."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

from msgspec.structs import replace

from entrepot.metadata.copying import CopiedTable, Progress, copy_database, sqlite_snapshot
from entrepot.metadata.master_key import replace_master_key
from entrepot.metadata.schema import migrate, schema_version
from entrepot.server.data_folder import CannotStart, claim_folder, claim_folder_alone, require_restored
from entrepot.server.keys import load_master_key
from entrepot.server.settings import Settings
from entrepot.server.wiring import database_path, moved_database_path, opened_metadata

#: Seconds that one statement may take here: an index over millions of rows is one.
STATEMENT_TIMEOUT = 3600.0


def migrate_database(settings: Settings, *, accept_master_key: bool) -> int:
    """Make or upgrade the tables of the database, one process at a time; the version that they have then.

    On PostgreSQL registries may be at work meanwhile. The data folder is claimed for SQLite, and for
    ``accept_master_key``, by which the database goes with the folder's master key from now on. Raises CannotStart,
    ServerTooOld, SchemaTooNew, MetadataUnavailable.
    """
    alone = settings.database is None or accept_master_key

    async def run() -> int:
        async with opened_metadata(settings, statement_timeout=STATEMENT_TIMEOUT) as metadata:
            await metadata.write(migrate)
            if accept_master_key:
                key_id = load_master_key(settings).id.hex()
                await metadata.write(lambda connection: replace_master_key(connection, key_id))
            return await metadata.look_up(schema_version)

    with claim_folder(settings.data) if alone else nullcontext():
        return asyncio.run(run())


def copy_to_postgresql(settings: Settings, progress: Progress) -> list[CopiedTable]:
    """Copy the data folder's SQLite database into PostgreSQL, and set the file aside; nobody may use the folder.

    Whoever went on with the file would go by rows that are no longer changed, and remove layers that were pushed
    since. The file is upgraded first, as ``serve`` would. Raises CannotStart, ServerTooOld, MetadataUnavailable,
    and what ``copy_database`` raises.
    """
    path = database_path(settings.data)
    if not path.exists():
        raise CannotStart(f"there is no SQLite database {path}")
    with claim_folder_alone(settings.data):
        require_restored(settings.data)
        copied = asyncio.run(_copy(settings, path, progress))
        path.rename(moved_database_path(settings.data))
    return copied


async def _copy(settings: Settings, path: Path, progress: Progress) -> list[CopiedTable]:
    async with (
        opened_metadata(replace(settings, database=None)) as source,
        opened_metadata(settings, statement_timeout=STATEMENT_TIMEOUT) as target,
    ):
        await source.write(migrate)
        with sqlite_snapshot(path) as rows:
            return await target.write(lambda connection: copy_database(rows, connection, progress))
