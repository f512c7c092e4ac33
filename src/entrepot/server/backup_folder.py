"""A backup's folder: its snapshots, the bytes that they share, and who may use it when.

    BACKUP/entrepot-backup.json       says that this is one, and is locked: alone to write, together to read
    BACKUP/blobs/4f/4f1c…e2           bytes as the registry stores them, laid out as in its data folder
    BACKUP/snapshots/NAME/            a whole snapshot: it is renamed to this when everything in it is durable
        metadata.db  blobs            the rows, in SQLite; and the storage keys that they name, a line each
        master.key, …                 keys of the data folder
        manifest.json                 what is in it, with a SHA-256 of each of these files
    BACKUP/snapshots/NAME.new         one that is being made, or was when its process was killed

Names are times in UTC, so they are in order. Nothing in a snapshot changes once it has its name.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path

import msgspec

from entrepot.features.backup.errors import NoBackup, SnapshotDamaged, SnapshotNotFound
from entrepot.server.data_folder import CannotStart

FORMAT = 1
DATABASE, BLOB_LIST = "metadata.db", "blobs"

_MARKER, _MANIFEST = "entrepot-backup.json", "manifest.json"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")
_NEW, _GONE = ".new", ".gone"
_KEY_LENGTH = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Marker(msgspec.Struct):
    format: int


class DamagedBlob(msgspec.Struct, frozen=True):
    """A layer whose bytes the registry itself had lost when the snapshot was made."""

    digest: str
    storage_key: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot has. ``bytes`` are those of its blobs, as stored; ``files`` has a SHA-256 by name.

    ``storage`` is the identity of the storage that the blobs were in, ``entrepot`` the version that made it.
    """

    format: int
    id: str
    entrepot: str
    schema_version: int
    storage: str | None
    rows: int
    blobs: int
    bytes: int
    files: dict[str, str]
    damaged: list[DamagedBlob]

    @property
    def keys(self) -> list[str]:
        """The files with keys."""
        return [name for name in self.files if name not in {DATABASE, BLOB_LIST}]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole snapshot."""

    path: Path

    @property
    def name(self) -> str:
        """When it was made."""
        return self.path.name

    def manifest(self) -> Manifest:
        """What is in it; raises SnapshotDamaged."""
        try:
            manifest = msgspec.json.decode((self.path / _MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError) as error:
            raise SnapshotDamaged(_MANIFEST, str(error)) from None
        if manifest.format != FORMAT:
            raise SnapshotDamaged(_MANIFEST, f"its format is {manifest.format}, and this release knows {FORMAT}")
        return manifest

    def check_files(self) -> Manifest:
        """Compare every file with the manifest, which is given; raises SnapshotDamaged."""
        manifest = self.manifest()
        for name, expected in manifest.files.items():
            try:
                found = sha256_of(self.path / name)
            except OSError as error:
                raise SnapshotDamaged(name, error.strerror or str(error)) from None
            if found != expected:
                raise SnapshotDamaged(name, "its content is not what was written")
        return manifest

    def blob_keys(self) -> Iterator[str]:
        """The storage keys of its blobs, in order."""
        with (self.path / BLOB_LIST).open() as lines:
            yield from map(str.rstrip, lines)


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """A backup that is locked for as long as this is used."""

    path: Path

    @property
    def blobs(self) -> Path:
        """Where the bytes are."""
        return self.path / "blobs"

    @property
    def _snapshots(self) -> Path:
        return self.path / "snapshots"

    def snapshots(self) -> list[Snapshot]:
        """Those that are whole, the oldest first."""
        found = [path for path in self._snapshots.iterdir() if _NAME.fullmatch(path.name)]
        return [Snapshot(path) for path in sorted(found)]

    def find(self, name: str | None) -> Snapshot:
        """A snapshot by its name, None for the newest; raises SnapshotNotFound."""
        found = [each for each in self.snapshots() if name in {None, each.name}]
        if not found:
            raise SnapshotNotFound(name or "at all")
        return found[-1]

    def draft(self, now: int) -> Path:
        """An empty folder for a snapshot of this time, in microseconds."""
        name = (_EPOCH + timedelta(microseconds=now)).strftime("%Y%m%dT%H%M%S.%fZ")
        path = self._snapshots / f"{name}{_NEW}"
        path.mkdir(mode=0o700)
        return path

    def publish(self, draft: Path, manifest: Manifest) -> Snapshot:
        """Make a snapshot of a draft whose files are written; it is whole and durable then."""
        (draft / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        for file in draft.iterdir():
            _flush(file)
        _flush(draft)
        path = draft.with_suffix("")
        draft.rename(path)
        _flush(self._snapshots)
        return Snapshot(path)

    def drop(self, snapshot: Snapshot) -> None:
        """Remove a snapshot, not its bytes; it is no whole one any more before anything in it goes."""
        gone = snapshot.path.rename(snapshot.path.with_name(snapshot.name + _GONE))
        _flush(self._snapshots)
        shutil.rmtree(gone)

    def drop_remains(self) -> None:
        """Remove what is left of snapshots that were being made, or removed, when a process was killed."""
        for path in self._snapshots.iterdir():
            if path.name.endswith((_NEW, _GONE)):
                shutil.rmtree(path)

    def drop_unnamed_blobs(self) -> tuple[int, int]:
        """Remove bytes that no whole snapshot names; how many blobs and bytes these were."""
        blobs, size = 0, 0
        named = merge(*(snapshot.blob_keys() for snapshot in self.snapshots()))
        next_named = next(named, None)
        for file in self._stored():
            key = file.name[:_KEY_LENGTH]
            while next_named is not None and next_named < key:
                next_named = next(named, None)
            if key != next_named:
                size += file.stat().st_size
                blobs += len(file.name) == _KEY_LENGTH  # the others are fences of blobs that were being copied
                file.unlink()
        return blobs, size

    def _stored(self) -> Iterator[Path]:
        """All files of bytes, in the order of their keys."""
        for folder in sorted(self.blobs.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(folder.iterdir())


@contextmanager
def opened_to_write(path: Path, *, make: bool = False) -> Generator[BackupFolder]:
    """Use a backup alone, made in an empty folder on demand; raises NoBackup, CannotStart."""
    if make and not (path / _MARKER).exists():
        with _said_in_a_line(path):
            _make(path)
    with _locked(path, os.O_RDWR, fcntl.LOCK_EX):
        folder = BackupFolder(path)
        with _said_in_a_line(path):
            folder.drop_remains()
        yield folder


@contextmanager
def opened_to_read(path: Path) -> Generator[BackupFolder]:
    """Use a backup beside others that only read it; raises NoBackup, CannotStart."""
    with _locked(path, os.O_RDONLY, fcntl.LOCK_SH):
        yield BackupFolder(path)


@contextmanager
def _said_in_a_line(path: Path) -> Generator[None]:
    try:
        yield
    except BlockingIOError:
        raise CannotStart(f"the backup {path} is in use by another command") from None
    except OSError as error:
        raise CannotStart(f"the backup {path} cannot be used: {error.strerror or error}") from error


def _make(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if {each.name for each in path.iterdir()} - {"blobs", "snapshots", _MARKER + _NEW}:
        raise NoBackup(str(path), "it has other files, and a new backup is made in an empty folder")
    path.chmod(0o700)
    for name in ("blobs", "snapshots"):
        (path / name).mkdir(mode=0o700, exist_ok=True)
    draft = path / (_MARKER + _NEW)
    draft.write_bytes(msgspec.json.encode(_Marker(FORMAT)))
    _flush(draft)
    draft.rename(path / _MARKER)
    _flush(path)
    _flush(path.parent)


@contextmanager
def _locked(path: Path, flags: int, lock: int) -> Generator[None]:
    if not (path / _MARKER).exists():
        raise NoBackup(str(path), f"it has no file {_MARKER}")
    with _said_in_a_line(path):
        marker = os.open(path / _MARKER, flags | os.O_CLOEXEC)
    try:
        _check_format(path, os.pread(marker, 1024, 0))
        with _said_in_a_line(path):
            fcntl.flock(marker, lock | fcntl.LOCK_NB)
        yield
    finally:
        os.close(marker)


def _check_format(path: Path, marker: bytes) -> None:
    try:
        found = msgspec.json.decode(marker, type=_Marker).format
    except msgspec.DecodeError as error:
        raise NoBackup(str(path), f"{_MARKER} cannot be read: {error}") from None
    if found != FORMAT:
        raise NoBackup(str(path), f"its format is {found}, and this release knows {FORMAT}")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Make a file or a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
