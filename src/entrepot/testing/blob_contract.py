"""What every blob storage promises, as tests.

A driver of your own proves itself in a few lines::

class TestMyStorage(BlobContract):
    @pytest.fixture
    def storage(self) -> BlobStorage:
        return MyStorage(…)

    @pytest.fixture
    def fill(self, storage: BlobStorage) -> Callable[[], BlobStorage]:
        return lambda: MyStorage(…, room=0)
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable

import pytest

from entrepot.core.digest import Hasher, hasher
from entrepot.storage.port import BlobDamaged, BlobStorage, Fenced, Listing, StorageFull, StoredObject

MIB = 2**20
KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "0123456789abcdeffedcba9876543210"


async def upload(storage: BlobStorage, content: bytes, *, key: str = KEY, offset: int = 0, epoch: int = 1) -> None:
    """Write and sync ``content`` from ``offset`` on, in one writer of its own."""
    async with storage.writer(key, offset=offset, epoch=epoch, hasher=hasher("sha256")) as writer:
        await writer.write([content])
        await writer.sync()


async def store(storage: BlobStorage, content: bytes, *, key: str = KEY) -> None:
    """Upload and seal ``content``."""
    await upload(storage, content, key=key)
    await storage.seal(key, size=len(content), epoch=1)


async def fetch(storage: BlobStorage, length: int, *, key: str = KEY, start: int = 0) -> bytes:
    """Read ``length`` bytes."""
    return b"".join([chunk async for chunk in storage.read(key, start=start, length=length)])


async def listed(storage: BlobStorage, *, after: str = "") -> list[StoredObject]:
    """Everything that a storage lists."""
    return [each async for page in storage.list_objects(after=after) for each in page.objects]


class BlobContract:
    """The promises. A subclass provides the fixtures ``storage`` and ``fill``."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def storage(self) -> BlobStorage:
        """An empty storage."""
        raise NotImplementedError

    @pytest.fixture
    def fill(self, storage: BlobStorage) -> Callable[[], BlobStorage]:
        """A call that gives the same storage back with no room for another byte."""
        raise NotImplementedError

    async def test_sealed_bytes_are_read_back(self, storage: BlobStorage) -> None:
        """What was written and sealed comes back byte for byte."""
        content = secrets.token_bytes(3 * MIB + 7)

        await store(storage, content)

        assert await fetch(storage, len(content)) == content

    async def test_chunks_are_appended_in_order(self, storage: BlobStorage) -> None:
        """Many small chunks, empty ones among them, become one run of bytes, over several writes."""
        chunks = [bytes([number % 251]) * (number % 4) for number in range(5000)]

        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write(chunks)
            await writer.write([])
            await writer.write([b"", b"end"])
            await writer.sync()
        content = b"".join(chunks) + b"end"
        await storage.seal(KEY, size=len(content), epoch=1)

        assert await fetch(storage, len(content)) == content

    async def test_the_hasher_sees_every_byte_once(self, storage: BlobStorage) -> None:
        """When the writer is left, its hasher holds the digest of what it wrote."""
        content, digest = secrets.token_bytes(MIB), hasher("sha256")

        async with storage.writer(KEY, offset=0, epoch=1, hasher=digest) as writer:
            await writer.write([content[:1000], content[1000:]])

        assert digest.hexdigest() == hashlib.sha256(content).hexdigest()

    async def test_a_later_writer_goes_on_at_its_offset(self, storage: BlobStorage) -> None:
        """Bytes beyond the committed offset are garbage and are overwritten."""
        await upload(storage, b"committed garbage of a broken request", epoch=1)

        await upload(storage, b"rest", offset=len(b"committed "), epoch=2)
        await storage.seal(KEY, size=len(b"committed rest"), epoch=2)

        assert await fetch(storage, len(b"committed rest")) == b"committed rest"

    async def test_a_writer_does_not_start_behind_the_end(self, storage: BlobStorage) -> None:
        """An offset that was never reached would leave a hole, so it is BlobDamaged."""
        await upload(storage, b"four", epoch=1)

        with pytest.raises(BlobDamaged):
            await upload(storage, b"more", offset=5, epoch=2)

    async def test_an_exception_takes_back_what_was_written(self, storage: BlobStorage) -> None:
        """A request that fails leaves the bytes before it, and the room that its own took is free again."""
        await upload(storage, b"first ", epoch=1)

        async def break_off() -> None:
            async with storage.writer(KEY, offset=len(b"first "), epoch=2, hasher=hasher("sha256")) as writer:
                await writer.write([b"never"])
                raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await break_off()

        with pytest.raises(BlobDamaged):
            await storage.seal(KEY, size=len(b"first never"), epoch=3)
        await upload(storage, b"second", offset=len(b"first "), epoch=3)
        await storage.seal(KEY, size=len(b"first second"), epoch=3)
        assert await fetch(storage, len(b"first second")) == b"first second"

    async def test_a_cancelled_write_does_not_block_the_next_writer(self, storage: BlobStorage) -> None:
        """A request that is cancelled in a write is out of the way when the cancellation is done."""

        async def push() -> None:
            async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
                while True:
                    await writer.write([b"x" * MIB])
                    await asyncio.sleep(0)

        request = asyncio.create_task(push())
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

        await upload(storage, b"new", epoch=2)
        await storage.seal(KEY, size=3, epoch=2)

        assert await fetch(storage, 3) == b"new"

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 0), (0, 1), (MIB - 1, 2), (MIB, 2 * MIB), (17, 3 * MIB), (4 * MIB, 0)]
    )
    async def test_a_range_is_exact(self, storage: BlobStorage, start: int, length: int) -> None:
        """A range gives its bytes and no other, in chunks of 1 MiB at the most."""
        content = secrets.token_bytes(4 * MIB)
        await store(storage, content)

        chunks = [chunk async for chunk in storage.read(KEY, start=start, length=length)]

        assert b"".join(chunks) == content[start : start + length]
        assert all(0 < len(chunk) <= MIB for chunk in chunks)

    async def test_an_upload_can_be_read_before_it_is_sealed(self, storage: BlobStorage) -> None:
        """Whoever completes it without having received its bytes reads them, and seals it then."""
        content = secrets.token_bytes(12 * MIB)
        await upload(storage, content)

        await storage.make_readable(KEY, size=len(content), epoch=2)

        assert await fetch(storage, len(content)) == content
        await storage.seal(KEY, size=len(content), epoch=2)
        assert await fetch(storage, len(content)) == content

    async def test_a_read_may_stop_early(self, storage: BlobStorage) -> None:
        """A reader that has gone away leaves the blob readable and deletable."""
        content = secrets.token_bytes(3 * MIB)
        await store(storage, content)

        reading = storage.read(KEY, start=0, length=len(content))
        first = await anext(reading)
        assert first == content[: len(first)]
        assert 0 < len(first) <= MIB
        await reading.aclose()

        assert await fetch(storage, len(content)) == content

    async def test_missing_bytes_are_never_served(self, storage: BlobStorage) -> None:
        """A key that is absent is BlobDamaged, not an empty blob."""
        with pytest.raises(BlobDamaged):
            await fetch(storage, 0)

    async def test_a_short_blob_is_refused_before_its_first_byte(self, storage: BlobStorage) -> None:
        """A blob shorter than asked for is BlobDamaged while a client could still be told."""
        await store(storage, b"x" * (2 * MIB))

        with pytest.raises(BlobDamaged):
            await anext(aiter(storage.read(KEY, start=0, length=2 * MIB + 1)))

    async def test_an_empty_blob_can_be_sealed(self, storage: BlobStorage) -> None:
        """Sealing a key that was never written, at size 0, makes an empty blob."""
        await storage.seal(KEY, size=0, epoch=1)

        assert await fetch(storage, 0) == b""

    async def test_sealing_again_is_harmless(self, storage: BlobStorage) -> None:
        """A completion that is repeated, at once or at the same time, finds the blob as it is."""
        await upload(storage, b"content")

        await asyncio.gather(*(storage.seal(KEY, size=7, epoch=1) for _ in range(5)))
        await storage.seal(KEY, size=7, epoch=1)

        assert await fetch(storage, 7) == b"content"

    async def test_sealing_more_than_is_there_is_refused(self, storage: BlobStorage) -> None:
        """A blob is never made longer than what was written."""
        await upload(storage, b"four")

        with pytest.raises(BlobDamaged):
            await storage.seal(KEY, size=5, epoch=1)
        with pytest.raises(BlobDamaged):
            await storage.seal(OTHER_KEY, size=1, epoch=1)

    async def test_a_sealed_blob_is_not_cut(self, storage: BlobStorage) -> None:
        """A second seal at another size changes nothing."""
        await store(storage, b"content")

        with pytest.raises(Fenced):
            await storage.seal(KEY, size=3, epoch=2)
        with pytest.raises(BlobDamaged):
            await storage.seal(KEY, size=8, epoch=2)

        assert await fetch(storage, 7) == b"content"

    async def test_a_newer_writer_shuts_the_older_out(self, storage: BlobStorage) -> None:
        """Once a newer writer is open, an older one that is still open changes no byte."""
        digest: Hasher = hasher("sha256")

        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as older:
            await older.write([b"old old old"])
            await older.sync()
            async with storage.writer(KEY, offset=4, epoch=2, hasher=digest) as newer:
                with pytest.raises(Fenced):
                    await older.write([b"late"])
                await newer.write([b"new"])
                await newer.sync()
            with pytest.raises(Fenced):
                await older.write([b"later"])
        await storage.seal(KEY, size=7, epoch=2)

        assert await fetch(storage, 7) == b"old new"

    async def test_an_older_writer_cannot_open(self, storage: BlobStorage) -> None:
        """An epoch older than one that is known is Fenced; the same one may open again."""
        await upload(storage, b"first", epoch=2)

        with pytest.raises(Fenced):
            await upload(storage, b"older", epoch=1)
        await upload(storage, b"again", epoch=2)

    async def test_an_older_epoch_cannot_seal(self, storage: BlobStorage) -> None:
        """A completion that a newer request has overtaken is Fenced, and the newer goes on."""
        await upload(storage, b"older", epoch=1)

        async with storage.writer(KEY, offset=0, epoch=2, hasher=hasher("sha256")) as newer:
            with pytest.raises(Fenced):
                await storage.seal(KEY, size=5, epoch=1)
            await newer.write([b"newer"])
            await newer.sync()
        await storage.seal(KEY, size=5, epoch=2)

        assert await fetch(storage, 5) == b"newer"

    async def test_sealing_shuts_every_writer_out(self, storage: BlobStorage) -> None:
        """A sealed blob takes no byte any more, whatever the epoch."""
        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([b"sealed"])
            await writer.sync()
            await storage.seal(KEY, size=6, epoch=1)
            with pytest.raises(Fenced):
                await writer.write([b"late"])
        with pytest.raises(Fenced):
            await upload(storage, b"newer", epoch=9)

        assert await fetch(storage, 6) == b"sealed"

    async def test_of_a_seal_and_a_newer_writer_one_wins(self, storage: BlobStorage) -> None:
        """However they meet, either the blob is sealed or the newer writer has it: never both, never none."""

        async def newer(key: str) -> bool:
            try:
                await upload(storage, b"new", key=key, epoch=2)
            except Fenced:
                return False
            return True

        async def seal(key: str) -> bool:
            try:
                await storage.seal(key, size=3, epoch=1)
            except Fenced:
                return False
            return True

        for number in range(50):
            key = f"{number:032x}"
            await upload(storage, b"old", key=key, epoch=1)

            written, sealed = await asyncio.gather(newer(key), seal(key))

            assert written is not sealed
            await storage.seal(key, size=3, epoch=2)
            assert await fetch(storage, 3, key=key) == (b"old" if sealed else b"new")

    async def test_a_deleted_key_is_gone(self, storage: BlobStorage) -> None:
        """Deleting takes the bytes away, sealed or not; deleting again is fine, and touches no other key."""
        await store(storage, b"sealed")
        await upload(storage, b"unfinished", key=OTHER_KEY)

        await storage.delete(KEY)
        await storage.delete(KEY)

        with pytest.raises(BlobDamaged):
            await fetch(storage, 6)
        await upload(storage, b" no more", key=OTHER_KEY, offset=10, epoch=2)
        await storage.delete(OTHER_KEY)
        with pytest.raises(BlobDamaged):
            await storage.seal(OTHER_KEY, size=10, epoch=3)

    async def test_deleting_shuts_writers_out(self, storage: BlobStorage) -> None:
        """A writer that is still open when its upload is cancelled brings nothing back."""
        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([b"bytes"])

            await storage.delete(KEY)

            with pytest.raises(Fenced):
                await writer.write([b"late"])
        with pytest.raises(BlobDamaged):
            await fetch(storage, 0)

    async def test_a_full_storage_refuses_new_bytes_and_gives_the_old(
        self, storage: BlobStorage, fill: Callable[[], BlobStorage]
    ) -> None:
        """Without room, writers and the check are StorageFull; reading, sealing and deleting go on."""
        await store(storage, b"sealed")
        await upload(storage, b"unfinished", key=OTHER_KEY)

        full = fill()

        with pytest.raises(StorageFull):
            await upload(full, b"more", key=OTHER_KEY, offset=10, epoch=2)
        with pytest.raises(StorageFull):
            await full.check()
        assert await fetch(full, 6) == b"sealed"
        await full.seal(OTHER_KEY, size=10, epoch=2)
        await full.delete(KEY)

    async def test_a_working_storage_says_so(self, storage: BlobStorage) -> None:
        """The check of a storage that takes and gives bytes returns, again and again."""
        await storage.check()
        await storage.check()

    async def test_a_place_keeps_the_name_that_it_is_given(
        self, storage: BlobStorage, fill: Callable[[], BlobStorage]
    ) -> None:
        """It has none at first; another storage over the same place gives the name, and without room it stays."""
        assert await storage.identity() is None

        await storage.identify("first")
        await storage.identify("0123456789abcdef" * 4)

        full = fill()
        assert await full.identity() == "0123456789abcdef" * 4
        with pytest.raises(StorageFull):
            await full.identify("other")
        assert await full.identity() == "0123456789abcdef" * 4

    async def test_everything_that_is_stored_is_listed_by_its_key(self, storage: BlobStorage) -> None:
        """What is sealed, and what is being uploaded; nothing that the storage keeps for itself."""
        await storage.identify("name")
        await storage.check()
        assert await listed(storage) == []
        await store(storage, b"sealed")
        async with storage.writer(OTHER_KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([b"unfinished"])
            await writer.sync()

        found = await listed(storage)

        assert {each.key for each in found} == {KEY, OTHER_KEY}
        assert len({each.name for each in found}) == len(found)
        assert [each.size >= len(b"sealed") for each in found if each.key == KEY and not each.of_upload] == [True]

    async def test_a_listing_goes_on_where_another_one_was(self, storage: BlobStorage) -> None:
        """The cursor of a page leads to all that comes after it."""
        keys = [f"{number:02x}{number:030x}" for number in range(0, 250, 50)]
        for key in keys:
            await store(storage, b"content", key=key)
        pages: list[Listing] = [page async for page in storage.list_objects(after="")]

        seen: list[StoredObject] = []
        for page in pages:
            seen += page.objects
            rest = await listed(storage, after=page.cursor)
            assert {each.key for each in seen} | {each.key for each in rest} == set(keys)
        assert {each.key for each in await listed(storage, after=pages[-1].cursor)} <= {keys[-1]}

    async def test_what_is_listed_can_be_removed(self, storage: BlobStorage) -> None:
        """Exactly that, and again; other keys keep theirs."""
        await store(storage, b"sealed")
        await upload(storage, b"unfinished", key=OTHER_KEY)
        found = [each for each in await listed(storage) if each.key == OTHER_KEY]

        await storage.remove_objects(found)
        await storage.remove_objects(found)

        assert {each.key for each in await listed(storage)} == {KEY}
        assert await fetch(storage, 6) == b"sealed"

    async def test_a_deleted_key_is_not_listed(self, storage: BlobStorage) -> None:
        """Nothing of it is left, sealed or not."""
        await store(storage, b"sealed")
        await upload(storage, b"unfinished", key=OTHER_KEY)

        await storage.delete_many([KEY, OTHER_KEY])

        assert await listed(storage) == []

    @pytest.mark.parametrize(
        "key",
        ["", "../../../../../../etc/passwd", "0" * 31, "0" * 33, "A" * 32, f"{'0' * 32}\n", "../" + "0" * 29],
    )
    async def test_what_is_no_key_is_refused(self, storage: BlobStorage, key: str) -> None:
        """Only 32 lower case hexadecimal digits are a key; everything else is a ValueError in every call."""
        with pytest.raises(ValueError, match="storage key"):
            await upload(storage, b"content", key=key)
        with pytest.raises(ValueError, match="storage key"):
            await storage.seal(key, size=0, epoch=1)
        with pytest.raises(ValueError, match="storage key"):
            await fetch(storage, 1, key=key)
        with pytest.raises(ValueError, match="storage key"):
            await storage.delete(key)
