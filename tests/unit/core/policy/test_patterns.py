"""Wildcards against the plainest way to match them."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.policy.patterns import arn_matcher, text_matcher, tokens_of

patterns = st.text(alphabet="ab*?", max_size=8)
texts = st.text(alphabet="ab", max_size=8)


@cache
def matches_naively(pattern: str, text: str) -> bool:
    """The definition, by trying every run."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches_naively(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and matches_naively(pattern[1:], text[1:])


@given(patterns, texts)
def test_a_pattern_matches_what_the_definition_says(pattern: str, text: str) -> None:
    """``*`` takes any run, ``?`` one character, every other character itself."""
    assert text_matcher(tokens_of(pattern))(text) == matches_naively(pattern, text)


arns = st.lists(st.text(alphabet="a*?:", max_size=3), min_size=6, max_size=7).map(":".join)


@given(arns, st.lists(st.text(alphabet="ab", max_size=2), min_size=6, max_size=7).map(":".join))
def test_each_part_of_an_arn_is_matched_by_itself(pattern: str, arn: str) -> None:
    """Six parts, the last of which keeps its colons."""
    parts = zip(pattern.split(":", 5), arn.split(":", 5), strict=True)

    assert arn_matcher(tokens_of(pattern))(arn) == all(matches_naively(*pair) for pair in parts)


@pytest.mark.parametrize("pattern", ["arn:*", "arn:aws:iam::*", "**", ""])
def test_a_pattern_of_fewer_parts_matches_no_arn(pattern: str) -> None:
    """A star stays within its part."""
    assert not arn_matcher(tokens_of(pattern))("arn:aws:iam::111122223333:user/bob")


def test_a_single_star_matches_every_arn_and_nothing_else() -> None:
    """As it is written where any ARN will do."""
    matches = arn_matcher(tokens_of("*"))

    assert matches("arn:aws:iam::111122223333:user/a:b")
    assert not matches("bob")


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["*a", "*?a", "*a?", "?*"])
def test_many_wildcards_cost_no_more_than_the_product_of_their_lengths(piece: str) -> None:
    """What would keep a backtracking matcher busy for ever is decided at once."""
    assert not text_matcher(tokens_of(piece * 1000 + "c"))("a" * 5000 + "b")


@pytest.mark.timeout(30)
def test_a_long_pattern_of_question_marks_takes_no_more_than_a_moment() -> None:
    """What a repository policy may hold, four times over: quadratic matching would take minutes."""
    pattern = "*" + "?a" * 20_000 + "b*"

    assert not text_matcher(tokens_of(pattern))("a" * 64_000)
