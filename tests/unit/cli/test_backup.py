"""``entrepot backup`` and ``entrepot restore``: what they say where there is nothing to be had."""

from pathlib import Path

import pytest
from tests.unit.cli.test_cli import run


@pytest.mark.parametrize(
    "words",
    [
        ["backup", "list", "nothing"],
        ["backup", "verify", "nothing"],
        ["backup", "prune", "nothing", "--keep", "1"],
        ["restore", "nothing"],
    ],
    ids=" ".join,
)
def test_a_folder_that_is_no_backup_is_told_in_a_line(tmp_path: Path, words: list[str]) -> None:
    """And nothing is made."""
    ended = run(*words, cwd=tmp_path)

    line = "entrepot: The folder nothing is no backup: it has no file entrepot-backup.json\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", line)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_without_a_registry_is_not_backed_up(tmp_path: Path) -> None:
    """There would be nothing in it."""
    ended = run("backup", "create", "backup", cwd=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert list((tmp_path / "backup" / "snapshots").iterdir()) == []


def test_at_least_one_snapshot_is_kept(tmp_path: Path) -> None:
    """Whoever wants none removes the folder."""
    assert run("backup", "prune", "backup", "--keep", "0", cwd=tmp_path).returncode == 2
