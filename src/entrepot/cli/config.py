"""``entrepot config``."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli.options import with_settings
from entrepot.server.settings import Settings

app = typer.Typer(help="The settings.", no_args_is_help=True)


class Output(StrEnum):
    """How a command prints what it has to say."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def group() -> None:
    """The settings."""


@app.command("show")
@with_settings
def show_command(
    settings: Settings, output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TEXT
) -> None:
    """Print every setting as 'entrepot serve' would take it, with secrets hidden."""
    shown = settings.shown()
    if output is Output.JSON:
        typer.echo(json.dumps(shown, indent=2))
        return
    for name, value in shown.items():
        typer.echo(f"# {name} is not set" if value is None else f"{name} = {json.dumps(value)}")
