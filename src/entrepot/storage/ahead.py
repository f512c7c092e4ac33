"""Reading a blob faster than one stream brings it: several pieces at a time, given in their order.

One stream of an object store is slower than hashing, and over a network every range waits for its first byte.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from entrepot.storage.port import BlobStorage

_MIB = 2**20


class ReadAhead:
    """What all readers of a process share: room for ``most`` pieces of ``size`` bytes.

    Of one blob ``at_once`` of them are held or under way.
    """

    def __init__(self, *, size: int = 8 * _MIB, at_once: int = 4, most: int = 8) -> None:
        self._size = size
        self._at_once = at_once
        self._room = asyncio.Semaphore(most)

    async def pieces(
        self, storage: BlobStorage, key: str, *, start: int, length: int
    ) -> AsyncGenerator[list[bytes]]:
        """Yield the chunks of each piece of exactly ``length`` bytes from ``start``; raises what ``read`` does.

        While one piece is used the next are read. To be closed by whoever leaves off early.
        """
        position, end = start, start + length
        ahead: deque[asyncio.Task[list[bytes]]] = deque()
        try:
            while position < end or ahead:
                # Who has a piece never waits for room: so those who share it cannot wait for each other.
                while position < end and len(ahead) < self._at_once and not (ahead and self._room.locked()):
                    await self._room.acquire()
                    size = min(self._size, end - position)
                    ahead.append(asyncio.create_task(_read(storage, key, position, size)))
                    position += size
                yield await ahead[0]
                ahead.popleft()
                self._room.release()
        finally:
            for reading in ahead:
                reading.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)
            for _ in ahead:
                self._room.release()


async def _read(storage: BlobStorage, key: str, start: int, length: int) -> list[bytes]:
    return [chunk async for chunk in storage.read(key, start=start, length=length)]
