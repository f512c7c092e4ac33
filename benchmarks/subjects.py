"""The registries that are measured: Entrepot, and distribution as its peer."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from tests.live import processes
from tests.live.oci import authorization_of
from tests.live.server import Server, free_port, running
from tests.live.waiting import eventually

START_SECONDS = 30
PEER_CONFIGURATION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A running registry on the loopback interface."""

    name: str
    port: int
    session: int
    headers: dict[str, str]
    server: Server | None = None

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


@contextmanager
def entrepot(*options: str) -> Generator[Subject]:
    """Entrepot as `entrepot serve` starts it, with authentication and authorisation on as always."""
    with running("--create-on-push", *options) as server:
        headers = {"Authorization": f"Basic {authorization_of(server)}"}
        yield Subject("entrepot", server.port, server.processes()[0], headers, server)


@contextmanager
def distribution(program: Path) -> Generator[Subject]:
    """Distribution with its file system driver, open to all, and without fsync, which it does not offer."""
    with TemporaryDirectory(prefix="entrepot-peer-") as name:
        folder = Path(name)
        port = free_port()
        configuration = folder / "config.yml"
        configuration.write_text(PEER_CONFIGURATION.format(folder=folder / "data", port=port))
        # It would read every REGISTRY_… variable as configuration.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the program that the user named
                [str(program), "serve", str(configuration)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/v2/"), within=START_SECONDS)
            yield Subject("distribution", port, process.pid, {})
        finally:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """True once GET is answered with 2xx."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
