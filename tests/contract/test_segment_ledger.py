"""The ledger of encrypted bytes: over both databases, and its twin in memory."""

import asyncio

import pytest

from entrepot.features.encryption import store
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate
from entrepot.storage.frames import Segment
from entrepot.storage.segment_ledger import Sealing, SegmentLedger
from entrepot.testing.blob_contract import KEY, OTHER_KEY
from entrepot.testing.segment_ledger import MemorySegmentLedger

WRAPPED = b"wrapped"
BATCH = 4
FIRST, SECOND, THIRD = (Segment(10 * n, 10 * n + 10, 26 * n, bytes([n]) * 32) for n in range(3))


class LedgerContract:
    """The promises. A subclass provides the fixture ``ledger``, in which both keys are known."""

    async def test_a_new_key_has_its_data_key_and_no_more(self, ledger: SegmentLedger) -> None:
        """From the moment that its upload begins."""
        assert await ledger.find(KEY) == Sealing(WRAPPED)
        assert await ledger.before(KEY, 0) == Sealing(WRAPPED)

    async def test_segments_come_in_the_order_of_their_bytes(self, ledger: SegmentLedger) -> None:
        """Every field comes back, and nothing under another key."""
        for segment in (FIRST, SECOND, THIRD):
            assert await ledger.record(KEY, segment, 1)

        assert await ledger.find(KEY) == Sealing(WRAPPED, (FIRST, SECOND, THIRD))
        assert await ledger.find(OTHER_KEY) == Sealing(WRAPPED)

    async def test_the_last_segment_before_an_offset_is_found(self, ledger: SegmentLedger) -> None:
        """The one that a writer at this offset goes on after."""
        for segment in (FIRST, SECOND, THIRD):
            await ledger.record(KEY, segment, 1)

        found = [await ledger.before(KEY, offset) for offset in (0, 1, 10, 11, 99)]

        expected = [(), (FIRST,), (FIRST,), (SECOND,), (THIRD,)]
        assert found == [Sealing(WRAPPED, segments) for segments in expected]

    async def test_a_segment_takes_the_place_of_those_behind_it(self, ledger: SegmentLedger) -> None:
        """They are of a writer whose offset was never committed."""
        for segment in (FIRST, SECOND, THIRD):
            await ledger.record(KEY, segment, 1)
        anew = Segment(10, 12, 26, b"n" * 32)

        assert await ledger.record(KEY, anew, 2)

        assert await ledger.find(KEY) == Sealing(WRAPPED, (FIRST, anew))

    async def test_an_older_epoch_records_nothing(self, ledger: SegmentLedger) -> None:
        """A writer that was overtaken between its sync and this is fenced; the same epoch goes on."""
        await ledger.record(KEY, FIRST, 2)

        assert not await ledger.record(KEY, SECOND, 1)
        assert not await ledger.seal(KEY, 10, b"seal", 1)
        assert await ledger.record(KEY, SECOND, 2)

        assert await ledger.find(KEY) == Sealing(WRAPPED, (FIRST, SECOND))

    async def test_a_sealed_key_stays_as_it_is(self, ledger: SegmentLedger) -> None:
        """Whatever the epoch; sealing it as it is sealed is fine."""
        await ledger.record(KEY, FIRST, 1)

        assert await ledger.seal(KEY, 10, b"seal", 1)

        assert not await ledger.record(KEY, SECOND, 9)
        assert not await ledger.seal(KEY, 10, b"other", 9)
        assert not await ledger.seal(KEY, 11, b"seal", 9)
        assert await ledger.seal(KEY, 10, b"seal", 1)
        assert await ledger.find(KEY) == Sealing(WRAPPED, (FIRST,), 10, b"seal")
        assert await ledger.before(KEY, 5) == Sealing(WRAPPED, (FIRST,), 10, b"seal")

    async def test_of_two_that_seal_at_once_both_succeed(self, ledger: SegmentLedger) -> None:
        """If they mean the same."""
        await ledger.record(KEY, FIRST, 1)

        assert all(await asyncio.gather(*(ledger.seal(KEY, 10, b"seal", 1) for _ in range(4))))

    async def test_forgotten_keys_leave_nothing(self, ledger: SegmentLedger) -> None:
        """However many segments they have; keys that are not known, and no keys, are fine."""
        for number in range(2 * BATCH + 1):
            await ledger.record(KEY, Segment(number, number + 1, 17 * number, b"s" * 32), 1)
        await ledger.record(OTHER_KEY, FIRST, 1)

        await ledger.forget([])
        await ledger.forget([KEY, "f" * 32])

        assert not await ledger.record(KEY, FIRST, 9)
        assert not await ledger.seal(KEY, 0, b"seal", 9)
        assert await ledger.find(OTHER_KEY) == Sealing(WRAPPED, (FIRST,))

    async def test_of_many_keys_all_are_forgotten(self, ledger: SegmentLedger) -> None:
        """With the segments of each."""
        for key in (KEY, OTHER_KEY):
            for segment in (FIRST, SECOND, THIRD):
                await ledger.record(key, segment, 1)

        await ledger.forget([OTHER_KEY, KEY])

        assert not await ledger.record(KEY, FIRST, 9)
        assert not await ledger.record(OTHER_KEY, FIRST, 9)


class TestMetadataSegmentLedger(LedgerContract):
    """Rows."""

    @pytest.fixture
    async def ledger(self, metadata: Metadata) -> MetadataSegmentLedger:
        """In a database of the test's own."""
        await metadata.write(migrate)
        for key in (KEY, OTHER_KEY):
            await metadata.write(lambda connection, key=key: store.add_key(connection, key, WRAPPED))
        return MetadataSegmentLedger(metadata, batch=BATCH)

    async def test_forgotten_keys_are_not_known(self, ledger: MetadataSegmentLedger) -> None:
        """Their data keys are gone, and with them what is left of their bytes."""
        await ledger.record(KEY, FIRST, 1)

        await ledger.forget([KEY])

        assert await ledger.find(KEY) is None
        assert await ledger.before(KEY, 1) is None


class TestMemorySegmentLedger(LedgerContract):
    """The twin in memory."""

    @pytest.fixture
    async def ledger(self) -> MemorySegmentLedger:
        """Memory of the test's own, which has met both keys."""
        ledger = MemorySegmentLedger(WRAPPED)
        for key in (KEY, OTHER_KEY):
            await ledger.find(key)
        return ledger
