"""Denials, summed up: nobody fills a disk by asking for what he may not have.

They are counted in the memory of one process and written once a minute, a record for each sort. What comes after a
crash of the process is lost; the log has how many were too many to be told apart.

What they can fill: a process writes 21 records a minute at most, 30,240 a day, and the database keeps the last
10,000 of all processes together, which were written in eight hours if one process is flooded all the time. A
record has some hundred bytes, and at most 4 KiB: its principal is an ARN of at most 650 characters, and resource
and reason are cut after 700, of which the resource is there twice. So they take 40 MiB in all, whoever asks for
whatever, and no principal has more than five records in a minute.

Two registries have no bound each, but one together: without credentials anybody chooses which one he asks, so a
bound for each would be none.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from entrepot.core.partitions import RegistryId

#: Sorts of denials that are told apart between two writings, and of those the ones of one principal.
CAPACITY = 1_000
SHARE = 5
#: Sorts of denials that are written at once; the rest is counted together in one more record.
MOST_WRITTEN = 20
#: Records of denials that the database keeps.
MOST_KEPT = 10_000
#: Characters of a resource and of a reason; the longest ARN of IAM has 612.
LONGEST = 700

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Denial:
    """A sort of denial: who was refused what, where, and why."""

    registry: RegistryId
    principal: str
    action: str
    resource: str
    reason: str

    @property
    def share_of(self) -> str:
        """Whose share of the records it takes: all sessions of a role have one, since they choose their names."""
        beginning, is_session, session = self.principal.partition(":assumed-role/")
        return beginning + is_session + session.partition("/")[0]

    @property
    def sort(self) -> "Denial":
        """What it is counted as: of somebody without credentials nothing but registry and action count."""
        if self.principal == ANONYMOUS:
            return replace(self, resource="", reason="")
        if max(len(self.resource), len(self.reason)) > LONGEST:
            return replace(self, resource=self.resource[:LONGEST], reason=self.reason[:LONGEST])
        return self


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
        self._sorts_of: Counter[str] = Counter()
        self._others = 0

    def add(self, denial: Denial, now: int) -> None:
        """Count one."""
        sort = denial.sort
        before = self._sums.get(sort)
        if before is not None:
            self._sums[sort] = Denied(before.count + 1, before.first_at, now)
        elif len(self._sums) < CAPACITY and self._sorts_of[sort.share_of] < SHARE:
            self._sums[sort] = Denied(1, now, now)
            self._sorts_of[sort.share_of] += 1
        else:
            self._others += 1

    def take(self) -> tuple[Mapping[Denial, Denied], int]:
        """The sums that are to be written, and how many denials were of other sorts; both begin anew.

        Of every principal the largest comes before the second of any.
        """
        ranked = sorted(_ranked(self._sums), key=lambda each: (each[0], -each[2].count))
        written = {sort: denied for _, sort, denied in ranked[:MOST_WRITTEN]}
        others = self._others + sum(denied.count for _, _, denied in ranked[MOST_WRITTEN:])
        self._sums, self._sorts_of, self._others = {}, Counter(), 0
        return written, others


def _ranked(sums: Mapping[Denial, Denied]) -> Iterator[tuple[int, Denial, Denied]]:
    """Every sort with its place among those of its principal, the largest first."""
    ranks: Counter[str] = Counter()
    for sort, denied in sorted(sums.items(), key=lambda each: -each[1].count):
        yield ranks[sort.share_of], sort, denied
        ranks[sort.share_of] += 1
