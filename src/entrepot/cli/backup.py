"""``entrepot backup`` and ``entrepot restore``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.server.settings import Settings

if TYPE_CHECKING:
    from entrepot.operations.backup import Damage
    from entrepot.server.backup import BackupProgress
    from entrepot.server.backup_folder import Manifest

app = typer.Typer(help="Backups.", no_args_is_help=True)

#: The settings that say where rows, bytes and keys are.
OFFERED = ("data", "database", "storage", "s3_endpoint", "s3_region", "kms_keyring")
#: Those that say where the keys of encrypted parts are.
OFFERED_TO_VERIFY = ("kms", "kms_endpoint", "kms_region")
#: How many rows, and blobs, are done with between two lines that say so.
_ROWS, _BLOBS = 100_000, 1_000

_Folder = Annotated[Path, typer.Argument(help="The folder of the backup.", metavar="FOLDER", show_default=False)]
_Name = Annotated[str | None, typer.Option("--snapshot", help="The snapshot's name.", show_default="the newest")]
_Output = Annotated[Output, typer.Option(help="How to print the result.")]


@app.callback()
def group() -> None:
    """Backups of database, layers and keys; 'entrepot restore' makes a registry of one."""


def create_command(
    settings: Settings,
    folder: _Folder,
    keys: Annotated[bool, typer.Option("--keys/--no-keys", help="Copy the keys in the data folder too.")] = True,
    output: _Output = Output.TEXT,
) -> None:
    """Make a snapshot of database and keys, and copy the layers that the backup does not have yet.

    The registry may run meanwhile. What breaks off is begun again, and goes on from the layers that are copied.
    Ends with 1 if the registry has lost bytes of a layer; the snapshot is made all the same.
    """
    from entrepot.server import backup  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    created = backup.create(settings, folder, with_keys=keys, progress=_progress())
    copied = created.copied
    if output is Output.JSON:
        found = {"new_blobs": copied.new_blobs, "new_bytes": copied.new_bytes, "settings": created.settings}
        typer.echo(json.dumps(_shown(created.snapshot, created.manifest) | found, indent=2))
    else:
        typer.echo(_line(created.snapshot, created.manifest))
        typer.echo(f"Copied now: {copied.new_blobs:,} layers of {copied.new_bytes:,} bytes")
        if created.settings:
            typer.echo(f"Not in the backup, keep them elsewhere: the settings {', '.join(created.settings)}")
        _say_damage(copied.damaged)
    _end_with(copied.damaged)


@app.command("list")
def list_command(folder: _Folder, output: _Output = Output.TEXT) -> None:
    """Show the snapshots of a backup, the oldest first."""
    from entrepot.server import backup  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    found = backup.list_snapshots(folder)
    if output is Output.JSON:
        typer.echo(json.dumps([_shown(each.snapshot, each.manifest) for each in found], indent=2))
        return
    for each in found:
        typer.echo(_line(each.snapshot, each.manifest))


def verify_command(
    settings: Settings, folder: _Folder, snapshot: _Name = None, output: _Output = Output.TEXT
) -> None:
    """Read a snapshot and every layer and manifest in it, and compare all of it with its digests.

    What is encrypted is decrypted where its key is in the snapshot or in the settings; else its length is checked.
    Ends with 1 if anything is missing or wrong.
    """
    from entrepot.server import backup  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    found = backup.verify(settings, folder, snapshot=snapshot, progress=_progress().blobs)
    verified = found.verified
    if output is Output.JSON:
        numbers = {"manifests": verified.manifests, "unopened": verified.unopened}
        shown = {"snapshot": found.snapshot, "blobs": verified.blobs, "bytes": verified.bytes, **numbers}
        typer.echo(json.dumps({**shown, "damaged": _damage(verified.damaged)}, indent=2))
    else:
        typer.echo(
            f"{found.snapshot}: {verified.blobs:,} layers of {verified.bytes:,} bytes and {verified.manifests:,}"
            f" manifests were read, {len(verified.damaged):,} are damaged"
        )
        if verified.unopened:
            typer.echo(
                f"Of {verified.unopened:,} that are encrypted the key is not at hand: only lengths were checked"
            )
        _say_damage(verified.damaged)
    _end_with(verified.damaged)


@app.command("prune")
def prune_command(
    folder: _Folder,
    keep: Annotated[
        int, typer.Option(min=1, help="How many snapshots to keep, the newest ones.", show_default=False)
    ],
    output: _Output = Output.TEXT,
) -> None:
    """Remove old snapshots, and the layers that no other snapshot of the backup has."""
    from entrepot.server import backup  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    pruned = backup.prune(folder, keep=keep)
    if output is Output.JSON:
        typer.echo(
            json.dumps({"snapshots": pruned.snapshots, "blobs": pruned.blobs, "bytes": pruned.bytes}, indent=2)
        )
        return
    for name in pruned.snapshots:
        typer.echo(f"Removed {name}")
    typer.echo(f"Removed {pruned.blobs:,} layers of {pruned.bytes:,} bytes")


def restore_command(
    settings: Settings,
    folder: _Folder,
    snapshot: _Name = None,
    accept_damaged: Annotated[
        bool, typer.Option("--accept-damaged", help="Restore the rest where the backup lacks bytes of layers.")
    ] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Make a registry of a backup, in an empty data folder, database and bucket, of either kind.

    What breaks off is repeated, and goes on from the layers that are copied; no registry starts on it before.
    """
    from entrepot.server import restore  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    restored = restore.restore(
        settings, folder, snapshot=snapshot, accept_damaged=accept_damaged, progress=_progress()
    )
    copied = restored.copied
    if output is Output.JSON:
        numbers = {"rows": restored.rows, "blobs": copied.blobs, "bytes": copied.bytes, "keys": restored.keys}
        shown = {"snapshot": restored.snapshot, **numbers, "damaged": _damage(copied.damaged)}
        typer.echo(json.dumps(shown, indent=2))
        return
    typer.echo(
        f"{restored.snapshot} is restored: {restored.rows:,} rows, {copied.blobs:,} layers of {copied.bytes:,}"
        " bytes"
    )
    typer.echo(f"Keys: {', '.join(restored.keys) or 'none, give those that it had before you start it'}")
    _say_damage(copied.damaged)


