"""The mix of calls that follows a published trace."""

from benchmarks.trace import MB, NEEDS_LAYER, PULLS, SIZES, SMALLEST, size_at
from hypothesis import given
from hypothesis import strategies as st

LARGEST = max(SIZES)
#: What a push asks for: HEAD, POST and PUT for config and layer, and PUT of the manifest.
REQUESTS_OF_A_PUSH = 7


def test_nine_of_ten_requests_are_get() -> None:
    """The trace has between 90 and 95 of 100."""
    gets = PULLS * (1 + NEEDS_LAYER)

    share = gets / (gets + (1 - PULLS) * REQUESTS_OF_A_PUSH)

    assert 0.90 < share < 0.95


def test_layers_are_as_large_as_those_of_the_trace() -> None:
    """65 of 100 are smaller than 1 MB, 80 smaller than 10 MB."""
    sizes = [size_at(number / 1000, LARGEST) for number in range(1000)]

    assert sum(size < 1 * MB for size in sizes) == 650
    assert sum(size < 10 * MB for size in sizes) == 800


@given(st.floats(min_value=0, max_value=1, exclude_max=True), st.integers(min_value=SMALLEST, max_value=LARGEST))
def test_no_layer_is_larger_than_the_largest(share: float, largest: int) -> None:
    """A smaller run has smaller layers."""
    assert SMALLEST <= size_at(share, largest) <= largest
