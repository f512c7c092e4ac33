"""The wrappers that inject faults: harmless while the plan lets calls be, and then each fault as it says."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, select

from entrepot.core.digest import hasher
from entrepot.metadata.port import Metadata, MetadataUnavailable
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import BlobDamaged, BlobStorage, StorageFull, StorageUnavailable
from entrepot.testing.blob_contract import KEY, OTHER_KEY, BlobContract, fetch, store, upload
from entrepot.testing.faults import Crashed, Fault, FaultyMetadata, FaultyStorage, ListedFaults, RandomFaults
from entrepot.testing.memory_metadata import MemoryMetadata

tables = MetaData()
lines = Table("lines", tables, Column("number", Integer, primary_key=True))


class TestFaultyStorage(BlobContract):
    """Without faults it is the storage that it wraps."""

    @pytest.fixture
    def memory(self) -> MemoryStorage:
        """What is wrapped."""
        return MemoryStorage()

    @pytest.fixture
    def storage(self, memory: MemoryStorage) -> FaultyStorage:
        """The wrapper, with a plan of no faults."""
        return FaultyStorage(memory, RandomFaults(Random(0)))

    @pytest.fixture
    def fill(self, memory: MemoryStorage, storage: FaultyStorage) -> Callable[[], BlobStorage]:
        """The same memory, used up."""

        def fill() -> BlobStorage:
            memory.capacity = 0
            return storage

        return fill


def add(connection: Connection) -> None:
    """One line more."""
    connection.execute(lines.insert(), [{}])


def count(connection: Connection) -> int:
    """How many lines there are."""
    return connection.scalar(select(func.count()).select_from(lines)) or 0


@pytest.fixture
async def database() -> Metadata:
    """A database with a table of no lines."""
    metadata = MemoryMetadata()
    await metadata.write(tables.create_all)
    return metadata


@pytest.mark.parametrize(
    ("fault", "written"), [(Fault.UNAVAILABLE, 0), (Fault.ROLLED_BACK, 0), (Fault.ANSWER_LOST, 1)]
)
async def test_a_write_that_fails_may_have_been_committed(database: Metadata, fault: Fault, written: int) -> None:
    """Only the answer of ANSWER_LOST is lost; the next write is as it should be."""
    metadata = FaultyMetadata(database, ListedFaults(("metadata.write", fault)))

    with pytest.raises(MetadataUnavailable):
        await metadata.write(add)

    assert await metadata.read(count) == written
    await metadata.write(add)
    assert await metadata.look_up(count) == written + 1


async def test_a_write_that_is_repeated_is_made_once(database: Metadata) -> None:
    """The change runs twice, as after a serialisation failure, and counts once."""
    runs: list[Connection] = []
    metadata = FaultyMetadata(database, ListedFaults(("metadata.write", Fault.REPEATED)))

    await metadata.write(lambda connection: (runs.append(connection), add(connection)))

    assert (len(runs), await metadata.read(count)) == (2, 1)


@pytest.mark.parametrize("call", ["look_up", "read"])
async def test_a_read_fails(database: Metadata, call: str) -> None:
    """Once, as the list says."""
    metadata = FaultyMetadata(database, ListedFaults((f"metadata.{call}", Fault.UNAVAILABLE)))

    with pytest.raises(MetadataUnavailable):
        await getattr(metadata, call)(count)

    assert await getattr(metadata, call)(count) == 0


async def test_a_torn_write_leaves_a_part_of_its_bytes() -> None:
    """And when the process is gone before it can take them back, they stay."""

    class CrashInWrite(ListedFaults):
        dead = False

        async def after(self, call: str) -> None:
            self.dead = self.dead or call == "storage.write"
            await self.before(call, ())

        async def before(self, call: str, possible: Sequence[Fault]) -> Fault | None:
            if self.dead:
                raise Crashed
            return await super().before(call, possible)

    memory = MemoryStorage()

    with pytest.raises(Crashed):
        await upload(FaultyStorage(memory, CrashInWrite(("storage.write", Fault.TORN))), b"whole")

    assert await fetch(memory, 2) == b"wh"
    with pytest.raises(BlobDamaged):
        await fetch(memory, 3)


async def test_a_torn_write_is_taken_back_by_whoever_lives() -> None:
    """As after any other error."""
    memory = MemoryStorage()

    with pytest.raises(StorageUnavailable):
        await upload(FaultyStorage(memory, ListedFaults(("storage.write", Fault.TORN))), b"whole")

    with pytest.raises(BlobDamaged):
        await fetch(memory, 1)


async def test_a_power_cut_takes_what_was_not_synced() -> None:
    """What was synced before stays; what was sealed does too."""
    memory = MemoryStorage()
    storage = FaultyStorage(memory, ListedFaults())
    await store(storage, b"sealed", key=OTHER_KEY)
    await upload(storage, b"synced")
    async with storage.writer(KEY, offset=6, epoch=1, hasher=hasher("sha256")) as writer:
        await writer.write([b" not at all"])

    await storage.lose_unsynced()

    assert await fetch(memory, 6, key=OTHER_KEY) == b"sealed"
    kept = 6 + (len(b" not at all") + 1) // 2  # the plan's part is a half
    assert await fetch(memory, kept) == b"synced not at all"[:kept]
    with pytest.raises(BlobDamaged):
        await fetch(memory, kept + 1)


@pytest.mark.parametrize(
    ("fault", "given"), [(Fault.DAMAGED, b""), (Fault.TORN, b"con"), (Fault.UNAVAILABLE, b"")]
)
async def test_a_read_ends_early_with_an_error(fault: Fault, given: bytes) -> None:
    """Never without one."""
    storage = FaultyStorage(MemoryStorage(), ListedFaults(("storage.read", fault)))
    await store(storage, b"content")
    read: list[bytes] = []

    async def read_all() -> None:
        async for chunk in storage.read(KEY, start=0, length=7):
            read.append(chunk)  # noqa: PERF401 (what came before the error counts)

    with pytest.raises((BlobDamaged, StorageUnavailable)):
        await read_all()

    assert b"".join(read) == given
    assert await fetch(storage, 7) == b"content"


@pytest.mark.parametrize("call", ["storage.writer", "storage.write"])
async def test_a_storage_is_full(call: str) -> None:
    """For one call."""
    storage = FaultyStorage(MemoryStorage(), ListedFaults((call, Fault.FULL)))

    with pytest.raises(StorageFull):
        await upload(storage, b"content")

    await store(storage, b"content")
    assert await fetch(storage, 7) == b"content"


async def test_a_seal_whose_answer_is_lost_is_a_seal() -> None:
    """It can be repeated."""
    storage = FaultyStorage(MemoryStorage(), ListedFaults(("storage.seal", Fault.ANSWER_LOST)))
    await upload(storage, b"content")

    with pytest.raises(StorageUnavailable):
        await storage.seal(KEY, size=7, epoch=1)

    await storage.seal(KEY, size=7, epoch=1)


async def test_a_torn_deletion_leaves_some() -> None:
    """The first half of the keys goes."""
    memory = MemoryStorage()
    await store(memory, b"one")
    await store(memory, b"two", key=OTHER_KEY)

    with pytest.raises(StorageUnavailable):
        await FaultyStorage(memory, ListedFaults(("storage.delete_many", Fault.TORN))).delete_many(
            [KEY, OTHER_KEY]
        )

    assert memory.keys() == {OTHER_KEY}


async def test_a_plan_cannot_ask_for_the_impossible() -> None:
    """A list that names a fault which the call does not have is a mistake of the test."""
    storage = FaultyStorage(MemoryStorage(), ListedFaults(("storage.seal", Fault.DAMAGED)))

    with pytest.raises(ValueError, match="cannot be"):
        await storage.seal(KEY, size=0, epoch=1)


async def test_random_faults_are_those_of_their_seed() -> None:
    """The same seed fails the same calls."""

    async def failures(seed: int) -> list[int]:
        storage = FaultyStorage(MemoryStorage(), RandomFaults(Random(seed), rate=0.3))
        failed: list[int] = []
        for number in range(50):
            try:
                await storage.check()
            except (StorageUnavailable, StorageFull):
                failed.append(number)
        return failed

    assert await failures(1) == await failures(1) != await failures(2)
    assert len(await failures(1)) > 5
