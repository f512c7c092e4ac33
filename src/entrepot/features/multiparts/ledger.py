"""The ledger of the S3 driver over the database."""

from collections.abc import Sequence

from entrepot.features.multiparts import store
from entrepot.metadata.port import Metadata
from entrepot.storage.s3_ledger import Multipart, Part

#: Rows that one transaction deletes, at most.
BATCH = 400


class MetadataPartLedger:
    """See PartLedger; every replica over the same database sees the same."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    async def find(self, key: str) -> Multipart | None:
        """See PartLedger."""
        return await self._metadata.look_up(lambda connection: store.find(connection, key))

    async def parts(self, key: str) -> list[Part]:
        """See PartLedger."""
        return await self._metadata.read(lambda connection: store.list_parts(connection, key))

    async def end(self, key: str, size: int) -> int:
        """See PartLedger."""
        return await self._metadata.look_up(lambda connection: store.end(connection, key, size))

    async def replace(self, key: str, old: Multipart | None, new: Multipart, parts: Sequence[Part] = ()) -> bool:
        """See PartLedger; at most some twenty parts."""
        return await self._metadata.write(lambda connection: store.replace(connection, key, old, new, parts))

    async def cut(self, key: str, epoch: int, size: int) -> bool:
        """See PartLedger; in transactions of BATCH rows."""
        while await self._metadata.look_up(lambda connection: store.has_parts_after(connection, key, size)):
            if not await self._metadata.write(
                lambda connection: store.drop_parts_after(connection, key, epoch, size, BATCH)
            ):
                return False
        return True

    async def forget(self, key: str, old: Multipart) -> None:
        """See PartLedger; in transactions of BATCH rows, the parts first."""
        while await self._metadata.write(lambda connection: store.forget(connection, key, old, BATCH)):
            pass
