"""How much of an upload is collected before it is written."""

from collections.abc import Generator
from contextlib import contextmanager

_MIB = 2**20
#: The largest batch, in bytes.
BATCH = _MIB


class Batches:
    """Room for what the uploads of a process have received and not yet written, shared evenly.

    A batch is one trip to a thread: a large one costs the least time. One for each upload that stands still is
    memory that nobody has a use for.
    """

    def __init__(self, *, room: int = 8 * _MIB, smallest: int = 64 * 1024, largest: int = BATCH) -> None:
        self._room = room
        self._smallest = smallest
        self._largest = largest
        self._uploads = 0

    @contextmanager
    def of_upload(self) -> Generator[None]:
        """Count one upload more."""
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    @property
    def size(self) -> int:
        """Bytes of a batch, of as many uploads as there are now."""
        return max(self._smallest, min(self._largest, self._room // max(1, self._uploads)))
