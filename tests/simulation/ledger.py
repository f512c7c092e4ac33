"""What the registry has told its clients, and until when it holds.

A promise is void once somebody asks for it to be taken away: from the moment the request is sent, for it may be carried
out at any time from then on, and what overlaps with it may be true or not. So whoever takes something away marks it,
before and after; a promise holds while there is no new mark on what it is about.
"""

from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

#: What may be taken away: ("repository", name), ("layer", name, digest), ("image", name, digest).
Thing = tuple[str, ...]
Marks = tuple[int, ...]


@dataclass(frozen=True)
class Promise:
    """It holds ``until`` then, and as long as ``things`` have these ``marks``; None holds for ever."""

    things: tuple[Thing, ...]
    marks: Marks
    until: int | None


@dataclass(eq=False)
class Write:
    """A request that points a tag at a digest, or at nothing (None); ``end`` is None until it has ended.

    ``only`` is set for one that changes a tag only if it points there: the deletion of an image.
    """

    digest: str | None
    begin: int
    only: str | None = None
    end: int | None = None
    is_acknowledged: bool = False

    def certainly_replaced(self, digest: str | None, end: int | None, before: int) -> bool:
        """True when a tag that pointed at ``digest`` since ``end`` at the latest did so no more then."""
        return (
            self.is_acknowledged
            and self.digest != digest
            and self.only in {None, digest}
            and end is not None
            and self.begin > end
            and self.end is not None
            and self.end < before
        )


@dataclass
class Ledger:
    """All promises, and all that was said of tags."""

    layers: dict[tuple[str, str], Promise] = field(default_factory=dict[tuple[str, str], Promise])
    images: dict[tuple[str, str], Promise] = field(default_factory=dict[tuple[str, str], Promise])
    writes: dict[tuple[str, str], list[Write]] = field(default_factory=dict[tuple[str, str], list[Write]])
    _marks: Counter[Thing] = field(default_factory=Counter[Thing])
    _going: Counter[Thing] = field(default_factory=Counter[Thing])
    _time: int = 0

    @contextmanager
    def taking_away(self, *things: Thing) -> Generator[None]:
        """What is done in the block may take these away."""
        self._marks.update(things)
        self._going.update(things)
        try:
            yield
        finally:
            self._marks.update(things)
            self._going.subtract(things)

    def marks(self, *things: Thing) -> Marks | None:
        """What is to be noted before a request is sent; None while one of the things is being taken away."""
        return (
            None if any(self._going[thing] for thing in things) else tuple(self._marks[thing] for thing in things)
        )

    def is_undisturbed(self, marks: Marks | None, *things: Thing) -> bool:
        """True when nobody can have taken the things away since then."""
        return marks is not None and marks == self.marks(*things)

    def holds(self, promise: Promise | None, now: int) -> bool:
        """True while it has to be kept."""
        return (
            promise is not None
            and (promise.until is None or now < promise.until)
            and self.is_undisturbed(promise.marks, *promise.things)
        )

    def tick(self) -> int:
        """The order of what clients see: each moment has a number of its own."""
        self._time += 1
        return self._time

    @contextmanager
    def writing(
        self, tags: Iterable[tuple[str, str]], digest: str | None, *, only: str | None = None
    ) -> Generator[None]:
        """What is done in the block may point tags there; acknowledged if it ends well."""
        writes = {tag: Write(digest, self.tick(), only) for tag in tags}
        for tag, write in writes.items():
            self.writes.setdefault(tag, []).append(write)
        try:
            yield
            for write in writes.values():
                write.is_acknowledged = True
        finally:
            for write in writes.values():
                write.end = self.tick()

    def may_be_read(self, tag: tuple[str, str], digest: str | None, begin: int, end: int) -> bool:
        """True when a read between two moments may find the tag pointing there: as of a regular register.

        It may find what was being written then, or what was written before and not certainly replaced since.
        """
        writes = self.writes.get(tag, [])
        found = [(write.begin, write.end) for write in writes if write.digest == digest]
        if digest is None:
            found.append((0, 0))  # at first there is no tag
        return any(
            began < end and not any(write.certainly_replaced(digest, ended, begin) for write in writes)
            for began, ended in found
        )
