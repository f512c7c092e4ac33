"""A storage that keeps its bytes encrypted in another one (designs/encryption.md).

Keys, epochs and fences are the inner storage's; offsets and lengths here are those of the plaintext. ``frames.py``
has the format, and ``segment_ledger.py`` what has to be remembered beside the bytes.
"""

import hmac
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from itertools import islice

from entrepot.core.digest import Hasher
from entrepot.storage.frames import (
    FRAME,
    SALT_SIZE,
    Bytes,
    DataKeys,
    Frame,
    Segment,
    SegmentCipher,
    frames_of,
    seal_of,
    stored_range,
)
from entrepot.storage.port import BlobDamaged, BlobStorage, BlobWriter, Fenced, Listing, StoredObject
from entrepot.storage.segment_ledger import Sealing, SegmentLedger
from entrepot.storage.threads import in_thread

_KEY = re.compile(r"[0-9a-f]{32}")
#: What is encrypted in one trip to a thread.
_BATCH = 16 * FRAME
#: Frames that are decrypted in one: a client that does not read on holds as much.
_FRAMES = 4

#: The data keys of wrapped ones; raises what keeps them from being used.
Unwrap = Callable[[bytes], Awaitable[DataKeys]]


class EncryptedStorage:
    """Bytes in ``inner``, encrypted; ``ledger`` knows their segments and data keys, which ``unwrap`` opens.

    ``random_bytes`` makes salts, and has to be the system's own randomness wherever the bytes matter: one salt
    used twice would give plaintext away.
    """

    def __init__(
        self,
        inner: BlobStorage,
        ledger: SegmentLedger,
        unwrap: Unwrap,
        *,
        threads: Executor,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._unwrap = unwrap
        self._threads = threads
        self._random_bytes = random_bytes

    @asynccontextmanager
    async def writer(self, key: str, *, offset: int, epoch: int, hasher: Hasher) -> AsyncGenerator[BlobWriter]:
        """See the port; also raises BlobDamaged when fewer than ``offset`` bytes are there."""
        known = _found(await self._ledger.before(_checked(key), offset))
        if known.size is not None:
            raise Fenced
        data_keys = await self._unwrap(known.wrapped)
        stored_at = _stored_end(known.segments, offset, len(data_keys))

        def seal_segment(start: int) -> tuple[bytes, SegmentCipher]:
            salt = self._random_bytes(SALT_SIZE)
            return salt, SegmentCipher(key, data_keys, start, salt)

        async def record(segment: Segment) -> None:
            if not await self._ledger.record(key, segment, epoch):
                raise Fenced

        async with self._inner.writer(key, offset=stored_at, epoch=epoch, hasher=_Unhashed()) as inner:
            yield _Writer(
                inner,
                self._threads,
                hasher,
                seal_segment,
                record,
                offset=offset,
                stored_at=stored_at,
                layers=len(data_keys),
            )

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; a sealed blob is never cut again: another size than its own is Fenced."""
        known = _found(await self._ledger.find(_checked(key)))
        if known.size is not None and known.size > size:
            raise Fenced
        if known.size is not None and known.size < size:
            raise BlobDamaged(f"{known.size} of {size} bytes are there")
        data_keys = await self._unwrap(known.wrapped)
        segments = [segment for segment in known.segments if segment.start < size]
        await self._inner.seal(key, size=_stored_end(segments, size, len(data_keys)), epoch=epoch)
        if not await self._ledger.seal(key, size, seal_of(key, data_keys, size, segments), epoch):
            raise Fenced

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port: nothing is read whose length is not vouched for."""
        await self.seal(key, size=size, epoch=epoch)

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        size, segments, data_keys = await self._open(_checked(key))
        if start + length > size:
            raise BlobDamaged(f"{size} of {start + length} bytes are there")
        layers, end = len(data_keys), start + length
        frames = frames_of(segments, layers, size, start, end)
        stored_start, stored_end = stored_range(segments, layers, size, start, end)
        async with aclosing(self._inner.read(key, start=stored_start, length=stored_end - stored_start)) as stored:
            source, ciphers = _Source(stored), _Ciphers(key, data_keys)
            if not length:
                await source.end()  # for what is missing has not even an empty range
            while group := list(islice(frames, _FRAMES)):
                taken = [await source.take(frame.size) for frame in group]
                content = await in_thread(self._threads, ciphers.open, group, taken)
                if content:
                    yield content

    async def delete(self, key: str) -> None:
        """See the port."""
        await self._inner.delete(key)
        await self._ledger.forget([key])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port."""
        await self._inner.delete_many(keys)
        await self._ledger.forget(keys)

    def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port: what lies there, encrypted or not, with its stored size."""
        return self._inner.list_objects(after=after)

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port; the ledger is left as it is, for these may be less than all of a key."""
        await self._inner.remove_objects(objects)

    async def direct_url(self, key: str) -> None:
        """See the port: what is there is of no use to anybody without its data key."""

    async def check(self) -> None:
        """See the port."""
        await self._inner.check()

    async def identity(self) -> str | None:
        """See the port: it is the name of the place, whatever lies there."""
        return await self._inner.identity()

    async def identify(self, identity: str) -> None:
        """See the port."""
        await self._inner.identify(identity)

    async def _open(self, key: str) -> tuple[int, Sequence[Segment], DataKeys]:
        """Size, segments and data keys of a sealed blob; raises BlobDamaged unless they belong together."""
        known = _found(await self._ledger.find(key))
        if known.size is None or known.seal is None:
            raise BlobDamaged("they are not complete")
        data_keys = await self._unwrap(known.wrapped)
        segments = [segment for segment in known.segments if segment.start < known.size]
        expected = await in_thread(self._threads, seal_of, key, data_keys, known.size, segments)
        if not hmac.compare_digest(known.seal, expected):
            raise BlobDamaged("their length or their order is not what was sealed")
        return known.size, segments, data_keys


class _Writer:
    """What ``writer`` hands out. The last frame is held back until it is full and followed, or ends a segment."""

    def __init__(
        self,
        inner: BlobWriter,
        threads: Executor,
        hasher: Hasher,
        begin_segment: Callable[[int], tuple[bytes, SegmentCipher]],
        record: Callable[[Segment], Awaitable[None]],
        *,
        offset: int,
        stored_at: int,
        layers: int,
    ) -> None:
        self._inner = inner
        self._threads = threads
        self._hasher = hasher
        self._begin_segment = begin_segment
        self._record = record
        self._offset = offset
        self._stored_at = stored_at
        self._layers = layers
        self._held: deque[Bytes] = deque()
        self._held_size = 0
        self._begin()

    def _begin(self) -> None:
        self._start, self._number = self._offset, 0
        self._salt, self._cipher = self._begin_segment(self._offset)

    async def write(self, chunks: Sequence[bytes]) -> None:
        """See the port."""
        has_written = False
        for batch in _batches(chunks):
            if frames := await in_thread(self._threads, self._seal, batch):
                await self._inner.write(frames)
                has_written = True
        if not has_written:
            await self._inner.write([])  # a writer that is fenced learns it now, though its bytes are held back

    async def sync(self) -> None:
        """See the port: the segment ends here, and the ledger says so."""
        if self._held:
            await self._inner.write([await in_thread(self._threads, self._seal_last)])
        await self._inner.sync()
        if self._offset > self._start:
            segment = Segment(self._start, self._offset, self._stored_at, self._salt)
            await self._record(segment)
            self._stored_at = segment.stored_end(self._layers)
            self._begin()

    def _seal(self, chunks: Sequence[Bytes]) -> list[bytes]:
        """Hash the chunks and encrypt the frames that they fill."""
        for chunk in chunks:
            self._hasher.update(chunk)
            self._held.append(chunk)
            self._held_size += len(chunk)
            self._offset += len(chunk)
        frames: list[bytes] = []
        while self._held_size > FRAME:
            frames.append(self._sealed(_cut(self._held, FRAME), is_last=False))
            self._held_size -= FRAME
        return frames

    def _seal_last(self) -> bytes:
        content = _cut(self._held, self._held_size)
        self._held_size = 0
        return self._sealed(content, is_last=True)

    def _sealed(self, content: Bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.seal(self._number, content, is_last=is_last)
        self._number += 1
        return sealed


class _Source:
    """Chunks of any size, taken by as many bytes as a frame has."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held: deque[Bytes] = deque()
        self._size = 0

    async def end(self) -> None:
        """See that nothing is left to be taken."""
        if await anext(self._chunks, None) is not None:
            raise BlobDamaged("they are more than were asked for")

    async def take(self, size: int) -> Bytes:
        """The next ``size`` bytes; raises BlobDamaged when there are fewer."""
        while self._size < size:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise BlobDamaged("they end early")
            self._held.append(chunk)
            self._size += len(chunk)
        self._size -= size
        return _cut(self._held, size)


class _Ciphers:
    """Decrypts the frames of a blob, segment after segment."""

    def __init__(self, key: str, data_keys: DataKeys) -> None:
        self._key = key
        self._data_keys = data_keys
        self._of: Segment | None = None
        self._cipher: SegmentCipher | None = None

    def open(self, frames: Sequence[Frame], stored: Sequence[Bytes]) -> bytes:
        """What counts of these frames; raises BlobDamaged."""
        pieces: list[Bytes] = []
        for frame, sealed in zip(frames, stored, strict=True):
            if frame.skip < frame.stop:
                content = self._cipher_of(frame.segment).open(frame.number, sealed, is_last=frame.is_last)
                pieces.append(memoryview(content)[frame.skip : frame.stop])
        return b"".join(pieces)

    def _cipher_of(self, segment: Segment) -> SegmentCipher:
        if self._cipher is None or self._of is not segment:
            self._of = segment
            self._cipher = SegmentCipher(self._key, self._data_keys, segment.start, segment.salt)
        return self._cipher


class _Unhashed:
    """Stands in for the hasher of the inner storage: nobody asks for the digest of ciphertext."""

    def update(self, data: Bytes | bytearray, /) -> None:
        """Take no notice."""

    def hexdigest(self) -> str:
        """Never asked for."""
        raise AssertionError

    def copy(self) -> "_Unhashed":
        """There is nothing to copy."""
        return self


def _batches(chunks: Sequence[bytes]) -> Iterator[list[Bytes]]:
    """The chunks in groups of at most _BATCH bytes; a larger one is seen through, not copied."""
    batch, room = list[Bytes](), _BATCH
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            piece, rest = rest[:room], rest[room:]
            batch.append(piece)
            room -= len(piece)
            if not room:
                yield batch
                batch, room = [], _BATCH
    if batch:
        yield batch


def _cut(held: deque[Bytes], size: int) -> Bytes:
    """Take the first ``size`` bytes off chunks that have as many; copies them only where they are in several."""
    pieces: list[Bytes] = []
    while size:
        piece = held.popleft()
        if len(piece) > size:
            view = memoryview(piece)
            held.appendleft(view[size:])
            piece = view[:size]
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _checked(key: str) -> str:
    """ValueError for what is no key, as from the driver whose keys become file names."""
    if _KEY.fullmatch(key) is None:
        message = "a storage key is 32 lower case hexadecimal digits"
        raise ValueError(message)
    return key


def _found(known: Sealing | None) -> Sealing:
    if known is None:
        raise BlobDamaged("their data key is missing")
    return known


def _stored_end(segments: Sequence[Segment], size: int, layers: int) -> int:
    """Where the stored bytes end of segments that reach to ``size``; raises BlobDamaged when they do not."""
    end = segments[-1].end if segments else 0
    if end < size:
        raise BlobDamaged(f"{end} of {size} bytes are there")
    return segments[-1].stored_end(layers) if segments else 0
