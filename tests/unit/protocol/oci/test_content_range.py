"""The Content-Range of an upload's chunk."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.oci.content_range import InvalidContentRange, parse_content_range

positions = st.integers(0, 10**17)


@given(
    positions, positions, st.sampled_from(["{}-{}", "bytes {}-{}/*", "bytes={}-{}", "bytes {}-{}/100", " {}-{} "])
)
def test_first_and_last_byte_are_read_in_every_form(first: int, length: int, form: str) -> None:
    """The distribution spec's, and RFC 9110's."""
    assert parse_content_range(form.format(first, first + length)) == (first, first + length)


@given(st.integers(1, 10**17))
def test_a_range_does_not_run_backwards(first: int) -> None:
    """Its last byte is not before its first."""
    with pytest.raises(InvalidContentRange):
        parse_content_range(f"{first}-{first - 1}")


@given(st.text())
def test_no_header_raises_anything_else(text: str) -> None:
    """And what is read does not run backwards."""
    with suppress(InvalidContentRange):
        first, last = parse_content_range(text)
        assert 0 <= first <= last


def test_a_refusal_repeats_no_more_than_100_characters() -> None:
    """What a client sends does not fill the answer or the log."""
    with pytest.raises(InvalidContentRange) as refused:
        parse_content_range("x" * 10_000)

    assert len(refused.value.message) < 200


@pytest.mark.parametrize("text", ["", "-", "1-", "-1", "a-b", "bytes */5", "1-2-3", "\u0661-2", f"0-{'9' * 19}"])
def test_what_is_no_range_is_refused(text: str) -> None:
    """There is no telling where the chunk belongs."""
    with pytest.raises(InvalidContentRange):
        parse_content_range(text)
