"""Encrypted bytes: whatever is written comes back, and whatever is not what was written is refused."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from entrepot.core.digest import hasher
from entrepot.storage.encrypted import EncryptedStorage
from entrepot.storage.frames import FRAME, TAG, Segment, SegmentCipher, stored_size
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.port import BlobDamaged
from entrepot.storage.segment_ledger import Sealing
from entrepot.testing.blob_contract import KEY, OTHER_KEY, fetch, store, upload
from entrepot.testing.segment_ledger import MemorySegmentLedger

DATA_KEYS = [(b"k" * 32,), (b"k" * 32, b"l" * 32)]
#: The parts of a blob that is damaged: five frames.
SIZES = [FRAME + 5, 3, 2 * FRAME]
#: Sizes beside which something ends.
EDGES = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 5 * FRAME + 3]

Segments = tuple[Segment, ...]
T = TypeVar("T")


class Stage:
    """An encrypted storage in memory, and all that it stands on."""

    def __init__(self, data_keys: Sequence[bytes] = DATA_KEYS[0]) -> None:
        self.threads = ThreadPoolExecutor(1)
        self.inner, self.ledger, self.data_keys = MemoryStorage(), MemorySegmentLedger(), data_keys
        self.storage = self.worker()

    def worker(self) -> EncryptedStorage:
        """One more worker on the same bytes and the same ledger."""

        async def unwrap(_wrapped: bytes) -> Sequence[bytes]:
            return self.data_keys

        return EncryptedStorage(
            self.inner, self.ledger, unwrap, threads=self.threads, random_bytes=secrets.token_bytes
        )

    def stored(self, key: str = KEY) -> bytearray:
        """The bytes as the inner storage has them; a test may change them."""
        return self.inner._blobs[key].content  # pyright: ignore[reportPrivateUsage] (nothing else damages bytes)

    async def known(self, key: str = KEY) -> Sealing:
        """What the ledger has."""
        return await self.ledger.find(key)

    async def pretend(self, known: Sealing, key: str = KEY) -> None:
        """Let the ledger have something else."""
        await self.ledger.find(key)
        self.ledger._entries[key].known = known  # pyright: ignore[reportPrivateUsage] (as above, of rows)


def run(what: Coroutine[Any, Any, T]) -> T:
    """Run to the end."""
    return asyncio.run(what)


@st.composite
def lengths(draw: st.DrawFn) -> int:
    """Lengths, those at the edges of frames above all."""
    return draw(st.sampled_from(EDGES) | st.integers(0, 3 * FRAME))


@settings(max_examples=60)
@given(
    parts=st.lists(st.lists(lengths(), max_size=3), max_size=5),
    data_keys=st.sampled_from(DATA_KEYS),
    ranges=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5),
)
def test_any_range_of_any_upload_is_its_plaintext(
    parts: list[list[int]], data_keys: Sequence[bytes], ranges: list[tuple[float, float]]
) -> None:
    """However many requests it came in, however these were cut into chunks, and wherever frames end."""

    async def check() -> None:
        stage, content = Stage(data_keys), b""
        for epoch, chunk_sizes in enumerate(parts):
            chunks = [secrets.token_bytes(size) for size in chunk_sizes]
            worker, digest = stage.worker(), hasher("sha256")
            async with worker.writer(KEY, offset=len(content), epoch=epoch, hasher=digest) as writer:
                await writer.write(chunks[:1])
                await writer.write(chunks[1:])
                await writer.sync()
            expected = hasher("sha256")
            expected.update(b"".join(chunks))
            assert digest.hexdigest() == expected.hexdigest()
            content += b"".join(chunks)

        await stage.worker().seal(KEY, size=len(content), epoch=len(parts))

        for first, last in ((0.0, 1.0), *ranges):
            start, end = sorted((round(first * len(content)), round(last * len(content))))
            assert await fetch(stage.worker(), end - start, start=start) == content[start:end]

    run(check())


@dataclass(frozen=True)
class Damage:
    """A change of stored bytes that really changes them."""

    kind: str
    at: int

    def apply(self, stored: bytearray) -> None:
        """Make it."""
        match self.kind:
            case "flip":
                stored[self.at] ^= 1 << self.at % 8
            case "drop":
                del stored[self.at]
            case "cut":
                del stored[self.at :]
            case _:
                stored.insert(self.at, stored[self.at] ^ 1)


@settings(max_examples=120)
@given(
    damage=st.builds(
        Damage, st.sampled_from(["flip", "drop", "cut", "insert"]), st.integers(0, sum(SIZES) + 5 * TAG - 1)
    ),
    data_keys=st.sampled_from(DATA_KEYS),
)
def test_what_was_changed_is_never_served(damage: Damage, data_keys: Sequence[bytes]) -> None:
    """A bit flipped, a byte dropped or slipped in, an end cut off: no chunk of other bytes is ever given."""
    content = secrets.token_bytes(sum(SIZES))

    async def check() -> None:
        stage = Stage(data_keys)
        for epoch, size in enumerate(SIZES):
            offset = sum(SIZES[:epoch])
            await upload(stage.storage, content[offset : offset + size], offset=offset, epoch=epoch)
        await stage.storage.seal(KEY, size=len(content), epoch=9)
        damage.apply(stage.stored())

        received, is_refused = b"", False
        try:
            async for chunk in stage.storage.read(KEY, start=0, length=len(content)):
                received += chunk
        except BlobDamaged:
            is_refused = True

        assert is_refused
        assert content.startswith(received)

    run(check())


@pytest.fixture
def stage() -> Stage:
    """A stage with one blob of three frames under KEY and one under OTHER_KEY."""
    stage = Stage()
    for key in (KEY, OTHER_KEY):
        run(store(stage.storage, secrets.token_bytes(3 * FRAME), key=key))
    return stage


async def refused(stage: Stage, length: int = 3 * FRAME, start: int = 0) -> bool:
    """Whether a read is BlobDamaged before it gives a byte."""
    reading = stage.storage.read(KEY, start=start, length=length)
    try:
        await anext(reading, None)
    except BlobDamaged:
        return True
    return False


async def test_frames_in_another_order_are_refused(stage: Stage) -> None:
    """Each says with its nonce where in its segment it belongs."""
    stored, size = stage.stored(), FRAME + TAG

    stored[:] = stored[size : 2 * size] + stored[:size] + stored[2 * size :]

    assert await refused(stage)


async def test_the_bytes_of_another_blob_are_refused(stage: Stage) -> None:
    """Under the same data key and with the segments of the other, as somebody who can write rows might try."""
    await stage.pretend(await stage.known(OTHER_KEY))

    stage.stored()[:] = stage.stored(OTHER_KEY)

    assert await refused(stage)


async def test_the_bytes_of_another_blob_are_refused_by_their_frames_too(stage: Stage) -> None:
    """The storage key is in what every frame authenticates, not in the seal alone."""
    (segment,) = (await stage.known(OTHER_KEY)).segments
    first_frame = bytes(stage.stored(OTHER_KEY)[: FRAME + TAG])
    cipher = SegmentCipher(KEY, DATA_KEYS[0], segment.start, segment.salt)

    with pytest.raises(BlobDamaged):
        cipher.open(0, first_frame, is_last=False)


async def test_an_older_blob_of_the_same_key_is_refused(stage: Stage) -> None:
    """Bytes that were stored before in the same place have another salt."""
    before = bytes(stage.stored())
    await stage.storage.delete(KEY)
    await store(stage.storage, secrets.token_bytes(3 * FRAME))

    stage.stored()[:] = before

    assert await refused(stage)


@pytest.mark.parametrize("size", [0, 1, FRAME, 2 * FRAME, 3 * FRAME - 1, 3 * FRAME + 1])
async def test_a_length_that_was_not_sealed_is_refused(stage: Stage, size: int) -> None:
    """The total length is authenticated: a row with another one is worthless."""
    known = await stage.known()

    await stage.pretend(replace(known, size=size))

    assert await refused(stage, length=min(size, FRAME))


def moved(segments: Segments) -> Segments:
    """The second one starts elsewhere."""
    return segments[0], replace(segments[1], start=FRAME + 1)


def longer(segments: Segments) -> Segments:
    """The second one ends elsewhere."""
    return segments[0], replace(segments[1], end=segments[1].end + 1)


def elsewhere(segments: Segments) -> Segments:
    """The second one is stored elsewhere."""
    return segments[0], replace(segments[1], stored_at=0)


def salted(segments: Segments) -> Segments:
    """The second one has another salt."""
    return segments[0], replace(segments[1], salt=segments[0].salt)


def first_alone(segments: Segments) -> Segments:
    """The second one is dropped."""
    return segments[:1]


def second_alone(segments: Segments) -> Segments:
    """The first one is dropped."""
    return segments[1:]


def swapped(segments: Segments) -> Segments:
    """The second one comes first."""
    return segments[::-1]


@pytest.mark.parametrize("change", [moved, longer, elsewhere, salted, first_alone, second_alone, swapped])
async def test_segments_that_were_not_sealed_are_refused(
    change: Callable[[Segments], Segments],
) -> None:
    """Before a frame is read, also where the frames that are asked for are as they were."""
    stage = Stage()
    await upload(stage.storage, secrets.token_bytes(FRAME))
    await upload(stage.storage, secrets.token_bytes(2 * FRAME), offset=FRAME, epoch=2)
    await stage.storage.seal(KEY, size=3 * FRAME, epoch=2)
    known = await stage.known()

    await stage.pretend(replace(known, segments=change(known.segments)))

    assert await refused(stage, length=FRAME)


async def test_the_last_frame_of_a_segment_does_not_pass_for_another() -> None:
    """And no other one for the last: a segment that was cut at a frame does not look whole."""
    cipher = SegmentCipher(KEY, DATA_KEYS[1], 0, b"s" * 32)

    last, other = cipher.seal(1, b"content", is_last=True), cipher.seal(2, b"content", is_last=False)

    with pytest.raises(BlobDamaged):
        cipher.open(1, last, is_last=False)
    with pytest.raises(BlobDamaged):
        cipher.open(2, other, is_last=True)
    assert cipher.open(1, last, is_last=True) == b"content"


async def test_two_writers_at_one_offset_share_no_key_stream() -> None:
    """What a fenced writer has stored does not give away what the newer one stores in its place."""
    stage, content = Stage(), bytes(FRAME)
    await upload(stage.storage, content)
    first = bytes(stage.stored())

    await upload(stage.storage, content, epoch=2)

    same = sum(one == other for one, other in zip(first, stage.stored(), strict=True))
    assert same < len(first) // 64  # one in 256 by chance


async def test_nothing_of_the_plaintext_is_stored() -> None:
    """Neither of what was written at once nor of what was held back."""
    stage = Stage()

    await store(stage.storage, b"a secret " * 20_000)

    assert b"secret" not in stage.stored()
    assert len(stage.stored()) == stored_size(180_000, 1)


async def test_with_another_data_key_nothing_is_read(stage: Stage) -> None:
    """The row of a data key that is exchanged is noticed before a frame is."""
    stage.data_keys = (b"x" * 32,)

    assert await refused(stage)


async def test_a_range_costs_only_its_frames(stage: Stage) -> None:
    """A byte in the middle is served though everything around it is damaged."""
    stored = stage.stored()
    stored[: FRAME + TAG] = bytes(FRAME + TAG)
    stored[2 * (FRAME + TAG) :] = bytes(len(stored) - 2 * (FRAME + TAG))

    assert len(await fetch(stage.storage, 1, start=FRAME + 17)) == 1
    assert await refused(stage, start=0)


class TwoWorkers(RuleBasedStateMachine):
    """Uploads by the protocol of ``operations/layers.py``, over two workers that share bytes and ledger.

    The row of the upload is here: a committed offset, and an epoch that each writer takes. A writer may be killed at
    any moment: before its sync, before its record, before its commit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.workers = [self.stage.storage, self.stage.worker()]
        self.content = b""  # what is committed
        self.epoch = 0
        self.sealed = False

    async def _part(self, worker: int, size: int, *, synced: bool, committed: bool) -> None:
        self.epoch += 1
        chunk = secrets.token_bytes(size)
        writer = self.workers[worker].writer(
            KEY, offset=len(self.content), epoch=self.epoch, hasher=hasher("sha256")
        )
        async with writer as opened:
            await opened.write([chunk])
            if synced:
                await opened.sync()
        if committed:
            self.content += chunk

    @precondition(lambda self: not self.sealed)
    @rule(worker=st.integers(0, 1), size=lengths())
    def send(self, worker: int, size: int) -> None:
        """A part that arrives."""
        run(self._part(worker, size, synced=True, committed=True))

    @precondition(lambda self: not self.sealed)
    @rule(worker=st.integers(0, 1), size=lengths(), synced=st.booleans())
    def die(self, worker: int, size: int, synced: bool) -> None:
        """A writer that ends before its offset is committed: its bytes are garbage."""
        run(self._part(worker, size, synced=synced, committed=False))

    @precondition(lambda self: not self.sealed)
    @rule(worker=st.integers(0, 1), size=lengths())
    def break_off(self, worker: int, size: int) -> None:
        """A request that fails takes back what it wrote."""

        async def fail() -> None:
            self.epoch += 1
            writer = self.workers[worker].writer(
                KEY, offset=len(self.content), epoch=self.epoch, hasher=hasher("sha256")
            )
            async with writer as opened:
                await opened.write([bytes(size)])
                raise ConnectionResetError

        with suppress(ConnectionResetError):
            run(fail())

    @precondition(lambda self: not self.sealed)
    @rule(worker=st.integers(0, 1))
    def complete(self, worker: int) -> None:
        """The end of the upload."""
        self.epoch += 1
        run(self.workers[worker].seal(KEY, size=len(self.content), epoch=self.epoch))
        self.sealed = True

    @precondition(lambda self: self.sealed)
    @rule(worker=st.integers(0, 1), first=st.floats(0, 1), last=st.floats(0, 1))
    def read(self, worker: int, first: float, last: float) -> None:
        """Any range, by either worker."""
        start, end = sorted((round(first * len(self.content)), round(last * len(self.content))))
        assert run(fetch(self.workers[worker], end - start, start=start)) == self.content[start:end]

    @invariant()
    def the_ledger_covers_what_is_committed(self) -> None:
        """Without a gap, and every byte of it is stored."""
        known = run(self.stage.known())
        counted = [segment for segment in known.segments if segment.start < len(self.content)]
        ends = [0, *(segment.end for segment in counted)]
        assert all(segment.start <= end for segment, end in zip(counted, ends, strict=False))
        assert ends[-1] >= len(self.content)
        if counted:
            assert counted[-1].stored_end(1) <= len(self.stage.stored())

    def teardown(self) -> None:
        """End the thread."""
        threads: Executor = self.stage.threads
        threads.shutdown()


TestTwoWorkers = TwoWorkers.TestCase
TestTwoWorkers.settings = settings(max_examples=40, stateful_step_count=20)
