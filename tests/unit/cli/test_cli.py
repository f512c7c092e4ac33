"""The command line: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from entrepot import __version__

SECRET = "a-secret-of-no-value"


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``entrepot`` in a folder, with nothing of ours in its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENTREPOT_")}
    return subprocess.run(
        [sys.executable, "-m", "entrepot", *arguments],
        env={**kept, "NO_COLOR": "1", "COLUMNS": "120", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [[], ["serve"], ["migrate"], ["config"], ["config", "show"], ["version"]])
def test_every_command_explains_itself(tmp_path: Path, command: list[str]) -> None:
    """On standard output, with exit code 0."""
    ended = run(*command, "--help", cwd=tmp_path)

    assert ended.returncode == 0
    assert "Usage: " in ended.stdout
    assert ended.stderr == ""


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    """And nothing else."""
    assert run("version", cwd=tmp_path).stdout == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--nonsense"], ["serve", "--workers", "many"]])
def test_a_command_that_is_wrong_in_itself_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    """As is usual."""
    ended = run(*arguments, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--listen", "nowhere"],
            "entrepot: the setting listen is bad: 'nowhere' is not of the form ADDRESS:PORT",
        ),
        (["--workers", "0"], "entrepot: the setting workers is bad: Expected `int` >= 1"),
        (["--config", "missing.toml"], "entrepot: the setting config is bad: missing.toml cannot be read: "),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["config", "show"]])
def test_a_bad_setting_is_told_in_one_line(
    tmp_path: Path, command: list[str], arguments: list[str], line: str
) -> None:
    """And ends with 2."""
    ended = run(*command, *arguments, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_ends_with_1(tmp_path: Path) -> None:
    """In one line: the command was right, the world is not."""
    (tmp_path / "data").touch()

    ended = run("serve", cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "entrepot: the data folder data cannot be written: Not a directory\n"


def test_settings_are_shown_as_json(tmp_path: Path) -> None:
    """From all three places, with secrets hidden."""
    (tmp_path / "entrepot.toml").write_text(f'region = "eu-west-1"\nsecret_access_key = "{SECRET}"\nworkers = 2\n')

    ended = run(
        "config",
        "show",
        "--workers",
        "4",
        "--output",
        "json",
        cwd=tmp_path,
        ENTREPOT_ACCESS_KEY_ID="AKIAEXAMPLEEXAMPLE00",
        ENTREPOT_WORKERS="3",
    )

    shown = json.loads(ended.stdout)
    assert (shown["region"], shown["workers"]) == ("eu-west-1", 4)
    assert (shown["access_key_id"], shown["secret_access_key"]) == ("AKIAEXAMPLEEXAMPLE00", "(hidden)")
    assert SECRET not in ended.stdout + ended.stderr


def test_settings_are_shown_as_lines(tmp_path: Path) -> None:
    """As the file would have them."""
    shown = run("config", "show", cwd=tmp_path).stdout

    assert tomllib.loads(shown)["listen"] == "127.0.0.1:5000"
    assert "# public_url is not set\n" in shown


def test_showing_settings_makes_nothing(tmp_path: Path) -> None:
    """No data folder, no key."""
    run("config", "show", cwd=tmp_path)

    assert list(tmp_path.iterdir()) == []
