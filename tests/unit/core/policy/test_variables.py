"""Policy variables (IAM user guide, "IAM policy elements: Variables and tags")."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.policy.patterns import text_matcher
from entrepot.core.policy.variables import ContextKeys, MalformedVariable, fold, template


def matches(text: str, actual: str, context: Mapping[str, str | Sequence[str]] | None = None) -> bool:
    """Whether a pattern with variables fits."""
    read = template(text, text_matcher, wildcards=True, variables=True)
    return read.matches(actual, ContextKeys(context or {}))


@pytest.mark.parametrize(
    ("text", "actual", "context"),
    [
        ("${aws:username}/*", "bob/app", {"aws:username": "bob"}),
        ("${AWS:UserName}", "bob", {"aws:username": "bob"}),
        ("${ aws:username }", "bob", {"aws:username": "bob"}),
        ("a-${aws:PrincipalTag/team, 'company-wide'}-b", "a-red-b", {"aws:PrincipalTag/team": "red"}),
        ("a-${aws:PrincipalTag/team, 'company-wide'}-b", "a-company-wide-b", {}),
        ("${aws:PrincipalTag/team, 'a, b '}", "a, b ", {}),
        ("${aws:PrincipalTag/team, ''}x", "x", {}),
        ("${aws:TagKeys, 'default'}", "default", {"aws:TagKeys": ["a", "b"]}),
        ("${aws:PrincipalTag/cost center}", "7", {"aws:PrincipalTag/cost center": "7"}),
        ("${*}${?}${$}", "*?$", {}),
        ("a$b}", "a$b}", {}),
    ],
)
def test_a_variable_stands_for_its_value(
    text: str, actual: str, context: Mapping[str, str | Sequence[str]]
) -> None:
    """Of the request, or its default."""
    assert matches(text, actual, context)


@pytest.mark.parametrize("context", [{}, {"aws:username": []}, {"aws:username": ["bob", "eve"]}])
@pytest.mark.parametrize("actual", ["", "bob", "${aws:username}", "*"])
def test_a_variable_without_a_value_fits_nothing(actual: str, context: Mapping[str, Sequence[str]]) -> None:
    """Nor does one of several values."""
    assert not matches("${aws:username}", actual, context)
    assert not matches("*${aws:username}", actual, context)


@given(st.text(alphabet="a*?${}", max_size=6), st.text(alphabet="a*?${}", max_size=6))
def test_what_is_put_in_is_text(value: str, actual: str) -> None:
    """A user called ``*`` is not everybody."""
    assert matches("${aws:username}", actual, {"aws:username": value}) == (value == actual)
    assert matches("${x:y, 'a*?'}", actual) == (actual == "a*?")


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${aws:username",
        "${${aws:username}}",
        "${a*}",
        "${aws:x, default}",
        "${aws:x, 'a}",
        "${aws:x,}",
    ],
)
def test_what_begins_like_a_variable_has_to_be_one(text: str) -> None:
    """It is refused where the policy is written."""
    with pytest.raises(MalformedVariable):
        template(text, text_matcher, wildcards=True, variables=True)


def test_without_variables_they_are_text() -> None:
    """In policies of the old version."""
    read = template("${aws:username}", text_matcher, wildcards=True, variables=False)

    assert read.matches("${aws:username}", ContextKeys({"aws:username": "bob"}))
    assert not read.has_variables


def test_keys_have_no_case() -> None:
    """In the policy and in the request."""
    keys = ContextKeys({"aws:SourceIP": "10.0.0.1"})

    assert keys.get(fold("AWS:sourceIp")) == "10.0.0.1"


def test_no_other_letter_becomes_one_of_ascii() -> None:
    """The sign of the Kelvin is no k, though Unicode says that it is its lower case."""
    assert fold("aws:To\N{KELVIN SIGN}enIssueTime") != fold("aws:TokenIssueTime")


def test_keys_that_differ_in_case_alone_are_one_key_of_several_values() -> None:
    """A condition on a tag fits either spelling, but not both."""
    keys = ContextKeys({"aws:ResourceTag/Team": "red", "aws:ResourceTag/team": "blue"})

    assert keys.get(fold("aws:ResourceTag/TEAM")) == ("red", "blue")


def test_a_key_without_values_is_absent() -> None:
    """A request without tags has no tag keys."""
    assert ContextKeys({"aws:TagKeys": []}).get(fold("aws:TagKeys")) is None
