"""Ratios of two series of rounds, with an interval that supposes nothing about how the rates are distributed.

The rounds of two registries are paired: the n-th of the one and the n-th of the other were measured side by side,
so that what else the machine did has met both. The ratio is the median of the ratios of the pairs. The interval
lies between two of those ratios in their order: each is above the true median with probability 1/2, so the chance
that the median is outside is binomial (H. A. David, H. N. Nagaraja, Order Statistics, section 7.1).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios, and an interval that holds the true median with `coverage(rounds)`."""

    median: float
    low: float
    high: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """How much more the first does than the second; rounds that only one of them has are left out."""
    found = sorted(our / their for our, their in zip(ours, theirs, strict=False))
    outside = _left_out(len(found))
    return Ratio(statistics.median(found), found[outside], found[-1 - outside])


def coverage(rounds: int) -> float:
    """The probability that the interval of so many rounds holds the true median; under six it is below 0.95."""
    return _coverage(rounds, _left_out(rounds))


def _left_out(rounds: int) -> int:
    """How many ratios at either end the interval may leave out."""
    return max((count for count in range((rounds + 1) // 2) if _coverage(rounds, count) >= CONFIDENCE), default=0)


def _coverage(rounds: int, left_out: int) -> float:
    return 1 - 2 * sum(comb(rounds, count) for count in range(left_out + 1)) / 2**rounds
