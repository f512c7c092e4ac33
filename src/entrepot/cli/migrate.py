"""``entrepot migrate``."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.server.settings import BadSetting, Settings

#: How many rows of a table are copied between two lines that say so.
_STEP = 100_000


class Source(StrEnum):
    """Where rows are copied from."""

    SQLITE = "sqlite"


class Target(StrEnum):
    """Where rows are copied to."""

    POSTGRESQL = "postgresql"


@with_settings
def migrate_command(
    settings: Settings,
    source: Annotated[
        Source | None,
        typer.Option("--from", help="With --to: copy all rows of this database, that of the data folder."),
    ] = None,
    target: Annotated[
        Target | None,
        typer.Option("--to", help="Copy them into the database of the setting database, which has to be empty."),
    ] = None,
    accept_master_key: Annotated[
        bool, typer.Option("--accept-master-key", help="Let the database go with the data folder's master key.")
    ] = False,
    output: Annotated[Output, typer.Option(help="How to print the result.")] = Output.TEXT,
) -> None:
    """Make the tables of the database, or bring them to this version's schema.

    On PostgreSQL registries of the version before may go on meanwhile. With --from and --to, an installation is
    moved: nobody may serve the data folder meanwhile, every row is compared after the copy, and an error leaves
    both databases as they were.
    """
    from entrepot.server import migrate  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    if (source is None) != (target is None):
        raise typer.BadParameter("--from and --to are given together")
    if source is not None and accept_master_key:
        raise typer.BadParameter("--accept-master-key does not go with --from: the master key is copied too")
    if source is not None and settings.database is None:
        raise BadSetting("database", "it has to name the database that --to copies into")
    copied = migrate.copy_to_postgresql(settings, _tell) if source is not None else []
    version = migrate.migrate_database(settings, accept_master_key=accept_master_key)
    if output is Output.JSON:
        tables = {each.table: {"rows": each.rows, "sha256": each.sha256} for each in copied}
        typer.echo(json.dumps({"schema_version": version, "copied": tables}, indent=2))
        return
    if copied:
        typer.echo(f"{sum(each.rows for each in copied):,} rows were copied and compared.")
    typer.echo(f"The database has schema version {version}.")


def _tell(table: str, rows: int, total: int) -> None:
    if rows == total or rows % _STEP == 0:
        typer.echo(f"{table}: {rows:,} of {total:,} rows", err=True)
