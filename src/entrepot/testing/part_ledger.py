"""The S3 driver's ledger in memory: the twin of the one over the database."""

from collections.abc import Sequence

from entrepot.storage.s3_ledger import Multipart, Part


class MemoryPartLedger:
    """See PartLedger; for all storages of one event loop."""

    def __init__(self) -> None:
        self._multiparts: dict[str, Multipart] = {}
        self._parts: dict[str, list[Part]] = {}

    async def find(self, key: str) -> Multipart | None:
        """See PartLedger."""
        return self._multiparts.get(key)

    async def parts(self, key: str) -> list[Part]:
        """See PartLedger."""
        return sorted(self._parts.get(key, []), key=lambda part: part.end)

    async def end(self, key: str, size: int) -> int:
        """See PartLedger."""
        return max((part.end for part in await self.parts(key) if part.end <= size), default=0)

    async def replace(self, key: str, old: Multipart | None, new: Multipart, parts: Sequence[Part] = ()) -> bool:
        """See PartLedger."""
        if not self._is(key, old):
            return False
        self._multiparts[key] = new
        self._parts.setdefault(key, []).extend(parts)
        return True

    async def cut(self, key: str, epoch: int, size: int) -> bool:
        """See PartLedger."""
        kept = [part for part in await self.parts(key) if part.end <= size]
        if len(kept) == len(self._parts.get(key, [])):
            return True
        if self._multiparts[key].epoch != epoch:
            return False
        self._parts[key] = kept
        return True

    async def forget(self, key: str, old: Multipart) -> None:
        """See PartLedger."""
        if self._is(key, old):
            del self._multiparts[key], self._parts[key]

    def _is(self, key: str, old: Multipart | None) -> bool:
        found = self._multiparts.get(key)
        if found is None or old is None:
            return found is old
        return (found.epoch, found.revision) == (old.epoch, old.revision)
