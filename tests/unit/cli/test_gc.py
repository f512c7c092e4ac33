"""``entrepot gc``: what it says, and what it removes."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import insert
from tests.unit.cli.test_cli import run

from entrepot.metadata import tables
from entrepot.metadata.blob_store import adopt_identity
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata

KEY, LATER = "1" * 32, "2" * 32
#: The year 2200, in microseconds.
FAR_AWAY = 7_258_118_400_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a data folder in which the bytes of one tombstone may be removed, and those of another not."""
    blobs = tmp_path / "data" / "blobs"
    for key in (KEY, LATER):
        (blobs / key[:2]).mkdir(parents=True)
        (blobs / key[:2] / key).write_bytes(b"garbage")
    (blobs / "identity").write_text("ours")
    asyncio.run(_fill(tmp_path / "data" / "metadata.db"))
    return tmp_path


async def _fill(path: Path) -> None:
    metadata = SQLiteMetadata(path)
    await metadata.write(migrate)
    rows = [
        {"storage_key": KEY, "size": 7, "cause": "image", "made_at": 1},
        {"storage_key": LATER, "size": 7, "cause": "upload", "made_at": FAR_AWAY},
    ]
    await metadata.write(lambda connection: adopt_identity(connection, "ours"))
    await metadata.write(lambda connection: connection.execute(insert(tables.tombstones), rows))
    await metadata.close()


def files(folder: Path) -> list[str]:
    """The names of all files of blobs."""
    return sorted(path.name for path in (folder / "data" / "blobs").glob("??/*"))


def test_status_tells_what_waits_by_cause(folder: Path) -> None:
    """And removes nothing."""
    shown = json.loads(run("gc", "status", "--output", "json", cwd=folder).stdout)

    assert shown == {
        "repositories": 0,
        "images": 0,
        "kept": {"repositories": 0, "images": 0, "until": None},
        "layers": {},
        "unneeded": {},
        "buried": {
            "image": {"blobs": 1, "bytes": 7, "due_blobs": 1, "due_bytes": 7},
            "upload": {"blobs": 1, "bytes": 7, "due_blobs": 0, "due_bytes": 0},
        },
        "pins": [],
    }
    assert files(folder) == [KEY, LATER]


def test_status_is_told_in_lines_too(folder: Path) -> None:
    """A line for each cause."""
    assert run("gc", "status", cwd=folder).stdout == (
        "Deleted and not drained yet: 0 repositories, 0 images\n"
        "To be removed (image): 1 of 7 bytes, now 1 of 7 bytes\n"
        "To be removed (upload): 1 of 7 bytes, now 0 of 0 bytes\n"
    )


def test_a_dry_run_removes_nothing(folder: Path) -> None:
    """It says what would go."""
    ended = run("gc", "run", "--dry-run", "--output", "json", cwd=folder)

    assert json.loads(ended.stdout) == {
        "dry_run": True,
        "would_remove": {"image": {"blobs": 1, "bytes": 7}},
        "would_bury": {},
    }
    assert run("gc", "run", "--dry-run", cwd=folder).stdout == "Would be removed (image): 1 of 7 bytes\n"
    assert files(folder) == [KEY, LATER]


def test_a_run_removes_what_may_go_now(folder: Path) -> None:
    """And says what that was; a second one finds nothing."""
    first = json.loads(run("gc", "run", "--output", "json", cwd=folder).stdout)
    second = run("gc", "run", cwd=folder).stdout

    assert first == {"dry_run": False, "removed": {"image": {"blobs": 1, "bytes": 7}}}
    assert second == "Nothing was removed.\n"
    assert files(folder) == [LATER]


@pytest.mark.parametrize("arguments", [["status"], ["run"], ["run", "--dry-run"]])
def test_a_folder_without_a_database_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    """In one line, and nothing is made there."""
    ended = run("gc", *arguments, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "entrepot: The registry's database cannot answer: its file cannot be opened\n"
    assert list(tmp_path.iterdir()) == []


def test_status_tells_of_a_backup_that_keeps_bytes(folder: Path) -> None:
    """By name, with the times between which it holds what is buried; nothing of that is due."""
    asyncio.run(_pin(folder / "data" / "metadata.db"))

    shown = json.loads(run("gc", "status", "--output", "json", cwd=folder).stdout)
    told = run("gc", "status", cwd=folder).stdout

    held = {"held_from": "1970-01-01T00:00:00Z", "expires_at": "2200-01-01T00:00:00Z"}
    assert shown["pins"] == [{"name": "backup one", **held}]
    assert shown["buried"]["image"]["due_blobs"] == 0
    assert told.endswith(
        "Held by backup one until 2200-01-01T00:00:00Z: what was buried since 1970-01-01T00:00:00Z\n"
    )


async def _pin(path: Path) -> None:
    metadata = SQLiteMetadata(path)
    row = {"name": "backup one", "pinned_at": 0, "expires_at": FAR_AWAY}
    await metadata.write(lambda connection: connection.execute(insert(tables.pins), row))
    await metadata.close()
