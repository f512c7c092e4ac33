"""A backup's folder: what counts as a snapshot, who may use it when, and which bytes are kept."""

import stat
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from entrepot.features.backup.errors import NoBackup, SnapshotDamaged, SnapshotNotFound
from entrepot.metadata.copying import new_sqlite
from entrepot.server.backup import prune
from entrepot.server.backup_folder import (
    DATABASE,
    FORMAT,
    MANIFEST,
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
    with new_sqlite(draft / DATABASE) as rows:
        rows.execute(text("CREATE TABLE blobs (storage_key)"))
        for key in keys:
            rows.execute(text("INSERT INTO blobs VALUES (:key)"), {"key": key})
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
        files={DATABASE: sha256_of(draft / DATABASE)},
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


@pytest.mark.parametrize("file", [DATABASE, MANIFEST, "manifest.json.sha256"])
@pytest.mark.parametrize("content", [None, b"}"], ids=["gone", "changed"])
def test_a_file_of_a_snapshot_that_is_damaged_is_named(path: Path, file: str, content: bytes | None) -> None:
    """Whichever it is."""
    with opened_to_write(path, make=True) as folder:
        snapshot = publish(folder, NEW_YEAR)
        snapshot.check_files()
        (snapshot.path / file).unlink()
        if content is not None:
            (snapshot.path / file).write_bytes(content)

        with pytest.raises(SnapshotDamaged, match=f"snapshots/{snapshot.name}/manifest|{DATABASE}") as refusal:
            snapshot.check_files()

        assert file in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "changed"),
    [('"id": "id"', '"id": "di"'), ('"blobs": 1', '"blobs": 2'), ('"damaged": []', '"damaged":[ ]')],
)
def test_a_manifest_that_was_changed_is_noticed(path: Path, said: str, changed: str) -> None:
    """Though it can be read: it has a checksum of its own, which sha256sum can check."""
    with opened_to_write(path, make=True) as folder:
        manifest = publish(folder, NEW_YEAR).path / MANIFEST
        checksum = manifest.with_name("manifest.json.sha256").read_text()
        assert checksum == f"{sha256_of(manifest)}  manifest.json\n"
        manifest.write_text(manifest.read_text().replace(said, changed))
        assert sha256_of(manifest) not in checksum

        with pytest.raises(SnapshotDamaged, match="not what was written"):
            folder.find(None).manifest()


@pytest.mark.parametrize("names", [[], ["master.key"], [DATABASE, "../../thesis.txt"]])
def test_a_manifest_names_the_files_of_a_snapshot(path: Path, names: list[str]) -> None:
    """The database above all, and keys: nothing else would be looked at."""
    with opened_to_write(path, make=True) as folder:
        draft = draft_of(folder, NEW_YEAR)
        manifest = msgspec.structs.replace(manifest_of(draft), files=dict.fromkeys(names, ""))

        with pytest.raises(SnapshotDamaged, match="other files"):
            folder.publish(draft, manifest).manifest()


def test_only_bytes_that_no_snapshot_names_are_dropped(path: Path) -> None:
    """With what is left of blobs that were being copied."""
    with opened_to_write(path, make=True) as folder:
        old, new = publish(folder, NEW_YEAR, SECOND, FIRST), publish(folder, NEW_YEAR + 1, SECOND, THIRD)
        first, second, third, fence = (
            store(folder, name) for name in (FIRST, SECOND, THIRD, "f4" * 16 + ".fence")
        )

        before = folder.drop_all_but([old, new])
        after = folder.drop_all_but([new])

        assert (before, after) == ((0, 5), (1, 5))
        assert [file.exists() for file in (first, second, third, fence)] == [False, True, True, False]
        assert folder.snapshots() == [new]


def test_a_removal_that_was_broken_off_is_finished(path: Path) -> None:
    """Bytes of a snapshot that went before them are removed by the next one."""
    with opened_to_write(path, make=True) as folder:
        old, new = publish(folder, NEW_YEAR, FIRST), publish(folder, NEW_YEAR + 1, SECOND)
        stored = [store(folder, name) for name in (FIRST, SECOND)]
        old.path.rename(old.path.with_name(f"{old.name}.gone"))

    with opened_to_write(path) as folder:
        assert folder.drop_all_but([new]) == (1, 5)
        assert [file.exists() for file in stored] == [False, True]


@pytest.mark.parametrize("file", [DATABASE, MANIFEST])
@pytest.mark.parametrize("content", [b"", b"}", None], ids=["empty", "changed", "bit"])
@pytest.mark.parametrize("due", [True, False])
def test_nothing_is_removed_by_a_snapshot_that_is_damaged(
    path: Path, file: str, content: bytes | None, *, due: bool
) -> None:
    """Neither bytes nor an older snapshot, whether one is due or not."""
    with opened_to_write(path, make=True) as folder:
        old, new = publish(folder, NEW_YEAR, FIRST), publish(folder, NEW_YEAR + 1, SECOND)
        for name in (FIRST, SECOND, THIRD):
            store(folder, name)
        written = bytearray((new.path / file).read_bytes())
        written[-20] ^= 1
        (new.path / file).write_bytes(bytes(written) if content is None else content)
        before = sorted(path.rglob("*"))

        with pytest.raises(SnapshotDamaged, match=f"{new.name}/{file}"):
            folder.drop_all_but([new] if due else [old, new])

        assert sorted(path.rglob("*")) == before


def test_a_snapshot_that_is_damaged_can_be_removed(path: Path) -> None:
    """What is not kept is not looked at."""
    with opened_to_write(path, make=True) as folder:
        old, new = publish(folder, NEW_YEAR, FIRST), publish(folder, NEW_YEAR + 1, SECOND)
        stored = [store(folder, name) for name in (FIRST, SECOND)]
        (old.path / DATABASE).write_bytes(b"")

        assert folder.drop_all_but([new]) == (1, 5)
        assert [file.exists() for file in stored] == [False, True]


def test_nothing_is_removed_where_the_rows_cannot_be_read(path: Path) -> None:
    """As a later release may write them: older snapshots stay too."""
    with opened_to_write(path, make=True) as folder:
        old, draft = publish(folder, NEW_YEAR, FIRST), folder.draft(NEW_YEAR + 1)
        with new_sqlite(draft / DATABASE) as rows:
            rows.execute(text("CREATE TABLE layers (key)"))
        new, stored = folder.publish(draft, manifest_of(draft)), store(folder, FIRST)

    with pytest.raises(CannotStart, match="cannot be pruned"):
        prune(path, keep=1)

    assert [old.path.exists(), new.path.exists(), stored.exists()] == [True, True, True]
