"""``entrepot config``."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from entrepot.cli.options import (
    AccessLog,
    Config,
    CreateOnPush,
    Data,
    Listen,
    PublicURL,
    Workers,
    load_settings,
)

app = typer.Typer(help="The settings.", no_args_is_help=True)


class Output(StrEnum):
    """How a command prints what it has to say."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def group() -> None:
    """The settings."""


@app.command("show")
def show_command(
    config: Config = None,
    listen: Listen = None,
    data: Data = None,
    workers: Workers = None,
    public_url: PublicURL = None,
    create_on_push: CreateOnPush = None,
    access_log: AccessLog = None,
    output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TEXT,
) -> None:
    """Print every setting as 'entrepot serve' would take it, with secrets hidden."""
    settings = load_settings(
        config,
        listen=listen,
        data=data,
        workers=workers,
        public_url=public_url,
        create_on_push=create_on_push,
        access_log=access_log,
    )
    shown = settings.shown()
    if output is Output.JSON:
        typer.echo(json.dumps(shown, indent=2))
    else:
        typer.echo("\n".join(f"{name} = {json.dumps(value)}" for name, value in shown.items()))
