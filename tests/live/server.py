"""`entrepot serve` as a process on a free loopback port, with everything a test wants to know about it."""

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import boto3
import httpx
from botocore.config import Config
from prometheus_client.parser import text_string_to_metric_families
from tests.live import processes
from tests.live.waiting import eventually
from types_boto3_ecr.client import ECRClient
from types_boto3_iam.client import IAMClient
from types_boto3_sts.client import STSClient

ACCESS_KEY_ID = "AKIALIVETESTSROOTKEY"
SECRET_ACCESS_KEY = "live/tests+root+secret+of+no+value+at+all"
ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
#: An access key or temporary credentials, as IAM and STS answer them.
Keys = Mapping[str, Any]
START_SECONDS = 30
STOP_SECONDS = 30


class Server:
    """One registry: a port and a data folder that stay, and the processes that come and go on them.

    `options` are passed to `entrepot serve` as they stand. Every process of the server lives in a session of
    its own (setsid), by which workers are found even when their parent is gone.
    """

    command: Sequence[str] = (str(Path(sys.executable).with_name("entrepot")), "serve")

    def __init__(self, folder: Path, *options: str) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self._options = options
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str], ECRClient] = {}

    def start(self) -> Self:
        """Start it and wait until `/-/ready` answers 200; raises with its own words if it ends before."""
        command = [*self.command, "--listen", self.host, "--data", str(self.data), *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(self._is_ready, within=START_SECONDS, otherwise=lambda: f"not ready:\n{self.log()}")
        except BaseException:
            self.kill9()
            raise
        return self

    def stop(self) -> int:
        """SIGTERM, as a service manager sends it; the exit status. Raises if processes are left behind."""
        main = self._main()
        main.terminate()
        try:
            status = main.wait(STOP_SECONDS)
            eventually(lambda: not self.processes(), within=STOP_SECONDS)
        finally:
            self.kill9()
        return status

    def kill9(self) -> None:
        """SIGKILL to every process of the server, those that are started meanwhile included."""
        main = self._main()
        while alive := self.processes(main.pid):
            for pid in alive:
                processes.kill(pid)
            main.poll()
        main.wait()

    def kill9_main(self) -> None:
        """SIGKILL to the first process alone; its workers have to notice, and to end by themselves."""
        main = self._main()
        main.kill()
        main.wait()
        eventually(
            lambda: not self.processes(), within=STOP_SECONDS, otherwise=lambda: "workers outlive their parent"
        )

    def terminate(self) -> None:
        """SIGTERM and no waiting: for what has to be seen while it stops."""
        self._main().terminate()

    def wait(self) -> int:
        """The exit status, once the first process has ended."""
        return self._main().wait(STOP_SECONDS)

    def processes(self, session: int | None = None) -> list[int]:
        """The pids of the server's session that are alive, the first process first."""
        session = session or self._main().pid
        return processes.of_session(session)

    def peak_memory(self) -> dict[int, int]:
        """Peak resident bytes (VmHWM) of each process alive, by pid."""
        return {pid: processes.peak_memory(pid) for pid in self.processes()}

    def operations(self) -> Counter[str]:
        """How many times each ECR operation has ended well, over both faces and all workers."""
        return Counter(
            {
                labels["operation"]: int(value)
                for name, labels, value in self._samples()
                if name == "entrepot_operations_total" and labels["outcome"] == "ok"
            }
        )

    def layer_bytes(self) -> tuple[int, int]:
        """Layer bytes received and sent so far, over both faces and all workers."""
        values = {name: int(value) for name, _, value in self._samples()}
        return values["entrepot_layer_bytes_received_total"], values["entrepot_layer_bytes_sent_total"]

    def is_alive(self) -> bool:
        """Whether `/-/health` answers 200."""
        return httpx.get(f"{self.url}/-/health", timeout=5).status_code == HTTPStatus.OK

    def ecr(self, access_key_id: str = ACCESS_KEY_ID, secret_access_key: str = SECRET_ACCESS_KEY) -> ECRClient:
        """A boto3 client that does not retry, so that the first answer is the one a test sees."""
        keys = (access_key_id, secret_access_key)
        if keys not in self._clients:
            session = boto3.session.Session(*keys, region_name=REGION)
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
            # The stubs of the services that are not installed make the overloads of `client` partly unknown.
            self._clients[keys] = session.client("ecr", endpoint_url=self.url, config=config)  # pyright: ignore[reportUnknownMemberType]
        return self._clients[keys]

    def iam(self, credentials: Keys | None = None) -> IAMClient:
        """IAM, by the root or by what CreateAccessKey has answered."""
        # The stubs of the services that are not installed make the overloads of `client` partly unknown.
        return _session(credentials).client("iam", endpoint_url=self.url)  # pyright: ignore[reportUnknownMemberType]

    def sts(self, credentials: Keys | None = None) -> STSClient:
        """STS, by the same."""
        return _session(credentials).client("sts", endpoint_url=self.url)  # pyright: ignore[reportUnknownMemberType]

    def ecr_of(self, credentials: Keys) -> ECRClient:
        """ECR, by what CreateAccessKey or an operation of STS has answered."""
        return _session(credentials).client("ecr", endpoint_url=self.url)  # pyright: ignore[reportUnknownMemberType]

    def log(self) -> str:
        """Everything the server has printed."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End whatever still runs, and the clients."""
        if self._process is not None:
            self.kill9()
        for client in self._clients.values():
            client.close()

    def _main(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server has not been started"
        return self._process

    def _is_ready(self) -> bool:
        if (status := self._main().poll()) is not None:
            raise RuntimeError(f"entrepot serve ended with status {status}:\n{self.log()}")
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=5).status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        text = httpx.get(f"{self.url}/-/metrics", timeout=5).raise_for_status().text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                yield sample.name, dict(sample.labels), sample.value


class ShortLivedServer(Server):
    """A registry whose leases last seconds (``short_lived``)."""

    command = (sys.executable, "-m", "tests.live.short_lived", "serve")


def _session(credentials: Keys | None) -> boto3.session.Session:
    held: Keys = credentials or {"AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY}
    return boto3.session.Session(
        held["AccessKeyId"], held["SecretAccessKey"], held.get("SessionToken"), region_name=REGION
    )


@contextmanager
def running(*options: str) -> Generator[Server]:
    """A started server on a fresh data folder, both gone in the end."""
    with TemporaryDirectory(prefix="entrepot-live-") as folder:
        server = Server(Path(folder), *options)
        try:
            yield server.start()
        finally:
            server.close()


@contextmanager
def serving(*options: str) -> Generator[Server]:
    """A running server for tests: at the end its log is printed, for pytest to show on failure."""
    with running(*options) as server:
        try:
            yield server
        finally:
            sys.stdout.write(server.log())


def refusal_of(*options: str, **environment: str) -> str:
    """What `entrepot serve` says when it will not start; fails when it starts, or says nothing."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("entrepot")), "serve", *options],
        env=_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return done.stderr.strip()


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ENTREPOT_", "AWS_"))}
    return inherited | {
        "ENTREPOT_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ENTREPOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "ENTREPOT_ACCOUNT_ID": ACCOUNT_ID,
        "ENTREPOT_REGION": REGION,
    }


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
