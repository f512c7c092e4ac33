"""Registries over one database and one bucket, behind a proxy that sends each request to the next of them."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from tests.live.clients import PROJECT, program
from tests.live.server import STOP_SECONDS, Server, ShortLivedServer
from tests.live.waiting import eventually
from tests.postgresql import EMPTY
from tests.postgresql import Server as PostgreSQL
from tests.s3 import S3Server

MASTER_KEY = "6d" * 32
#: The header by which the proxy tells which replica has answered.
ANSWERED_BY = "X-Replica"

#: The proxy as it is recommended; a test has addresses of its own, and less patience.
PROXY = PROJECT / "deploy/haproxy.cfg"


class Worker:
    """`entrepot worker` as a process, with the arguments that it is given."""

    command: Sequence[str] = (str(Path(sys.executable).with_name("entrepot")), "worker")

    def __init__(self, folder: Path, *options: str) -> None:
        self._log = folder / "worker.log"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Worker":
        """Start it and wait until it says that it sweeps; raises with its own words if it ends before."""
        command = [*self.command, *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._sweeps, within=STOP_SECONDS, otherwise=lambda: f"it does not sweep:\n{self.log()}")
        return self

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None, "the worker has not been started"
        self._process.terminate()
        return self._process.wait(STOP_SECONDS)

    def kill9(self) -> None:
        """SIGKILL; raises if it has ended by itself before."""
        assert self._process is not None, "the worker has not been started"
        assert self._process.poll() is None, f"the worker ended by itself:\n{self.log()}"
        self.close()

    def close(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """Everything it has printed."""
        return self._log.read_text(errors="replace")

    def _sweeps(self) -> bool:
        return self._is_alive() and "the worker sweeps" in self.log()

    def _is_alive(self) -> bool:
        assert self._process is not None
        if (status := self._process.poll()) is not None:
            message = f"entrepot worker ended with status {status}:\n{self.log()}"
            raise RuntimeError(message)
        return True


class ShortLivedWorker(Worker):
    """A worker of registries whose leases last seconds."""

    command = (sys.executable, "-m", "tests.live.short_lived", "worker")


class Collector(Worker):
    """A collector beside them that makes no pause."""

    command = (sys.executable, "-m", "tests.live.short_lived", "collect")

    def _sweeps(self) -> bool:
        return self._is_alive()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Replicas and what they share. ``front`` is the proxy, to be called like a server."""

    replicas: Sequence[Server]
    front: Server
    worker: Worker
    postgresql: PostgreSQL
    options: Sequence[str]
    database: str
    bucket: str

    def all_are_up(self) -> bool:
        """Whether the proxy sends requests to every replica."""
        try:
            answers = [httpx.get(f"{self.front.url}/-/health") for _ in self.replicas]
        except httpx.TransportError:
            return False
        return len({answer.headers[ANSWERED_BY] for answer in answers if answer.is_success}) == len(self.replicas)


def shared_options(
    folder: Path, s3: S3Server, database: str, bucket: str, master_key: str = MASTER_KEY
) -> list[str]:
    """Those by which registries share a database and a bucket; the secrets are in a file. Nothing deleted is kept."""
    file = folder / f"{bucket}.toml"
    file.write_text(f'database = "{database}"\nmaster_key = "{master_key}"\nundelete_days = 0\n')
    return ["--config", str(file), "--storage", f"s3://{bucket}/layers", "--s3-endpoint", s3.endpoint]


@contextmanager
def cluster(
    postgresql: PostgreSQL, s3: S3Server, *, size: int = 3, short_lived: bool = False
) -> Generator[Cluster]:
    """A proxy, so many replicas without workers of their own, and a worker; all gone in the end.

    boto3's credentials for the bucket have to be in the environment. ``short_lived`` has leases of seconds.
    """
    new_replica, new_worker = (ShortLivedServer, ShortLivedWorker) if short_lived else (Server, Worker)
    with TemporaryDirectory(prefix="entrepot-replicas-") as name:
        folder = Path(name)
        database, bucket = postgresql.create_database(template=EMPTY), s3.create_bucket()
        options = shared_options(folder, s3, database, bucket)
        front = Server(folder)
        replicas = [_replica(new_replica, folder / f"replica{number}", front, options) for number in range(size)]
        worker = new_worker(folder, *options)
        try:
            with ThreadPoolExecutor(size) as pool:
                list(pool.map(Server.start, replicas))
            worker.start()
            with _proxy(folder, front, replicas):
                running = Cluster(replicas, front, worker, postgresql, options, database, bucket)
                eventually(running.all_are_up, within=STOP_SECONDS)
                yield running
        finally:
            worker.close()
            for server in (*replicas, front):
                server.close()
            for server in replicas:
                sys.stdout.write(server.log())


def _replica(kind: type[Server], folder: Path, front: Server, options: Sequence[str]) -> Server:
    folder.mkdir()
    return kind(folder, "--no-background-worker", "--public-url", front.url, *options)


@contextmanager
def _proxy(folder: Path, front: Server, replicas: Sequence[Server]) -> Generator[None]:
    servers = "\n".join(f"    server {server.port} {server.host}" for server in replicas)
    text = PROXY.read_text()
    for recommended, own in {
        r"bind .*": f"bind {front.host}",
        r"inter \w+ fall \d": "inter 500ms fall 1",
        r"balance roundrobin": f"balance roundrobin\n    http-response set-header {ANSWERED_BY} %s",
        r" *server-template .*": servers,
    }.items():
        text, found = re.subn(recommended, own, text)
        assert found == 1, recommended
    file = folder / "haproxy.cfg"
    file.write_text(text)
    process = subprocess.Popen([program("haproxy"), "-q", "-db", "-f", file], env={"PATH": os.environ["PATH"]})
    try:
        yield
    finally:
        process.kill()
        process.wait()
