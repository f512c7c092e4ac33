"""A bound on the memory that request bodies may take at once, over all requests of a worker.

A part of 20 MiB is a body of 28 MiB, held whole because UploadLayerPart is all or nothing. What has arrived
counts, not what was announced: a client that stalls holds up nobody but itself.
"""

import asyncio
from collections.abc import Awaitable, Callable

from entrepot.features.quotas.errors import Throttled

#: Takes so many more bytes for a request; raises Throttled.
Take = Callable[[int], Awaitable[None]]


class BodyBudget:
    """So many bytes for all bodies; a body over its budget waits for others, ``patience`` seconds at most."""

    def __init__(self, size: int, patience: float) -> None:
        self._free = size
        self._patience = patience
        self._released = asyncio.Event()

    def share(self) -> "Share":
        """What one request takes from the budget, until the block that it is used in ends."""
        return Share(self)

    async def take(self, size: int) -> None:
        """Take so many bytes; raises Throttled when they do not become free in time."""
        if self._free < size:
            await self._wait_for(size)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Let others have so many bytes."""
        self._free += size
        self._released.set()

    async def _wait_for(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while self._free < size:
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            raise Throttled from None


class Share:
    """The part of a budget that one request holds."""

    __slots__ = ("_budget", "_held")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._held = 0

    def __enter__(self) -> Take:
        return self._take

    def __exit__(self, *_: object) -> None:
        self._budget.give_back(self._held)

    async def _take(self, size: int) -> None:
        await self._budget.take(size)
        self._held += size
