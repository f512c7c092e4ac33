"""Restoring: what is taken for an empty target, what is gone on with, and snapshots of releases before."""

import hashlib
import json
import shutil
from pathlib import Path

import msgspec
import pytest
from alembic import command
from sqlalchemy import Connection, text

from entrepot.features.backup.errors import RestoreUnfinished, SnapshotDamaged, TargetInUse
from entrepot.metadata.copying import count_all_rows, new_sqlite, sqlite_snapshot
from entrepot.metadata.migrations import config
from entrepot.metadata.schema import SCHEMA_VERSION, schema_version
from entrepot.server.backup import BackupProgress, verify
from entrepot.server.backup_folder import (
    DATABASE,
    FORMAT,
    BackupFolder,
    Manifest,
    Snapshot,
    opened_to_read,
    opened_to_write,
    sha256_of,
)
from entrepot.server.data_folder import RESTORING
from entrepot.server.restore import Restored, restore
from entrepot.server.settings import Settings

#: 2026-01-01T00:00:00Z, in microseconds.
NEW_YEAR = 1_767_225_600_000_000
CONTENT, KEY = b"a layer", "4f" * 16
SILENT = BackupProgress(rows=lambda _table, _rows, _total: None, blobs=lambda _done: None)


def fill(connection: Connection) -> None:
    """A database of schema version 10, with one blob."""
    command.upgrade(config(connection), "0010")
    digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    blob = {"digest": digest, "size": len(CONTENT), "key": KEY}
    connection.execute(
        text(
            "INSERT INTO blobs (id, digest, encryption_key, size, storage_key, stored_at, is_encrypted)"
            " VALUES (1, :digest, '', :size, :key, 0, 0)"
        ),
        blob,
    )


def publish(folder: BackupFolder, name: str, now: int) -> Snapshot:
    """A snapshot of such a database, with a master key."""
    draft = folder.draft(now)
    with new_sqlite(draft / DATABASE) as connection:
        fill(connection)
        rows = count_all_rows(connection)
    (draft / "master.key").write_bytes(bytes(32))
    manifest = Manifest(
        format=FORMAT,
        id=name,
        entrepot="0",
        schema_version=10,
        storage=None,
        rows=rows,
        blobs=1,
        bytes=len(CONTENT),
        files={file: sha256_of(draft / file) for file in (DATABASE, "master.key")},
        damaged=[],
    )
    return folder.publish(draft, manifest)


def publish_again(folder: BackupFolder, **changes: object) -> None:
    """Let the newest snapshot's manifest say something else."""
    snapshot = folder.find(None)
    manifest = msgspec.structs.replace(snapshot.manifest(), **changes)
    draft = snapshot.path.rename(snapshot.path.with_name(f"{snapshot.name}.new"))
    folder.publish(draft, manifest)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with two snapshots."""
    path = tmp_path / "backup"
    with opened_to_write(path, make=True) as folder:
        for number, name in enumerate(("first", "second")):
            publish(folder, name, NEW_YEAR + number)
        file = folder.blobs / KEY[:2] / KEY
        file.parent.mkdir()
        file.write_bytes(CONTENT)
        file.chmod(0o400)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a registry that is to come."""
    return Settings(data=tmp_path / "data")


def run(settings: Settings, backup: Path, snapshot: str | None = None) -> Restored:
    """Restore a snapshot, the newest by default."""
    return restore(settings, backup, snapshot=snapshot, accept_damaged=False, progress=SILENT)


def test_a_snapshot_of_a_release_before_is_verified_and_restored(backup: Path, settings: Settings) -> None:
    """Its rows are brought to this version's schema; the backup stays as it is."""
    before = {file: file.read_bytes() for file in backup.rglob("*") if file.is_file()}

    verified = verify(settings, backup, snapshot=None, progress=SILENT.blobs).verified
    restored = run(settings, backup)

    assert (verified.blobs, verified.damaged, restored.copied.blobs) == (1, [], 1)
    assert (settings.data / "blobs" / KEY[:2] / KEY).read_bytes() == CONTENT
    assert (settings.data / "master.key").read_bytes() == bytes(32)
    with sqlite_snapshot(settings.data / "metadata.db") as connection:
        assert schema_version(connection) == SCHEMA_VERSION
        assert connection.scalar(text("SELECT storage_key FROM blobs")) == KEY
    assert {file: file.read_bytes() for file in backup.rglob("*") if file.is_file()} == before
    of_sqlite = {"metadata.db", "metadata.db-wal", "metadata.db-shm"}
    assert {file.name for file in settings.data.iterdir()} - of_sqlite == {
        "blobs",
        "lock",
        "master.key",
        "use.lock",
    }


