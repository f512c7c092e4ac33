"""How many members limited sets have, without counting them at each addition.

A count of a repository's 100,000 images reads as many index entries: far more than a push. A counter row would be
exact, but the pushes to a repository would wait for each other at it, in every registry, with quotas or without.
So a set is counted once in a while, additions through this process are added to that, and before anything is
refused it is counted anew. Nothing is ever refused that has room; what other workers add between two counts, and
pushes that are under way, may run over a quota.
"""

from collections import OrderedDict
from collections.abc import Hashable

from entrepot.core.clock import MINUTE

#: A count is used for so long.
LIFE = MINUTE
CAPACITY = 4_096


class Tallies:
    """The last count of each set, and what was added since."""

    def __init__(self) -> None:
        self._tallies: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def estimate(self, members_of: Hashable, now: int) -> int | None:
        """How many members the set has at most, as far as this process knows; None when it has to be counted."""
        count, counted_at = self._tallies.get(members_of, (0, None))
        return None if counted_at is None or not 0 <= now - counted_at < LIFE else count

    def put(self, members_of: Hashable, count: int, now: int) -> None:
        """The set was counted."""
        self._tallies[members_of] = (count, now)
        self._tallies.move_to_end(members_of)
        if len(self._tallies) > CAPACITY:
            self._tallies.popitem(last=False)

    def add(self, members_of: Hashable) -> None:
        """The set has one more member."""
        if members_of in self._tallies:
            count, counted_at = self._tallies[members_of]
            self._tallies[members_of] = (count + 1, counted_at)
