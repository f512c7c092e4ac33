"""A bound on the memory that request bodies may take at once, over all requests of a worker.

A part of 20 MiB is a body of 28 MiB, held whole because UploadLayerPart is all or nothing. What has arrived
counts, not what was announced: a client that stalls holds up nobody but itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from entrepot.features.quotas.errors import Throttled

#: Takes so many more bytes for a request; raises Throttled.
Take = Callable[[int], Awaitable[None]]


class BodyBudget:
    """So many bytes for all bodies; a body over its budget waits for others, ``patience`` seconds at most."""

    def __init__(self, size: int, patience: float) -> None:
        self._free = size
        self._patience = patience
        self._released = asyncio.Event()

    @contextmanager
    def share(self) -> Generator[Take]:
        """What one request takes from the budget, until the block ends."""
        held = 0

        async def take(size: int) -> None:
            nonlocal held
            if self._free < size:
                await self._wait_for(size)
            self._free -= size
            held += size

        try:
            yield take
        finally:
            self._free += held
            self._released.set()

    async def _wait_for(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while self._free < size:
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            raise Throttled from None
