"""Backups as commands, beside a registry that may be running or not (designs/backup.md)."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from entrepot import __version__
from entrepot.metadata.blob_store import find_identity
from entrepot.metadata.copying import (
    Progress,
    copy_database,
    count_all_rows,
    finished_sqlite,
    new_sqlite,
    sqlite_snapshot,
)
from entrepot.metadata.schema import SCHEMA_VERSION, schema_version
from entrepot.operations.backup import BlobProgress, Copied, StoredBlob, blobs_of, copy_blobs
from entrepot.operations.backup_verification import Verified
from entrepot.operations.backup_verification import verify as verify_bytes
from entrepot.operations.blob_store import check_storage
from entrepot.operations.collection import Collected
from entrepot.operations.pins import while_pinned
from entrepot.operations.services import Upkeep
from entrepot.protocol.tokens import MasterKey
from entrepot.server.backup_folder import (
    DATABASE,
    FORMAT,
    MANIFEST,
    BackupFolder,
    DamagedBlob,
    Manifest,
    Snapshot,
    opened_to_read,
    opened_to_write,
    sha256_of,
)
from entrepot.server.data_folder import CannotStart
from entrepot.server.keys import MASTER_KEY, ROOT_KEY
from entrepot.server.settings import Settings
from entrepot.server.wiring import keyring_path, migrate_file, opened_backup, opened_for_sweeping, opened_snapshot
from entrepot.storage.port import StorageFull

#: Seconds that one statement may take here: nobody waits for it.
STATEMENT_TIMEOUT = 3600.0


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """Whom to tell how far a command has come: of a table's rows, and of all blobs."""

    rows: Progress
    blobs: BlobProgress


@dataclass(frozen=True, slots=True)
class Created:
    """A new snapshot; ``settings`` hold keys that are in no file, and so not in it."""

    snapshot: str
    manifest: Manifest
    copied: Copied
    settings: list[str]


def create(settings: Settings, path: Path, *, with_keys: bool, progress: BackupProgress) -> Created:
    """Make a snapshot, and copy the bytes that the backup does not have yet; the registry may run meanwhile.

    What breaks off leaves no snapshot, and the next one goes on from the bytes that are copied. Raises NoBackup,
    CannotStart, PinExpired, CopyDiffers, StorageUnavailable, WrongStorage, SchemaTooOld, SchemaTooNew,
    MetadataUnavailable.
    """

    async def run(folder: BackupFolder) -> Created:
        uncached = replace(settings, s3_cache=None)  # what counts is what is in the bucket
        async with opened_for_sweeping(uncached, Collected(), statement_timeout=STATEMENT_TIMEOUT) as services:
            await check_storage(services.metadata, services.storage)
            draft = folder.draft(services.clock())
            creation = _Creation(services, folder, draft, settings, with_keys=with_keys, progress=progress)
            manifest, copied = await while_pinned(services, f"backup {draft.stem}", creation.fill)
            snapshot = folder.publish(draft, manifest)
            return Created(snapshot.name, manifest, copied, _settings_with_keys(settings))

    with opened_to_write(path, make=True) as folder:
        try:
            return asyncio.run(run(folder))
        except StorageFull:
            raise CannotStart(f"there is no room left for the backup {path}") from None
        except (OSError, DBAPIError) as error:
            raise CannotStart(f"the backup {path} cannot be written: {error}") from error


class _Creation:
    """Fills the folder of one snapshot."""

    def __init__(
        self,
        services: Upkeep,
        folder: BackupFolder,
        draft: Path,
        settings: Settings,
        *,
        with_keys: bool,
        progress: BackupProgress,
    ) -> None:
        self._services = services
        self._folder = folder
        self._draft = draft
        self._settings = settings
        self._with_keys = with_keys
        self._progress = progress

    async def fill(self) -> tuple[Manifest, Copied]:
        """The rows, then the keys that they need, then the bytes that they name."""
        rows = await self._services.metadata.read(self._copy_rows)
        keys = self._copy_keys()
        with finished_sqlite(self._draft / DATABASE) as snapshot:
            copied = await self._copy_blobs(blobs_of(snapshot))
            storage = find_identity(snapshot)
        manifest = Manifest(
            format=FORMAT,
            id=secrets.token_hex(16),
            entrepot=__version__,
            schema_version=SCHEMA_VERSION,
            storage=storage,
            rows=rows,
            blobs=copied.blobs,
            bytes=copied.bytes,
            files={name: sha256_of(self._draft / name) for name in (DATABASE, *keys)},
            damaged=[DamagedBlob(each.digest, each.storage_key, each.reason) for each in copied.damaged],
        )
        return manifest, copied

    def _copy_rows(self, source: Connection) -> int:
        path = self._draft / DATABASE
        path.unlink(missing_ok=True)  # a lost connection lets this begin again
        with new_sqlite(path) as target:
            copied = copy_database(source, target, self._progress.rows)
        path.chmod(0o600)
        return sum(each.rows for each in copied)

    def _copy_keys(self) -> list[str]:
        """After the rows: so no row names a KMS key that was made after the copy."""
        files = key_files(self._settings) if self._with_keys else {}
        there = [name for name, file in files.items() if file.exists()]
        for name in there:
            (self._draft / name).touch(mode=0o600)
            shutil.copyfile(files[name], self._draft / name)
        return there

    async def _copy_blobs(self, blobs: Iterator[StoredBlob]) -> Copied:
        with opened_backup(self._folder.blobs) as target:
            now = self._services.clock()
            return await copy_blobs(
                blobs, self._services.storage, target, epoch=now, progress=self._progress.blobs
            )


