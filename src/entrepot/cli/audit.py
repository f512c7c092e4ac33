"""``entrepot audit``."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot.cli.config import Output
from entrepot.cli.options import with_settings
from entrepot.core.clock import iso_time
from entrepot.server.settings import Settings

if TYPE_CHECKING:
    from entrepot.features.auditor.findings import KeptFinding, Progress
    from entrepot.operations.auditor import AuditReport

app = typer.Typer(help="Whether rows and bytes are what they have to be.", no_args_is_help=True)

#: The settings that say where rows, bytes and keys are, and what an image may lack.
OFFERED = (
    *("data", "database", "storage", "s3_endpoint", "s3_region"),
    *("kms", "kms_endpoint", "kms_region", "sparse_manifests"),
)
#: The exit code of a run that leaves faults behind.
FAULTS = 3
_MIB = 2**20
_Output = Annotated[Output, typer.Option(help="How to print the result.")]


@app.callback()
def group() -> None:
    """Look whether every image has what it needs, and whether every byte is needed and right; repair it."""


def run_command(
    settings: Settings,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what cannot become worse by it; see the guide 'Audit'.")
    ] = False,
    drop_damaged: Annotated[
        bool,
        typer.Option(
            "--drop-damaged",
            help="Take damaged layers away, so that the next push of an image brings them anew. Where you have a"
            " backup, put their bytes back first.",
        ),
    ] = False,
    digests: Annotated[
        bool,
        typer.Option(
            "--digests/--no-digests", help="Read all bytes of every layer, or look whether they are there."
        ),
    ] = True,
    mib_per_second: Annotated[
        int, typer.Option(min=0, help="MiB that are read in a second, at the most; 0 for as many as can be.")
    ] = 50,
    rows_per_second: Annotated[
        int, typer.Option(min=0, help="Rows and objects that are looked at in a second; 0 for as many as can be.")
    ] = 5000,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Begin anew, where an audit was broken off and could be gone on with."),
    ] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Look at everything, while the registry runs, and go on where an earlier run was broken off.

    Ends with the exit code 3 where faults are left, and 0 where there are none or all were repaired.
    """
    from entrepot.operations.auditor import Choices  # noqa: PLC0415 (these imports cost more than --help is worth)
    from entrepot.server import auditor  # noqa: PLC0415 (as above)

    choices = Choices(
        reads_bytes=digests,
        repairs=repair,
        drops_damaged=drop_damaged,
        restarts=restart,
        bytes_per_second=mib_per_second * _MIB or None,
        rows_per_second=rows_per_second or None,
    )
    report = auditor.run(settings, choices, _tell)
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(report), indent=2))
    else:
        _say(report)
    if report.faults:
        raise typer.Exit(FAULTS)


def status_command(settings: Settings, output: _Output = Output.TEXT) -> None:
    """Show how far the audit has come that goes on, or what the last one has found."""
    from entrepot.server import auditor  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    report = auditor.report(settings)
    if output is Output.JSON:
        typer.echo(json.dumps(None if report is None else _as_json(report), indent=2))
    elif report is None:
        typer.echo("There has been no audit.")
    else:
        _say(report)


def findings_command(settings: Settings, output: _Output = Output.TEXT) -> None:
    """List what the audit has found, a line each."""
    from entrepot.server import auditor  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    auditor.list_findings(settings, _list_as_json if output is Output.JSON else _list)


for name, command in (("run", run_command), ("status", status_command), ("findings", findings_command)):
    app.command(name)(with_settings(command, offered=OFFERED))


def _tell(progress: "Progress") -> None:
    read = f", {progress.bytes:,} bytes read" if progress.bytes else ""
    end = ": done" if progress.is_over else ""
    typer.echo(f"{progress.stage}: {progress.seen:,} looked at{read}{end}", err=True)


def _say(report: "AuditReport") -> None:
    ended = report.run.ended_at
    typer.echo(f"Begun {iso_time(report.run.begun_at)}, {f'ended {iso_time(ended)}' if ended else 'not ended'}.")
    for each in report.stages:
        read = f", {each.bytes:,} bytes read" if each.bytes else ""
        typer.echo(f"Looked at ({each.stage}): {each.seen:,}{read}{'' if each.is_over else ', not done'}")
    for total in report.totals:
        repaired = f", {total.repaired:,} repaired" if total.repaired else ""
        what = "Found" if total.kind.is_fault else "Noted"
        typer.echo(f"{what} ({total.kind}): {total.found:,}{repaired}")
    if report.faults:
        typer.echo("'entrepot audit findings' lists them.")
    else:
        typer.echo("No fault is left." if ended else "No fault so far.")


def _as_json(report: "AuditReport") -> dict[str, Any]:
    return {
        "begun_at": iso_time(report.run.begun_at),
        "ended_at": report.run.ended_at and iso_time(report.run.ended_at),
        "digests": report.run.reads_bytes,
        "faults": report.faults,
        "stages": {
            each.stage: {"seen": each.seen, "bytes": each.bytes, "done": each.is_over} for each in report.stages
        },
        "findings": {
            each.kind: {"found": each.found, "repaired": each.repaired, "fault": each.kind.is_fault}
            for each in report.totals
        },
    }


def _list(kept: "KeptFinding") -> None:
    repaired = " (repaired)" if kept.repaired_at else ""
    typer.echo(f"{kept.finding.kind}{repaired}: {kept.finding.subject}: {kept.finding.detail}")


def _list_as_json(kept: "KeptFinding") -> None:
    """An object a line: there may be many."""
    listed = {
        "kind": kept.finding.kind,
        "subject": kept.finding.subject,
        "detail": kept.finding.detail,
        "fault": kept.finding.kind.is_fault,
        "found_at": iso_time(kept.found_at),
        "repaired_at": kept.repaired_at and iso_time(kept.repaired_at),
    }
    typer.echo(json.dumps(listed))
