"""What a program asks of the file system, recorded by strace, in the order in which the calls ended."""

import codecs
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Everything that changes files or folders, or makes them durable. What is not modelled is traced too, to be noticed.
TRACED = (
    "openat,mkdir,mkdirat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fchmod,fsync,fdatasync,sync_file_range,"
    "unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
)
#: Those whose first argument is a path, and not a file that is open.
_BY_PATH = {"mkdir", "unlink", "rmdir", "rename", "link", "symlink"}
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Call:
    """A system call that succeeded: ``path`` is the file or folder it was about."""

    name: str
    path: Path
    arguments: str
    result: int

    def data(self) -> bytes:
        """The bytes that were written."""
        strings = (codecs.escape_decode(found[1].encode("ascii"))[0] for found in _STRING.finditer(self.arguments))
        return b"".join(strings)[: self.result]

    def number(self) -> int:
        """The last argument: an offset, a size, or a mode in octal."""
        last = re.search(r", (\d+)(?:, 0)?$" if self.name == "pwritev2" else r", (\d+)$", self.arguments)
        assert last, self
        return int(last[1], 8 if self.name == "fchmod" else 10)

    def target(self) -> Path:
        """The second path of a rename."""
        return Path(_STRING.findall(self.arguments)[1])


def record(command: Sequence[str | Path], log: Path, folder: Path) -> None:
    """Run a program and all that it starts; its calls go to ``log``. Skips where strace is missing, outside CI."""
    if shutil.which("strace") is None and "CI" not in os.environ:
        pytest.skip("strace is not installed")
    strace = ["strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "4000000", "-e", f"trace={TRACED}"]
    done = subprocess.run(
        [*strace, "-e", "signal=none", "-o", log, *command],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def parse(recording: str, root: Path, marks: str = "") -> Iterator[Call]:
    """The calls on ``root`` and all below it, and those that write ``marks``."""
    unfinished: dict[str, str] = {}
    of_interest = re.compile(f"{re.escape(str(root))}|{re.escape(marks)}" if marks else re.escape(str(root)))
    for line in recording.split("\n"):
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            unfinished[thread] = text.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            text = unfinished.pop(thread) + text[resumed.end() :]
        if of_interest.search(text) and (call := re.fullmatch(r"(\w+)\((.*)\) += (\d+)(?:<.*>)?", text)):
            found = _call(call[1], call[2].rstrip(), int(call[3]))
            if found.path.is_relative_to(root) or (marks and marks in found.arguments):
                yield found


def _call(name: str, arguments: str, result: int) -> Call:
    """A call on a path, or on a file whose path strace tells (-y)."""
    if name == "openat" or name in _BY_PATH:
        path = _STRING.search(arguments)
    else:
        path = re.match(r"\d+<([^>]*)>", arguments)
    assert path, arguments
    return Call(name, Path(path[1]), arguments, result)
