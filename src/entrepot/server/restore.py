"""Restoring a registry from a backup: the keys, then the bytes, and the rows last (designs/backup.md).

As long as the rows are not there, the file ``restore.json`` in the data folder says what is going on, and no
registry starts on it. Whatever breaks off is repeated, and goes on from the bytes that are there.
"""

import asyncio
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from entrepot.core.clock import system_clock
from entrepot.features.backup.errors import BlobsDamaged, RestoreUnfinished, TargetInUse
from entrepot.metadata.blob_store import find_identity
from entrepot.metadata.copying import sqlite_snapshot
from entrepot.metadata.restoring import require_unused, restore_rows
from entrepot.operations.backup import Copied, blobs_of, copy_blobs
from entrepot.server.backup import STATEMENT_TIMEOUT, BackupProgress, key_files, usable_database
from entrepot.server.backup_folder import BackupFolder, Snapshot, opened_to_read
from entrepot.server.data_folder import RESTORING, CannotStart, claim_folder_alone
from entrepot.server.settings import Settings
from entrepot.server.wiring import RestoreTarget, opened_backup, opened_to_restore
from entrepot.storage.port import BlobStorage


class _Restore(msgspec.Struct, frozen=True):
    """What goes on: the snapshot's name and id, and the identity of the storage that is being filled."""

    snapshot: str
    id: str
    identity: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a snapshot; ``keys`` are the files with keys that were copied into the data folder."""

    snapshot: str
    rows: int
    copied: Copied
    keys: list[str]


def restore(
    settings: Settings, path: Path, *, snapshot: str | None, accept_damaged: bool, progress: BackupProgress
) -> Restored:
    """Make the registry of a snapshot, the newest by default, in a database and a storage that are empty.

    ``accept_damaged`` goes on without bytes that the backup lacks. Raises NoBackup, SnapshotNotFound,
    SnapshotDamaged, TargetNotEmpty, TargetInUse, RestoreUnfinished, BlobsDamaged, CannotStart, CopyDiffers,
    StorageFull, StorageUnavailable, MetadataUnavailable, SchemaTooNew.
    """
    with opened_to_read(path) as folder, claim_folder_alone(settings.data):
        chosen = folder.find(snapshot)
        restoring = _Restoring(settings, folder, chosen, accept_damaged=accept_damaged, progress=progress)
        return asyncio.run(restoring.run())


class _Restoring:
    def __init__(
        self,
        settings: Settings,
        folder: BackupFolder,
        snapshot: Snapshot,
        *,
        accept_damaged: bool,
        progress: BackupProgress,
    ) -> None:
        self._data = settings.data
        self._settings = settings
        self._folder = folder
        self._snapshot = snapshot
        self._accept_damaged = accept_damaged
        self._progress = progress
        self._manifest = snapshot.check_files()
        self._keys = self._keys_to_copy()

    def _keys_to_copy(self) -> dict[str, Path]:
        """Where the keys of the snapshot go. A shared keyring that has survived is newer, and stays as it is."""
        survived = self._settings.kms_keyring
        files = {name: file for name, file in key_files(self._settings).items() if name in self._manifest.keys}
        return {name: file for name, file in files.items() if file != survived or not file.exists()}

    async def run(self) -> Restored:
        async with opened_to_restore(self._settings, statement_timeout=STATEMENT_TIMEOUT) as target:
            begun = await self._begin(target)
            if (
                await target.metadata.look_up(find_identity) == begun.identity
            ):  # killed after the last step but one
                copied, rows = Copied(), self._manifest.rows
            else:
                await _identify(target.storage, begun.identity)
                async with usable_database(self._snapshot, self._data) as database:
                    copied = await self._copy_blobs(database, target.storage)
                    rows = await target.metadata.write(lambda c: self._copy_rows(database, c, begun.identity))
            _remove(self._data / RESTORING)
        return Restored(self._snapshot.name, rows, copied, list(self._keys))

    async def _begin(self, target: RestoreTarget) -> _Restore:
        """Go on with what was begun, or see that the target is empty, and take it."""
        file = self._data / RESTORING
        if file.exists():
            begun = _read(file)
            if begun.id != self._manifest.id:
                raise RestoreUnfinished(begun.snapshot)
        else:
            await target.metadata.read(require_unused)
            if (found := await target.storage.identity()) is not None:
                raise TargetInUse(f"the storage is another registry's, with the identity {found}")
            for key in self._keys.values():
                if key.exists():
                    raise TargetInUse(f"there is a file {key}")
            begun = _Restore(self._snapshot.name, self._manifest.id, secrets.token_hex(16))
            _write(file, msgspec.json.encode(begun))
        for name, key in self._keys.items():
            _write(key, (self._snapshot.path / name).read_bytes())
        return begun

    async def _copy_blobs(self, database: Path, target: BlobStorage) -> Copied:
        with opened_backup(self._folder.blobs) as source, sqlite_snapshot(database) as rows:
            copied = await copy_blobs(
                blobs_of(rows), source, target, epoch=system_clock(), progress=self._progress.blobs
            )
        if copied.damaged and not self._accept_damaged:
            first = copied.damaged[0]
            raise BlobsDamaged(len(copied.damaged), first.digest, first.reason)
        return copied

    def _copy_rows(self, database: Path, target: Connection, identity: str) -> int:
        with sqlite_snapshot(database) as source:
            return sum(each.rows for each in restore_rows(source, target, identity, self._progress.rows))


async def _identify(storage: BlobStorage, identity: str) -> None:
    found = await storage.identity()
    if found is None:
        await storage.identify(identity)
    elif found != identity:
        raise TargetInUse(f"the storage is another registry's, with the identity {found}")


def _read(file: Path) -> _Restore:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Restore)
    except (OSError, msgspec.DecodeError) as error:
        raise CannotStart(f"{file} cannot be read: {error}") from None


def _write(file: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(file)
    _flush(file.parent)


def _remove(file: Path) -> None:
    file.unlink()
    _flush(file.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
