"""A backup's folder: its snapshots, the bytes that they share, and who may use it when.

    BACKUP/entrepot-backup.json       says that this is one, and is locked: alone to write, together to read
    BACKUP/blobs/4f/4f1c…e2           bytes as the registry stores them, laid out as in its data folder
    BACKUP/snapshots/NAME/            a whole snapshot: it is renamed to this when everything in it is durable
        metadata.db                   the rows, in SQLite; they say which bytes the snapshot needs
        master.key, …                 keys of the data folder
        manifest.json                 what is in it, with a SHA-256 of each of these files
        manifest.json.sha256          its own, as sha256sum writes it
    BACKUP/snapshots/NAME.new         one that is being made, or was when its process was killed

Names are times in UTC, so they are in order. Nothing in a snapshot changes once it has its name.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path

import msgspec

from entrepot.features.backup.errors import NoBackup, SnapshotDamaged, SnapshotNotFound
from entrepot.metadata.copying import finished_sqlite
from entrepot.operations.backup import keys_of
from entrepot.server.data_folder import CannotStart
from entrepot.server.keys import MASTER_KEY, ROOT_KEY
from entrepot.server.wiring import keyring_path

FORMAT = 1
DATABASE, MANIFEST = "metadata.db", "manifest.json"

_MARKER, _CHECKSUM = "entrepot-backup.json", "manifest.json.sha256"
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
        return [name for name in self.files if name != DATABASE]


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
        content = self._read(MANIFEST)
        if self._read(_CHECKSUM) != _checksum_of(content):
            raise self.damaged(MANIFEST, f"its content is not what was written, by {_CHECKSUM}")
        try:
            manifest = msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError as error:
            raise self.damaged(MANIFEST, str(error)) from None
        if manifest.format != FORMAT:
            raise self.damaged(MANIFEST, f"its format is {manifest.format}, and this release knows {FORMAT}")
        known = {DATABASE, MASTER_KEY, ROOT_KEY, keyring_path(self.path).name}
        if not {DATABASE} <= manifest.files.keys() <= known:
            raise self.damaged(MANIFEST, f"it names other files than {', '.join(sorted(known))}")
        return manifest

    def check_files(self) -> Manifest:
        """Compare every file with the manifest, which is given; raises SnapshotDamaged."""
        manifest = self.manifest()
        for name, expected in manifest.files.items():
            try:
                found = sha256_of(self.path / name)
            except OSError as error:
                raise self.damaged(name, error.strerror or str(error)) from None
            if found != expected:
                raise self.damaged(name, "its content is not what was written")
        return manifest

    def damaged(self, file: str, reason: str) -> SnapshotDamaged:
        """What is to be raised of one of its files."""
        return SnapshotDamaged(f"{self.name}/{file}", reason)

    def _read(self, file: str) -> bytes:
        try:
            return (self.path / file).read_bytes()
        except OSError as error:
            raise self.damaged(file, error.strerror or str(error)) from None


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
        content = msgspec.json.format(msgspec.json.encode(manifest))
        (draft / MANIFEST).write_bytes(content)
        (draft / _CHECKSUM).write_bytes(_checksum_of(content))
        for file in draft.iterdir():
            _flush(file)
        _flush(draft)
        path = draft.with_suffix("")
        draft.rename(path)
        _flush(self._snapshots)
        return Snapshot(path)

    def drop_all_but(self, kept: Sequence[Snapshot]) -> tuple[int, int]:
        """Remove the other snapshots, then bytes that none of ``kept`` names; how many blobs and bytes these were.

        Nothing goes unless every file of ``kept`` is what was written; raises SnapshotDamaged, DBAPIError.
        """
        for snapshot in kept:
            snapshot.check_files()
        with ExitStack() as opened:
            databases = [opened.enter_context(finished_sqlite(each.path / DATABASE)) for each in kept]
            named = merge(*map(keys_of, databases))
            first = next(named, None)  # all of them can be read: only now may anything go
            for snapshot in self.snapshots():
                if snapshot not in kept:
                    self._drop(snapshot)
            return self._drop_blobs_but(first, named)

    def _drop(self, snapshot: Snapshot) -> None:
        """Remove a snapshot, not its bytes; it is no whole one any more before anything in it goes."""
        gone = snapshot.path.rename(snapshot.path.with_name(snapshot.name + _GONE))
        _flush(self._snapshots)
        shutil.rmtree(gone)

    def drop_remains(self) -> None:
        """Remove what is left of snapshots that were being made, or removed, when a process was killed."""
        for path in self._snapshots.iterdir():
            if path.name.endswith((_NEW, _GONE)):
                shutil.rmtree(path)

    def _drop_blobs_but(self, next_named: str | None, named: Iterator[str]) -> tuple[int, int]:
        """Remove bytes that are not named; the keys are in order, which the walk needs."""
        blobs, size = 0, 0
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


def _checksum_of(manifest: bytes) -> bytes:
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


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
