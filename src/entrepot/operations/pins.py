"""Keeping the collector away from bytes that are being copied (designs/backup.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Never, TypeVar

from entrepot.core.clock import MINUTE, Clock
from entrepot.core.errors import Unavailable
from entrepot.features.backup.errors import PinExpired
from entrepot.features.collection import store as collection
from entrepot.features.collection.store import Pin
from entrepot.operations.services import Upkeep

T = TypeVar("T")

#: How long a pin holds unless it is renewed: as long does one whose process was killed.
PIN_LIFE = 30 * MINUTE
#: Seconds between two renewals: a database that is away for less than the rest does no harm.
RENEWAL = 60.0


async def while_pinned(
    services: Upkeep, name: str, work: Callable[[], Awaitable[T]], *, renewal: float = RENEWAL
) -> T:
    """Do ``work``; no bytes that are a blob's when it begins are removed before it ends.

    The pin is renewed every ``renewal`` seconds. Raises PinExpired, in the middle of the work or at its end, when
    that cannot be vouched for.
    """
    pinned = _Pinned(services, name)
    await pinned.begin()
    working, renewing = asyncio.ensure_future(work()), asyncio.create_task(pinned.renew_for_ever(renewal))
    try:
        await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
        if renewing.done():
            renewing.result()
        result = working.result()
        pinned.require_unexpired()
        return result
    finally:
        for task in (working, renewing):
            task.cancel()
        await asyncio.gather(working, renewing, return_exceptions=True)
        with suppress(Unavailable):  # it expires by itself
            await services.metadata.write(lambda connection: collection.unpin(connection, name))


class _Pinned:
    """A pin, and how long it is known to hold."""

    def __init__(self, services: Upkeep, name: str) -> None:
        self._metadata = services.metadata
        self._clock: Clock = services.clock
        self._lifetimes = services.lifetimes
        self._name = name
        self._until = 0

    async def begin(self) -> None:
        """Hold what the collector could not have removed by now; committed when this returns."""
        now = self._clock()
        pin = Pin(self._name, self._lifetimes.unreachable_before(now), now + PIN_LIFE)
        expired = self._lifetimes.past_everywhere(now)
        await self._metadata.write(
            lambda connection: (
                collection.drop_expired_pins(connection, expired),
                collection.pin(connection, pin),
            )
        )
        self._until = pin.expires_at
        self.require_unexpired()

    async def renew_for_ever(self, renewal: float) -> Never:
        """Renew now and then; raises PinExpired when it comes too late."""
        while True:
            await asyncio.sleep(renewal)
            await self.renew()

    async def renew(self) -> None:
        """Let it hold for another while; a database that does not answer is asked again later."""
        until = self._clock() + PIN_LIFE
        try:
            found = await self._metadata.write(lambda c: collection.renew_pin(c, self._name, until))
        except Unavailable:
            found = True
            until = self._until
        self.require_unexpired()  # the old time: had that passed before the commit, the pin held nothing meanwhile
        if not found:
            raise PinExpired
        self._until = until

    def require_unexpired(self) -> None:
        """Raise PinExpired unless the pin holds now."""
        if self._clock() >= self._until:
            raise PinExpired
