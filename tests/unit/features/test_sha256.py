"""A hash that is written down and taken up elsewhere is the hash of the whole."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.features.layers import sha256
from entrepot.features.layers.hashes import UploadHashes, state_of
from entrepot.features.layers.layer import Upload

pytestmark = pytest.mark.skipif(sha256.fresh() is None, reason="this Python has no libcrypto beside it")

MIB = 2**20


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_number_of_hands_give_one_digest(parts: list[bytes]) -> None:
    """Whatever the parts: each goes on where the one before it wrote down that it was."""
    context = sha256.fresh()
    assert context is not None
    seen = 0
    for part in parts:
        context.update(part)
        seen += len(part)
        taken_up = sha256.resumed(context.state())
        assert taken_up is not None
        count, context = taken_up
        assert count == seen

    assert context.hexdigest() == hashlib.sha256(b"".join(parts)).hexdigest()


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_copy_goes_on_by_itself(first: bytes, second: bytes) -> None:
    """And asking for the digest changes nothing."""
    context = sha256.fresh()
    assert context is not None
    context.update(first)
    copied = context.copy()
    copied.update(memoryview(second))

    assert context.hexdigest() == context.hexdigest() == hashlib.sha256(first).hexdigest()
    assert copied.hexdigest() == hashlib.sha256(first + second).hexdigest()


def test_a_state_is_small_and_of_no_machine() -> None:
    """The number of bytes, eight words, what fills no block: the same everywhere (FIPS 180-4, section 6.2)."""
    context = sha256.fresh()
    assert context is not None

    context.update(b"abc")

    words = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
    assert context.state() == (3).to_bytes(8) + bytes.fromhex(words) + b"abc"


def test_more_than_half_a_gibibyte_is_counted() -> None:
    """The count of bits does not fit into 32 of them."""
    context, block = sha256.fresh(), bytes(64 * MIB)
    assert context is not None
    for _ in range(9):
        context.update(block)
    taken_up = sha256.resumed(context.state())
    assert taken_up is not None

    count, context = taken_up
    context.update(b"end")

    assert count == 9 * 64 * MIB
    whole = hashlib.sha256()
    for _ in range(9):
        whole.update(block)
    whole.update(b"end")
    assert context.hexdigest() == whole.hexdigest()


def upload(size: int, hash_state: bytes | None) -> Upload:
    """One that has come so far."""
    return Upload("u", 1, "0" * 32, size, 1, 1, False, None, False, hash_state)


def written_down(content: bytes) -> bytes:
    """The state after these bytes."""
    context = sha256.fresh()
    assert context is not None
    context.update(content)
    state = state_of(context)
    assert state is not None
    return state


def test_a_worker_goes_on_where_another_was() -> None:
    """It has received none of the bytes before."""
    hashes = UploadHashes()

    hashes.recall(upload(3, written_down(b"abc")))

    context = hashes.at("u", "sha256", 3)
    assert context is not None
    context.update(b"def")
    assert context.hexdigest() == hashlib.sha256(b"abcdef").hexdigest()


def test_a_state_of_an_earlier_offset_counts_for_no_more_than_it_is() -> None:
    """An older release moves the offset and leaves the state: what it received is read."""
    hashes = UploadHashes()

    hashes.recall(upload(6, written_down(b"abc")))

    assert hashes.at("u", "sha256", 6) is None
    assert hashes.nearest("u", "sha256", 6)[0] == 3


def test_what_a_worker_knows_itself_is_not_forgotten_for_less() -> None:
    """Its own context is further on."""
    hashes = UploadHashes()
    hashes.recall(upload(6, written_down(b"abcdef")))

    hashes.recall(upload(6, written_down(b"abc")))
    hashes.recall(upload(6, None))

    assert hashes.at("u", "sha256", 6) is not None
