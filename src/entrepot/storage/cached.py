"""A storage whose blobs are read through a folder on this machine (designs/s3.md)."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing
from typing import Protocol

import structlog

from entrepot.core.digest import Hasher
from entrepot.storage.pieces import PIECE, Piece, PieceFolder, StoredPiece
from entrepot.storage.port import BlobDamaged, BlobStorage, BlobWriter, Listing, StoredObject
from entrepot.storage.threads import in_thread

log = structlog.get_logger()


class SealedStorage(BlobStorage, Protocol):
    """A storage that gives only what is sealed, and so never changes."""

    async def size(self, key: str) -> int:
        """The size of a sealed blob; raises BlobDamaged when it is not there."""
        ...


class CachedStorage:
    """What ``inner`` has; what is read of it is kept in ``folder``, in pieces.

    However many read a piece that is not there, this process fetches it once. A folder that fails in any way costs
    time and nothing else: what it does not give, ``inner`` does.
    """

    def __init__(self, inner: SealedStorage, folder: PieceFolder, *, threads: Executor) -> None:
        self._inner = inner
        self._folder = folder
        self._threads = threads
        self._fetching: dict[tuple[str, int], asyncio.Task[bool]] = {}
        self._failure: str | None = None

    async def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """See the port."""
        position, end = start, start + length
        while position < end:
            with ExitStack() as held:
                stored = await self._piece(key, position // PIECE, end, held)
                if stored is None:
                    break
                first = stored.piece.number * PIECE
                stop = min(end, first + PIECE)
                while position < stop and (chunk := await self._block(stored, position - first, stop - position)):
                    position += len(chunk)
                    yield chunk
            if position < stop:
                await self._drop_damaged(stored.piece)
                break
        if position < end or not length:
            async with aclosing(self._inner.read(key, start=position, length=end - position)) as rest:
                async for chunk in rest:
                    yield chunk

    async def _piece(self, key: str, number: int, end: int, held: ExitStack) -> StoredPiece | None:
        """A piece of a blob that has ``end`` bytes, fetched if need be, and then the next one as well.

        None when the cache cannot give it. Raises BlobDamaged when the blob is shorter, and what ``read`` raises.
        """
        stored = await self._open(key, number, held)
        if stored is None and await asyncio.shield(self._fetch(key, number)):
            stored = await self._open(key, number, held)
            if stored is not None and (number + 1) * PIECE < end <= stored.piece.total:
                self._fetch(key, number + 1)
        if stored is not None and stored.piece.total < end:
            raise BlobDamaged(f"{stored.piece.total} of {end} bytes are there")
        return stored

    async def _open(self, key: str, number: int, held: ExitStack) -> StoredPiece | None:
        try:
            return await in_thread(self._threads, self._folder.open, key, number, held)
        except OSError as error:
            self._tell(error)
            return None

    async def _block(self, stored: StoredPiece, start: int, length: int) -> bytes:
        return await in_thread(self._threads, stored.read, start, length)

    def _fetch(self, key: str, number: int) -> asyncio.Task[bool]:
        """A task that brings a piece into the folder; one for all who wait. It goes on when they leave."""
        fetching = self._fetching.get((key, number))
        if fetching is None:
            fetching = self._fetching[key, number] = asyncio.create_task(self._bring(key, number))
            fetching.add_done_callback(lambda task: self._forget(key, number, task))
        return fetching

    def _forget(self, key: str, number: int, task: asyncio.Task[bool]) -> None:
        del self._fetching[key, number]
        if not task.cancelled():
            task.exception()  # seen: perhaps nobody waits for it

    async def _bring(self, key: str, number: int) -> bool:
        """Whether the folder has the piece then; raises what ``read`` raises."""
        with ExitStack() as held:
            if await self._open(key, number, held) is not None:  # somebody has just brought it
                return True
        piece = Piece(key, number, await self._inner.size(key))
        if piece.length <= 0:
            return False  # the storage tells what is missing
        try:
            with ExitStack() as held:
                draft = await in_thread(self._threads, self._folder.begin, piece, held)
                if draft is None:
                    return False
                start = number * PIECE
                async with aclosing(self._inner.read(key, start=start, length=piece.length)) as chunks:
                    async for chunk in chunks:
                        await in_thread(self._threads, draft.write, chunk)
                await in_thread(self._threads, draft.keep)
        except OSError as error:
            self._tell(error)
            return False
        self._failure = None
        return True

    async def _drop_damaged(self, piece: Piece) -> None:
        log.warning("a piece in the cache is damaged, and is read from the storage")
        try:
            await in_thread(self._threads, self._folder.drop, piece.key, piece.number)
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        """Once, until it works again or fails for another reason."""
        reason = os.strerror(error.errno or 0)
        if reason != self._failure:
            log.warning("the cache fails, and layers are read from the storage", reason=reason)
        self._failure = reason

    async def delete(self, key: str) -> None:
        """See the port."""
        await self.delete_many([key])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """See the port; the pieces on this machine go too, those on others when there is no room for them."""
        await self._inner.delete_many(keys)
        try:
            await in_thread(self._threads, self._folder.drop_all, keys)
        except OSError as error:
            self._tell(error)

    def writer(
        self, key: str, *, offset: int, epoch: int, hasher: Hasher
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """See the port."""
        return self._inner.writer(key, offset=offset, epoch=epoch, hasher=hasher)

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """See the port."""
        await self._inner.seal(key, size=size, epoch=epoch)

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """See the port."""
        await self._inner.make_readable(key, size=size, epoch=epoch)

    def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """See the port."""
        return self._inner.list_objects(after=after)

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """See the port."""
        await self._inner.remove_objects(objects)

    async def direct_url(self, key: str) -> str | None:
        """See the port."""
        return await self._inner.direct_url(key)

    async def check(self) -> None:
        """See the port: the cache may fail, the registry serves all the same."""
        await self._inner.check()

    async def identity(self) -> str | None:
        """See the port."""
        return await self._inner.identity()

    async def identify(self, identity: str) -> None:
        """See the port."""
        await self._inner.identify(identity)
