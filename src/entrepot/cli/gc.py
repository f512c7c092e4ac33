"""``entrepot gc``."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.core.clock import iso_time
from entrepot.server.settings import Settings

if TYPE_CHECKING:
    from entrepot.operations.collection import Collected, GarbageReport

app = typer.Typer(help="Garbage collection.", no_args_is_help=True)

#: The settings that say where rows and bytes are.
OFFERED = ("data", "database", "storage", "s3_endpoint", "s3_region", "undelete_days")
_Output = Annotated[Output, typer.Option(help="How to print the result.")]


@app.callback()
def group() -> None:
    """Garbage collection: 'entrepot serve' does it by itself, these commands show it and hurry it."""


def status_command(settings: Settings, output: _Output = Output.TEXT) -> None:
    """Show what waits to be collected, by cause and in bytes; nothing is changed.

    The registry may run meanwhile.
    """
    from entrepot.server import collection  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    report = collection.report(settings)
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(report), indent=2))
        return
    if report.kept_until is not None:
        kept = _deleted(report.repositories.kept, report.images.kept)
        typer.echo(f"Deleted and kept for undelete: {kept}, the first until {iso_time(report.kept_until)}")
    typer.echo(f"Deleted and not drained yet: {_deleted(report.repositories.due, report.images.due)}")
    for links in report.links:
        typer.echo(f"Layers to be looked at ({links.cause}): {links.waiting:,}, now {links.due:,}")
    for unneeded in report.unneeded:
        typer.echo(f"Needed by nobody ({unneeded.cause}): {_blobs(unneeded.blobs, unneeded.bytes)}")
    for buried in report.buried:
        now = _blobs(buried.blobs_due, buried.bytes_due)
        typer.echo(f"To be removed ({buried.cause}): {_blobs(buried.blobs, buried.bytes)}, now {now}")
    for pin in report.pins:
        since, until = iso_time(pin.held_from), iso_time(pin.expires_at)
        typer.echo(f"Held by {pin.name} until {until}: what was buried since {since}")


def run_command(
    settings: Settings,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what a run would do now.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Collect what may go now, and say what was removed, by cause and in bytes.

    What nobody needs any more is taken out of the database at once; its bytes are removed by a run that comes when
    the last download URL for them has expired, an hour later. The registry may run meanwhile.
    """
    from entrepot.server import collection  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    if dry_run:
        _say_what_would_go(collection.report(settings), output)
    else:
        _say_what_went(collection.collect(settings), output)


for name, command in (("status", status_command), ("run", run_command)):
    app.command(name)(with_settings(command, offered=OFFERED))


def _say_what_would_go(report: "GarbageReport", output: Output) -> None:
    removed = {each.cause: (each.blobs_due, each.bytes_due) for each in report.buried if each.blobs_due}
    buried = {each.cause: (each.blobs, each.bytes) for each in report.unneeded}
    if output is Output.JSON:
        found = {"would_remove": _by_cause(removed.items()), "would_bury": _by_cause(buried.items())}
        typer.echo(json.dumps({"dry_run": True, **found}, indent=2))
        return
    for what, numbers in (("Would be removed", removed), ("Would be removed an hour later", buried)):
        for cause, (blobs, size) in numbers.items():
            typer.echo(f"{what} ({cause}): {_blobs(blobs, size)}")
    if not (removed or buried):
        typer.echo("There is nothing to collect now.")


def _say_what_went(collected: "Collected", output: Output) -> None:
    numbers = {cause: (count, collected.bytes[cause]) for cause, count in collected.count.items() if count}
    if output is Output.JSON:
        typer.echo(json.dumps({"dry_run": False, "removed": _by_cause(numbers.items())}, indent=2))
        return
    for cause, (count, size) in sorted(numbers.items()):
        typer.echo(f"Removed ({cause}): {_blobs(count, size)}")
    if not numbers:
        typer.echo("Nothing was removed.")


def _as_json(report: "GarbageReport") -> dict[str, Any]:
    return {
        "repositories": report.repositories.due,
        "images": report.images.due,
        "kept": {
            "repositories": report.repositories.kept,
            "images": report.images.kept,
            "until": None if report.kept_until is None else iso_time(report.kept_until),
        },
        "layers": {each.cause: {"waiting": each.waiting, "due": each.due} for each in report.links},
        "unneeded": _by_cause((each.cause, (each.blobs, each.bytes)) for each in report.unneeded),
        "buried": {
            each.cause: {
                "blobs": each.blobs,
                "bytes": each.bytes,
                "due_blobs": each.blobs_due,
                "due_bytes": each.bytes_due,
            }
            for each in report.buried
        },
        "pins": [
            {"name": pin.name, "held_from": iso_time(pin.held_from), "expires_at": iso_time(pin.expires_at)}
            for pin in report.pins
        ],
    }


def _by_cause(numbers: Iterable[tuple[str, tuple[int, int]]]) -> dict[str, dict[str, int]]:
    return {cause: {"blobs": blobs, "bytes": size} for cause, (blobs, size) in sorted(numbers)}


def _deleted(repositories: int, images: int) -> str:
    return f"{repositories:,} repositories, {images:,} images"


def _blobs(count: int, size: int) -> str:
    return f"{count:,} of {size:,} bytes"
