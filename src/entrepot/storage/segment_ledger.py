"""What encrypted bytes do not say of themselves: under which data key, in which segments, and how long they are.

A port, since storage knows no database; ``entrepot.features.encryption`` keeps it in rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from entrepot.storage.frames import Segment


@dataclass(frozen=True, slots=True)
class Sealing:
    """What is known about a storage key: its wrapped data keys and segments, in the order of their starts.

    ``size`` and ``seal`` (``frames.seal_of``) are set once the blob is sealed.
    """

    wrapped: bytes = field(repr=False)
    segments: tuple[Segment, ...] = ()
    size: int | None = None
    seal: bytes | None = field(default=None, repr=False)


class SegmentLedger(Protocol):
    """Remembers segments. Every change is durable when its call returns."""

    async def before(self, key: str, offset: int) -> Sealing | None:
        """What is known about ``key``, of its segments only the last that starts before ``offset``."""
        ...

    async def find(self, key: str) -> Sealing | None:
        """All that is known about ``key``."""
        ...

    async def record(self, key: str, segment: Segment, epoch: int) -> bool:
        """Add a segment in the place of those that start where it does or later.

        False, and nothing changes, if a newer epoch has recorded one, or ``key`` is sealed, or not known any more.
        """
        ...

    async def seal(self, key: str, size: int, seal: bytes, epoch: int) -> bool:
        """Shut the ledger of ``key``. False as of ``record``, unless it is sealed with these values already."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget these keys with their data keys and segments; those that are not known are fine."""
        ...