def key_files(settings: Settings) -> dict[str, Path]:
    """Where an installation keeps its keys, by the names that they have in a snapshot."""
    data = settings.data
    keyring = keyring_path(data)
    return {
        MASTER_KEY: data / MASTER_KEY,
        ROOT_KEY: data / ROOT_KEY,
        keyring.name: settings.kms_keyring or keyring,
    }


def _settings_with_keys(settings: Settings) -> list[str]:
    given = {"master_key": settings.master_key, "secret_access_key": settings.secret_access_key}
    return [name for name, value in given.items() if value is not None]


@dataclass(frozen=True, slots=True)
class Listed:
    """A snapshot and what is in it."""

    snapshot: str
    manifest: Manifest


def list_snapshots(path: Path) -> list[Listed]:
    """The whole snapshots of a backup, the oldest first; raises NoBackup, CannotStart, SnapshotDamaged."""
    with opened_to_read(path) as folder:
        return [Listed(each.name, each.manifest()) for each in folder.snapshots()]


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which snapshots were removed, and how many blobs and bytes with them."""

    snapshots: list[str]
    blobs: int
    bytes: int


def prune(path: Path, *, keep: int) -> Pruned:
    """Remove all but the newest snapshots, then the bytes that none of these names.

    May be killed anywhere: what is left over then is removed by the next one. Raises NoBackup, CannotStart, and
    SnapshotDamaged before anything is removed if one that is kept is not what was written.
    """
    with opened_to_write(path) as folder:
        snapshots = folder.snapshots()
        gone, kept = snapshots[:-keep], snapshots[-keep:]
        try:
            blobs, size = folder.drop_all_but(kept)
        except (OSError, DBAPIError) as error:
            raise CannotStart(f"the backup {path} cannot be pruned: {error}") from error
        return Pruned([each.name for each in gone], blobs, size)


@dataclass(frozen=True, slots=True)
class VerifiedSnapshot:
    """What was found in a snapshot."""

    snapshot: str
    manifest: Manifest
    verified: Verified


def verify(settings: Settings, path: Path, *, snapshot: str | None, progress: BlobProgress) -> VerifiedSnapshot:
    """Compare all that a snapshot has with what its rows say, the newest by default.

    Keys are those in the snapshot and of the settings. Raises NoBackup, CannotStart, SnapshotNotFound,
    SnapshotDamaged, SchemaTooNew.
    """

    async def run(folder: BackupFolder) -> VerifiedSnapshot:
        chosen = folder.find(snapshot)
        manifest = chosen.check_files()
        async with (
            usable_database(chosen) as database,
            opened_snapshot(
                settings,
                database,
                folder.blobs,
                master=_master_key(settings, chosen),
                keyring=keyring_path(chosen.path),
            ) as services,
        ):
            with sqlite_snapshot(database) as rows:
                _check_numbers(chosen, manifest, rows)
                verified = await verify_bytes(services, blobs_of(rows), progress)
        return VerifiedSnapshot(chosen.name, manifest, verified)

    with opened_to_read(path) as folder:
        return asyncio.run(run(folder))


def _check_numbers(snapshot: Snapshot, manifest: Manifest, rows: Connection) -> None:
    """Compare the manifest with the rows themselves; ``rows`` are those in this version's schema.

    Raises SnapshotDamaged.
    """
    lost = {each.storage_key for each in manifest.damaged}
    blobs, size = 0, 0
    for each in blobs_of(rows):
        blobs += 1
        size += (each.stored_size or 0) if each.key not in lost else 0
    with finished_sqlite(snapshot.path / DATABASE) as written:
        found = {
            "schema_version": schema_version(written),
            "storage": find_identity(rows),
            "rows": count_all_rows(written),
            "blobs": blobs,
            "bytes": size,
        }
    for name, value in found.items():
        if (said := getattr(manifest, name)) != value:
            raise snapshot.damaged(MANIFEST, f"{name} is {said}, and {value} by the rows")


def _master_key(settings: Settings, snapshot: Snapshot) -> MasterKey | None:
    if (given := settings.given_master_key) is not None:
        return MasterKey(given)
    path = snapshot.path / MASTER_KEY
    return MasterKey(path.read_bytes()) if path.exists() else None


@asynccontextmanager
async def usable_database(snapshot: Snapshot, beside: Path | None = None) -> AsyncGenerator[Path]:
    """A copy of a snapshot's database in this version's schema, for as long as the block runs.

    It is in a temporary folder, in that ``beside`` or the system's. Raises SchemaTooNew.
    """
    with TemporaryDirectory(prefix="entrepot-snapshot-", dir=beside) as folder:
        path = Path(shutil.copyfile(snapshot.path / DATABASE, Path(folder) / DATABASE))
        await migrate_file(path)
        yield path
