"""Pieces of blobs as files of a folder, bounded in bytes, shared by the processes of one machine (designs/s3.md).

FOLDER/4f/4f1c…e2.0          a piece: 8 MiB of a blob, or fewer at its end; then its checksums, and the blob's size
FOLDER/4f/4f1c…e2.0.x8k2ab   one that is being written, locked by who writes it
FOLDER/used                  how many bytes all of them have at the most; locked by who adds one

Nothing is flushed: what a power cut has spoiled does not have its checksum. Everything here may wait for the disk
and is called in threads. OSErrors pass through, and leave nothing behind that counts.
"""

import fcntl
import os
import struct
import tempfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_MIB = 2**20
PIECE = 8 * _MIB
#: What has a checksum of its own, and is read at a time.
BLOCK = 256 * 1024
_CHECKSUM, _SIZE = 4, 8
#: When there is no room, so much more than is needed is made, for it means to look at every file.
_SPARE = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes from ``number * PIECE`` on of a sealed blob of ``total`` bytes."""

    key: str
    number: int
    total: int

    @property
    def length(self) -> int:
        """How many bytes it has; negative where the blob ends before it."""
        return min(PIECE, self.total - self.number * PIECE)

    @property
    def blocks(self) -> int:
        """How many checksums it has."""
        return -(-self.length // BLOCK)

    @property
    def stored_length(self) -> int:
        """The size of its file."""
        return self.length + self.blocks * _CHECKSUM + _SIZE

    def checksum(self, block: int, content: bytes) -> int:
        """CRC-32 over the name and the bytes of a block: bytes of another piece do not have it."""
        return zlib.crc32(content, zlib.crc32(f"{self.key}.{self.number}.{block}.{self.total}".encode()))


class StoredPiece:
    """A piece that is open to be read; it stays readable when its file is removed."""

    def __init__(self, piece: Piece, data: int, checksums: Sequence[int]) -> None:
        self.piece = piece
        self._data = data
        self._checksums = checksums

    def read(self, start: int, length: int) -> bytes:
        """At most ``length`` bytes of the piece; none when they cannot be read, or are not what was written."""
        block, skip = divmod(start, BLOCK)
        try:
            content = os.pread(self._data, min(BLOCK, self.piece.length - block * BLOCK), block * BLOCK)
        except OSError:
            return b""
        if self.piece.checksum(block, content) != self._checksums[block]:
            return b""
        return content[skip : skip + length]


class Draft:
    """A piece that is being written, in order."""

    def __init__(self, piece: Piece, path: Path, final: Path, data: int) -> None:
        self._piece = piece
        self._path = path
        self._final = final
        self._data = data
        self._buffer = bytearray()
        self._checksums: list[int] = []

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._buffer += chunk
        while len(self._buffer) >= BLOCK:
            self._write_block(bytes(self._buffer[:BLOCK]))
            del self._buffer[:BLOCK]

    def keep(self) -> None:
        """Let it be found from now on."""
        if self._buffer:
            self._write_block(bytes(self._buffer))
        end = struct.pack(f">{self._piece.blocks}IQ", *self._checksums, self._piece.total)
        _write(self._data, end, self._piece.length)
        self._path.replace(self._final)

    def drop(self) -> None:
        """Remove it, unless it has been kept."""
        self._path.unlink(missing_ok=True)

    def _write_block(self, content: bytes) -> None:
        block = len(self._checksums)
        _write(self._data, content, block * BLOCK)
        self._checksums.append(self._piece.checksum(block, content))


class PieceFolder:
    """Pieces below ``root``, which is made if it is absent; all of them together have at most ``capacity`` bytes.

    The ones that were not read for the longest time make room for new ones.
    """

    def __init__(self, root: Path, *, capacity: int) -> None:
        self._root = root
        self._used = root / "used"
        self._capacity = capacity
        self._is_counted = False
        _make_folder(root)

    def open(self, key: str, number: int, held: ExitStack) -> StoredPiece | None:
        """A piece, until ``held`` lets go of it; None when it is not there, or not whole."""
        path = self._path(key, number)
        try:
            data = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        held.callback(os.close, data)
        size = os.fstat(data).st_size
        end = os.pread(data, _SIZE, max(0, size - _SIZE))
        piece = Piece(key, number, int.from_bytes(end))
        if piece.length <= 0 or piece.stored_length != size:
            path.unlink(missing_ok=True)
            return None
        checksums = os.pread(data, piece.blocks * _CHECKSUM, piece.length)
        os.utime(data)  # read just now: others go first
        return StoredPiece(piece, data, struct.unpack(f">{piece.blocks}I", checksums))

    def begin(self, piece: Piece, held: ExitStack) -> Draft | None:
        """Take the room for a piece and begin to write it; None without room.

        ``held`` removes what is not kept. Folders that somebody has removed are made again.
        """
        final = self._path(piece.key, piece.number)
        for folder in (self._root, final.parent):
            _make_folder(folder)
        with self._locked() as used:
            known = os.pread(used, _SIZE, 0)
            in_use = int.from_bytes(known)
            if not (self._is_counted and known) or in_use + piece.stored_length > self._capacity:
                in_use = self._make_room(piece.stored_length)
                self._is_counted = True
            if in_use + piece.stored_length > self._capacity:
                _write(used, in_use.to_bytes(_SIZE), 0)
                return None
            data, name = tempfile.mkstemp(prefix=f"{final.name}.", dir=final.parent)
            held.callback(os.close, data)
            draft = Draft(piece, Path(name), final, data)
            held.callback(draft.drop)
            fcntl.flock(data, fcntl.LOCK_EX)
            os.posix_fallocate(data, 0, piece.stored_length)  # a full disk is told now, before anything is fetched
            _write(used, (in_use + piece.stored_length).to_bytes(_SIZE), 0)
        return draft

    def drop(self, key: str, number: int) -> None:
        """Remove a piece."""
        self._path(key, number).unlink(missing_ok=True)

    def drop_all(self, keys: Sequence[str]) -> None:
        """Remove all pieces of these blobs. What this frees counts as used until files are counted again."""
        for key in keys:
            with suppress(FileNotFoundError), os.scandir(self._root / key[:2]) as entries:
                for entry in entries:
                    if entry.name.startswith(f"{key}.") and not _is_draft(entry.name):
                        Path(entry).unlink(missing_ok=True)

    def _path(self, key: str, number: int) -> Path:
        return self._root / key[:2] / f"{key}.{number}"

    @contextmanager
    def _locked(self) -> Generator[int]:
        with ExitStack() as held:
            used = os.open(self._used, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            held.callback(os.close, used)
            fcntl.flock(used, fcntl.LOCK_EX)
            yield used

    def _make_room(self, size: int) -> int:
        """Remove what nobody writes any more, and if need be what was not read for longest; gives what is left."""
        found = sorted(self._files())
        in_use = sum(size for _, size, _ in found)
        if in_use + size <= self._capacity:
            return in_use
        enough = self._capacity - self._capacity // _SPARE - size
        for _, size_of_file, path in found:
            if in_use <= enough:
                break
            if not _is_draft(path.name):
                path.unlink(missing_ok=True)
                in_use -= size_of_file
        return in_use

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """When each file was last read or written, its size, and its path."""
        for folder in self._root.iterdir():
            if folder == self._used:
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry)
                    with suppress(FileNotFoundError):  # one that others have just kept, or removed
                        if _is_draft(entry.name) and _is_left_over(path):
                            path.unlink()
                            continue
                        status = path.lstat()
                        yield status.st_mtime_ns, status.st_size, path


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _is_draft(name: str) -> bool:
    return name.count(".") > 1


def _is_left_over(draft: Path) -> bool:
    """Whether nobody holds its lock: its writer has died."""
    with draft.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _write(data: int, content: bytes, offset: int) -> None:
    """Write all of it; a file system that takes less has no room."""
    view = memoryview(content)
    while view:
        written = os.pwrite(data, view, offset)
        view, offset = view[written:], offset + written
