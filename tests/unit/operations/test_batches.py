"""How much of an upload is collected before it is written."""

from contextlib import ExitStack

from hypothesis import given
from hypothesis.strategies import integers

from entrepot.operations.batches import Batches

ROOM, SMALLEST, LARGEST = 1600, 10, 100


def batch_of(uploads: int) -> int:
    """The size of a batch while there are so many uploads."""
    batches = Batches(room=ROOM, smallest=SMALLEST, largest=LARGEST)
    with ExitStack() as stack:
        for _ in range(uploads):
            stack.enter_context(batches.of_upload())
        return batches.size


def test_a_few_uploads_have_large_batches() -> None:
    """One trip to a thread costs as much for many bytes as for few."""
    assert batch_of(1) == LARGEST
    assert batch_of(16) == LARGEST


@given(integers(min_value=1, max_value=400))
def test_many_uploads_share_the_room(uploads: int) -> None:
    """Together they hold no more, unless their batches are as small as they get."""
    size = batch_of(uploads)

    assert SMALLEST <= size <= LARGEST
    assert size == SMALLEST or uploads * size <= ROOM


def test_an_upload_that_ends_gives_its_share_back() -> None:
    """To those that are left."""
    batches = Batches(room=ROOM, smallest=SMALLEST, largest=LARGEST)
    with batches.of_upload(), ExitStack() as others:
        for _ in range(99):
            others.enter_context(batches.of_upload())
        shared = batches.size
        others.close()

        assert shared == ROOM // 100
        assert batches.size == LARGEST
