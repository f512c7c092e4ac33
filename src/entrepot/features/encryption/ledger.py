"""The ledger of encrypted bytes over the database."""

from collections.abc import Sequence

from entrepot.features.encryption import store
from entrepot.metadata.port import Metadata
from entrepot.storage.frames import Segment
from entrepot.storage.segment_ledger import Sealing

BATCH = 500


class MetadataSegmentLedger:
    """See SegmentLedger; all replicas over one database see the same. ``store.add_key`` makes a key known.

    ``batch`` is how many rows one transaction deletes, at most.
    """

    def __init__(self, metadata: Metadata, *, batch: int = BATCH) -> None:
        self._metadata = metadata
        self._batch = batch

    async def before(self, key: str, offset: int) -> Sealing | None:
        """See SegmentLedger."""
        return await self._metadata.look_up(lambda connection: store.find_before(connection, key, offset))

    async def find(self, key: str) -> Sealing | None:
        """See SegmentLedger."""
        return await self._metadata.read(lambda connection: store.find(connection, key))

    async def record(self, key: str, segment: Segment, epoch: int) -> bool:
        """See SegmentLedger; in one transaction, for a writer syncs once before its offset is committed."""
        return await self._metadata.write(lambda connection: store.record(connection, key, segment, epoch))

    async def seal(self, key: str, size: int, seal: bytes, epoch: int) -> bool:
        """See SegmentLedger."""
        return await self._metadata.write(lambda connection: store.seal(connection, key, size, seal, epoch))

    async def forget(self, keys: Sequence[str]) -> None:
        """See SegmentLedger; the segments first."""
        while known := await self._metadata.read(lambda c: store.known_among(c, keys, self._batch)):
            while await self._metadata.write(lambda c, known=known: store.forget(c, known, self._batch)):
                pass
