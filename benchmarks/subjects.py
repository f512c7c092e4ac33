"""What is measured: Entrepot and its peers, each started as its makers start it, on the loopback interface."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

from tests.live import processes
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, free_port
from tests.live.wire import signed_request
from tests.s3 import ACCESS_KEY_ID as S3_KEY_ID
from tests.s3 import REGION as S3_REGION
from tests.s3 import SECRET_ACCESS_KEY as S3_SECRET
from tests.s3 import S3Server

from benchmarks.latency import Line
from entrepot import __version__

OURS = "Entrepot"
UNSYNCED = f"{OURS}, no fsync"
START_SECONDS = 60
STOP_SECONDS = 5
PAUSE_SECONDS = 0.002
#: Variables of these names would be read as settings.
SETTINGS = ("ENTREPOT_", "AWS_", "REGISTRY_", "OTEL_", "MOTO_")
DISTRIBUTION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{{storage}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
IN_FOLDER = "filesystem: {{rootdirectory: {folder}}}"
#: Bytes are streamed through the registry, as Entrepot streams them.
IN_BUCKET = """s3: {{bucket: {bucket}, regionendpoint: "{endpoint}", region: {region}, accesskey: {key_id},
  secretkey: "{secret}", secure: false, forcepathstyle: true}}, redirect: {{disable: true}}"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A running server: its port, the session of its processes, how long it took to its first answer."""

    name: str
    port: int
    session: int
    start_seconds: float
    headers: Mapping[str, str]

    @property
    def host(self) -> str:
        """What clients write into Host."""
        return f"127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        """Its processes, by pid."""
        return processes.of_session(self.session)

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far."""
        return sum(processes.cpu_seconds(pid) for pid in self.processes())

    def peak_memory(self) -> int:
        """Peak resident bytes of all its processes, added up."""
        return sum(processes.peak_memory(pid) for pid in self.processes())

    def reset_peak_memory(self) -> None:
        """Let the peaks begin anew."""
        for pid in self.processes():
            processes.reset_peak_memory(pid)


