"""What a repository's settings let happen to a tag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.features.repositories.errors import InvalidTag
from entrepot.features.repositories.repository import RepositorySettings
from entrepot.features.repositories.rules import check_resource_tags, is_tag_immutable


@pytest.mark.parametrize(
    ("mutability", "exclusions", "tag", "immutable"),
    [
        ("MUTABLE", (), "v1", False),
        ("IMMUTABLE", (), "v1", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "v1", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("v*",), "v1", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("v*",), "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("a", "l*t"), "latest", False),
    ],
)
def test_exclusions_turn_the_rule_round(
    mutability: str, exclusions: tuple[str, ...], tag: str, immutable: bool
) -> None:
    """A tag that fits any of them is treated the other way."""
    settings = RepositorySettings(tag_mutability=mutability, exclusions=exclusions)  # type: ignore[arg-type]

    assert is_tag_immutable(settings, tag) == immutable


@given(st.text(max_size=10), st.text(max_size=10))
def test_a_resource_tag_is_kept_as_it_is_or_refused(key: str, value: str) -> None:
    """No text raises anything else, and what a database could not keep is refused."""
    try:
        assert check_resource_tags([(key, value)]) == {key: value}
    except InvalidTag:
        return
    assert key + value == (key + value).strip("\0\n")
    assert all(
        character.isalnum() or character in "_ .:/=+-@" for character in (key + value) if character.isascii()
    )