@pytest.mark.parametrize(
    ("name", "said", "found"),
    [
        ("schema_version", 9, 10),
        ("storage", "other", None),
        ("rows", 1_000, None),
        ("blobs", 0, 1),
        ("bytes", 8, 7),
    ],
)
def test_a_manifest_that_does_not_tell_of_its_rows_is_found(
    backup: Path, settings: Settings, name: str, said: object, found: object
) -> None:
    """Before a layer is read; whoever wrote it, its checksum included."""
    with opened_to_write(backup) as folder:
        publish_again(folder, **{name: said})

    with pytest.raises(SnapshotDamaged, match=f"{name} is {said}, and {found or ''}"):
        verify(settings, backup, snapshot=None, progress=SILENT.blobs)


@pytest.mark.parametrize("found", ["master.key", "blobs/identity"])
def test_what_is_in_use_is_not_restored_into(backup: Path, settings: Settings, found: str) -> None:
    """Keys and a storage of somebody else are left alone."""
    file = settings.data / found
    file.parent.mkdir(parents=True)
    file.write_text("another's")

    with pytest.raises(TargetInUse):
        run(settings, backup)

    assert file.read_text() == "another's"
    assert not (settings.data / RESTORING).exists()


def begin(settings: Settings, backup: Path) -> None:
    """Leave a restore that breaks off, for the backup lacks a layer."""
    file = backup / "blobs" / KEY[:2] / KEY
    file.rename(backup / "elsewhere")
    with pytest.raises(Exception, match="lacks bytes of 1 layers"):
        run(settings, backup)
    (backup / "elsewhere").rename(file)


def test_what_broke_off_is_gone_on_with(backup: Path, settings: Settings) -> None:
    """In the storage that was begun."""
    begin(settings, backup)
    identity = json.loads((settings.data / RESTORING).read_text())["identity"]

    restored = run(settings, backup)

    assert restored.copied.new_blobs == 1
    assert (settings.data / "blobs" / "identity").read_text() == identity
    assert not (settings.data / RESTORING).exists()


def test_what_broke_off_is_not_gone_on_with_from_another_snapshot(backup: Path, settings: Settings) -> None:
    """The two would be mixed."""
    begin(settings, backup)

    with pytest.raises(RestoreUnfinished):
        run(settings, backup, "20260101T000000.000000Z")


def test_what_broke_off_after_the_rows_is_complete(backup: Path, settings: Settings) -> None:
    """Only the file that says what is going on was left."""
    begin(settings, backup)
    shutil.copy(settings.data / RESTORING, backup / "kept")
    run(settings, backup)
    shutil.copy(backup / "kept", settings.data / RESTORING)

    restored = run(settings, backup)

    with opened_to_read(backup) as folder:
        assert restored.rows == folder.find(None).manifest().rows
    assert not (settings.data / RESTORING).exists()


def test_a_shared_keyring_that_has_survived_stays_as_it_is(
    backup: Path, settings: Settings, tmp_path: Path
) -> None:
    """It has at least the keys that the snapshot's has; one that is lost comes from there."""
    newer, lost = tmp_path / "newer.json", tmp_path / "lost.json"
    newer.write_text("newer")
    with opened_to_write(backup) as folder:
        newest = folder.find(None)
        keyring = newest.path / "keyring.json"
        keyring.write_text("older")
        publish_again(folder, files={**newest.manifest().files, keyring.name: sha256_of(keyring)})

    kept = run(Settings(data=tmp_path / "one", kms_keyring=newer), backup)
    copied = run(Settings(data=tmp_path / "two", kms_keyring=lost), backup)

    assert (kept.keys, newer.read_text()) == (["master.key"], "newer")
    assert (copied.keys, lost.read_text()) == (["master.key", "keyring.json"], "older")
