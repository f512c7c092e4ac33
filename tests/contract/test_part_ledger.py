"""The S3 driver's ledger: over both databases, and its twin in memory."""

import asyncio

import pytest

from entrepot.features.multiparts.ledger import BATCH, MetadataPartLedger
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate
from entrepot.storage.s3_ledger import Multipart, Part, PartLedger, Tail
from entrepot.testing.blob_contract import KEY, OTHER_KEY
from entrepot.testing.part_ledger import MemoryPartLedger

PARTS = [Part(number, 8 * number, f'"etag {number}"') for number in range(1, 2 * BATCH + 11)]


async def begin(ledger: PartLedger, parts: list[Part]) -> Multipart:
    """An upload with these parts."""
    new = Multipart(1)
    assert await ledger.replace(KEY, None, new)
    changed = new.changed(upload_id="upload")
    assert await ledger.replace(KEY, new, changed, parts)
    return changed


class LedgerContract:
    """The promises. A subclass provides the fixture ``ledger``."""

    async def test_what_was_put_down_is_found(self, ledger: PartLedger) -> None:
        """Every field comes back, and nothing under another key."""
        tails = (Tail(1, 16), Tail(2, 16, 5, Part(7, 21, '"tail"')))
        new = Multipart(3, 4, "upload", 8, 17, 3, tails, 21)

        assert await ledger.replace(KEY, None, new)

        assert await ledger.find(KEY) == new
        assert await ledger.find(OTHER_KEY) is None
        assert await ledger.parts(KEY) == []

    async def test_parts_come_in_the_order_of_their_bytes(self, ledger: PartLedger) -> None:
        """However they were added; and the end of the last one that fits is known."""
        await begin(ledger, [PARTS[2], PARTS[0], PARTS[1]])

        assert await ledger.parts(KEY) == PARTS[:3]
        assert [await ledger.end(KEY, size) for size in (0, 7, 8, 15, 24, 99)] == [0, 0, 8, 8, 24, 24]
        assert await ledger.end(OTHER_KEY, 99) == 0

    async def test_of_two_that_begin_one_wins(self, ledger: PartLedger) -> None:
        """The other one's is not there."""
        won = await asyncio.gather(*(ledger.replace(KEY, None, Multipart(epoch)) for epoch in (1, 2)))

        found = await ledger.find(KEY)
        assert sorted(won) == [False, True]
        assert found is not None
        assert found.epoch == 1 + won.index(True)

    async def test_a_change_of_what_is_not_there_any_more_is_refused(self, ledger: PartLedger) -> None:
        """An older revision, another epoch, a forgotten one: nothing changes, and no part is added."""
        old = await begin(ledger, PARTS[:1])
        new = old.changed(epoch=2)
        assert await ledger.replace(KEY, old, new)

        assert not await ledger.replace(KEY, old, old.changed(epoch=9), PARTS[1:2])
        assert not await ledger.replace(KEY, Multipart(1, new.revision), old.changed(epoch=9), PARTS[1:2])
        assert not await ledger.replace(OTHER_KEY, old, old.changed(epoch=9), PARTS[1:2])

        assert await ledger.find(KEY) == new
        assert await ledger.parts(KEY) == PARTS[:1]
        assert await ledger.parts(OTHER_KEY) == []

    async def test_parts_beyond_a_size_are_forgotten(self, ledger: PartLedger) -> None:
        """However many there are; those that end there stay."""
        await begin(ledger, PARTS)

        assert await ledger.cut(KEY, 1, 24)

        assert await ledger.parts(KEY) == PARTS[:3]

    async def test_an_older_writer_cuts_nothing(self, ledger: PartLedger) -> None:
        """What it takes for garbage may be the newer writer's."""
        old = await begin(ledger, PARTS[:3])
        await ledger.replace(KEY, old, old.changed(epoch=2))

        assert not await ledger.cut(KEY, 1, 8)

        assert await ledger.parts(KEY) == PARTS[:3]

    async def test_a_forgotten_upload_leaves_nothing(self, ledger: PartLedger) -> None:
        """However many parts it has; unless it has changed meanwhile."""
        old = await begin(ledger, PARTS)
        new = old.changed(epoch=2)
        await ledger.replace(KEY, old, new)

        await ledger.forget(KEY, old)
        assert await ledger.find(KEY) == new

        await ledger.forget(KEY, new)
        assert await ledger.find(KEY) is None
        assert await ledger.parts(KEY) == []


class TestMetadataPartLedger(LedgerContract):
    """Rows."""

    @pytest.fixture
    async def ledger(self, metadata: Metadata) -> MetadataPartLedger:
        """In a database of the test's own."""
        await metadata.write(migrate)
        return MetadataPartLedger(metadata)


class TestMemoryPartLedger(LedgerContract):
    """The twin in memory."""

    @pytest.fixture
    def ledger(self) -> MemoryPartLedger:
        """Memory of the test's own."""
        return MemoryPartLedger()
