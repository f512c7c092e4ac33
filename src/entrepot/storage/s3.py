"""Blobs as objects of an S3 bucket, shared by any number of replicas (designs/s3.md).

PREFIX/4f/4f1c…e2       the blob, once it is sealed; until then a multipart upload of this name
PREFIX/4f/4f1c…e2.3     while it is being uploaded: bytes that are too few for a part
PREFIX/check            what ``check`` writes
PREFIX/identity         what ``identify`` was given
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from entrepot.core.digest import Hasher
from entrepot.storage.port import BlobDamaged, BlobWriter, Fenced, Listing, StorageUnavailable, StoredObject
from entrepot.storage.s3_bucket import Bucket
from entrepot.storage.s3_ledger import Multipart, Part, PartLedger, Tail
from entrepot.storage.s3_writer import MOST_PARTS, BufferBudget, S3Writer, object_name, tail_name

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_KEY = re.compile(r"[0-9a-f]{32}")
_MIB = 2**20
#: What a read takes at a time.
_CHUNK = 512 * 1024
#: The buffers of all writers of a worker, and how many seconds a writer waits for room in them.
_BUFFERS, _PATIENCE = 256 * _MIB, 20.0
#: The epoch of a blob that is being deleted: above every writer's.
_DELETED = 2**62
#: Seconds between two looks at an object that somebody else completes; on some servers that copies it.
_PAUSES = [0.05 * 2**number for number in range(6)] + [2.0] * 24
_PROBE = b"."
_CHECK, _IDENTITY, _LONGEST_IDENTITY = "check", "identity", 64
_OWN_OBJECTS = {_CHECK, _IDENTITY}
#: The name of a blob, and of a tail.
_NAME = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{30})(\.[0-9]+)?")
#: Where a listing is: behind an object, or among the uploads, which come after all objects and are few.
_AT_OBJECT, _AT_UPLOADS = "object ", "uploads"
#: Between an upload's name and its id, in the name that a listing gives it.
_UPLOAD_ID = "?uploadId="


@dataclass(frozen=True, slots=True)
class Redirects:
    """Downloads go to URLs that ``client`` signs and that work for so many ``seconds``.

    The client's endpoint is the one by which clients of the registry reach the bucket.
    """

    client: "S3Client"
    seconds: int


class S3Storage:
    """Blobs in ``bucket``; ``ledger`` remembers their uploads, for all replicas alike.

    Without ``redirects`` downloads are streamed.
    """

    def __init__(
        self, bucket: Bucket, ledger: PartLedger, *, threads: Executor, redirects: Redirects | None = None
    ) -> None:
        self._bucket = bucket
        self._ledger = ledger
        self._threads = threads
        self._redirects = redirects
        self._budget = BufferBudget(_BUFFERS, _PATIENCE)

    @asynccontextmanager
    async def writer(self, key: str, *, offset: int, epoch: int, hasher: Hasher) -> AsyncGenerator[BlobWriter]:
        """See the port; also raises BlobDamaged when no earlier writer has synced at ``offset``."""
        head = await self._take_over(_checked(key), epoch)
        if not await self._ledger.cut(key, epoch, offset):
            raise Fenced
        end = await self._ledger.end(key, offset)
        tail = _covering(head, end, offset)
        head = await self._drop_garbage(key, head, tail, offset)
        content = b"" if tail is None else await self._bucket.get(tail_name(key, tail.number), offset - end)
        writer = S3Writer(
            self._bucket,
            self._ledger,
            self._threads,
            self._budget,
            key,
            head,
            end=end,
            tail=content,
            hasher=hasher,
        )
        try:
            yield writer
        except BaseException:
            await writer.discard()
            raise
        finally:
            await writer.close()

    async def _take_over(self, key: str, epoch: int) -> Multipart:
        """Put the epoch into the ledger: older writers cannot change it any more."""
        while True:
            old = await self._ledger.find(key)
            if old is not None and (old.epoch > epoch or old.sealed_size is not None):
                raise Fenced
            new = Multipart(epoch) if old is None else old.changed(epoch=epoch)
            if await self._ledger.replace(key, old, new):
                break
        # Sealing needs a row, and now that is ours: so a blob that is not there yet is not sealed behind our back.
        if new.upload_id is None and await self._bucket.size(object_name(key)) is not None:
            await self._ledger.forget(key, new)
            raise Fenced
        return new

    async def _drop_garbage(self, key: str, head: Multipart, tail: Tail | None, offset: int) -> Multipart:
        """Delete the tails that do not count any more, and begin anew at offset 0.

        A tail that nobody has seen stored may still come: it stays in the ledger, and goes with the upload.
        """
        if garbage := [tail_name(key, other.number) for other in head.tails if other is not tail]:
            await self._bucket.delete(garbage)
        tails = tuple(other for other in head.tails if other.size == 0)
        if offset == 0:
            if head.upload_id is not None:
                await self._bucket.abort(object_name(key), head.upload_id)
            return replace(head, upload_id=None, part_size=0, next_part=1, tails=tails)
        if tail is None:
            return replace(head, tails=tails)
        size = offset - tail.start
        kept = tail if tail.size == size else replace(tail, size=size, part=None)
        return replace(head, tails=(kept, *tails))

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; a sealed blob is never cut again: another size than its own is Fenced."""
        _checked(key)
        while not await self._decide_to_seal(key, size, epoch):
            pass  # the ledger has changed meanwhile
        head = await self._ledger.find(key)
        if head is None:
            stored = await self._bucket.size(object_name(key))
        else:
            stored = await self._assemble(key, head, size)
        if stored != size:
            raise BlobDamaged("they are missing" if stored is None else f"{stored} of {size} bytes are there")
        if head is not None:
            if head.tails:
                await self._bucket.delete([tail_name(key, tail.number) for tail in head.tails])
            await self._ledger.forget(key, head)

    async def _assemble(self, key: str, head: Multipart, size: int) -> int | None:
        """Make the object of the parts; gives the size that S3 says it has."""
        name = object_name(key)
        if not size:
            if head.upload_id is not None:
                await self._bucket.abort(name, head.upload_id)
            await self._bucket.put(name, b"")
        elif head.upload_id is not None:
            parts = [part for part in await self._ledger.parts(key) if part.end <= size]
            await self._bucket.complete(name, head.upload_id, parts)
            return await self._size_once_complete(name)
        return await self._bucket.size(name)

    async def _size_once_complete(self, name: str) -> int:
        """The size of an object that is being completed, perhaps by somebody else.

        The upload goes before the object is there, also when an earlier try of the same call still works on it.
        """
        for pause in _PAUSES:
            if (size := await self._bucket.size(name)) is not None:
                return size
            await asyncio.sleep(pause)
        raise StorageUnavailable("an upload is still being completed")

    async def _decide_to_seal(self, key: str, size: int, epoch: int) -> bool:
        """Shut writers out at ``size`` bytes, all of them in parts; False when others were quicker."""
        head = await self._ledger.find(key)
        if head is None:
            sealed_size = await self._bucket.size(object_name(key))
        else:
            sealed_size = head.sealed_size
        if sealed_size is not None:
            if sealed_size < size:
                raise BlobDamaged(f"{sealed_size} of {size} bytes are there")
            if sealed_size > size:
                raise Fenced
            return True
        if head is None:
            if size:
                raise BlobDamaged(f"0 of {size} bytes are there")
            return await self._ledger.replace(key, None, Multipart(epoch, sealed_size=0))
        if head.epoch > epoch:
            raise Fenced
        end = await self._ledger.end(key, size)
        if end == size:
            return await self._ledger.replace(key, head, head.changed(epoch=epoch, sealed_size=size))
        return await self._seal_with_tail(key, head, end, size, epoch)

    async def _seal_with_tail(self, key: str, head: Multipart, end: int, size: int, epoch: int) -> bool:
        tail = _covering(head, end, size)
        upload_id = head.upload_id
        if tail is None or upload_id is None:
            raise BlobDamaged(f"fewer than {size} bytes are there")
        part = tail.part
        if part is None or part.end != size:
            number = head.next_part
            if number > MOST_PARTS:
                raise StorageUnavailable("an upload has used up its part numbers")
            reserved = head.changed(epoch=epoch, next_part=number + 1)
            if not await self._ledger.replace(key, head, reserved):
                return False
            head = reserved
            content = await self._bucket.get(tail_name(key, tail.number), size - end)
            etag = await self._bucket.put_part(object_name(key), upload_id, number, content)
            part = Part(number, size, etag)
        return await self._ledger.replace(key, head, head.changed(epoch=epoch, sealed_size=size), [part])

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port; S3 has no call that reads an upload."""
        await self.seal(key, size=size, epoch=epoch)

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        name = object_name(_checked(key))
        if not length:
            if await self.size(key) < start:
                raise BlobDamaged("they are missing")
            return
        with ExitStack() as held:
            body = await self._bucket.open(name, start, length, held)
            left = length
            while left:
                chunk = await self._bucket.read(body, min(_CHUNK, left))
                left -= len(chunk)
                yield chunk

    async def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port: first the objects below the prefix, then the multipart uploads that are not completed."""
        if after != _AT_UPLOADS:
            async for objects in self._bucket.list_objects(after.removeprefix(_AT_OBJECT)):
                known = [_listed(name, size) for name, size in objects if name not in _OWN_OBJECTS]
                yield Listing(known, _AT_OBJECT + objects[-1][0])
        async for uploads in self._bucket.list_uploads():
            listed = [_listed(name, 0, upload_id) for name, upload_id in uploads]
            yield Listing(listed, _AT_UPLOADS)

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port; the ledger is left as it is."""
        names: list[str] = []
        for each in objects:
            name, _, upload_id = each.name.partition(_UPLOAD_ID)
            if upload_id:
                await self._bucket.abort(name, upload_id)
            else:
                names.append(name)
        if names:
            await self._bucket.delete(names)

    async def size(self, key: str) -> int:
        """The size of a sealed blob; raises BlobDamaged when it is not there."""
        stored = await self._bucket.size(object_name(_checked(key)))
        if stored is None:
            raise BlobDamaged("they are missing")
        return stored

    async def direct_url(self, key: str) -> str | None:
        """See the port."""
        if self._redirects is None:
            return None
        return await self._bucket.presign(
            self._redirects.client, object_name(_checked(key)), self._redirects.seconds
        )

    async def delete(self, key: str) -> None:
        """See the port."""
        await self.delete_many([key])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port; blobs that are sealed go a thousand at a time."""
        names: list[str] = []
        unsealed: dict[str, Multipart] = {}
        for key in keys:
            names.append(object_name(_checked(key)))
            if head := await self._shut(key):
                unsealed[key] = head
                names += [tail_name(key, tail.number) for tail in head.tails]
                if head.upload_id is not None:
                    await self._bucket.abort(object_name(key), head.upload_id)
        if names:
            await self._bucket.delete(names)
        for key, head in unsealed.items():
            await self._ledger.forget(key, head)

    async def _shut(self, key: str) -> Multipart | None:
        """Let no writer of ``key`` change the ledger any more; gives what there is to clear away."""
        while (head := await self._ledger.find(key)) is not None and head.epoch != _DELETED:
            deleted = head.changed(epoch=_DELETED)
            if await self._ledger.replace(key, head, deleted):
                return deleted
        return head

    async def check(self) -> None:
        """See the port: writes a byte, reads it back, and deletes what is not there, for the right to do so."""
        await self._bucket.put(_CHECK, _PROBE)
        if await self._bucket.get(_CHECK, len(_PROBE)) != _PROBE:
            raise StorageUnavailable("a byte that was written is not read back")
        await self._bucket.delete([f"{_CHECK}.absent"])

    async def identity(self) -> str | None:
        """See the port."""
        if not (size := await self._bucket.size(_IDENTITY)):
            return None
        return (await self._bucket.get(_IDENTITY, min(size, _LONGEST_IDENTITY))).decode("ascii", "replace")

    async def identify(self, identity: str) -> None:
        """See the port."""
        await self._bucket.put(_IDENTITY, identity.encode())


def _covering(head: Multipart, end: int, size: int) -> Tail | None:
    """The tail that goes on where the parts end, up to ``size``; None when they end there.

    Raises BlobDamaged when there is none.
    """
    if size == end:
        return None
    covering = [tail for tail in head.tails if tail.start == end and tail.start + tail.size >= size]
    if not covering:
        raise BlobDamaged(f"fewer than {size} bytes are there")
    return min(covering, key=lambda tail: tail.size)


def _listed(name: str, size: int, upload_id: str = "") -> StoredObject:
    found = _NAME.fullmatch(name)
    is_upload = bool(upload_id or (found and found[3]))
    shown = f"{name}{_UPLOAD_ID}{upload_id}" if upload_id else name
    return StoredObject(shown, found[2] if found else None, size, of_upload=is_upload)


def _checked(key: str) -> str:
    """ValueError for what is no key, as from the driver whose keys become file names."""
    if _KEY.fullmatch(key) is None:
        message = "a storage key is 32 lower case hexadecimal digits"
        raise ValueError(message)
    return key
