"""The data folder and the port: one registry at a time uses either."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from entrepot.core.errors import EntrepotError
from entrepot.storage.disk import make_folder

#: A registry that was killed a moment ago may take this long, in seconds, to let go of its port and folder.
PATIENCE = 3.0
#: The file that is there as long as a restore into the folder has not come to its end.
RESTORING = "restore.json"


@dataclass(eq=False)
class CannotStart(EntrepotError):
    """The one line that says why the registry does not start."""

    reason: str

    template: ClassVar[str] = "{reason}"


@contextmanager
def claim(data: Path, host: str, port: int) -> Generator[None]:
    """Hold the data folder and the port for as long as the block runs; raises CannotStart.

    The port is bound once without SO_REUSEPORT, which fails if anybody listens there: the workers bind it with
    SO_REUSEPORT, and would share it silently with another server of the same user. The lock on a name made of the
    port keeps a second registry from slipping in between.
    """
    with claim_folder(data), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:
        if (data / RESTORING).exists():
            raise CannotStart(
                f"the data folder {data} is half restored: repeat 'entrepot restore' and let it come to its end"
            )
        in_use = f"the port {port} on {host} is in use"
        _retry(lambda: name.bind(f"\0entrepot {host}:{port}"), in_use)
        _retry(lambda: _try_port(host, port), in_use)
        yield


@contextmanager
def claim_folder(data: Path) -> Generator[None]:
    """Hold the data folder alone, made if it is missing, for as long as the block runs; raises CannotStart."""
    prepare_folder(data)
    lock = _open_lock(data / "lock")
    try:
        _retry(lambda: _lock_folder(lock), f"the data folder {data} is in use by another registry")
        yield
    finally:
        os.close(lock)


def prepare_folder(data: Path) -> None:
    """Make the folder if it is missing, for its owner alone; raises CannotStart if it cannot be written."""
    try:
        make_folder(data)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(f"the data folder {data} cannot be written: {error.strerror}") from None


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"the lock {path} cannot be opened: {error.strerror}") from None


def _lock_folder(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _try_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _retry(attempt: Callable[[], object], refusal: str) -> None:
    """Try for a while; raises CannotStart with the refusal, or with the system's own words."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            attempt()
        except OSError as error:
            busy = isinstance(error, BlockingIOError) or error.errno == errno.EADDRINUSE
            if not busy:
                raise CannotStart(f"cannot listen: {error.strerror or error}") from None
            if time.monotonic() > deadline:
                raise CannotStart(refusal) from None
            time.sleep(0.05)
        else:
            return
