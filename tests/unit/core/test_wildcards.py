"""Wildcards against the plainest way to match them."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.wildcards import matches_wildcard

texts = st.text(alphabet="ab.", max_size=8)


@given(st.text(alphabet="ab.*", max_size=8), texts)
def test_a_wildcard_matches_what_the_definition_says(wildcard: str, text: str) -> None:
    """``*`` takes any run, every other character itself."""
    assert matches_wildcard(wildcard, text) == matches_naively(wildcard, text)


@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_a_text_matches_the_wildcard_it_was_made_from(pieces: list[str], between: str) -> None:
    """However the stars are filled."""
    assert matches_wildcard("*".join(pieces), between.join(pieces))


@cache
def matches_naively(wildcard: str, text: str) -> bool:
    """The definition, by trying every run."""
    if not wildcard:
        return not text
    if wildcard[0] == "*":
        return any(matches_naively(wildcard[1:], text[start:]) for start in range(len(text) + 1))
    return text[:1] == wildcard[0] and matches_naively(wildcard[1:], text[1:])


def test_many_stars_cost_no_more_than_their_length() -> None:
    """A pattern that would keep a backtracking matcher busy for ever is decided at once."""
    assert not matches_wildcard("*a" * 64, "a" * 63 + "b")


@pytest.mark.parametrize("special", [".", "?", "[ab]", "a|b", "(a)", "^a", "a$", "\\a"])
def test_nothing_but_the_star_is_special(special: str) -> None:
    """Filters are no regular expressions."""
    assert matches_wildcard(special, special)
    assert not matches_wildcard(special, "a")
