"""Digests read and print themselves, in one form only."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.digest import ALGORITHMS, Digest, InvalidDigest, hasher

algorithms = st.sampled_from(ALGORITHMS)


@given(st.binary(), algorithms)
def test_a_digest_reads_what_it_printed(content: bytes, algorithm: str) -> None:
    """And is what hashlib computes."""
    digest = Digest.of(content, algorithm)

    assert Digest.parse(str(digest)) == digest
    assert str(digest) == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "SHA256:" + "a" * 64,
        "sha512:" + "a" * 64,
        "sha384:" + "a" * 96,
        "md5:" + "a" * 32,
        " sha256:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "\N{FULLWIDTH LATIN SMALL LETTER A}" * 64,
        "sha256+b64:" + "a" * 64,
    ],
)
def test_anything_else_is_no_digest(text: str) -> None:
    """One content has one name: no capitals, no blanks, no other algorithm."""
    with pytest.raises(InvalidDigest) as refused:
        Digest.parse(text)

    assert repr(text)[1:-1] in repr(refused.value.message)


def test_a_refusal_repeats_no_more_than_200_characters() -> None:
    """What a client sends does not fill the answer or the log."""
    with pytest.raises(InvalidDigest) as refused:
        Digest.parse("x" * 10_000)

    assert len(refused.value.message) < 300


@given(st.text())
def test_no_text_raises_anything_but_invalid_digest(text: str) -> None:
    """Whatever comes over the wire."""
    try:
        digest = Digest.parse(text)
    except InvalidDigest:
        return
    assert str(digest) == text


@given(st.lists(st.binary()), algorithms)
def test_bytes_may_come_in_pieces(pieces: list[bytes], algorithm: str) -> None:
    """A hasher's copy goes on by itself."""
    whole = hasher(algorithm)
    for piece in pieces:
        copy = whole.copy()
        whole.update(piece)
        copy.update(b"something else")

    assert whole.hexdigest() == Digest.of(b"".join(pieces), algorithm).hex
