"""If-None-Match as RFC 9110, section 13.1.2, has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.conditional import is_named

ETAG = '"sha256:abc"'
others = st.from_regex(r'(W/)?"[a-z:]{0,9}"', fullmatch=True).filter(lambda tag: tag.removeprefix("W/") != ETAG)


@pytest.mark.parametrize(
    "header",
    [
        ETAG,
        f"W/{ETAG}",
        "*",
        " * ",
        f'"x", {ETAG}',
        f'"x",{ETAG},"y"',
        f'W/"x",\tW/{ETAG}',
        f'"a, b", {ETAG}',
    ],
)
def test_a_tag_is_found_in_a_list(header: str) -> None:
    """Weak or strong; a comma may stand in another."""
    assert is_named(ETAG, header)


@pytest.mark.parametrize(
    "header",
    ["", "sha256:abc", '"sha256:ab"', '"sha256:abcd"', "'sha256:abc'", f'"{ETAG[1:-1]}, more"', '"*"', "**", '"'],
)
def test_another_tag_is_not_it(header: str) -> None:
    """Quotes belong to a tag, and what is in them is one tag, whatever it holds."""
    assert not is_named(ETAG, header)


@given(st.lists(others), st.booleans(), st.integers(0, 9))
def test_it_is_named_if_it_is_in_the_list(tags: list[str], present: bool, place: int) -> None:
    """At any place."""
    if present:
        tags.insert(min(place, len(tags)), ETAG)

    assert is_named(ETAG, ", ".join(tags)) == present


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """It comes from outside."""
    assert is_named(ETAG, text) == (text.strip() == "*" or ETAG in text)
