"""Child processes: that they end with their parent, and that one which must not end is started again."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType

import structlog

from entrepot.server.logs import configure_logs

#: Seconds before a process that ended is followed by another.
PAUSE = 1.0

log = structlog.get_logger()
_fork = multiprocessing.get_context("fork")


class Lifeline:
    """Ends a process when the one that made this is gone, even by SIGKILL: that one holds a pipe's other end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def hold(self) -> None:
        """Called in a child, and in a child's child: from now on it ends with the one that made this."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        threading.Thread(target=self._wait, name="lifeline", daemon=True).start()

    def _wait(self) -> None:
        os.read(self._read, 1)
        os._exit(1)


@contextmanager
def kept_running(lifeline: Lifeline, name: str, run: Callable[[], None]) -> Generator[None]:
    """Have a process of its own execute ``run`` for as long as the block runs, and again whenever it ends.

    It may be ended at any point. A second process watches over it, so that the parent never forks while it serves.
    """
    watcher = _fork.Process(target=_watch, args=(lifeline, name, run), name=f"{name} watcher")
    watcher.start()
    try:
        yield
    finally:
        watcher.terminate()
        watcher.join()


def _watch(lifeline: Lifeline, name: str, run: Callable[[], None]) -> None:
    configure_logs()
    lifeline.hold()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent ends this one
    while True:
        process = _fork.Process(target=_run, args=(lifeline, run), name=name, daemon=True)
        process.start()
        signal.signal(signal.SIGTERM, partial(_end, process.pid))
        process.join()
        log.error("a process ended and is started again", process=name, exit_code=process.exitcode)
        time.sleep(PAUSE)


def _run(lifeline: Lifeline, run: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    lifeline.hold()
    run()


def _end(pid: int | None, _signal: int, _frame: FrameType | None) -> None:
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)
