"""What S3 does not remember for us: which parts of an upload count, and who may add to them.

A port, since storage knows no database; ``entrepot.features.multiparts`` keeps it in rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self


@dataclass(frozen=True, slots=True)
class Part:
    """A part that S3 has acknowledged. ``end`` is the size of the blob up to its end, ``etag`` as S3 gave it."""

    number: int
    end: int
    etag: str


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes of a blob, from ``start`` on, in an object of their own: what a request left over.

    ``size`` is 0 as long as nobody knows whether they have been stored. ``part`` is the same bytes as a part.
    """

    number: int
    start: int
    size: int = 0
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Multipart:
    """What is known about a blob that is not sealed yet, except its parts.

    Part numbers and tail numbers from ``next_part`` and ``next_tail`` on have not been given out. All parts are
    ``part_size`` bytes long, the last one perhaps shorter. ``sealed_size`` is set once sealing has been decided.
    """

    epoch: int
    revision: int = 0
    upload_id: str | None = None
    part_size: int = 0
    next_part: int = 1
    next_tail: int = 1
    tails: tuple[Tail, ...] = ()
    sealed_size: int | None = None

    def changed(self, **changes: Any) -> Self:
        """What it becomes."""
        return replace(self, revision=self.revision + 1, **changes)


class PartLedger(Protocol):
    """Remembers uploads. Every change is durable when its call returns."""

    async def find(self, key: str) -> Multipart | None:
        """What is known about ``key``; a look-up of one row."""
        ...

    async def parts(self, key: str) -> list[Part]:
        """Its parts, from the first byte to the last."""
        ...

    async def end(self, key: str, size: int) -> int:
        """Where the last of its parts ends that ends at ``size`` or before; 0 if there is none."""
        ...

    async def replace(self, key: str, old: Multipart | None, new: Multipart, parts: Sequence[Part] = ()) -> bool:
        """Compare and set: replace ``old`` by ``new`` and add ``parts``; False if ``old`` is not what is there.

        None is nothing. Two of the same epoch and revision are the same.
        """
        ...

    async def cut(self, key: str, epoch: int, size: int) -> bool:
        """Forget the parts that end beyond ``size``.

        False, perhaps half-way, if there are some and the epoch is another one by now.
        """
        ...

    async def forget(self, key: str, old: Multipart) -> None:
        """Forget ``key`` and its parts, if ``old`` is what is there."""
        ...
