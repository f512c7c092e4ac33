"""A backup's folder: what counts as a snapshot, who may use it when, and which bytes are kept."""

import stat
from pathlib import Path

import pytest

from entrepot.features.backup.errors import NoBackup, SnapshotDamaged, SnapshotNotFound
from entrepot.server.backup_folder import (
    BLOB_LIST,
    DATABASE,
    FORMAT,
    BackupFolder,
    Manifest,
    Snapshot,
    opened_to_read,
    opened_to_write,
    sha256_of,
)
from entrepot.server.data_folder import CannotStart

#: 2026-01-01T00:00:00Z, in microseconds.
NEW_YEAR = 1_767_225_600_000_000
FIRST, SECOND, THIRD = "11" * 16, "12" * 16, "f3" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the backup is made."""
    return tmp_path / "backup"


def draft_of(folder: BackupFolder, now: int, *keys: str) -> Path:
    """A snapshot that is not published, of these blobs."""
    draft = folder.draft(now)
    (draft / DATABASE).write_bytes(b"rows")
    (draft / BLOB_LIST).write_text("".join(f"{key}\n" for key in sorted(keys)))
    return draft


def manifest_of(draft: Path) -> Manifest:
    """What a manifest says of it."""
    return Manifest(
        format=FORMAT,
        id="id",
        entrepot="0",
        schema_version=1,
        storage=None,
        rows=1,
        blobs=1,
        bytes=1,
        files={name: sha256_of(draft / name) for name in (DATABASE, BLOB_LIST)},
        damaged=[],
    )


def publish(folder: BackupFolder, now: int, *keys: str) -> Snapshot:
    """A snapshot of these blobs."""
    draft = draft_of(folder, now, *keys)
    return folder.publish(draft, manifest_of(draft))


def store(folder: BackupFolder, name: str) -> Path:
    """A file of bytes."""
    file = folder.blobs / name[:2] / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"bytes")
    return file


def test_a_new_backup_is_its_owners_alone(path: Path) -> None:
    """It has keys in it."""
    with opened_to_write(path, make=True):
        pass

    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_folder_with_other_files_is_not_made_a_backup(path: Path) -> None:
    """Nor does anything in it change."""
    path.mkdir()
    (path / "thesis.txt").touch()

    with pytest.raises(NoBackup, match="other files"), opened_to_write(path, make=True):
        pass

    assert [file.name for file in path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_is_no_backup_is_not_read(path: Path) -> None:
    """Nor is one of a later format."""
    with pytest.raises(NoBackup, match="has no file"), opened_to_read(path):
        pass
    with opened_to_write(path, make=True):
        pass
    (path / "entrepot-backup.json").write_text(f'{{"format": {FORMAT + 1}}}')

    with pytest.raises(NoBackup, match="knows 1"), opened_to_read(path):
        pass


def test_a_backup_is_written_by_one_and_read_by_none_meanwhile(path: Path) -> None:
    """Several may read it together."""
    with opened_to_write(path, make=True):
        with pytest.raises(CannotStart, match="in use"), opened_to_write(path):
            pass
        with pytest.raises(CannotStart, match="in use"), opened_to_read(path):
            pass

    with opened_to_read(path), opened_to_read(path), pytest.raises(CannotStart, match="in use"):
        opened_to_write(path).__enter__()


def test_snapshots_are_found_by_name_and_the_newest_without(path: Path) -> None:
    """Names are times."""
    with opened_to_write(path, make=True) as folder:
        first, second = publish(folder, NEW_YEAR), publish(folder, NEW_YEAR + 1)

        assert first.name == "20260101T000000.000000Z"
        assert [first, second] == folder.snapshots()
        assert folder.find(first.name) == first
        assert folder.find(None) == second
        with pytest.raises(SnapshotNotFound):
            folder.find("20250101T000000.000000Z")


def test_what_was_being_made_when_a_process_was_killed_is_no_snapshot(path: Path) -> None:
    """The next one that writes clears it away."""
    with opened_to_write(path, make=True) as folder:
        draft = draft_of(folder, NEW_YEAR)
        assert folder.snapshots() == []

    with opened_to_write(path):
        assert not draft.exists()


@pytest.mark.parametrize("file", [DATABASE, BLOB_LIST, "manifest.json"])
@pytest.mark.parametrize("content", [None, b"}"], ids=["gone", "changed"])
def test_a_file_of_a_snapshot_that_is_damaged_is_named(path: Path, file: str, content: bytes | None) -> None:
    """Whichever it is."""
    with opened_to_write(path, make=True) as folder:
        snapshot = publish(folder, NEW_YEAR)
        snapshot.check_files()
        (snapshot.path / file).unlink()
        if content is not None:
            (snapshot.path / file).write_bytes(content)

        with pytest.raises(SnapshotDamaged, match=file):
            snapshot.check_files()


def test_only_bytes_that_no_snapshot_names_are_dropped(path: Path) -> None:
    """With what is left of blobs that were being copied."""
    with opened_to_write(path, make=True) as folder:
        old, _ = publish(folder, NEW_YEAR, FIRST, SECOND), publish(folder, NEW_YEAR + 1, SECOND, THIRD)
        first, second, third, fence = (
            store(folder, name) for name in (FIRST, SECOND, THIRD, "f4" * 16 + ".fence")
        )

        before = folder.drop_unnamed_blobs()
        folder.drop(old)
        after = folder.drop_unnamed_blobs()

        assert (before, after) == ((0, 5), (1, 5))
        assert [file.exists() for file in (first, second, third, fence)] == [False, True, True, False]
