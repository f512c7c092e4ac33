"""The cache of a storage: one fetch for all who wait, a bound, and never a wrong byte."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.storage.cached import CachedStorage
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.pieces import BLOCK, PIECE, Piece, PieceFolder
from entrepot.storage.port import BlobDamaged, StorageUnavailable
from entrepot.testing.blob_contract import KEY, MIB, OTHER_KEY, fetch, store

CONTENT = Random(0).randbytes(2 * PIECE + 5)
#: What a whole piece takes.
WHOLE = Piece(KEY, 0, PIECE).stored_length


class Source(MemoryStorage):
    """Sealed blobs in memory; knows which ranges were read, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = Counter[tuple[str, int, int]]()
        self.sizes = dict[str, int]()
        self.is_away = False
        self.breaks_off = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.has_begun = asyncio.Event()

    async def size(self, key: str) -> int:
        """Of what ``keep`` was given."""
        if self.is_away:
            raise StorageUnavailable("it is away")
        if key not in self.keys():
            raise BlobDamaged("they are missing")
        return self.sizes[key]

    async def keep(self, content: bytes, *, key: str = KEY) -> None:
        """Store a blob."""
        await store(self, content, key=key)
        self.sizes[key] = len(content)

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """As the storage, once it may."""
        if self.is_away:
            raise StorageUnavailable("it is away")
        self.reads[key, start, length] += 1
        self.has_begun.set()
        async with aclosing(super().read(key, start=start, length=length)) as chunks:
            async for chunk in chunks:
                yield chunk
                await self.may_go_on.wait()
                if self.breaks_off:
                    raise BlobDamaged("they end early")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the pieces are."""
    return tmp_path / "cache"


@pytest.fixture
def threads() -> Iterator[Executor]:
    """A few threads, so that calls meet."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
async def source() -> Source:
    """A blob of three pieces, the last of 5 bytes."""
    source = Source()
    await source.keep(CONTENT)
    return source


@pytest.fixture
def open_cache(source: Source, root: Path, threads: Executor) -> Callable[[int], CachedStorage]:
    """Open the folder as one more process would, with a capacity."""
    return lambda capacity: CachedStorage(source, PieceFolder(root, capacity=capacity), threads=threads)


@pytest.fixture
def cache(open_cache: Callable[[int], CachedStorage]) -> CachedStorage:
    """Room for all that a test reads."""
    return open_cache(100 * PIECE)


def pieces(root: Path) -> dict[str, Path]:
    """The files in the folder by their names."""
    return {path.name: path for path in root.glob("??/*")}


async def test_what_was_read_is_not_fetched_again(
    cache: CachedStorage, source: Source, open_cache: Callable[[int], CachedStorage]
) -> None:
    """Neither by this process nor by another, and it is there while the storage is away."""
    assert await fetch(cache, len(CONTENT)) == CONTENT

    source.is_away = True

    assert await fetch(cache, len(CONTENT)) == CONTENT
    assert await fetch(open_cache(100 * PIECE), 10, start=PIECE - 5) == CONTENT[PIECE - 5 : PIECE + 5]
    assert source.reads == {(KEY, 0, PIECE): 1, (KEY, PIECE, PIECE): 1, (KEY, 2 * PIECE, 5): 1}


async def test_one_fetch_serves_all_who_wait(cache: CachedStorage, source: Source) -> None:
    """Many pulls of one layer, whole and by ranges, ask the storage for each piece once."""
    ranges = list(pairwise(range(0, len(CONTENT), 3 * MIB)))

    whole = [fetch(cache, len(CONTENT)) for _ in range(8)]
    parts = [fetch(cache, end - start, start=start) for start, end in ranges]
    found = await asyncio.gather(*whole, *parts)

    assert found == [CONTENT] * 8 + [CONTENT[start:end] for start, end in ranges]
    assert set(source.reads.values()) == {1}


async def test_who_leaves_does_not_end_the_fetch_of_others(cache: CachedStorage, source: Source) -> None:
    """Also when it was the one who began it."""
    source.may_go_on.clear()
    first = asyncio.create_task(fetch(cache, 10))
    await source.has_begun.wait()
    second = asyncio.create_task(fetch(cache, 20))

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.may_go_on.set()

    assert await second == CONTENT[:20]
    assert source.reads == {(KEY, 0, PIECE): 1}


async def test_the_folder_keeps_to_its_bound_while_it_is_filled(
    open_cache: Callable[[int], CachedStorage], source: Source, root: Path
) -> None:
    """Two processes that read different layers at once: all their files together, at any time, fit."""
    capacity = 3 * WHOLE + 100
    keys = [f"{number:032x}" for number in range(6)]
    for key in keys:
        await source.keep(CONTENT, key=key)
    sizes: list[int] = []

    async def read(cache: CachedStorage, key: str) -> bytes:
        content = b""
        async with aclosing(cache.read(key, start=0, length=len(CONTENT))) as chunks:
            async for chunk in chunks:
                content += chunk
                sizes.append(sum(path.stat().st_size for path in pieces(root).values() if path.exists()))
        return content

    caches = [open_cache(capacity), open_cache(capacity)]
    found = await asyncio.gather(*(read(caches[number % 2], key) for number, key in enumerate(keys)))

    assert found == [CONTENT] * len(keys)
    assert WHOLE <= max(sizes) <= capacity


