"""dockerd and containerd as processes of the test, with no service manager and no network of their own."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.clients import Client, needs_root, program
from tests.live.waiting import eventually

START_SECONDS = 30
STOP_SECONDS = 30

CONTAINERD_CONFIG = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
"""


@contextmanager
def docker_engine() -> Generator[Client]:
    """A docker client of a dockerd of its own, which trusts registries on 127.0.0.0/8 without TLS."""
    needs_root("dockerd")
    daemon, client = program("dockerd"), program("docker")
    with TemporaryDirectory(prefix="entrepot-docker-") as name:
        folder = Path(name)
        (folder / "config").mkdir()
        environment = {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": f"{folder}/config"}
        docker = Client(program=client, environment={**environment, "HOME": name})
        command = [str(daemon), "--host", environment["DOCKER_HOST"], "--data-root", f"{folder}/data"]
        command += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/docker.pid"]
        command += ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]
        command += ["--insecure-registry", "127.0.0.0/8", "--storage-driver", _storage_driver(folder)]
        with _daemon(command, folder, ready=docker, question=("version",)):
            yield docker
        namespace = folder / "exec" / "netns" / "default"
        if namespace.is_mount():
            subprocess.run(["umount", str(namespace)], check=True)


@contextmanager
def containerd_engine() -> Generator[Client]:
    """A ctr client of a containerd of its own."""
    needs_root("containerd")
    daemon, client = program("containerd"), program("ctr")
    with TemporaryDirectory(prefix="entrepot-containerd-") as name:
        folder = Path(name)
        config = folder / "config.toml"
        config.write_text(CONTAINERD_CONFIG.format(folder=folder))
        ctr = Client(program=client, options=("--address", f"{folder}/containerd.sock"))
        command = [str(daemon), "--config", str(config), "--log-level", "warn"]
        with _daemon(command, folder, ready=ctr, question=("version",)):
            yield ctr


@contextmanager
def _daemon(command: list[str], folder: Path, *, ready: Client, question: tuple[str, ...]) -> Generator[None]:
    """A daemon that answers a question of its client; ended by SIGTERM, or SIGKILL when it does not end."""
    log = folder / "log"
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
    try:
        eventually(
            lambda: process.poll() is not None or ready.run(*question).returncode == 0,
            within=START_SECONDS,
            otherwise=lambda: f"{command[0]} is not ready:\n{log.read_text(errors='replace')}",
        )
        assert process.poll() is None, f"{command[0]} ended:\n{log.read_text(errors='replace')}"
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _storage_driver(folder: Path) -> str:
    """overlay2 where this folder's file system can carry overlays, else the slow vfs."""
    lower, upper, work, merged = (folder / "probe" / name for name in ("lower", "upper", "work", "merged"))
    for part in (lower, upper, work, merged):
        part.mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mounted = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        return "vfs"
    subprocess.run(["umount", str(merged)], check=True)
    return "overlay2"