class Part(Enum):
    """The kinds of phases: of `/v2/` those that only read and those that write, and calls of the ECR API."""

    READ = "read"
    WRITE = "write"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry that can be started on an empty folder, and the phases that it takes part in.

    `durability` says what is on the disk when it answers; without `syncs_layers` a power cut may take a layer
    whose push has been answered.
    """

    name: str
    version: str
    durability: str
    syncs_layers: bool
    start: Callable[[Path], AbstractContextManager[Subject]]
    parts: frozenset[Part] = frozenset({Part.READ, Part.WRITE})


def registries(workers: int, zot: Path | None) -> list[Registry]:
    """Entrepot, and each peer whose program is on PATH or given."""
    options = ("--create-on-push", "--workers", str(workers))
    ours = Registry(
        name=OURS,
        version=__version__,
        durability="everything it has acknowledged",
        syncs_layers=True,
        start=lambda folder: entrepot(folder, *options),
        parts=frozenset(Part),
    )
    unsynced = Registry(
        name=UNSYNCED,
        version=__version__,
        durability="nothing",
        syncs_layers=False,
        start=lambda folder: entrepot(folder, *options, program="benchmarks.unsynced", name=UNSYNCED),
        parts=frozenset({Part.WRITE}),
    )
    return [ours, unsynced, *_distributions(), *_zots(zot), *_motos()]


def registries_over(s3: S3Server, workers: int) -> list[Registry]:
    """Entrepot and the distributions over one S3 server: what is on the disk when they answer is for it to say."""
    options = (
        "--create-on-push",
        "--workers",
        str(workers),
        "--s3-endpoint",
        s3.endpoint,
        "--s3-region",
        S3_REGION,
    )
    credentials = {"AWS_ACCESS_KEY_ID": S3_KEY_ID, "AWS_SECRET_ACCESS_KEY": S3_SECRET}

    def start(folder: Path) -> AbstractContextManager[Subject]:
        storage = ("--storage", f"s3://{s3.create_bucket()}/layers")
        return entrepot(folder, *options, *storage, environment=credentials)

    ours = Registry(
        name=OURS, version=__version__, durability="what the bucket keeps", syncs_layers=True, start=start
    )
    return [ours, *_distributions(s3)]


def _distributions(s3: S3Server | None = None) -> Iterator[Registry]:
    for program in map(shutil.which, ("registry", "docker-registry")):
        if program is not None:
            version = _version(program)
            name = f"distribution {version.split('.')[0]}"
            yield Registry(
                name=name,
                version=version,
                durability="what the bucket keeps" if s3 else "layers and links, but not the folder of a layer",
                syncs_layers=True,
                start=partial(distribution, program, name, s3),
            )


def _zots(given: Path | None) -> Iterator[Registry]:
    program = str(given) if given is not None else shutil.which("zot")
    if program is not None:
        version = _version(program)
        yield Registry(
            name="zot",
            version=version,
            durability="its index",
            syncs_layers=False,
            start=partial(zot, program, "zot", commit=False),
        )
        yield Registry(
            name="zot, commit",
            version=version,
            durability="its index and layers",
            syncs_layers=True,
            start=partial(zot, program, "zot, commit", commit=True),
            parts=frozenset({Part.WRITE}),
        )


def _motos() -> Iterator[Registry]:
    program = shutil.which("moto_server")
    if program is not None:
        python = str(Path(program).resolve().with_name("python"))
        version = _version(python, "-c", "import moto; print(moto.__version__)")
        yield Registry(
            name="moto",
            version=version,
            durability="nothing",
            syncs_layers=False,
            start=lambda _: moto(program),
            parts=frozenset({Part.API}),
        )


def _version(program: str, *arguments: str) -> str:
    command = [program, *(arguments or ["--version"])]
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a peer
    found = re.search(r"(?<![\w./-])v?(\d+\.\d+\.\d+[\w.+-]*)(?=\s|$)", said.stdout + said.stderr)
    return found[1].removesuffix("+unknown") if found else "built from source"


@contextmanager
def entrepot(
    folder: Path,
    *options: str,
    program: str = "entrepot",
    name: str = OURS,
    environment: Mapping[str, str] | None = None,
) -> Generator[Subject]:
    """Entrepot as `entrepot serve` starts it, with authentication and authorisation on as always."""
    port = free_port()
    command = [sys.executable, "-m", program, "serve", "--listen", f"127.0.0.1:{port}"]
    root = {
        "ENTREPOT_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ENTREPOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "ENTREPOT_ACCOUNT_ID": ACCOUNT_ID,
        "ENTREPOT_REGION": REGION,
    }
    variables = {**root, **(environment or {})}
    with launched(name, [*command, "--data", str(folder / "data"), *options], port, variables) as subject:
        yield replace(subject, headers={"Authorization": authorization(port)})


@contextmanager
def distribution(program: str, name: str, s3: S3Server | None, folder: Path) -> Generator[Subject]:
    """Distribution with its file system driver, or over a bucket of its own, open to all."""
    port = free_port()
    if s3 is None:
        storage = IN_FOLDER.format(folder=folder / "data")
    else:
        storage = IN_BUCKET.format(
            bucket=s3.create_bucket(), endpoint=s3.endpoint, region=S3_REGION, key_id=S3_KEY_ID, secret=S3_SECRET
        )
    configuration = folder / "config.yml"
    configuration.write_text(DISTRIBUTION.format(storage=storage, port=port))
    # Version 3 would look for a collector of traces.
    environment = {"OTEL_TRACES_EXPORTER": "none"}
    with launched(name, [program, "serve", str(configuration)], port, environment) as subject:
        yield subject


@contextmanager
def zot(program: str, name: str, folder: Path, *, commit: bool) -> Generator[Subject]:
    """Zot on its local storage, open to all; with `commit` it syncs layers."""
    port = free_port()
    configuration = folder / "config.json"
    content = {
        "storage": {"rootDirectory": str(folder / "data"), "commit": commit},
        "http": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "error"},
    }
    configuration.write_text(json.dumps(content))
    with launched(name, [program, "serve", str(configuration)], port) as subject:
        yield subject


@contextmanager
def moto(program: str) -> Generator[Subject]:
    """The server of moto, which looks at no signature and keeps no layers."""
    port = free_port()
    with launched("moto", [program, "-H", "127.0.0.1", "-p", str(port)], port, path="/moto-api/") as subject:
        yield subject


@contextmanager
def launched(
    name: str, command: Sequence[str], port: int, environment: Mapping[str, str] | None = None, path: str = "/v2/"
) -> Generator[Subject]:
    """A program in a session of its own, from its first answer to GET on; raises RuntimeError if there is none."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    with tempfile.TemporaryFile() as log:
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - Entrepot, or a peer that the user has installed
            command,
            env=inherited | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not _answers(port, path):
                if process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                    log.seek(0)
                    raise RuntimeError(f"{name} does not answer: {log.read().decode(errors='replace')}")
                time.sleep(PAUSE_SECONDS)
            yield Subject(name, port, process.pid, time.perf_counter() - begun, {})
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the first process, and soon SIGKILL to whoever of its session is left."""
    process.terminate()
    end = time.perf_counter() + STOP_SECONDS
    while time.perf_counter() < end and processes.of_session(process.pid):
        time.sleep(PAUSE_SECONDS)
    while left := processes.of_session(process.pid):
        for pid in left:
            processes.kill(pid)
    process.wait()


def _answers(port: int, path: str) -> bool:
    """True once GET is answered, with whatever status."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            return connection.recv(5) == b"HTTP/"
    except (ConnectionRefusedError, ConnectionResetError):
        return False


def authorization(port: int, access_key_id: str = ACCESS_KEY_ID, secret: str = SECRET_ACCESS_KEY) -> str:
    """The header Authorization for `/v2/` of Entrepot: a fresh token of GetAuthorizationToken."""
    head, body = signed_request(
        f"127.0.0.1:{port}", "GetAuthorizationToken", {}, access_key_id=access_key_id, secret=secret
    )
    with Line(port) as line:
        (data,) = json.loads(line.ask(head + body))["authorizationData"]
    return f"Basic {data['authorizationToken']}"
