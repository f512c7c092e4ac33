"""The options of commands that take settings. They are made from the settings themselves."""

import inspect
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from entrepot.server.settings import Settings

#: Not on a command line, where every user of the machine could read it.
_ELSEWHERE = Settings.SECRETS | {"access_key_id"}


def with_settings(
    command: Callable[..., None], offered: Collection[str] = Settings.__struct_fields__
) -> Callable[..., None]:
    """Give a command, which takes the settings first, ``--config`` and an option for each setting offered."""

    def run(config: Path | None, **options: object) -> None:
        given = {name: options.pop(name) for name in offered if name in options}
        command(Settings.load(given, os.environ, config), **options)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    config = typer.Option("--config", help="Read settings from this file.", show_default="entrepot.toml")
    parameters = [
        _parameter("config", Path, config),
        *(_parameter(name, *_option(name)) for name in offered if name not in _ELSEWHERE),
        *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
    ]
    run.__doc__ = command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess] (typer reads it)
    return run


def _parameter(name: str, kind: type, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _option(name: str) -> tuple[type, Any]:
    """The type of a setting on the command line, and what --help says of it."""
    hint = get_type_hints(Settings, include_extras=True)[name]
    kind, meta = get_args(hint)[0], get_args(hint)[1]
    default = Settings.__struct_defaults__[Settings.__struct_fields__.index(name)]
    flag = f"--{name.replace('_', '-')}"
    declared = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    shown = False if default is None else str(default).lower() if kind is bool else str(default)
    option = typer.Option(declared, help=meta.description, show_default=shown)
    return (kind if kind in {bool, int, Path} else str), option
