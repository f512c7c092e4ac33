"""Room on a disk: how much is left, and from where on nothing new is taken.

Layers stop at RESERVE, and images, which are rows of a database on the same disk, at ROWS_RESERVE. What is left is
for what a full registry still has to write: deletions, their collection, and the database's own log.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from entrepot.storage.port import StorageFull

_MIB = 2**20
RESERVE = 64 * _MIB
ROWS_RESERVE = RESERVE // 2


@dataclass(frozen=True, slots=True)
class Room:
    """The disk that ``folder`` is on, of which ``reserve`` bytes stay free."""

    folder: Path
    reserve: int

    def require(self) -> None:
        """Raise StorageFull when fewer bytes are free; one system call, of a microsecond or two."""
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < self.reserve:
            raise StorageFull
