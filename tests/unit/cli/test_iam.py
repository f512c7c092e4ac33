"""``entrepot iam`` before it reaches a registry: what it takes, whom it calls as, and how it says no."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from entrepot.cli.iam import app
from entrepot.cli.iam.command import connect, table
from entrepot.cli.iam.managed_policies import version_to_drop
from entrepot.client.iam import NewAccessKey, PolicyVersion
from entrepot.server.settings import Settings

ID, SECRET, TOKEN = "AKIAEXAMPLEEXAMPLE00", "a-secret-of-no-value", "a-token-of-no-value"
#: A port of the loopback interface where nobody listens: those under 1024 are root's, and this one is nothing's.
NOWHERE = "http://127.0.0.1:1"
COMMANDS = sorted(getattr(get_command(app), "commands"))  # noqa: B009 (typer's own type does not tell)


def run(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``entrepot iam`` in a folder, with nothing of ours or AWS's in its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ENTREPOT_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-m", "entrepot", "iam", *arguments],
        env={**kept, "NO_COLOR": "1", "COLUMNS": "120", **environment},
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Its arguments, where the registry is, and how the answer is printed."""
    shown = CliRunner().invoke(app, [command, "--help"])

    assert shown.exit_code == 0
    for option in ("--endpoint", "--data", "--output"):
        assert option in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_a_secret(command: str) -> None:
    """Every user of the machine could read it there."""
    shown = CliRunner().invoke(app, [command, "--help"])

    for word in ("--secret", "--token", "--password", "--access-key-id"):
        assert word not in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["attach", "Policy"], "one of --user and --role has to be given"),
        (["attach", "Policy", "--user", "a", "--role", "b"], "one of --user and --role has to be given"),
        (["create-user", "alice", "--tag", "team"], "--tag takes KEY=VALUE, and not 'team'"),
        (["simulate", "a", "b", "--context", "=x"], "--context takes KEY=VALUE, and not '=x'"),
        (
            ["put-policy", "none.json", "--user", "a", "--name", "b"],
            "none.json cannot be read: No such file or directory",
        ),
        (["import", "latin-1.json"], "latin-1.json cannot be read: it is not UTF-8"),
        (["create-role", "ci"], "one of --trust, --trust-account and --trust-github has to be given"),
        (
            ["list-users", "--endpoint", "nowhere"],
            "the endpoint nowhere is bad: it is not of the form http://HOST:PORT",
        ),
    ],
)
def test_an_argument_that_is_wrong_in_itself_is_told_in_one_line(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    """And ends with 2, before anything is asked."""
    (tmp_path / "latin-1.json").write_bytes(b"\xff")

    ended = run(
        *arguments, cwd=tmp_path, AWS_ACCESS_KEY_ID=ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_ENDPOINT_URL=NOWHERE
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"entrepot: {line}")
    assert ended.stderr.count("\n") == 1


def test_a_registry_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    """And ends with 1; neither the secret nor the token is in it."""
    ended = run(
        "list-users",
        cwd=tmp_path,
        AWS_ACCESS_KEY_ID=ID,
        AWS_SECRET_ACCESS_KEY=SECRET,
        AWS_SESSION_TOKEN=TOKEN,
        AWS_ENDPOINT_URL=NOWHERE,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"entrepot: {NOWHERE} cannot be reached: Connection refused\n"


@pytest.mark.parametrize(
    ("listen", "variables", "endpoint"),
    [
        ("127.0.0.1:5000", {}, "http://127.0.0.1:5000"),
        ("0.0.0.0:5001", {}, "http://127.0.0.1:5001"),
        ("[::]:5001", {}, "http://[::1]:5001"),
        ("127.0.0.1:5000", {"AWS_ENDPOINT_URL": "https://one"}, "https://one"),
        (
            "127.0.0.1:5000",
            {"AWS_ENDPOINT_URL": "https://one", "AWS_ENDPOINT_URL_IAM": "https://two"},
            "https://two",
        ),
    ],
)
def test_the_endpoint_is_where_the_environment_says(listen: str, variables: dict[str, str], endpoint: str) -> None:
    """AWS's variables before the address that the settings listen on, as this machine reaches it."""
    environment = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, **variables}

    settings = Settings(listen=listen)

    assert str(connect(settings, None, environment).client.endpoint) == endpoint
    assert str(connect(settings, "http://given", environment).client.endpoint) == "http://given"


def test_the_access_key_is_aws_then_the_settings_then_the_data_folders(tmp_path: Path) -> None:
    """Each says where it is from."""
    (tmp_path / "root-key.json").write_text(json.dumps({"access_key_id": ID, "secret_access_key": SECRET}))
    of_aws = {
        "AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
    }
    folder = Settings(data=tmp_path)
    setting = Settings(data=tmp_path, access_key_id="AKIAOFTHESETTINGS000", secret_access_key=SECRET)

    held = [
        connect(setting, None, of_aws).client.credentials,
        connect(setting, None, {}).client.credentials,
        connect(folder, None, {}).client.credentials,
    ]

    assert [(one.access_key_id, one.session_token, one.source) for one in held] == [
        ("AKIAOFTHEENVIRONMENT", TOKEN, "AWS_ACCESS_KEY_ID"),
        ("AKIAOFTHESETTINGS000", None, "the setting access_key_id"),
        (ID, None, str(tmp_path / "root-key.json")),
    ]


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-2", "AWS_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_the_region_is_aws_variables_or_the_settings(variables: dict[str, str], region: str) -> None:
    """In the order of AWS's SDKs."""
    environment = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, **variables}

    assert connect(Settings(region="eu-west-1"), None, environment).client.region == region


def test_without_an_access_key_the_ways_to_give_one_are_named(tmp_path: Path) -> None:
    """And no root access key is made: that is the registry's to do."""
    ended = run("list-users", cwd=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.startswith("entrepot: there is no access key: neither AWS_ACCESS_KEY_ID is set nor ")
    assert "data/root-key.json" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_root_access_key_of_the_data_folder_is_used(tmp_path: Path) -> None:
    """Where no other is given; a broken one is named, and not shown."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/root-key.json").write_text(json.dumps({"secret_access_key": SECRET}))

    ended = run("list-users", "--data", "registry", cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.startswith("entrepot: the root access key registry/root-key.json cannot be used: ")
    assert SECRET not in ended.stderr


def test_a_new_access_key_is_not_printed_by_accident() -> None:
    """Only its id is in ``repr``."""
    key = NewAccessKey(access_key_id=ID, status="Active", create_date="", secret_access_key=SECRET)

    assert SECRET not in repr([key])
    assert SECRET not in str(key.__rich_repr__())


def test_columns_are_as_wide_as_they_have_to_be() -> None:
    """And no rows are no table."""
    assert table(("A", "LONG"), [("long", "b"), ("c", "")]) == "A     LONG\nlong  b\nc"
    assert table(("A",), []) == ""


@pytest.mark.parametrize(
    ("numbers", "default", "dropped"),
    [
        ([4, 3, 2, 1], 1, None),
        ([5, 4, 3, 2, 1], 5, "v1"),
        ([5, 4, 3, 2, 1], 1, "v2"),
        ([11, 10, 9, 8, 7], 8, "v7"),
    ],
)
def test_the_oldest_version_that_does_not_decide_makes_room(
    numbers: list[int], default: int, dropped: str | None
) -> None:
    """Only where a policy has all the versions it may have."""
    versions = [
        PolicyVersion(version_id=f"v{number}", is_default_version=number == default, create_date="")
        for number in numbers
    ]

    assert version_to_drop(versions) == dropped
