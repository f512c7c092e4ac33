"""Lists in pages, each going on after the sort key of the last entry before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: A sort key to go on after; () at the start.
After = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries of a list; ``next`` is the sort key to go on after, None at the end."""

    entries: Sequence[T]
    next: After | None


def page_of(found: Sequence[T], limit: int, key: Callable[[T], After]) -> Page[T]:
    """The first ``limit`` of what was found when one more was looked for."""
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], key(found[limit - 1]))


def page_of_all(found: Sequence[T], after: After, limit: int, key: Callable[[T], After]) -> Page[T]:
    """At most ``limit`` after a key of a whole list, sorted by the key; for lists that a quota keeps short."""
    return page_of([entry for entry in found if key(entry) > after][: limit + 1], limit, key)
