"""A power cut at every moment of a push: what was promised by then must survive.

kill -9 proves nothing about fsync, since the kernel keeps what the process wrote. So the real system calls of a
push are recorded (strace) and replayed on a model of a disk that forgets, at the cut, everything no fsync covers:
bytes and sizes of files that were not flushed, and names whose folder was not. `tests/crash` does the same with a
whole registry.
"""

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.crash.system_calls import Call, parse, record

RECORDED_PUSH = Path(__file__).with_name("recorded_push.py")
#: What every promise on stdout begins with.
MARK = "promise: "


@dataclass
class File:
    """Bytes stand for the call that wrote them: equal numbers, equal content."""

    content: bytearray = field(default_factory=bytearray)
    mode: int = 0o600
    durable: tuple[bytes, int] = (b"", 0)


@dataclass(frozen=True)
class Promise:
    """``sealed`` or ``synced``, and the content that was promised."""

    word: str
    path: Path
    content: bytes


class ForgetfulDisk:
    """The files as processes see them, and what of them would be left after a power cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[Path, File] = {}
        self.durable_names: dict[Path, File] = {}
        self.promises: dict[Path, Promise] = {}
        self.writes = 0

    def apply(self, call: Call) -> None:
        """Let the call take effect."""
        match call.name:
            case "mkdir":
                self.names[call.path] = File()
            case "openat" if "O_CREAT" in call.arguments:
                self.names.setdefault(call.path, File())
            case "unlink":
                del self.names[call.path]
            case "pwrite64" | "pwritev" | "pwritev2":
                self.write(self.names[call.path], call.number(), call.result)
            case "ftruncate":
                self.truncate(self.names[call.path], call.number())
            case "fchmod":
                self.names[call.path].mode = call.number()
            case "fdatasync" | "fsync":
                self.flush(call)
            case "write":
                self.promise(call.arguments)
            case _:
                assert call.name == "openat", call

    def write(self, file: File, offset: int, length: int) -> None:
        """Bytes of a call of their own."""
        self.writes += 1
        file.content[offset : offset + length] = bytes([self.writes]) * length

    def truncate(self, file: File, size: int) -> None:
        """The driver only ever cuts."""
        assert size <= len(file.content)
        del file.content[size:]

    def flush(self, call: Call) -> None:
        """A folder's names become durable, or a file's bytes and size, and with fsync its mode."""
        children = {path: file for path, file in self.names.items() if path.parent == call.path}
        gone = [path for path in self.durable_names if path.parent == call.path and path not in children]
        for path in gone:
            del self.durable_names[path]
        self.durable_names |= children
        if call.path in self.names:
            file = self.names[call.path]
            mode = file.mode if call.name == "fsync" else file.durable[1]
            file.durable = (bytes(file.content), mode)

    def promise(self, written: str) -> None:
        """From here on a client may count on it."""
        if told := re.search(rf'"{MARK}(synced|sealed) ([0-9a-f]{{32}}) (\d+)"', written):
            path = self.root / told[2][:2] / told[2]
            content = bytes(self.names[path].content[: int(told[3])])
            assert len(content) == int(told[3])
            self.promises[path] = Promise(told[1], path, content)

    def broken_promises(self) -> set[Promise]:
        """What a power cut would break at this moment."""
        return {promise for promise in self.promises.values() if not self.keeps(promise)}

    def keeps(self, promise: Promise) -> bool:
        """A sealed blob survives as it is; of an upload, the bytes that were synced."""
        survivor = self.survivor(promise.path)
        if survivor is None:
            return False
        if promise.word == "sealed":
            return survivor.durable == (promise.content, 0o400)
        return survivor.durable[0].startswith(promise.content)

    def survivor(self, path: Path) -> File | None:
        """The file that would be found at ``path``: its name and every folder's above it are durable."""
        folders = [folder for folder in path.parents if folder in self.names]
        if all(folder in self.durable_names for folder in folders):
            return self.durable_names.get(path)
        return None


def broken_by_a_power_cut(calls: Iterable[Call], root: Path) -> set[Promise]:
    """Replay the calls, cut the power after each of them, and gather what breaks."""
    disk, broken = ForgetfulDisk(root), set[Promise]()
    for call in calls:
        disk.apply(call)
        broken |= disk.broken_promises()
    assert disk.promises
    return broken


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders deep in one that is there."""
    return tmp_path_factory.mktemp("durability") / "data" / "blobs"


@pytest.fixture(scope="module")
def calls(root: Path) -> list[Call]:
    """The system calls on files below the root, and the promises, of a real push."""
    log = root.parents[1] / "strace"
    record([sys.executable, RECORDED_PUSH, root], log, root.parents[1])
    return list(parse(log.read_text(), root.parents[1], MARK))


def test_no_power_cut_breaks_a_promise(calls: list[Call], root: Path) -> None:
    """Synced bytes and sealed blobs survive with their names, wherever the push is cut off."""
    assert broken_by_a_power_cut(calls, root) == set()


@pytest.mark.parametrize(
    ("forgotten", "folder", "word"),
    [
        ("fdatasync", "blobs/aa/aa" + "0" * 30, "synced"),
        ("fsync", "blobs/aa/aa" + "1" * 30, "sealed"),
        ("fsync", "blobs/aa", "synced"),
        ("fsync", "blobs/bb", "sealed"),
        ("fsync", "blobs", "synced"),
        ("fsync", ".", "synced"),
        ("fsync", "..", "synced"),
    ],
)
def test_each_flush_is_needed(calls: list[Call], root: Path, forgotten: str, folder: str, word: str) -> None:
    """Leaving out any one kind of flush breaks a promise: the model above can tell."""
    path = Path(os.path.normpath(root.parent / folder))
    remaining = [call for call in calls if (call.name, call.path) != (forgotten, path)]

    assert len(remaining) < len(calls)
    assert word in {promise.word for promise in broken_by_a_power_cut(remaining, root)}
