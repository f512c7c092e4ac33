"""The blob port: what the registry asks of a place that keeps bytes.

A storage knows no digest, no repository and no upload. It keeps bytes under keys that the caller
made at random (``[0-9a-f]{32}``) and has already committed to the database; so an orphan is always found from
a row, and only the auditor ever lists. The bytes of an upload and of the blob it becomes live under the same key:
completing an upload makes them durable where they are, nothing is moved.

**Fencing.** Every writer carries an epoch, taken by compare-and-set on the upload's row. Opening a
writer with a newer epoch shuts all older ones out: when ``writer()`` has returned, no older writer
of that key can change a byte any more, on any worker, however long its connection stays open.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from entrepot.core.digest import Hasher
from entrepot.core.errors import Conflict, LimitReached, Unavailable


@dataclass(eq=False)
class Fenced(Conflict):
    """A newer request has taken over this upload; what this writer still sends is refused."""

    template: ClassVar[str] = "A newer request has taken over this upload"


@dataclass(eq=False)
class StorageFull(LimitReached):
    """There is no room for new bytes; what is stored stays readable, and can be deleted."""

    template: ClassVar[str] = "The registry has no room for new layers and images"


@dataclass(eq=False)
class StorageUnavailable(Unavailable):
    """The storage failed; ``reason`` is for the log and names no key or path."""

    reason: str

    template: ClassVar[str] = "The registry's storage cannot answer: {reason}"


@dataclass(eq=False)
class BlobDamaged(Unavailable):
    """The stored bytes are missing, short or unreadable; they are never served."""

    reason: str

    template: ClassVar[str] = "The stored bytes cannot be read: {reason}"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Something that lies in a storage, under the ``name`` that the place itself has for it.

    ``size`` is in bytes, 0 where the place does not tell. ``key`` is the storage key that it belongs to; None for
    what the registry has not put there. What is ``of_upload`` is needed only while the key is being uploaded.
    """

    name: str
    key: str | None
    size: int
    of_upload: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Some of what lies in a storage; ``cursor`` is where a later listing goes on."""

    objects: Sequence[StoredObject]
    cursor: str


class BlobWriter(Protocol):
    """Appends to one key from the offset it was opened at."""

    async def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks in order and feed them to the writer's hasher; off the event loop.

        Raises Fenced once a newer writer exists, StorageFull, StorageUnavailable. After an error
        the writer may only be left.
        """
        ...

    async def sync(self) -> None:
        """Return when every byte written so far survives a power cut.

        Only what has been synced counts: a later writer may begin here, and a seal may end here.
        """
        ...


class BlobStorage(Protocol):
    """A place that keeps bytes. Every driver passes ``entrepot.testing.blob_contract``."""

    def writer(
        self, key: str, *, offset: int, epoch: int, hasher: Hasher
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """Open ``key`` for appending at ``offset`` and fence every older epoch.

        The offset is 0, or where some writer has synced. Bytes that lie beyond ``offset`` are garbage of an
        earlier attempt and are overwritten. A block that is left by an exception takes back what was written in
        it: a push without room gives its room back.
        ``hasher`` sees each byte once, in order, in the thread that writes it. Raises Fenced when a
        newer epoch is already known, BlobDamaged when fewer than ``offset`` bytes are there.
        """
        ...

    async def seal(self, key: str, *, size: int, epoch: int) -> None:
        """Cut ``key`` to ``size`` bytes, fence every writer, make bytes and name durable.

        Creates an empty blob when nothing was ever written and ``size`` is 0. Repeating it with
        the same size is harmless. Raises BlobDamaged when fewer than ``size`` bytes are there, Fenced.
        """
        ...

    async def make_readable(self, key: str, *, size: int, epoch: int) -> None:
        """Let the first ``size`` bytes of an unsealed blob be read, by the writer with the newest epoch.

        A storage that can read only what is sealed seals it, and raises what ``seal`` does.
        """
        ...

    def read(self, key: str, *, start: int, length: int) -> AsyncGenerator[bytes]:
        """Yield exactly ``length`` bytes of a readable blob from ``start``, in chunks of at most 1 MiB.

        Raises BlobDamaged when the bytes are not all there, also in the middle. Closing the
        iterator stops reading at once.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove ``key`` and all that belongs to it; absent keys are fine."""
        ...

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove these as ``delete`` does, in as few steps as the storage has; an error may leave some of them."""
        ...

    def list_objects(self, *, after: str) -> AsyncGenerator[Listing]:
        """Everything that lies in the place, a thousand objects at a time, but for its identity and the check's.

        ``after`` is empty, or the cursor of a page of an earlier listing. What was there all the time is listed,
        at least once; what comes or goes meanwhile may be. For the auditor alone: it takes as long as there is.
        """
        ...

    async def remove_objects(self, objects: Sequence[StoredObject]) -> None:
        """Remove exactly these, which have a key and have been listed; those that are gone are fine."""
        ...

    async def direct_url(self, key: str) -> str | None:
        """A URL at which anybody can GET a sealed blob for a while, at most an hour; None where there is none."""
        ...

    async def check(self) -> None:
        """Return when the storage can take and give bytes; raises StorageUnavailable, StorageFull."""
        ...

    async def identity(self) -> str | None:
        """What this place was named with ``identify``; None when it has no name yet."""
        ...

    async def identify(self, identity: str) -> None:
        """Name the place, in ASCII of at most 64 characters, for whoever opens it from now on."""
        ...
