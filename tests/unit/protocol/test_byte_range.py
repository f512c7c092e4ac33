"""Range headers against the plainest way to serve them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.byte_range import ByteRange, RangeNotSatisfiable, parse_range

sizes = st.integers(0, 20)
positions = st.none() | st.integers(0, 30) | st.integers(10**17, 10**30)


@given(positions, positions, sizes)
def test_a_range_gives_the_bytes_that_rfc_9110_says(first: int | None, last: int | None, size: int) -> None:
    """Checked on content in which every byte is another."""
    content = bytes(range(size))
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    expected = expected_bytes(content, first, last)

    if expected == b"":
        with pytest.raises(RangeNotSatisfiable) as refused:
            parse_range(text, size)
        assert refused.value.size == size
        return
    found = parse_range(text, size)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert content[found.start : found.start + found.length] == expected
        assert found.content_range(size) == f"bytes {expected[0]}-{expected[-1]}/{size}"


def expected_bytes(content: bytes, first: int | None, last: int | None) -> bytes | None:
    """The bytes of a range: none at all if it cannot be satisfied, None if it is no range."""
    if first is None:
        return None if last is None else content[max(len(content) - last, 0) :]
    if last is not None and last < first:
        return None
    return content[first:] if last is None else content[first : last + 1]


@given(st.text(), sizes)
def test_no_header_raises_anything_else(text: str, size: int) -> None:
    """And what is served lies within the layer."""
    try:
        found = parse_range(text, size)
    except RangeNotSatisfiable:
        return
    assert found is None or (found.length > 0 and 0 <= found.start <= found.start + found.length <= size)


@pytest.mark.parametrize(
    "text",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes 0-1", "items=0-1", "bytes=\u0661-2",
     f"bytes={'9' * 1001}-"],
)  # fmt: skip
def test_what_is_no_single_range_of_bytes_is_ignored(text: str) -> None:
    """The whole layer is served then."""
    assert parse_range(text, 10) is None


@pytest.mark.parametrize("text", ["bytes=2-4", "BYTES=2-4", " bytes= 2 - 4 "])
def test_case_and_blanks_do_not_matter(text: str) -> None:
    """As little as they have to."""
    assert parse_range(text, 10) == ByteRange(2, 3)


def test_a_content_range_names_unit_positions_and_size() -> None:
    """RFC 9110, section 14.4."""
    assert re.fullmatch(r"bytes 2-4/10", ByteRange(2, 3).content_range(10))