app.command("create")(with_settings(create_command, offered=OFFERED))
app.command("verify")(with_settings(verify_command, offered=OFFERED_TO_VERIFY))
restore_command = with_settings(restore_command, offered=OFFERED)


def _progress() -> "BackupProgress":
    from entrepot.server.backup import BackupProgress  # noqa: PLC0415 (as above)

    def tell_rows(table: str, rows: int, total: int) -> None:
        if rows % _ROWS == 0:
            typer.echo(f"{table}: {rows:,} of {total:,} rows", err=True)

    def tell_blobs(done: int) -> None:
        if done % _BLOBS == 0:
            typer.echo(f"{done:,} layers", err=True)

    return BackupProgress(tell_rows, tell_blobs)


def _line(snapshot: str, manifest: "Manifest") -> str:
    return (
        f"{snapshot}: {manifest.rows:,} rows, {manifest.blobs:,} layers of {manifest.bytes:,} bytes,"
        f" keys: {', '.join(manifest.keys) or 'none'}"
    )


def _shown(snapshot: str, manifest: "Manifest") -> dict[str, Any]:
    return {
        "snapshot": snapshot,
        "rows": manifest.rows,
        "blobs": manifest.blobs,
        "bytes": manifest.bytes,
        "keys": manifest.keys,
        "schema_version": manifest.schema_version,
        "damaged": [{"digest": each.digest, "reason": each.reason} for each in manifest.damaged],
    }


def _damage(damaged: "list[Damage]") -> list[dict[str, str]]:
    return [
        {"kind": each.kind, "digest": each.digest, "storage_key": each.storage_key, "reason": each.reason}
        for each in damaged
    ]


def _say_damage(damaged: "list[Damage]") -> None:
    for each in damaged:
        typer.echo(f"Damaged {each.kind} {each.digest} {each.storage_key}: {each.reason}", err=True)


def _end_with(damaged: "list[Damage]") -> None:
    if damaged:
        raise typer.Exit(1)
