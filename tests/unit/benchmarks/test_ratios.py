"""Ratios of paired rounds, and the interval that holds the true one."""

from random import Random

import pytest
from benchmarks.ratios import CONFIDENCE, coverage, ratio
from hypothesis import given
from hypothesis import strategies as st

RATES = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=30)


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    """A round in which the machine was slow for both does not move it."""
    found = ratio([20, 2, 30], [10, 1, 10])

    assert found.median == 2


def test_a_round_that_only_one_of_them_has_is_left_out() -> None:
    """A registry that failed on the way is compared over the rounds that it has done."""
    assert ratio([20, 30, 999], [10, 10]) == ratio([20, 30], [10, 10])


def test_up_to_eight_rounds_the_interval_is_from_the_worst_to_the_best() -> None:
    """Few rounds tell little: nothing may be left out of them."""
    found = ratio([3, 1, 8, 5, 2, 7, 6, 4], [1] * 8)

    assert (found.low, found.high) == (1, 8)


def test_nine_rounds_let_the_interval_leave_out_one_at_either_end() -> None:
    """One round that was disturbed does not widen it any more."""
    found = ratio([0.001, 2, 3, 4, 5, 6, 7, 8, 9000], [1] * 9)

    assert (found.low, found.high) == (2, 8)


@pytest.mark.parametrize(("rounds", "expected"), [(1, 0.0), (2, 0.5), (5, 0.9375), (6, 0.96875), (9, 0.9609375)])
def test_the_coverage_is_that_of_the_binomial_distribution(rounds: int, expected: float) -> None:
    """Each ratio is above the true median with probability 1/2."""
    assert coverage(rounds) == pytest.approx(expected)


@given(st.integers(min_value=6, max_value=200))
def test_from_six_rounds_on_the_interval_keeps_its_promise(rounds: int) -> None:
    """It holds the true median with at least 95 %."""
    assert CONFIDENCE <= coverage(rounds) <= 1


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    """Drawn from a skewed distribution whose median is known, too."""
    random = Random(7)
    held = 0

    for _ in range(2_000):
        found = ratio([2 * random.lognormvariate(0, 1) for _ in range(6)], [1] * 6)
        held += found.low <= 2 <= found.high

    assert held / 2_000 == pytest.approx(coverage(6), abs=0.015)


@given(RATES)
def test_the_ratio_lies_in_its_interval(rates: list[float]) -> None:
    """Whatever the rates are."""
    found = ratio(rates, list(reversed(rates)))

    assert found.low <= found.median <= found.high


@given(RATES)
def test_the_other_way_round_the_interval_is_the_reciprocal(rates: list[float]) -> None:
    """Who is compared with whom does not change what is known."""
    ours, theirs = rates, list(reversed(rates))

    there, back = ratio(ours, theirs), ratio(theirs, ours)

    assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high))
