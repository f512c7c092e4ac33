"""A real PostgreSQL server for the tests: its own, in a temporary folder, gone when the tests are done."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest

from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.schema import migrate

MIGRATED, EMPTY = "migrated", "template0"
#: Names sort by language unless a column says otherwise, as on many a real server.
LINGUISTIC = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
#: Durability is not what a database is tested for that lives for one run.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "deadlock_timeout": "20ms",
}


#: For tests that kill the server: what it has committed survives the death of its processes.
CRASH_SAFE = FAST | {"synchronous_commit": "on"}


@dataclass
class Server:
    """A server in a folder. ``binaries`` is the folder of its programs, ``owner`` the user that it runs as."""

    binaries: Path
    folder: Path
    owner: str | None
    port: int
    options: Mapping[str, str]
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """Its first process, which starts one for each session."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs on its data directory."""
        command = [self.binaries / program, f"--pgdata={self.data}", *arguments]
        with (self.folder / "output").open("w") as output:
            subprocess.run(command, user=self.owner, check=True, stdout=output, cwd=self.folder)

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {**self.options, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        given = " ".join(f"--{key}={options[key]}" for key in options)
        self.run("pg_ctl", "start", f"--log={self.folder / 'log'}", "-o", given)

    def stop(self, mode: str = "fast") -> None:
        """End it, if it runs: ``fast`` ends its sessions, ``immediate`` is as good as a crash."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "stop", f"--mode={mode}")

    def url(self, database: str) -> str:
        """How to reach a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def query(self, url: str, sql: str) -> str:
        """What psql prints for a statement, without headings."""
        command = [self.binaries / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", url, "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def create_database(self, *, template: str = MIGRATED) -> str:
        """A database of the caller's own, with every table, or EMPTY; its URL."""
        name = f"test_{next(self.numbers)}"
        self._create(name, template)
        return self.url(name)

    def make_template(self) -> None:
        """Migrate a database once, to be copied for each test."""
        self._create(MIGRATED, EMPTY)
        with ThreadPoolExecutor(1) as thread:  # a fixture may be asked for while an event loop runs in this one
            thread.submit(asyncio.run, migrated(self.url(MIGRATED))).result()

    def _create(self, name: str, template: str) -> None:
        subprocess.run(
            [
                self.binaries / "createdb",
                f"--maintenance-db={self.url('postgres')}",
                f"--template={template}",
                name,
            ],
            check=True,
        )


async def migrated(url: str) -> None:
    """Make the tables."""
    metadata = PostgreSQLMetadata(url, random=Random(0))
    await metadata.write(migrate)
    await metadata.close()


@contextmanager
def postgresql_server(options: Mapping[str, str] = FAST) -> Generator[Server]:
    """Start a server with a migrated template, and stop it. Skips where none is installed, outside CI."""
    binaries = installed_binaries()
    with tempfile.TemporaryDirectory(prefix="entrepot-postgresql-") as name:
        folder, owner = Path(name), "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if owner:
            shutil.chown(folder, owner)

        server = Server(binaries, folder, owner, free_port(), options)
        server.run("initdb", "--auth=trust", "--username=postgres", "--no-sync", *LINGUISTIC)
        server.start()
        try:
            server.make_template()
            yield server
        finally:
            server.stop()


def installed_binaries() -> Path:
    """The newest server that is installed: in Debian's place, else where PATH says."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    if elsewhere and not found:
        found = [Path(elsewhere)]
    if not found:
        (pytest.fail if "CI" in os.environ else pytest.skip)("PostgreSQL's server is not installed")
    return found[-1].parent


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
