"""Denials, summed up: nobody fills a disk by asking for what he may not have.

They are counted in the memory of one process and written now and then, a record for each sort. What comes after a
crash of the process is lost; the log has had each of the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.core.partitions import RegistryId

#: Sorts of denials that are told apart between two writings; the rest is counted together.
CAPACITY = 200


@dataclass(frozen=True, slots=True)
class Denial:
    """A sort of denial: who was refused what, where, and why."""

    registry: RegistryId
    principal: str
    action: str
    resource: str
    reason: str


@dataclass(frozen=True, slots=True)
class Denied:
    """So many denials of a sort, the first and the last at these times in microseconds."""

    count: int
    first_at: int
    last_at: int


class Denials:
    """The denials since they were last taken."""

    def __init__(self) -> None:
        self._sums: dict[Denial, Denied] = {}
        self._dropped = 0

    def add(self, denial: Denial, now: int) -> None:
        """Count one."""
        before = self._sums.get(denial)
        if before is not None:
            self._sums[denial] = Denied(before.count + 1, before.first_at, now)
        elif len(self._sums) < CAPACITY:
            self._sums[denial] = Denied(1, now, now)
        else:
            self._dropped += 1

    def take(self) -> tuple[Mapping[Denial, Denied], int]:
        """The sums, and how many denials were of too many sorts to be told apart; both begin anew."""
        taken = self._sums, self._dropped
        self._sums, self._dropped = {}, 0
        return taken
