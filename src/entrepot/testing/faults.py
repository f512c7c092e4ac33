"""Storages and databases that fail as real ones do, when a plan says so.

    storage = FaultyStorage(MemoryStorage(), faults)
    metadata = FaultyMetadata(metadata, faults)

Both wrap any driver of their port and pass its contract while the plan lets them. A plan is asked before each
call what becomes of it, and told after it; it may wait there, on whatever clock it has, or end the process by
raising Crashed. Nothing here sleeps, and nothing is random that the plan does not make so: RandomFaults and
ListedFaults are two plans, one for many runs and one for a single test.

**A crash.** When a plan raises Crashed it goes on raising it for every later call of that process, so that nothing
its code does on the way out reaches the storage or the database. ``FaultyStorage.lose_unsynced`` then takes away
what a power cut would take.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from entrepot.core.digest import Hasher, hasher
from entrepot.metadata.port import Metadata, MetadataUnavailable
from entrepot.storage.port import (
    BlobDamaged,
    BlobStorage,
    BlobWriter,
    Fenced,
    Listing,
    StorageFull,
    StorageUnavailable,
    StoredObject,
)

T = TypeVar("T")

#: The ``reason`` of every error that is raised here, by which a test knows it.
INJECTED = "a fault was injected"


class Crashed(BaseException):
    """The process is gone: nothing that handles errors sees it."""


class Fault(Enum):
    """What becomes of one call."""

    UNAVAILABLE = auto()  # it fails, and nothing was done
    FULL = auto()  # StorageFull, and nothing was done
    DAMAGED = auto()  # a read: BlobDamaged at once
    TORN = auto()  # some of the bytes, or some of the keys, and then it fails
    ANSWER_LOST = auto()  # it is done, and then it fails: a connection lost in the middle of COMMIT
    ROLLED_BACK = auto()  # a write of the database: it is made, taken back, and fails
    REPEATED = auto()  # a write of the database: it is made, taken back, and made again, as after a deadlock


class Faults(Protocol):
    """A plan: decides what becomes of the calls of one process.

    Calls are named ``metadata.write``, ``storage.seal`` and so on; ``storage.write`` and ``storage.sync`` are a
    writer's, and ``storage.take_back`` is the end of a writer that is left by an exception.
    """

    async def before(self, call: str, possible: Sequence[Fault]) -> Fault | None:
        """What becomes of a call, one of the ``possible`` faults; None lets it be. May wait; may raise Crashed."""
        ...

    async def after(self, call: str) -> None:
        """The call was carried out, as far as it was, and nobody has heard of it. May wait; may raise Crashed."""
        ...

    def part(self, whole: int) -> int:
        """How many of so many bytes or keys, at least one, a torn call comes to: fewer."""
        ...


class RandomFaults:
    """Each call fails with probability ``rate``, in one of the ways it can; ``wait`` is awaited around each."""

    def __init__(
        self, random: Random, *, rate: float = 0, wait: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._random = random
        self._rate = rate
        self._wait = wait

    async def before(self, call: str, possible: Sequence[Fault]) -> Fault | None:
        """See Faults."""
        await self.after(call)
        return self._random.choice(possible) if self._random.random() < self._rate else None

    async def after(self, call: str) -> None:  # noqa: ARG002 (the plan is the same for all)
        """See Faults."""
        if self._wait is not None:
            await self._wait()

    def part(self, whole: int) -> int:
        """See Faults."""
        return self._random.randrange(whole)


class ListedFaults:
    """The next call of each name listed fails as it says, and a torn one comes to half; ``left`` are to come."""

    def __init__(self, *faults: tuple[str, Fault]) -> None:
        self.left = list(faults)

    async def before(self, call: str, possible: Sequence[Fault]) -> Fault | None:
        """See Faults; ValueError for a fault that this call cannot have."""
        for position, (name, fault) in enumerate(self.left):
            if name == call:
                if fault not in possible:
                    message = f"{call} cannot be {fault.name}"
                    raise ValueError(message)
                del self.left[position]
                return fault
        return None

    async def after(self, call: str) -> None:
        """See Faults."""

    def part(self, whole: int) -> int:
        """See Faults."""
        return whole // 2


class FaultyMetadata:
    """A database whose calls fail as ``faults`` plan it. A change may run more than once, as the port allows."""

    def __init__(self, metadata: Metadata, faults: Faults) -> None:
        self._metadata = metadata
        self._faults = faults

    async def look_up(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        await self._begin("metadata.look_up")
        result = await self._metadata.look_up(query)
        await self._faults.after("metadata.look_up")
        return result

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See the port."""
        await self._begin("metadata.read")
        result = await self._metadata.read(query)
        await self._faults.after("metadata.read")
        return result

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See the port."""
        fault = await self._begin("metadata.write", Fault.ANSWER_LOST, Fault.ROLLED_BACK, Fault.REPEATED)
        if fault in {Fault.ROLLED_BACK, Fault.REPEATED}:
            with suppress(_TakenBack):
                await self._metadata.write(lambda connection: _take_back(change, connection))
        if fault is Fault.ROLLED_BACK:
            raise MetadataUnavailable(INJECTED)
        result = await self._metadata.write(change)
        await self._faults.after("metadata.write")
        if fault is Fault.ANSWER_LOST:
            raise MetadataUnavailable(INJECTED)
        return result

    async def check(self) -> None:
        """See the port."""
        await self._begin("metadata.check")
        await self._metadata.check()

    async def close(self) -> None:
        """See the port; closing does not fail."""
        await self._metadata.close()

    async def _begin(self, call: str, *more: Fault) -> Fault | None:
        fault = await self._faults.before(call, (Fault.UNAVAILABLE, *more))
        if fault is Fault.UNAVAILABLE:
            raise MetadataUnavailable(INJECTED)
        return fault


class _TakenBack(Exception):
    """Undoes a transaction."""


def _take_back(change: Callable[[Connection], object], connection: Connection) -> None:
    change(connection)
    raise _TakenBack


@dataclass(slots=True)
class Unsynced:
    """What a power cut would take of one key: the bytes from ``durable`` to ``end``, written with ``epoch``."""

    durable: int
    end: int
    epoch: int


class FaultyStorage:
    """A storage whose calls fail as ``faults`` plan it.

    ``unsynced`` are the bytes, by key, that were written through this wrapper and not synced since.
    """

    def __init__(self, storage: BlobStorage, faults: Faults) -> None:
        self.unsynced: dict[str, Unsynced] = {}
        self._storage = storage
        self._faults = faults

    async def lose_unsynced(self) -> None:
        """Cut the power: of what was not synced, each key keeps as many bytes as the plan's ``part`` says.

        That is what the plan says of one byte more, so it may be all.
        """
        for key, lost in self.unsynced.items():
            end = lost.durable + self._faults.part(lost.end - lost.durable + 1)
            with suppress(Fenced, BlobDamaged, _PowerCut):  # another one's by now, or taken back
                async with self._storage.writer(key, offset=end, epoch=lost.epoch, hasher=hasher("sha256")):
                    raise _PowerCut  # a block that is left by an exception takes back what lies beyond its offset
        self.unsynced.clear()

    @asynccontextmanager
    async def writer(self, key: str, *, offset: int, epoch: int, hasher: Hasher) -> AsyncGenerator[BlobWriter]:
        """See the port."""
        await self._begin("storage.writer", Fault.FULL)
        opened = self._storage.writer(key, offset=offset, epoch=epoch, hasher=hasher)
        writer = await opened.__aenter__()
        try:
            yield _FaultyWriter(self, self._faults, writer, key, offset, epoch)
        except BaseException as error:
            if await self._is_alive():
                self.forget_unsynced(key, epoch)
                await opened.__aexit__(type(error), error, error.__traceback__)
            else:
                await opened.__aexit__(None, None, None)  # a process that is gone takes nothing back
            raise
        else:
            await opened.__aexit__(None, None, None)

    def remember_unsynced(self, key: str, start: int, end: int, epoch: int) -> None:
        """A writer has written these bytes of a key."""
        known = self.unsynced.get(key)
        if known is None or known.epoch != epoch:
            self.unsynced[key] = Unsynced(start, end, epoch)
        else:
            known.end = end

    def forget_unsynced(self, key: str, epoch: int) -> None:
        """What a writer has written is durable, or is there no more."""
        if key in self.unsynced and self.unsynced[key].epoch == epoch:
            del self.unsynced[key]

    async def _is_alive(self) -> bool:
        try:
            await self._faults.before("storage.take_back", ())
        except Crashed:
            return False
        return True

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port."""
        fault = await self._begin("storage.seal", Fault.ANSWER_LOST)
        await self._storage.seal(key, size=size, epoch=epoch)
        self.unsynced.pop(key, None)
        await self._end("storage.seal", fault)

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port."""
        fault = await self._begin("storage.make_readable", Fault.ANSWER_LOST)
        await self._storage.make_readable(key, size=size, epoch=epoch)
        await self._end("storage.make_readable", fault)

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        fault = await self._begin("storage.read", Fault.DAMAGED, Fault.TORN)
        if fault is Fault.DAMAGED:
            raise BlobDamaged(INJECTED)
        left = self._faults.part(max(1, length)) if fault is Fault.TORN else length
        async with aclosing(self._storage.read(key, start=start, length=length)) as chunks:
            async for chunk in chunks:
                await self._faults.after("storage.read")
                if fault is Fault.TORN and len(chunk) > left:
                    yield chunk[:left]
                    break
                left -= len(chunk)
                yield chunk
        if fault is Fault.TORN:
            raise BlobDamaged(INJECTED)

    async def delete(self, key: str) -> None:
        """See the port."""
        fault = await self._begin("storage.delete", Fault.ANSWER_LOST)
        await self._storage.delete(key)
        self.unsynced.pop(key, None)
        await self._end("storage.delete", fault)

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port."""
        fault = await self._begin("storage.delete_many", Fault.TORN, Fault.ANSWER_LOST)
        if fault is Fault.TORN:
            keys = keys[: self._faults.part(max(1, len(keys)))]
        await self._storage.delete_many(keys)
        for key in keys:
            self.unsynced.pop(key, None)
        await self._end("storage.delete_many", fault)

    async def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port."""
        await self._begin("storage.list_objects")
        async with aclosing(self._storage.list_objects(after=after)) as listings:
            async for listing in listings:
                yield listing

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port."""
        fault = await self._begin("storage.remove_objects", Fault.TORN, Fault.ANSWER_LOST)
        if fault is Fault.TORN:
            objects = objects[: self._faults.part(max(1, len(objects)))]
        await self._storage.remove_objects(objects)
        await self._end("storage.remove_objects", fault)

    async def direct_url(self, key: str) -> str | None:
        """See the port."""
        await self._begin("storage.direct_url")
        return await self._storage.direct_url(key)

    async def check(self) -> None:
        """See the port."""
        await self._begin("storage.check", Fault.FULL)
        await self._storage.check()

    async def identity(self) -> str | None:
        """See the port."""
        await self._begin("storage.identity")
        return await self._storage.identity()

    async def identify(self, identity: str) -> None:
        """See the port."""
        fault = await self._begin("storage.identify", Fault.FULL, Fault.ANSWER_LOST)
        await self._storage.identify(identity)
        await self._end("storage.identify", fault)

    async def _begin(self, call: str, *more: Fault) -> Fault | None:
        return await _begin(self._faults, call, *more)

    async def _end(self, call: str, fault: Fault | None) -> None:
        await _end(self._faults, call, fault)


