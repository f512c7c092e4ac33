"""A disk that forgets, when the power is cut, what was not flushed: all of it, or some of it, in any order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash.system_calls import Call


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes at an offset."""

    offset: int
    data: bytes

    def apply(self, content: bytearray) -> None:
        """Write them; between the end and the offset are zeros."""
        content.extend(bytes(max(0, self.offset - len(content))))
        content[self.offset : self.offset + len(self.data)] = self.data


@dataclass(frozen=True, slots=True)
class Truncated:
    """A new size."""

    size: int

    def apply(self, content: bytearray) -> None:
        """Cut the file, or extend it by zeros."""
        content.extend(bytes(max(0, self.size - len(content))))
        del content[self.size :]


@dataclass(eq=False, slots=True)
class File:
    """What is on the disk, and what has been done to it since the last flush; or a folder, which has no content."""

    is_folder: bool = False
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Written | Truncated] = field(default_factory=list[Written | Truncated])
    size: int = 0

    def change(self, change: Written | Truncated) -> None:
        """Do something that is not flushed yet."""
        self.pending.append(change)
        self.size = (
            change.size if isinstance(change, Truncated) else max(self.size, change.offset + len(change.data))
        )

    def flush(self) -> None:
        """Let all of it be on the disk."""
        for change in self.pending:
            change.apply(self.durable)
        self.pending.clear()

    def survivor(self, chance: Random | None) -> bytes:
        """The content after a power cut: without what was pending, or with some of it."""
        if not self.pending or chance is None:
            return bytes(self.durable)
        content = bytearray(self.durable)
        for change in self.pending:
            if chance.random() < 1 / 2:
                change.apply(content)
        return bytes(content)


class ForgetfulDisk:
    """The files below ``root`` as processes see them, and what of them a power cut would leave.

    ``root`` is there from the beginning.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[Path, File] = {}
        self.durable_names: dict[Path, File] = {}

    def apply(self, call: Call) -> bool:
        """Let the call take effect; True when more is durable than before it, or less."""
        match call.name:
            case "fsync" | "fdatasync":
                return self._flush(call.path)
            case "mkdir":
                self.names[call.path] = File(is_folder=True)
            case "openat":
                self._open(call)
            case "unlink":
                del self.names[call.path]
            case "rename":
                self.names[call.target()] = self.names.pop(call.path)
            case _:
                assert call.path in self.names, f"what is written to {call.path.name} is lost: its name is gone"
                self._change(self.names[call.path], call)
        return False

    def after_power_cut(self, chance: Random | None = None) -> Mapping[Path, bytes]:
        """The files that would be found, by path, without folders. ``chance`` keeps some of what was not flushed."""
        left = dict(self.durable_names)
        if chance is not None:
            for path in sorted(self.names.keys() | self.durable_names.keys()):
                file = self.names.get(path)
                if file is self.durable_names.get(path) or chance.random() < 1 / 2:
                    continue
                left.pop(path, None)
                if file is not None:
                    left[path] = file
        return {
            path: file.survivor(chance)
            for path, file in left.items()
            if not file.is_folder and all(folder in left for folder in self._folders_of(path))
        }

    def _folders_of(self, path: Path) -> list[Path]:
        """Those below the root, which all have to be there for it to be found."""
        return [folder for folder in path.parents if self.root in folder.parents]

    def _change(self, file: File, call: Call) -> None:
        match call.name:
            case "write":
                file.change(Written(file.size, call.data()))
            case "pwrite64" | "pwritev" | "pwritev2":
                file.change(Written(call.number(), call.data()))
            case "ftruncate":
                file.change(Truncated(call.number()))
            case _:
                assert call.name == "fchmod", call  # what a mode is for, test_durability looks at

    def _open(self, call: Call) -> None:
        if "O_CREAT" in call.arguments:
            self.names.setdefault(call.path, File())
        if "O_TRUNC" in call.arguments and call.path in self.names:
            self.names[call.path].change(Truncated(0))

    def _flush(self, path: Path) -> bool:
        """A folder's names become durable, or a file's bytes."""
        before = {name: file for name, file in self.durable_names.items() if name.parent == path}
        now = {name: file for name, file in self.names.items() if name.parent == path}
        for name in before:
            del self.durable_names[name]
        self.durable_names |= now
        file = self.names.get(path)
        changed = before != now or bool(file and file.pending)
        if file:
            file.flush()
        return changed
