"""Which prefixes cover a repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.prefixes import ROOT, covering_prefixes, prefix_key

COMPONENTS = st.lists(st.sampled_from(["a", "b", "ab", "team-1", "0"]), min_size=1, max_size=6)


def test_the_prefixes_of_a_name_come_the_longest_first() -> None:
    """A name is not its own prefix, and ROOT covers everything."""
    assert covering_prefixes("prod/team/app") == ["prod/team", "prod", ROOT]
    assert covering_prefixes("app") == [ROOT]


@pytest.mark.parametrize("prefix", ["prod", "prod/"])
def test_the_slash_at_the_end_is_implied(prefix: str) -> None:
    """Both spellings are the same prefix."""
    assert prefix_key(prefix) == "prod"


@given(COMPONENTS, COMPONENTS)
def test_a_prefix_covers_the_names_that_begin_with_it_and_a_slash(prefix: list[str], name: list[str]) -> None:
    """Whole components are compared, never parts of them."""
    covers = "/".join(name).startswith("/".join(prefix) + "/")

    assert ("/".join(prefix) in covering_prefixes("/".join(name))) == covers


@given(COMPONENTS)
def test_no_covering_prefix_is_followed_by_a_longer_one(name: list[str]) -> None:
    """But for ROOT, which is the last whatever its length."""
    *named, last = covering_prefixes("/".join(name))

    assert last == ROOT
    assert named == sorted(named, key=len, reverse=True)
