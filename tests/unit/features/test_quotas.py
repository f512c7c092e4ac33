"""How often something may be asked for, and how many of it there may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import MINUTE, SECOND
from entrepot.core.partitions import RegistryId
from entrepot.features.quotas.buckets import CAPACITY, TokenBuckets
from entrepot.features.quotas.errors import Throttled
from entrepot.features.quotas.quotas import ECR
from entrepot.features.quotas.tallies import Tallies
from entrepot.protocol.ecr.shapes import OPERATIONS

REGISTRY, OTHER = RegistryId("000000000000", "us-east-1"), RegistryId("000000000000", "eu-west-1")


def takes(buckets: TokenBuckets, now: int, registry: RegistryId = REGISTRY, operation: str = "PutImage") -> bool:
    """Whether a call may go on."""
    try:
        buckets.take(registry, operation, now)
    except Throttled:
        return False
    return True


def test_a_full_bucket_holds_the_calls_of_a_second() -> None:
    """They may come at once; then one for each token that trickles in."""
    buckets = TokenBuckets({"PutImage": 10})

    assert [takes(buckets, 0) for _ in range(11)] == [True] * 10 + [False]
    assert not takes(buckets, SECOND // 10 - 1)
    assert [takes(buckets, SECOND // 10) for _ in range(2)] == [True, False]
    assert sum(takes(buckets, 100 * SECOND) for _ in range(20)) == 10


@given(rate=st.integers(1, 50), pauses=st.lists(st.integers(0, SECOND), max_size=200))
def test_no_second_has_more_than_twice_the_rate(rate: int, pauses: list[int]) -> None:
    """What the bucket held, and what trickled in; over a longer time it is the rate."""
    buckets, now, allowed = TokenBuckets({"PutImage": rate}), 0, list[int]()
    for pause in pauses:
        now += pause
        if takes(buckets, now):
            allowed.append(now)

    for start in allowed:
        assert sum(start <= at < start + SECOND for at in allowed) <= 2 * rate
    assert len(allowed) <= rate + now * rate // SECOND + 1


def test_each_registry_and_operation_has_a_bucket_of_its_own() -> None:
    """And what has no rate is never throttled."""
    buckets = TokenBuckets({"PutImage": 1, "BatchGetImage": 1})

    assert takes(buckets, 0)
    assert not takes(buckets, 0)
    assert takes(buckets, 0, registry=OTHER)
    assert takes(buckets, 0, operation="BatchGetImage")
    assert all(takes(buckets, 0, operation="ListImages") for _ in range(1000))


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    """The bucket is then taken to be full."""
    buckets = TokenBuckets({"PutImage": 1})
    buckets.take(REGISTRY, "PutImage", 100 * MINUTE)

    assert takes(buckets, MINUTE)
    assert not takes(buckets, MINUTE)


def test_buckets_that_are_dropped_were_full() -> None:
    """However many regions are named, an empty bucket is not refilled by that."""
    buckets = TokenBuckets({"PutImage": 1})
    for number in range(CAPACITY):
        buckets.take(RegistryId("000000000000", f"region-{number}"), "PutImage", number)

    buckets.take(OTHER, "PutImage", CAPACITY)

    assert not takes(buckets, CAPACITY, registry=RegistryId("000000000000", "region-0"))


@pytest.mark.parametrize("operation", ECR.rates)
def test_rates_are_of_operations_that_there_are(operation: str) -> None:
    """A misspelt name would be a rate that never holds."""
    assert operation in OPERATIONS


def test_a_tally_holds_for_a_minute() -> None:
    """From its count on, with what was added meanwhile."""
    tallies = Tallies()
    tallies.add("set")
    unknown = tallies.estimate("set", 0)
    tallies.put("set", 5, 0)
    tallies.add("set")

    assert unknown is None
    assert tallies.estimate("set", MINUTE - 1) == 6
    assert tallies.estimate("set", MINUTE) is None
    assert tallies.estimate("set", -1) is None
