"""What is in deploy/ fits the settings and the commands that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from entrepot.cli.main import app
from entrepot.server.settings import Settings

COMPOSE = (Path(__file__).resolve().parents[2] / "deploy/compose.yaml").read_text()
#: ``command:`` of the services that run Entrepot.
COMMANDS = re.findall(r"^    command: ((?:serve|worker)\b.*)$", COMPOSE, re.MULTILINE)


def test_only_settings_that_exist_are_given() -> None:
    """A variable of another name would be left alone, silently."""
    named = set(re.findall(r"ENTREPOT_[A-Z0-9_]*[A-Z0-9]", COMPOSE))

    assert named
    assert named <= {f"ENTREPOT_{name.upper()}" for name in Settings.__struct_fields__}


@pytest.mark.parametrize("command", COMMANDS)
def test_only_options_that_exist_are_given(command: str) -> None:
    """A container whose command is refused is started again for ever."""
    name, *arguments = command.split()
    group: Any = get_command(app)
    known = {option for one in group.commands[name].params for option in (*one.opts, *one.secondary_opts)}

    assert {argument for argument in arguments if argument.startswith("-")} <= known


def test_the_registries_and_the_worker_are_there() -> None:
    """The commands above are found, so that they are tested."""
    assert [command.split()[0] for command in COMMANDS] == ["serve", "worker"]
