"""A real PostgreSQL server for the tests: its own, in a temporary folder, gone when the tests are done."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
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
#: Durability is not what a database is tested for that lives for one run.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


@dataclass
class Server:
    """A running server. ``binaries`` is the folder of its programs."""

    binaries: Path
    port: int
    numbers: count[int] = field(default_factory=count)

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
            [self.binaries / "createdb", f"--maintenance-db={self.url('postgres')}", f"--template={template}", name],
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
    with tempfile.TemporaryDirectory(prefix="entrepot-postgresql-") as folder:
        owner = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if owner:
            shutil.chown(folder, owner)
        data = f"{folder}/data"
        initdb = [binaries / "initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", data]
        subprocess.run(initdb, user=owner, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        with running(binaries, folder, owner) as server:
            server.make_template()
            yield server


@contextmanager
def running(binaries: Path, folder: str, owner: str | None) -> Generator[Server]:
    """Run the server in the folder, on a free loopback port."""
    server = Server(binaries, free_port())
    options = FAST | {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": folder,
        "log_min_messages": "warning",
    }
    command = [binaries / "postgres", "-D", f"{folder}/data", *(f"--{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, user=owner, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "ready to accept connections" in line:
                break
        try:
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
