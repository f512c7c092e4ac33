"""The command and its groups; what cannot be done is said in one line."""

import sys

import typer

from entrepot import __version__
from entrepot.cli import audit, backup, config, gc, history, iam, kms, migrate, serve, undelete, worker
from entrepot.cli.iam.command import Misused
from entrepot.client.errors import BadCredentials, BadEndpoint
from entrepot.core.errors import EntrepotError
from entrepot.server.data_folder import CannotStart
from entrepot.server.settings import BadSetting

#: Exit codes: 2 for a command or a setting that is wrong in itself, as typer has it for options.
FAILED = 1
MISUSED = 2

app = typer.Typer(
    name="entrepot",
    help="A self-hosted container registry that is Amazon ECR to its clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve_command)
app.command("worker")(worker.worker_command)
app.command("migrate")(migrate.migrate_command)
app.command("history")(history.history_command)
app.command("undelete")(undelete.undelete_command)
app.command("deleted")(undelete.deleted_command)
app.command("purge")(undelete.purge_command)
app.command("restore")(backup.restore_command)
app.add_typer(audit.app, name="audit")
app.add_typer(backup.app, name="backup")
app.add_typer(config.app, name="config")
app.add_typer(gc.app, name="gc")
app.add_typer(iam.app, name="iam")
app.add_typer(kms.app, name="kms")


@app.command("version")
def version_command() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except (BadSetting, BadEndpoint, BadCredentials, Misused) as error:
        _end(error, MISUSED)
    except (CannotStart, EntrepotError) as error:
        _end(error, FAILED)


def _end(error: EntrepotError, code: int) -> None:
    typer.echo(f"entrepot: {error.message}", err=True)
    sys.exit(code)
