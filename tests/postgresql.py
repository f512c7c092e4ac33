"""A real PostgreSQL server for the tests: its own, in a temporary folder, gone when the tests are done."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
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


@dataclass
class Server:
    """A running server. ``binaries`` is the folder of its programs."""

    binaries: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """How to reach a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

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
def postgresql_server() -> Generator[Server]:
    """Start a server with a migrated template, and stop it. Skips where none is installed, outside CI."""
    binaries = installed_binaries()
    with tempfile.TemporaryDirectory(prefix="entrepot-postgresql-") as name:
        folder, owner = Path(name), "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if owner:
            shutil.chown(folder, owner)

        def run(program: str, *arguments: str) -> None:
            command = [binaries / program, f"--pgdata={folder / 'data'}", *arguments]
            with (folder / "output").open("w") as output:
                subprocess.run(command, user=owner, check=True, stdout=output, cwd=folder)

        run("initdb", "--auth=trust", "--username=postgres", "--no-sync", *LINGUISTIC)
        server = Server(binaries, free_port())
        options = FAST | {"port": str(server.port), "unix_socket_directories": name}
        run(
            "pg_ctl",
            "start",
            f"--log={folder / 'log'}",
            "-o",
            " ".join(f"--{key}={options[key]}" for key in options),
        )
        try:
            server.make_template()
            yield server
        finally:
            run("pg_ctl", "stop", "--mode=fast")


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
