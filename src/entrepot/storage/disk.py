"""Files on a disk as the filesystem driver makes, fences, seals and removes them.

Everything here may wait for the disk and is called in threads. OSErrors pass through.
"""

import errno
import os
import re
import stat
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from entrepot.core.digest import Hasher
from entrepot.storage.fence import Fence
from entrepot.storage.openat2 import open_in_memory
from entrepot.storage.port import BlobDamaged, Fenced, StorageUnavailable, StoredObject
from entrepot.storage.room import Room

_Bytes = bytes | memoryview
_KEY = re.compile(r"[0-9a-f]{32}")
_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW
_VECTORS = os.sysconf("SC_IOV_MAX")
#: What ``check`` writes: one byte, over and over.
_PROBE = b"."
_CHECK, _IDENTITY, _LONGEST_IDENTITY = "check", "identity", 64
#: What lies in the root beside the folders of blobs.
_OWN_FILES = {_CHECK, _IDENTITY, f"{_IDENTITY}.new"}
_FOLDER = re.compile(r"[0-9a-f]{2}")
_FENCE = ".fence"
#: preadv2(2): read only what is in the system's memory. 0 where there is no such question.
_NOWAIT: int = getattr(os, "RWF_NOWAIT", 0)


class Disk:
    """The files under the root: how they are made, fenced, sealed and removed.

    The root may be a symbolic link, which whoever installs the registry has put there; nothing below it may.
    """

    def __init__(self, root: Path, *, sync: bool, reserve: int) -> None:
        make_folder(root, sync=sync)
        self._root = root.resolve()
        self._sync = sync
        self.room = Room(self._root, reserve)
        self._durable_folders: set[Path] = set()

    def path(self, key: str) -> Path:
        """As ``file``, for what has more to do than to read."""
        return Path(self.file(key))

    def file(self, key: str) -> str:
        """Where ``key`` lives. ValueError for what is no key, so that nothing leads out of the root."""
        if _KEY.fullmatch(key) is None:
            message = "a storage key is 32 lower case hexadecimal digits"
            raise ValueError(message)
        return f"{self._root}/{key[:2]}/{key}"

    def open_to_write(self, path: Path, offset: int, epoch: int, hasher: Hasher, held: ExitStack) -> "OpenFile":
        """Open ``path`` for the writer with ``epoch``; what is opened is closed by ``held``."""
        self.room.require()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        fence = held.enter_context(Fence(_fence_of(path)))
        with fence.locked():
            fence.admit(epoch)
            size, sealed = _state(path)
            if sealed:
                fence.shut()
                raise Fenced
            if size < offset:
                raise BlobDamaged(f"{size} of {offset} bytes are there")
            data = _open(path, os.O_WRONLY | os.O_CREAT, held)
        return OpenFile(self, path, data, fence, offset, epoch, hasher)

    def seal(self, path: Path, size: int, epoch: int) -> None:
        """Cut, close and flush the file, then its name. Repeating it flushes again."""
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with Fence(_fence_of(path)) as fence, fence.locked():
            there, sealed = _state(path)
            if not sealed:
                fence.admit(epoch)
            if there < size:
                raise BlobDamaged(f"{there} of {size} bytes are there")
            if sealed and there > size:
                raise Fenced
            self._seal_file(path, size, sealed=sealed)
            fence.shut()
        self.flush_name(path)

    def _seal_file(self, path: Path, size: int, *, sealed: bool) -> None:
        """A file that is sealed already is flushed again: whoever sealed it may not have lived to do so."""
        with ExitStack() as held:
            data = _open(path, os.O_RDONLY if sealed else os.O_RDWR | os.O_CREAT, held)
            if not sealed:
                os.ftruncate(data, size)
                os.fchmod(data, stat.S_IRUSR)
            self.flush(data)

    def delete(self, path: Path) -> None:
        """Remove the file and its fence for good."""
        # The file goes first. A writer that comes meanwhile makes its fence before its file, so a file that
        # is taken away under it here has a fence to be found below.
        path.unlink(missing_ok=True)
        try:
            fence = Fence(_fence_of(path), make=False)
        except FileNotFoundError:
            pass
        else:
            with fence, fence.locked():
                path.unlink(missing_ok=True)
                fence.shut()
        if path.parent.exists():
            self._flush_folder(path.parent)

    def check(self) -> None:
        """Write a byte and read it back."""
        self.room.require()
        with ExitStack() as held:
            probe = _open(self._root / _CHECK, os.O_RDWR | os.O_CREAT, held)
            os.pwrite(probe, _PROBE, 0)
            if os.pread(probe, len(_PROBE), 0) != _PROBE:
                raise StorageUnavailable("a byte that was written is not read back")

    def identity(self) -> str | None:
        """What is in the file of that name; None when there is none."""
        path = self._root / _IDENTITY
        return path.read_text("ascii", "replace")[:_LONGEST_IDENTITY] if path.exists() else None

    def identify(self, identity: str) -> None:
        """Write the file, whole or not at all."""
        self.room.require()
        path, draft = self._root / _IDENTITY, self._root / f"{_IDENTITY}.new"
        with ExitStack() as held:
            data = _open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, held)
            _write_all(data, [identity.encode()], 0)
            self.flush(data)
        draft.replace(path)
        self._flush_folder(self._root)

    def folders(self, after: str) -> list[str]:
        """The folders that may hold something behind ``after``, a path below the root, and first '', the root."""
        found = sorted(entry.name for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False))
        return ["", *(name for name in found if _FOLDER.fullmatch(name) and name >= after[:2])]

    def objects_in(self, folder: str, after: str) -> list[StoredObject]:
        """What is in a folder, by name, after ``after``; a fence counts only where it has no file."""
        with os.scandir(self._root / folder) as entries:
            sizes = {entry.name: _size(entry) for entry in entries if not (folder == "" and _is_own(entry))}
        named = {f"{folder}/{name}" if folder else name: name for name in sizes}
        return [
            StoredObject(path, _key_of(folder, name), sizes[name], of_upload=name.endswith(_FENCE))
            for path, name in sorted(named.items())
            if path > after and not (name.endswith(_FENCE) and name.removesuffix(_FENCE) in sizes)
        ]

    def remove(self, path: Path, *, is_fence: bool) -> None:
        """Remove the file with its fence, or the fence alone."""
        if not is_fence:
            self.delete(path)
            return
        _fence_of(path).unlink(missing_ok=True)
        self._flush_folder(path.parent)

    def flush(self, data: int) -> None:
        """Make the bytes, the size and the mode of a file durable."""
        if self._sync:
            os.fsync(data)

    def flush_bytes(self, data: int) -> None:
        """Make the bytes and the size of a file durable."""
        if self._sync:
            os.fdatasync(data)

    def flush_name(self, path: Path) -> None:
        """Make the name of ``path`` durable, and that of its folder if this process has not done so yet."""
        self._flush_folder(path.parent)
        if path.parent not in self._durable_folders:
            self._flush_folder(self._root)
            self._durable_folders.add(path.parent)

    def _flush_folder(self, folder: Path) -> None:
        if self._sync:
            _flush_folder(folder)