async def test_what_was_read_last_stays(
    open_cache: Callable[[int], CachedStorage], source: Source, root: Path
) -> None:
    """Whatever was written first; what nobody asks for makes room."""
    cache = open_cache(int(3.4 * WHOLE))
    await fetch(cache, PIECE)
    await fetch(cache, PIECE, start=PIECE)
    for path in pieces(root).values():
        os.utime(path, (0, 0))  # a long time ago: clocks of file systems tick slowly
    await fetch(cache, 1)
    await source.keep(CONTENT, key=OTHER_KEY)

    await fetch(cache, PIECE, key=OTHER_KEY)
    await fetch(cache, PIECE, key=OTHER_KEY, start=PIECE)

    assert set(pieces(root)) == {f"{KEY}.0", f"{OTHER_KEY}.0", f"{OTHER_KEY}.1"}


def zero(path: Path) -> None:
    """As after a power cut: the size is there, the bytes are not."""
    path.write_bytes(bytes(path.stat().st_size))


def zero_a_block(path: Path) -> None:
    """As a block that was never written."""
    with path.open("r+b") as file:
        file.seek(BLOCK)
        file.write(bytes(BLOCK))


def cut(path: Path) -> None:
    """As a file whose end was not written."""
    with path.open("r+b") as file:
        file.truncate(PIECE // 2)


def empty(path: Path) -> None:
    """As a name without bytes."""
    path.write_bytes(b"")


def swap(path: Path) -> None:
    """As blocks that belonged to another file."""
    shutil.copyfile(path.with_suffix(".1"), path)


@pytest.mark.parametrize("spoil", [zero, zero_a_block, cut, empty, swap])
async def test_a_damaged_piece_is_never_served(
    cache: CachedStorage, source: Source, root: Path, spoil: Callable[[Path], None]
) -> None:
    """Its bytes come from the storage, and the next time it is whole again."""
    await fetch(cache, len(CONTENT))
    spoil(pieces(root)[f"{KEY}.0"])

    assert await fetch(cache, len(CONTENT)) == CONTENT

    assert await fetch(cache, len(CONTENT)) == CONTENT
    source.is_away = True
    assert await fetch(cache, len(CONTENT)) == CONTENT


def replace_by_a_file(folder: Path) -> None:
    """Whatever is done in it fails from now on."""
    shutil.rmtree(folder)
    folder.write_bytes(b"")


@pytest.mark.parametrize("when", ["before", "between"])
async def test_a_folder_that_fails_costs_nothing_but_time(
    cache: CachedStorage, source: Source, root: Path, when: str
) -> None:
    """It went away, or something else has its name: the storage gives everything, and deletes."""
    if when == "between":
        await fetch(cache, PIECE)
    replace_by_a_file(root)

    assert await fetch(cache, len(CONTENT)) == CONTENT
    await cache.delete(KEY)

    with pytest.raises(BlobDamaged):
        await fetch(source, 1)


async def test_a_folder_that_was_removed_is_made_again(cache: CachedStorage, source: Source, root: Path) -> None:
    """By what is read next, for its owner alone; then it is a cache as before."""
    await fetch(cache, PIECE)
    shutil.rmtree(root)

    assert await fetch(cache, PIECE) == CONTENT[:PIECE]

    assert set(pieces(root)) == {f"{KEY}.0"}
    assert {folder.stat().st_mode & 0o777 for folder in (root, root / KEY[:2])} == {0o700}
    source.is_away = True
    assert await fetch(cache, PIECE) == CONTENT[:PIECE]


async def test_a_folder_whose_count_was_removed_keeps_to_its_bound(
    open_cache: Callable[[int], CachedStorage], root: Path
) -> None:
    """What is there is counted again."""
    cache = open_cache(WHOLE)
    await fetch(cache, PIECE)
    (root / "used").unlink()

    await fetch(cache, PIECE, start=PIECE)

    assert set(pieces(root)) == {f"{KEY}.1"}


async def test_a_fetch_that_breaks_off_leaves_nothing(cache: CachedStorage, source: Source, root: Path) -> None:
    """All who wait are told, and the next one begins anew."""
    source.breaks_off = True

    found = await asyncio.gather(*(fetch(cache, PIECE) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in found] == [BlobDamaged] * 3
    assert pieces(root) == {}
    source.breaks_off = False
    assert await fetch(cache, PIECE) == CONTENT[:PIECE]


async def test_what_a_killed_process_was_writing_goes_when_room_is_needed(
    open_cache: Callable[[int], CachedStorage], root: Path
) -> None:
    """Nobody holds its lock any more."""
    (root / KEY[:2]).mkdir(parents=True)
    left_over = root / KEY[:2] / f"{KEY}.7.x8k2ab"
    left_over.write_bytes(bytes(WHOLE))

    await fetch(open_cache(WHOLE), PIECE)

    assert set(pieces(root)) == {f"{KEY}.0"}


async def test_a_blob_that_is_deleted_leaves_no_piece(cache: CachedStorage, source: Source, root: Path) -> None:
    """And another one stays."""
    await source.keep(CONTENT[:100], key=OTHER_KEY)
    await fetch(cache, len(CONTENT))
    await fetch(cache, 100, key=OTHER_KEY)

    await cache.delete(KEY)

    assert set(pieces(root)) == {f"{OTHER_KEY}.0"}
    with pytest.raises(BlobDamaged):
        await fetch(cache, 1)


@settings(max_examples=25)
@given(start=st.integers(0, len(CONTENT)), length=st.integers(0, len(CONTENT)))
def test_every_range_is_exact(start: int, length: int) -> None:
    """Read while nothing is there, and read again."""
    length = min(length, len(CONTENT) - start)

    async def run(root: Path) -> list[bytes]:
        source = Source()
        await source.keep(CONTENT)
        with ThreadPoolExecutor(2) as threads:
            cache = CachedStorage(source, PieceFolder(root, capacity=10 * PIECE), threads=threads)
            return [await fetch(cache, length, start=start) for _ in range(2)]

    with TemporaryDirectory() as folder:
        assert asyncio.run(run(Path(folder))) == [CONTENT[start : start + length]] * 2
