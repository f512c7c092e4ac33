"""How the bytes of one request become parts and a tail (designs/s3.md)."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from entrepot.core.digest import Hasher
from entrepot.storage.port import Fenced, StorageUnavailable
from entrepot.storage.s3_bucket import Bucket
from entrepot.storage.s3_ledger import Multipart, Part, PartLedger, Tail
from entrepot.storage.threads import in_thread

_MIB = 2**20
#: The size of parts, unless the first request is one part by itself. S3 wants 5 MiB or more, and no part above
#: MOST_PARTS.
PART_SIZE = 8 * _MIB
#: A first request of such a size is one part: 52,000 MiB are 8,667 of the smallest.
SMALLEST_PART, LARGEST_PART = 6 * _MIB, 10 * _MIB
MOST_PARTS = 10_000
#: Part numbers reserved at a time; those that are left over when a request ends are given back.
_RESERVED = 16


def object_name(key: str) -> str:
    """The name of the blob's object."""
    return f"{key[:2]}/{key}"


def tail_name(key: str, number: int) -> str:
    """The name of a tail's object."""
    return f"{object_name(key)}.{number}"


class BufferBudget:
    """So many bytes for the buffers of all writers; one over the budget waits, ``patience`` seconds at most."""

    def __init__(self, size: int, patience: float) -> None:
        self._free = size
        self._patience = patience
        self._released = asyncio.Event()

    async def take(self, size: int) -> None:
        """Take bytes out of the budget; raises StorageUnavailable when others do not give theirs back."""
        if self._free < size:
            await self._wait_for(size)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Return bytes to the budget."""
        self._free += size
        self._released.set()

    async def _wait_for(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while self._free < size:
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            raise StorageUnavailable("too many layers are being received at once") from None


class S3Writer:
    """Appends to an upload that it has taken over: ``head`` is its state, with this writer's epoch.

    ``end`` is where the parts end that count, ``tail`` are the bytes after it, up to the offset. One part is sent
    while the next is filled. Parts are in S3 before they are in the ledger, and there before ``sync`` returns.
    """

    def __init__(
        self,
        bucket: Bucket,
        ledger: PartLedger,
        threads: Executor,
        budget: BufferBudget,
        key: str,
        head: Multipart,
        *,
        end: int,
        tail: bytes,
        hasher: Hasher,
    ) -> None:
        self._bucket = bucket
        self._ledger = ledger
        self._threads = threads
        self._budget = budget
        self._key = key
        self._head = head
        self._end = end
        self._buffer = bytearray(tail)
        self._hasher = hasher
        self._is_first = end == 0 and not tail
        self._synced = end + len(tail)
        self._part_size = head.part_size  # 0 until the first request has shown whether it is a part by itself
        self._next_part = head.next_part
        self._sending: asyncio.Task[str] | None = None
        self._unrecorded: list[Part] = []
        self._taken = 0  # of the budget

    async def write(self, chunks: Sequence[bytes]) -> None:
        """See the port."""
        await self._require_newest()
        size = sum(map(len, chunks))
        await self._budget.take(size)
        self._taken += size
        for part in await in_thread(self._threads, self._append, chunks):
            await self._send(part)

    async def sync(self) -> None:
        """See the port: parts and tail are in S3, and the ledger says so."""
        if self._is_first and not self._part_size and len(self._buffer) >= SMALLEST_PART:
            self._part_size = len(self._buffer)
            await self._send(self._cut_off())
        await self._finish_sending()
        position = self._end + len(self._buffer)
        if position == self._synced:
            return
        if self._buffer:
            await self._store_tail(bytes(self._buffer))
        else:
            await self._record(next_part=self._next_part)
        self._synced = position

    async def discard(self) -> None:
        """Give back the room that this writer took: all of it, where the upload begins with this writer.

        S3 cannot take a single part back. One that is not in the ledger goes when the upload is completed or
        aborted.
        """
        upload_id = self._head.upload_id
        if self._is_first and upload_id is not None:
            # Whoever began anew has aborted it, and an S3 that fails is asked again when the upload expires.
            with suppress(Fenced, StorageUnavailable):
                await self._require_newest()
                await self._bucket.abort(object_name(self._key), upload_id)

    async def close(self) -> None:
        """Let go of what is being sent, and of the budget."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)  # a thread may still use the connection
        self._budget.give_back(self._taken)

    async def _require_newest(self) -> None:
        found = await self._ledger.find(self._key)
        if found is None or (found.epoch, found.revision) != (self._head.epoch, self._head.revision):
            raise Fenced

    def _append(self, chunks: Sequence[bytes]) -> list[bytearray]:
        """Hash and keep the chunks; gives the parts that are full. No byte is copied a second time."""
        full: list[bytearray] = []
        for chunk in chunks:
            self._hasher.update(chunk)
            rest = memoryview(chunk)
            while rest:
                if not self._part_size and len(self._buffer) == LARGEST_PART:
                    self._part_size = PART_SIZE  # there is more than one part
                if len(self._buffer) >= self._part_size > 0:
                    full.append(self._cut_off())
                room = (self._part_size or LARGEST_PART) - len(self._buffer)
                self._buffer += rest[:room]
                rest = rest[room:]
        if len(self._buffer) == self._part_size > 0:
            full.append(self._cut_off())
        return full

    def _cut_off(self) -> bytearray:
        """A part from the front of the buffer; nearly always that is all of it."""
        part, self._buffer = self._buffer, self._buffer[self._part_size :]
        del part[self._part_size :]
        return part

    async def _send(self, part: bytearray) -> None:
        """Begin to send a part, once the one before it is there."""
        await self._finish_sending()
        number = await self._take_number()
        self._end += len(part)
        self._unrecorded.append(Part(number, self._end, ""))
        self._sending = self._put_part(number, part)

    async def _finish_sending(self) -> None:
        if self._sending is None:
            return
        etag = await self._sending
        self._sending = None
        self._unrecorded[-1] = replace(self._unrecorded[-1], etag=etag)
        sent = min(self._part_size, self._taken)
        self._taken -= sent
        self._budget.give_back(sent)

    async def _store_tail(self, content: bytes) -> None:
        """Store what is less than a part as an object; in the first request, often the only one, as a part too."""
        tails, tail = self._head.tails, Tail(self._head.next_tail, self._end)
        number = 0
        if self._is_first:
            self._part_size = self._part_size or PART_SIZE
            number = await self._take_number()
        await self._record(tails=(*tails, tail), next_tail=tail.number + 1)
        if number:
            self._sending = self._put_part(number, content)
        await self._bucket.put(tail_name(self._key, tail.number), content)
        part = None
        if self._sending is not None:
            part = Part(number, self._end + len(content), await self._sending)
            self._sending = None
        stored = replace(tail, size=len(content), part=part)
        await self._record(tails=(*tails, stored), next_part=self._next_part)

    def _put_part(self, number: int, content: bytes | bytearray) -> asyncio.Task[str]:
        assert self._head.upload_id is not None
        return asyncio.create_task(
            self._bucket.put_part(object_name(self._key), self._head.upload_id, number, content)
        )

    async def _take_number(self) -> int:
        """A part number that nobody has used, of an upload that is begun if need be."""
        if self._next_part > MOST_PARTS:
            raise StorageUnavailable("an upload has used up its part numbers")
        if self._head.upload_id is None:
            await self._begin()
        elif self._next_part == self._head.next_part:
            await self._record(next_part=self._next_part + _RESERVED)
        self._next_part += 1
        return self._next_part - 1

    async def _begin(self) -> None:
        name = object_name(self._key)
        upload_id = await self._bucket.begin(name)
        try:
            await self._record(
                upload_id=upload_id, part_size=self._part_size, next_part=self._next_part + _RESERVED
            )
        except BaseException:
            await self._bucket.abort(name, upload_id)
            raise

    async def _record(self, **changes: Any) -> None:
        """Bring the ledger up to date, in one step with the parts that S3 has acknowledged; raises Fenced."""
        head = self._head.changed(**changes)
        if not await self._ledger.replace(self._key, self._head, head, self._unrecorded):
            raise Fenced
        self._head, self._unrecorded = head, []
