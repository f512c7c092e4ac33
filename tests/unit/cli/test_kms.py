"""``entrepot kms``: what it makes of the keyring, and what it says."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.test_cli import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an empty data folder."""
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path


def kms(folder: Path, *words: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(run("kms", *words, "--output", "json", cwd=folder).stdout)


def test_a_key_is_made_and_listed(folder: Path) -> None:
    """By the account and region of the settings; its material is shown nowhere."""
    made = kms(folder, "create-key", "--alias", "alias/team", "--description", "ours", "--region", "eu-central-1")[
        "Key"
    ]

    assert made["Arn"].startswith("arn:aws:kms:eu-central-1:000000000000:key/")
    assert made.keys() == {"Arn", "Aliases", "KeyState", "CreationDate", "Description", "Rotations"}
    assert (made["Aliases"], made["KeyState"], made["Description"], made["Rotations"]) == (
        ["alias/team"],
        "Enabled",
        "ours",
        0,
    )
    assert kms(folder, "list") == {"Keys": [made]}
    assert run("kms", "list", cwd=folder).stdout == f"{made['Arn']} Enabled alias/team\n"
    assert stat.S_IMODE((folder / "data" / "keyring.json").stat().st_mode) == 0o600


def test_a_key_is_changed_by_any_of_its_names(folder: Path) -> None:
    """Disabled, enabled, rotated."""
    arn = kms(folder, "create-key", "--alias", "alias/team")["Key"]["Arn"]

    assert kms(folder, "disable", "alias/team")["Key"]["KeyState"] == "Disabled"
    assert kms(folder, "enable", arn.rpartition("/")[2])["Key"]["KeyState"] == "Enabled"
    assert kms(folder, "rotate", arn)["Key"]["Rotations"] == 1


def test_a_deletion_has_a_day_and_can_be_called_off(folder: Path) -> None:
    """In 7 to 30 days; what is kept is disabled."""
    arn = kms(folder, "create-key")["Key"]["Arn"]

    leaving = kms(folder, "schedule-delete", arn, "--days", "7")["Key"]
    shown = run("kms", "list", cwd=folder).stdout
    kept = kms(folder, "cancel-delete", arn)["Key"]
    too_soon = run("kms", "schedule-delete", arn, "--days", "6", cwd=folder)

    assert leaving["KeyState"] == "PendingDeletion"
    assert shown == f"{arn} PendingDeletion until {leaving['DeletionDate']}\n"
    assert (kept["KeyState"], "DeletionDate" in kept) == ("Disabled", False)
    assert too_soon.returncode == 2


@pytest.mark.parametrize("alias", ["team", "alias/", "alias/aws/ecr", "alias/a b", "key/team"])
def test_an_alias_that_kms_would_not_take_is_refused(folder: Path, alias: str) -> None:
    """And nothing is made."""
    refused = run("kms", "create-key", "--alias", alias, cwd=folder)

    assert refused.returncode == 2
    assert "alias" in refused.stderr
    assert kms(folder, "list") == {"Keys": []}


def test_what_cannot_be_done_is_said_in_one_line(folder: Path) -> None:
    """A key that is not there, an alias that is taken, a folder that is not there, a KMS that is elsewhere."""
    kms(folder, "create-key", "--alias", "alias/team")

    missing = run("kms", "disable", "alias/other", cwd=folder)
    taken = run("kms", "create-key", "--alias", "alias/team", cwd=folder)
    nowhere = run("kms", "list", "--data", "nowhere", cwd=folder)
    (folder / "entrepot.toml").write_text('kms = "aws"\n')
    elsewhere = run("kms", "list", cwd=folder)

    region = "arn:aws:kms:us-east-1:000000000000"
    assert (missing.returncode, missing.stderr) == (1, f"entrepot: Alias '{region}:alias/other' does not exist\n")
    assert (taken.returncode, taken.stderr) == (
        1,
        f"entrepot: An alias with the name {region}:alias/team already exists\n",
    )
    assert (nowhere.returncode, nowhere.stderr) == (
        2,
        "entrepot: the setting data is bad: there is no folder nowhere\n",
    )
    assert elsewhere.returncode == 2
    assert "the setting kms is bad" in elsewhere.stderr
