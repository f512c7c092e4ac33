"""The ledger of encrypted bytes in memory: the twin of the one over the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from entrepot.storage.frames import Segment
from entrepot.storage.segment_ledger import Sealing


@dataclass
class _Entry:
    known: Sealing
    epoch: int = -1


class MemorySegmentLedger:
    """See SegmentLedger; for all storages of one event loop. Any storage key has the data key ``wrapped``."""

    def __init__(self, wrapped: bytes = b"wrapped") -> None:
        self._wrapped = wrapped
        self._entries: dict[str, _Entry] = {}

    async def before(self, key: str, offset: int) -> Sealing:
        """See SegmentLedger."""
        known = await self.find(key)
        earlier = [segment for segment in known.segments if segment.start < offset]
        return replace(known, segments=tuple(earlier[-1:]))

    async def find(self, key: str) -> Sealing:
        """See SegmentLedger."""
        return self._entries.setdefault(key, _Entry(Sealing(self._wrapped))).known

    async def record(self, key: str, segment: Segment, epoch: int) -> bool:
        """See SegmentLedger."""
        entry = self._entries.get(key)
        if entry is None or entry.epoch > epoch or entry.known.size is not None:
            return False
        kept = (other for other in entry.known.segments if other.start < segment.start)
        entry.known, entry.epoch = replace(entry.known, segments=(*kept, segment)), epoch
        return True

    async def seal(self, key: str, size: int, seal: bytes, epoch: int) -> bool:
        """See SegmentLedger."""
        entry = self._entries.get(key)
        if entry is None:
            return False
        if entry.known.size is not None:
            return (entry.known.size, entry.known.seal) == (size, seal)
        if entry.epoch > epoch:
            return False
        entry.known, entry.epoch = replace(entry.known, size=size, seal=seal), epoch
        return True

    async def forget(self, keys: Sequence[str]) -> None:
        """See SegmentLedger."""
        for key in keys:
            self._entries.pop(key, None)
