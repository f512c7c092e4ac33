"""The fence beside a file that is being written: its newest epoch, read and written under a lock.

Every writer of a file, in whatever process, holds the fence open, and takes the lock anew for each batch of
bytes. So a newer writer that has the lock knows that no older batch is half-way into the file, and an older
one that gets the lock afterwards reads the newer epoch before it could write. The lock is flock's: it belongs
to the open file, and the kernel drops it when a process dies. A fence need not survive a power cut, because
no writer does.
"""

import fcntl
import os
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from entrepot.storage.port import Fenced

_EPOCH = struct.Struct(">Q")
#: What a fence says that nobody may pass any more: above every epoch.
_SHUT = 2**64 - 1


class Fence:
    """A hold on the fence at ``path``. ``make`` creates it if it is absent, else FileNotFoundError."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        self._path = path
        self._descriptor = os.open(path, flags, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other holder out, in this process and in others; the methods below need it."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def admit(self, epoch: int) -> None:
        """Make ``epoch`` the newest; raises Fenced when a newer one is known or the fence is shut."""
        newest = self._newest()
        if newest > epoch:
            raise Fenced
        if newest < epoch:
            os.pwrite(self._descriptor, _EPOCH.pack(epoch), 0)

    def shut(self) -> None:
        """Let nobody pass any more, and take the fence away.

        Whoever holds it, or waits for its lock, still reads that it is shut. A fence that somebody has made
        under the same name since is another one and is left alone.
        """
        os.pwrite(self._descriptor, _EPOCH.pack(_SHUT), 0)
        if os.fstat(self._descriptor).st_nlink:
            self._path.unlink()

    def _newest(self) -> int:
        stored = os.pread(self._descriptor, _EPOCH.size, 0)
        return _EPOCH.unpack(stored)[0] if len(stored) == _EPOCH.size else -1