class OpenFile:
    """A file that one writer appends to, as long as no newer one has passed its fence."""

    def __init__(
        self, disk: Disk, path: Path, data: int, fence: Fence, offset: int, epoch: int, hasher: Hasher
    ) -> None:
        self._disk = disk
        self._path = path
        self._data = data
        self._fence = fence
        self._begin = self._offset = offset
        self._epoch = epoch
        self._hasher = hasher
        self._has_durable_name = offset > 0  # bytes are committed only after a sync

    def append(self, chunks: Sequence[bytes]) -> None:
        """Write the chunks, then hash them while they are still in the processor's cache."""
        self._disk.room.require()
        with self._fence.locked():
            self._fence.admit(self._epoch)
            self._offset = _write_all(self._data, chunks, self._offset)
        for chunk in chunks:
            self._hasher.update(chunk)

    def discard(self) -> None:
        """Give back the room of what was written since the file was opened; a fenced writer leaves it alone."""
        with suppress(Fenced), self._fence.locked():
            self._fence.admit(self._epoch)
            os.ftruncate(self._data, self._begin)

    def sync(self) -> None:
        """Make what was written durable, and where it is the file's first bytes, its name."""
        self._disk.flush_bytes(self._data)
        if not self._has_durable_name:
            self._disk.flush_name(self._path)
            self._has_durable_name = True


