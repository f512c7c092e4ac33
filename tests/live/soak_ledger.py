"""What clients of a soak know of a registry: what was acknowledged to them and not deleted, and what went wrong."""

import random
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.live.images import Image


@dataclass(slots=True)
class Findings:
    """The counters of a soak. Those of the first group have to be 0.

    ``left`` are rows by table, and objects, parts and bytes of the bucket, that are not zero after the final
    collection. ``empty_uploads`` are multipart uploads without a part that a process has begun in S3 and was killed
    before it could write that down; buckets drop them by a rule of their own (docs/howto/s3.md), and so does an audit. ``answers`` are those that gave no result: by what was asked, who answered, and how.
    """

    lost: int = 0
    refused_within_lease: int = 0
    wrong_bytes: int = 0
    came_back: int = 0
    unexpected: int = 0
    left: dict[str, int] = field(default_factory=dict[str, int])

    pushes: int = 0
    pulls: int = 0
    checks: int = 0
    mounts: int = 0
    moved_tags: int = 0
    deleted_images: int = 0
    deleted_repositories: int = 0
    refused_after_lease: int = 0
    empty_uploads: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    answers: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])

    @property
    def broken(self) -> int:
        """How many promises were broken."""
        kinds = (self.lost, self.refused_within_lease, self.wrong_bytes, self.came_back, self.unexpected)
        return sum(kinds) + sum(self.left.values())


@dataclass(slots=True)
class Shelf:
    """A repository. ``generation`` is odd while the repository is being deleted and made again."""

    name: str
    generation: int = 0
    images: dict[str, Image] = field(default_factory=dict[str, Image])


class Ledger:
    """What must be there: shared by all clients, each of which tells it before it deletes and after it has pushed."""

    def __init__(self, names: list[str]) -> None:
        self.findings = Findings()
        self.shelves = [Shelf(name) for name in names]
        self._lock = threading.Lock()

    def count(self, what: str, number: int = 1) -> None:
        """Add to one of the counters."""
        with self._lock:
            setattr(self.findings, what, getattr(self.findings, what) + number)

    def fault(self, what: str, words: str) -> None:
        """A promise was broken."""
        self.count(what)
        with self._lock:
            self.findings.faults.append(f"{what}: {words}")

    def unanswered(self, words: str) -> None:
        """A request came to no result."""
        with self._lock:
            self.findings.answers[words] += 1

    def killed(self, who: str) -> None:
        """A process was killed."""
        with self._lock:
            self.findings.kills[who] += 1

    def is_unchanged(self, shelf: Shelf, since: int) -> bool:
        """Whether nobody has begun to delete the repository since it had this generation."""
        with self._lock:
            return shelf.generation == since and since % 2 == 0

    def acknowledge(self, shelf: Shelf, since: int, content: Image) -> bool:
        """The image was pushed; False when the repository was deleted meanwhile, so that nobody knows."""
        with self._lock:
            self.findings.pushes += 1
            if shelf.generation != since or since % 2:
                return False
            shelf.images[content.digest] = content
            return True

    def forget(self, shelf: Shelf, digest: str) -> None:
        """The image may go from now on."""
        with self._lock:
            shelf.images.pop(digest, None)

    def holds(self, shelf: Shelf, digest: str) -> bool:
        """Whether the image has to be there."""
        with self._lock:
            return digest in shelf.images

    def pick(self, chance: random.Random) -> tuple[Shelf, Image] | None:
        """An image that has to be there."""
        with self._lock:
            stocked = [shelf for shelf in self.shelves if shelf.images]
            if not stocked:
                return None
            shelf = chance.choice(stocked)
            return shelf, chance.choice(list(shelf.images.values()))

    def everything(self) -> list[tuple[Shelf, Image]]:
        """All that has to be there."""
        with self._lock:
            return [(shelf, content) for shelf in self.shelves for content in shelf.images.values()]

    @contextmanager
    def deleting(self, shelf: Shelf) -> Generator[bool]:
        """While the block runs nobody may count on the repository; False when another is at it already."""
        with self._lock:
            mine = shelf.generation % 2 == 0
            if mine:
                shelf.generation += 1
                shelf.images.clear()
        try:
            yield mine
        finally:
            with self._lock:
                shelf.generation += mine
