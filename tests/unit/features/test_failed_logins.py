"""Who guesses is slowed down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.features.identity.errors import TooManyFailures
from entrepot.features.identity.failures import BURST, CAPACITY, INTERVAL, FailedLogins


def failed(times: int, now: int = 0) -> FailedLogins:
    """So many failures of one pair at once."""
    logins = FailedLogins()
    for _ in range(times):
        logins.add("10.0.0.1", "AKIA", now)
    return logins


def test_a_few_failures_are_anybodys() -> None:
    """Up to the burst, nothing is held back."""
    failed(BURST - 1).check("10.0.0.1", "AKIA", 0)


def test_a_burst_of_failures_holds_the_pair_back_until_one_is_forgiven() -> None:
    """One attempt in each interval, and no more."""
    logins = failed(BURST)

    with pytest.raises(TooManyFailures):
        logins.check("10.0.0.1", "AKIA", INTERVAL - 1)
    logins.check("10.0.0.1", "AKIA", INTERVAL)
    logins.add("10.0.0.1", "AKIA", INTERVAL)
    with pytest.raises(TooManyFailures):
        logins.check("10.0.0.1", "AKIA", INTERVAL)


def test_more_failures_than_a_burst_hold_the_pair_back_no_less_and_no_longer() -> None:
    """What is tried while it is held back changes nothing."""
    logins = failed(3 * BURST)

    with pytest.raises(TooManyFailures):
        logins.check("10.0.0.1", "AKIA", INTERVAL - 1)
    logins.check("10.0.0.1", "AKIA", INTERVAL)


def test_another_source_and_another_key_are_not_held_back() -> None:
    """Nobody is locked out by somebody else's guesses."""
    logins = failed(BURST)

    logins.check("10.0.0.2", "AKIA", 0)
    logins.check("10.0.0.1", "AKIB", 0)


def test_failures_of_endless_keys_take_no_endless_room() -> None:
    """What is kept is bounded, and those that have failed often stay held back."""
    logins = failed(BURST)
    for number in range(3 * CAPACITY):
        logins.add("10.0.0.1", f"AKIA{number}", 0)

    with pytest.raises(TooManyFailures):
        logins.check("10.0.0.1", "AKIA", 0)
    assert len(logins._forgiven_at) <= CAPACITY  # pyright: ignore[reportPrivateUsage]


def test_a_pair_that_comes_when_all_room_is_taken_is_held_back_too() -> None:
    """Who has filled the room with other keys may not guess at one more for ever."""
    logins = FailedLogins()
    for number in range(CAPACITY):
        logins.add("10.0.0.1", f"AKIA{number}", 0)

    for _ in range(BURST):
        logins.add("10.0.0.2", "AKIA", 0)

    with pytest.raises(TooManyFailures):
        logins.check("10.0.0.2", "AKIA", 0)


def test_pairs_that_a_clock_set_back_has_left_behind_take_no_room() -> None:
    """They will not be forgiven for long, and hold nobody back."""
    logins = FailedLogins()
    for number in range(CAPACITY):
        logins.add("10.0.0.1", f"AKIA{number}", 10**15)

    logins.add("10.0.0.1", "AKIA", 0)

    assert len(logins._forgiven_at) == 1  # pyright: ignore[reportPrivateUsage]


@given(st.lists(st.integers(0, 100 * INTERVAL), max_size=60), st.integers(-(10**15), 10**15))
def test_a_clock_that_jumps_locks_nobody_out_for_longer_than_a_burst(times: list[int], jump: int) -> None:
    """Whatever the clock did before, a burst's time after it stops jumping the pair is free."""
    logins = FailedLogins()
    for at in times:
        logins.add("s", "k", at)
        logins.add("s", "k", at + jump)

    settled = max([0, *times]) + abs(jump)
    logins.check("s", "k", settled + BURST * INTERVAL)
