"""The grammars of repository names and tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.core.names import (
    IMAGE_TAG_LENGTH,
    OCI_TAG,
    REPOSITORY_NAME,
    check_image_tag,
    check_repository_name,
    is_oci_tag,
)

characters = st.text(alphabet="a0._-/A \n\u0661", max_size=12)


@given(characters)
def test_a_repository_name_is_what_its_grammar_says(name: str) -> None:
    """Of 2 to 256 characters, as a whole."""
    fits = re.fullmatch(REPOSITORY_NAME, name) is not None and 2 <= len(name) <= 256

    assert accepts(check_repository_name, name) == fits


runs = st.text(alphabet="az09", min_size=1, max_size=3)
separators = st.sampled_from([".", "_", "__", "-", "---", "/"])


@given(runs, st.lists(st.tuples(separators, runs), min_size=1))
def test_runs_of_letters_and_digits_are_joined_by_separators(first: str, others: list[tuple[str, str]]) -> None:
    """However many of them."""
    check_repository_name((first + "".join(separator + run for separator, run in others))[:255] + "z")


@given(characters)
def test_a_tag_has_letters_digits_and_three_signs(tag: str) -> None:
    """ASCII only."""
    fits = len(tag) > 0 and all(character in "a0._-A" for character in tag)

    assert accepts(check_image_tag, tag) == fits


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (300, True), (301, False)])
def test_a_tag_has_1_to_300_characters(length: int, fits: bool) -> None:
    """The service model's bounds."""
    assert accepts(check_image_tag, "a" * length) == fits
    assert IMAGE_TAG_LENGTH == (1, 300)


@given(characters)
def test_an_oci_tag_is_what_the_specification_says(tag: str) -> None:
    """As a whole, without a line break at its end."""
    assert is_oci_tag(tag) == (re.fullmatch(OCI_TAG, tag) is not None)


def test_a_long_name_that_almost_fits_is_refused_quickly() -> None:
    """The grammar does not backtrack: this is decided at once or not in this run."""
    name = "a-" * 127 + "A"

    assert not accepts(check_repository_name, name)


def accepts(check: object, text: str) -> bool:
    """True when a check raises nothing."""
    assert callable(check)
    try:
        check(text)
    except InvalidParameter:
        return False
    return True
