"""The options that several commands share. Their names are those of the settings."""

import os
from pathlib import Path
from typing import Annotated

import typer

from entrepot.server.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", help="Read settings from this file.", show_default="entrepot.toml")
]
Listen = Annotated[str | None, typer.Option(help="Address and port to listen on.", show_default="127.0.0.1:5000")]
Data = Annotated[
    Path | None, typer.Option(help="The folder for the database, the layers and the keys.", show_default="data")
]
Workers = Annotated[int | None, typer.Option(help="Processes that answer requests.", show_default="1")]
PublicURL = Annotated[
    str | None,
    typer.Option(
        help="How clients reach the registry; may hold {account}, {region} and {suffix}.",
        show_default="http://localhost:PORT",
    ),
]
CreateOnPush = Annotated[
    bool | None,
    typer.Option("--create-on-push/--no-create-on-push", help="Let a push make the repository it goes to."),
]
AccessLog = Annotated[
    bool | None, typer.Option("--access-log/--no-access-log", help="Log every request, not only failures.")
]


def load_settings(config: Path | None, **options: object) -> Settings:
    """The settings by command line, environment and file."""
    return Settings.load(options, os.environ, config)