def _is_own(entry: os.DirEntry[str]) -> bool:
    return entry.name in _OWN_FILES or (entry.is_dir() and _FOLDER.fullmatch(entry.name) is not None)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # it has gone since
        return 0


def _key_of(folder: str, name: str) -> str | None:
    """The storage key that a file belongs to, if the registry has made it."""
    key = name.removesuffix(_FENCE)
    return key if folder and _KEY.fullmatch(key) and key[:2] == folder else None


def make_folder(path: Path, *, sync: bool = True) -> None:
    """Make a folder, and those above it that are missing, for their owner alone. Raises OSError.

    With ``sync`` their names survive a power cut.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        if sync:
            _flush_folder(folder.parent.resolve())


def _flush_folder(folder: Path) -> None:
    with ExitStack() as held:
        os.fsync(_open(folder, os.O_RDONLY | os.O_DIRECTORY, held))


def _fence_of(path: Path) -> Path:
    return path.with_suffix(_FENCE)


def _state(path: Path) -> tuple[int, bool]:
    """The size of a file and whether it is sealed; an absent one is empty and is not."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0, False
    return status.st_size, not status.st_mode & stat.S_IWUSR


def _open(path: Path | str, flags: int, held: ExitStack) -> int:
    descriptor = os.open(path, flags | _ALWAYS, 0o600)
    held.callback(os.close, descriptor)
    return descriptor


def open_to_read(path: str, end: int, held: ExitStack) -> int:
    """Open a file; raises BlobDamaged unless ``end`` bytes are there."""
    try:
        data = _open(path, os.O_RDONLY, held)
    except FileNotFoundError:
        raise BlobDamaged("they are missing") from None
    return _of_size(data, end)


def open_cached(path: str, end: int, held: ExitStack) -> int | None:
    """As ``open_to_read`` without waiting for the disk; None where that cannot be, or there is no such file."""
    data = open_in_memory(path)
    if data is None:
        return None
    held.callback(os.close, data)
    return _of_size(data, end)


def _of_size(data: int, end: int) -> int:
    size = os.fstat(data).st_size
    if size < end:
        raise BlobDamaged(f"{size} of {end} are there")
    return data


def read_at(data: int, position: int, length: int) -> bytes:
    """At least one byte and at most ``length`` bytes."""
    try:
        chunk = os.pread(data, length, position)
    except OSError as error:
        raise BlobDamaged(os.strerror(error.errno or errno.EIO)) from error
    if not chunk:
        raise BlobDamaged("they end early")
    return chunk


def read_cached(data: int, position: int, room: memoryview) -> bytes:
    """What can be had without waiting for the disk, at most what ``room`` holds; b"" when that is nothing.

    ``room`` is written over. It never waits, so it needs no thread. What cannot be read is found by ``read_at``.
    """
    if not _NOWAIT:
        return b""
    with suppress(OSError):  # EAGAIN above all, and EOPNOTSUPP where the file system cannot tell
        return bytes(room[: os.preadv(data, [room], position, _NOWAIT)])
    return b""


def _write_all(data: int, chunks: Sequence[_Bytes], offset: int) -> int:
    """Write the chunks from ``offset`` on and return the offset behind them."""
    while chunks:
        written = os.pwritev(data, chunks[:_VECTORS], offset)
        offset += written
        chunks = unwritten(chunks, written)
    return offset


def unwritten(chunks: Sequence[_Bytes], written: int) -> Sequence[_Bytes]:
    """What is left of the chunks when ``written`` bytes of them are done, without copying any."""
    for position, chunk in enumerate(chunks):
        if written < len(chunk):
            return [memoryview(chunk)[written:], *chunks[position + 1 :]]
        written -= len(chunk)
    return ()
