"""The real clients: where they are, how they are run, and what happens when one is missing."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("ENTREPOT_TOOLS", PROJECT / ".cache" / "tools")).absolute()
SEARCH_PATH = os.pathsep.join([str(TOOLS / "bin"), os.environ["PATH"], "/usr/sbin", "/sbin"])
TIMEOUT_SECONDS = 100

full = pytest.mark.skipif(
    os.environ.get("ENTREPOT_TEST_FULL") != "1", reason="slow: `scripts/test --full` runs it"
)


def missing(what: str) -> NoReturn:
    """Skip a test that cannot run here; in CI (`CI=true`) nothing may be left out, so there it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def program(name: str) -> Path:
    """Where a client's program is, the project's own tools first."""
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        missing(f"{name} is not installed (scripts/install-clients installs it)")
    return Path(found)


def needs_root(what: str) -> None:
    """Leave out what only root can start."""
    if os.geteuid() != 0:
        missing(f"{what} needs root")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A command-line client; calling it runs it with these arguments and returns what it printed."""

    program: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", folder: Path | None = None) -> str:
        """Standard output without its last line end; a failing run fails the test with all it said."""
        done = self.run(*arguments, stdin=stdin, folder=folder)
        if done.returncode != 0:
            words = " ".join([self.program.name, *map(str, arguments)])
            said = (done.stdout + done.stderr).decode(errors="replace")
            pytest.fail(f"{words}: exit status {done.returncode}\n{said}")
        return done.stdout.decode().rstrip("\n")

    def run(
        self, *arguments: str | Path, stdin: bytes = b"", folder: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """The finished process, whatever its exit status."""
        return subprocess.run(
            [str(self.program), *self.options, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            cwd=folder,
            env={"PATH": SEARCH_PATH, "LANG": "C.UTF-8", **self.environment},
        )