class _PowerCut(Exception):
    """Leaves a writer's block, so that it takes back what was written."""


class _FaultyWriter:
    """What ``writer`` hands out."""

    def __init__(
        self, storage: FaultyStorage, faults: Faults, writer: BlobWriter, key: str, offset: int, epoch: int
    ) -> None:
        self._storage = storage
        self._faults = faults
        self._writer = writer
        self._key = key
        self._end = offset
        self._epoch = epoch

    async def write(self, chunks: Sequence[bytes]) -> None:
        fault = await _begin(self._faults, "storage.write", Fault.FULL, Fault.TORN)
        size = sum(map(len, chunks))
        if fault is Fault.TORN:
            size = self._faults.part(max(1, size))
            chunks = [b"".join(chunks)[:size]]
        await self._writer.write(chunks)
        self._storage.remember_unsynced(self._key, self._end, self._end + size, self._epoch)
        self._end += size
        await _end(self._faults, "storage.write", fault)

    async def sync(self) -> None:
        fault = await _begin(self._faults, "storage.sync", Fault.ANSWER_LOST)
        await self._writer.sync()
        self._storage.forget_unsynced(self._key, self._epoch)
        await _end(self._faults, "storage.sync", fault)


async def _begin(faults: Faults, call: str, *more: Fault) -> Fault | None:
    fault = await faults.before(call, (Fault.UNAVAILABLE, *more))
    if fault is Fault.UNAVAILABLE:
        raise StorageUnavailable(INJECTED)
    if fault is Fault.FULL:
        raise StorageFull
    return fault


async def _end(faults: Faults, call: str, fault: Fault | None) -> None:
    await faults.after(call)
    if fault in {Fault.TORN, Fault.ANSWER_LOST}:
        raise StorageUnavailable(INJECTED)
