"""A bound on the memory that request bodies may take at once, over all requests of a worker.

A part of 20 MiB is a body of 28 MiB, held whole because UploadLayerPart is all or nothing. Bodies over the budget
wait for their turn, and are told to come back when it does not come soon.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import LimitReached


@dataclass(eq=False)
class Throttled(LimitReached):
    """Too much is asked for at once; SDKs come back by themselves."""

    template: ClassVar[str] = "Rate exceeded"


class BodyBudget:
    """So many bytes; a request takes its share before its body is read."""

    def __init__(self, size: int, patience: float) -> None:
        self._free = size
        self._patience = patience
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def share(self, size: int) -> AsyncGenerator[None]:
        """Hold ``size`` bytes of the budget; raises Throttled after waiting in vain for ``patience`` seconds."""
        async with self._changed:
            try:
                async with asyncio.timeout(self._patience):
                    await self._changed.wait_for(lambda: self._free >= size)
            except TimeoutError:
                raise Throttled from None
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            async with self._changed:
                self._changed.notify_all()
