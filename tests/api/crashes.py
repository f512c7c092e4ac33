"""A registry that dies at a chosen moment: before or after any of its calls to database and storage."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection

from entrepot.metadata.port import Metadata
from entrepot.operations.services import Services
from entrepot.storage.port import BlobStorage

T = TypeVar("T")


class Crashed(BaseException):
    """The process is gone: nothing that could handle an error sees it."""


@dataclass
class Countdown:
    """Counts moments; the last one is the end."""

    left: int

    def pass_one(self) -> None:
        """Raise Crashed when it was the last."""
        self.left -= 1
        if self.left == 0:
            raise Crashed

    async def around(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call with a moment before it, in which nothing is done, and one after it, when all is."""
        self.pass_one()
        result = await call()
        self.pass_one()
        return result


@dataclass(frozen=True)
class CrashingMetadata:
    """A database whose caller dies before a call, or after the commit and before it hears of it."""

    metadata: Metadata
    countdown: Countdown

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """As the database does."""
        return await self.metadata.look_up(query)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """As the database does."""
        return await self.metadata.read(query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """As the database does, or Crashed."""
        return await self.countdown.around(lambda: self.metadata.write(change))

    async def check(self) -> None:
        """As the database does."""
        await self.metadata.check()

    async def close(self) -> None:
        """The database is another's."""


@dataclass(frozen=True)
class CrashingStorage:
    """A storage whose caller dies before, among or after deletions. It is asked for nothing else."""

    storage: BlobStorage
    countdown: Countdown

    async def delete_many(self, keys: Sequence[str]) -> None:
        """One after the other, or Crashed."""
        for key in keys:
            await self.countdown.around(lambda key=key: self.storage.delete(key))

    def __getattr__(self, name: str) -> object:
        return getattr(self.storage, name)


def crashing(services: Services, at: int) -> Services:
    """These services, which raise Crashed at the moment ``at``, counted from 1."""
    countdown = Countdown(at)
    return replace(
        services,
        metadata=CrashingMetadata(services.metadata, countdown),
        storage=CrashingStorage(services.storage, countdown),
    )
