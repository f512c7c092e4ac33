"""Reading ahead gives the bytes of a blob as reading does, and keeps to its room."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.digest import hasher
from entrepot.storage.ahead import ReadAhead
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import BlobDamaged

KEY, OTHER = "0" * 32, "1" * 32
CONTENT = bytes(range(256)) * 4


class WatchedStorage(MemoryStorage):
    """Knows how many reads of each key are open, and ends none of them before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.open = Counter[str]()
        self.most = 0
        self.may_end = asyncio.Event()
        self.three_are_open = asyncio.Event()

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """As the storage, once it may."""
        self.open[key] += 1
        self.most = max(self.most, self.open.total())
        if self.open.total() == 3:
            self.three_are_open.set()
        try:
            await self.may_end.wait()
            async for chunk in super().read(key, start=start, length=length):
                yield chunk
        finally:
            self.open[key] -= 1


async def stored(storage: MemoryStorage, *keys: str) -> None:
    """Keep the content under each of the keys."""
    for key in keys:
        async with storage.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([CONTENT])
        await storage.seal(key, size=len(CONTENT), epoch=1)


async def read(ahead: ReadAhead, storage: MemoryStorage, key: str, start: int, length: int) -> bytes:
    """All that is given."""
    async with aclosing(ahead.pieces(storage, key, start=start, length=length)) as pieces:
        return b"".join([b"".join(piece) async for piece in pieces])


@given(
    start=st.integers(0, len(CONTENT)),
    length=st.integers(0, len(CONTENT)),
    size=st.integers(1, 300),
    at_once=st.integers(1, 5),
    most=st.integers(1, 5),
)
def test_every_byte_is_given_once_and_in_order(
    start: int, length: int, size: int, at_once: int, most: int
) -> None:
    """Whatever the pieces and the room."""
    length = min(length, len(CONTENT) - start)

    async def run() -> bytes:
        storage = MemoryStorage()
        await stored(storage, KEY)
        return await read(ReadAhead(size=size, at_once=at_once, most=most), storage, KEY, start, length)

    assert asyncio.run(run()) == CONTENT[start : start + length]


async def test_several_pieces_are_read_at_a_time() -> None:
    """The next ones are under way before the first has come."""
    storage = WatchedStorage()
    await stored(storage, KEY)
    reading = asyncio.create_task(read(ReadAhead(size=100, at_once=3), storage, KEY, 0, len(CONTENT)))

    async with asyncio.timeout(10):
        await storage.three_are_open.wait()
        storage.may_end.set()

        assert await reading == CONTENT
    assert storage.most == 3


async def test_readers_share_their_room() -> None:
    """However many there are, so many pieces are held; and each comes to its end."""
    storage = WatchedStorage()
    await stored(storage, KEY, OTHER)
    ahead = ReadAhead(size=100, at_once=4, most=2)
    storage.may_end.set()

    async with asyncio.timeout(10):
        found = await asyncio.gather(*(read(ahead, storage, key, 0, len(CONTENT)) for key in (KEY, OTHER) * 4))

    assert found == [CONTENT] * 8
    assert storage.most <= 2


async def test_missing_bytes_are_an_error_and_leave_the_room_free() -> None:
    """The first piece that is not there ends it, and those that are read already are let go of."""
    storage = WatchedStorage()
    await stored(storage, KEY)
    ahead = ReadAhead(size=100, at_once=4, most=4)
    storage.may_end.set()

    for _ in range(3):
        with pytest.raises(BlobDamaged):
            await read(ahead, storage, KEY, len(CONTENT) - 150, 1000)

    assert storage.open.total() == 0
    assert await read(ahead, storage, KEY, 0, len(CONTENT)) == CONTENT


async def test_who_leaves_off_early_leaves_nothing_open() -> None:
    """As a request does that fails."""
    storage = WatchedStorage()
    await stored(storage, KEY)
    ahead = ReadAhead(size=100, at_once=2, most=2)
    storage.may_end.set()

    for _ in range(3):
        async with aclosing(ahead.pieces(storage, KEY, start=0, length=len(CONTENT))) as pieces:
            assert b"".join(await anext(pieces)) == CONTENT[:100]

    assert storage.open.total() == 0
    assert await read(ahead, storage, KEY, 0, len(CONTENT)) == CONTENT
