"""The data folder and the port: one registry at a time uses either, and commands beside it.

The folder has two locks. ``lock`` is held by the one that serves, migrates or restores. ``use.lock`` is held by
all who have the database or the layers of the folder open, together; and alone by who moves the database away, or
restores one. The system lets go of both when a process dies.
"""

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
LOCK, USE_LOCK = "lock", "use.lock"


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
        in_use = f"the port {port} on {host} is in use"
        _retry(lambda: name.bind(f"\0entrepot {host}:{port}"), in_use)
        _retry(lambda: _try_port(host, port), in_use)
        yield


@contextmanager
def claim_folder(data: Path) -> Generator[None]:
    """Be the only registry of the data folder, made if it is missing, for as long as the block runs.

    Commands may use it meanwhile. Raises CannotStart, also if the folder is half restored.
    """
    with _claimed(data), use_folder(data):
        yield


@contextmanager
def claim_folder_alone(data: Path) -> Generator[None]:
    """Hold the data folder, made if it is missing, while no command uses it; raises CannotStart.

    Half restored or not: see ``require_restored``.
    """
    with _claimed(data), _opened(data / USE_LOCK, os.O_RDWR) as lock:
        _lock(lock, fcntl.LOCK_EX, f"the data folder {data} is in use by another entrepot command")
        yield


@contextmanager
def use_folder(data: Path) -> Generator[None]:
    """Keep the database and the layers of a data folder from being taken away for as long as the block runs.

    A folder that is not there, or that this process may not write, is left as it is, and what comes of it is said
    where it is used: nothing in it can be harmed from here. Raises CannotStart, also if it is half restored.
    """
    if not os.access(data, os.W_OK):
        require_restored(data)
        yield
        return
    with _opened(data / USE_LOCK, os.O_RDONLY) as lock:
        _lock(lock, fcntl.LOCK_SH, f"the data folder {data} is being moved or restored")
        require_restored(data)
        yield


def require_restored(data: Path) -> None:
    """Raise CannotStart if a restore into the folder has not come to its end."""
    if (data / RESTORING).exists():
        raise CannotStart(
            f"the data folder {data} is half restored: repeat 'entrepot restore' and let it come to its end"
        )


@contextmanager
def _claimed(data: Path) -> Generator[None]:
    prepare_folder(data)
    with _opened(data / LOCK, os.O_RDWR) as lock:
        _lock(lock, fcntl.LOCK_EX, f"the data folder {data} is in use by another registry")
        yield


def prepare_folder(data: Path) -> None:
    """Make the folder if it is missing, for its owner alone; raises CannotStart if it cannot be written."""
    try:
        make_folder(data)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(f"the data folder {data} cannot be written: {error.strerror}") from None


@contextmanager
def _opened(path: Path, flags: int) -> Generator[int]:
    """A lock's file. Others may read it: root's command may have made it, in a folder that is not root's."""
    try:
        lock = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CannotStart(f"the lock {path} cannot be opened: {error.strerror}") from None
    try:
        yield lock
    finally:
        os.close(lock)


def _lock(descriptor: int, kind: int, refusal: str) -> None:
    _retry(lambda: fcntl.flock(descriptor, kind | fcntl.LOCK_NB), refusal)


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
