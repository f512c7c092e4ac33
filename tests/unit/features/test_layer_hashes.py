"""The cache of hash contexts is never wrong, whatever is kept, asked for or forgotten."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.digest import ALGORITHMS, hasher
from entrepot.features.layers.hashes import CAPACITY, UploadHashes

CONTENT = bytes(range(100))

algorithms = st.sampled_from(ALGORITHMS)
uploads = st.sampled_from(["one", "two"])
sizes = st.integers(0, len(CONTENT))


@given(st.lists(st.tuples(uploads, algorithms, sizes)), uploads, algorithms, sizes)
def test_the_nearest_context_is_of_a_prefix(
    kept: list[tuple[str, str, int]], upload_id: str, algorithm: str, size: int
) -> None:
    """Going on from it gives the digest of the whole."""
    hashes = UploadHashes()
    for kept_id, kept_algorithm, kept_size in kept:
        context = hasher(kept_algorithm)
        context.update(CONTENT[:kept_size])
        hashes.keep(kept_id, kept_algorithm, kept_size, context)

    offset, context = hashes.nearest(upload_id, algorithm, size)
    context.update(CONTENT[offset:size])

    assert offset <= size
    assert context.hexdigest() == hashlib.new(algorithm, CONTENT[:size]).hexdigest()


def test_going_on_does_not_change_what_is_kept() -> None:
    """A part that breaks off leaves the context as it was."""
    hashes = UploadHashes()
    hashes.keep("one", "sha256", 0, hasher("sha256"))

    for _ in range(2):
        context = hashes.at("one", "sha256", 0)
        assert context is not None
        assert context.hexdigest() == hashlib.sha256().hexdigest()
        context.update(b"broken off")


def test_a_context_of_another_size_is_none_to_go_on_with() -> None:
    """Only bytes that were seen can be hashed."""
    hashes = UploadHashes()
    hashes.keep("one", "sha256", 5, hasher("sha256"))

    assert hashes.at("one", "sha256", 4) is None
    assert hashes.at("one", "sha256", 6) is None
    assert hashes.at("one", "sha512", 5) is None
    assert hashes.at("one", "sha512", 0) is not None


def test_the_cache_is_bounded() -> None:
    """The longest unused contexts go first."""
    hashes = UploadHashes()
    for number in range(CAPACITY + 1):
        hashes.keep(str(number), "sha256", 5, hasher("sha256"))

    assert hashes.at("0", "sha256", 5) is None
    assert hashes.at("1", "sha256", 5) is not None
    assert hashes.at(str(CAPACITY), "sha256", 5) is not None


def test_a_forgotten_upload_is_unknown_in_every_algorithm() -> None:
    """Its id is not used again, and its memory is free."""
    hashes = UploadHashes()
    for algorithm in ALGORITHMS:
        hashes.keep("one", algorithm, 5, hasher(algorithm))

    hashes.forget("one")

    assert [hashes.at("one", algorithm, 5) for algorithm in ALGORITHMS] == [None, None]
