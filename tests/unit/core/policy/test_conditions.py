"""Condition operators (IAM user guide, "IAM JSON policy elements: Condition operators")."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.policy.conditions import Condition, UnreadableValue, find_operator
from entrepot.core.policy.variables import ContextKeys

KEY = "aws:Key"


def fits(name: str, expected: str | Sequence[str], actual: str | Sequence[str] | None) -> bool:
    """Whether a key of the request fits a condition; None for an absent key."""
    return condition(name, expected).matches(ContextKeys({} if actual is None else {"AWS:key": actual}))


def condition(name: str, expected: str | Sequence[str]) -> Condition:
    """A condition on KEY."""
    operator = find_operator(name)
    assert operator is not None
    values = [expected] if isinstance(expected, str) else expected
    return Condition(operator, KEY, tuple(operator.read(value, has_variables=True) for value in values))


ARN = "arn:aws:sns:us-east-1:111122223333:topic:x"
MATCHING = [
    ("StringEquals", "Bob", "Bob"),
    ("StringEquals", ["Eve", "Bob"], "Bob"),
    ("StringEquals", "", ""),
    ("StringEquals", "b${*}b", "b*b"),
    ("StringEqualsIgnoreCase", "BOB", "bob"),
    ("StringLike", "b?b*", "bobby"),
    ("StringLike", "*", ""),
    ("NumericEquals", "10", "10.0"),
    ("NumericEquals", "1e3", "1000"),
    ("NumericLessThan", "10", "9.99"),
    ("NumericLessThanEquals", "10", "10"),
    ("NumericGreaterThan", "-1.5", "-1.4"),
    ("NumericGreaterThanEquals", "10", "10"),
    ("NumericGreaterThan", "9007199254740992", "9007199254740993"),
    ("DateEquals", "2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00"),
    ("DateEquals", "2024-05-01T12:00:00Z", "1714564800"),
    ("DateEquals", "2024", "2024-01-01T00:00:00Z"),
    ("DateEquals", "2024-05", "2024-05-01"),
    ("DateEquals", "20240501T120000Z", "2024-05-01T12:00Z"),
    ("DateEquals", "2024-05-01T12:00:00", "2024-05-01T12:00:00Z"),
    ("DateLessThan", "2024-05-01T12:00:00.500Z", "2024-05-01T12:00:00.25Z"),
    ("DateLessThan", "2020-01-01T00:00:00Z", "-1"),
    ("DateLessThanEquals", "2024-05-01", "2024-05-01T00:00:00Z"),
    ("DateGreaterThan", "2024-05-01", "2024-05-01T00:00:01Z"),
    ("DateGreaterThanEquals", "0", "1970-01-01"),
    ("Bool", "true", "TRUE"),
    ("Bool", "False", "false"),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5"),
    ("IpAddress", "203.0.113.0/24", "203.0.113.7"),
    ("IpAddress", "203.0.113.7", "203.0.113.7"),
    ("IpAddress", "203.0.113.7/24", "203.0.113.9"),
    ("IpAddress", "0.0.0.0/0", "203.0.113.9"),
    ("IpAddress", "2001:DB8::/32", "2001:db8::1"),
    ("IpAddress", "::/0", "2001:db8::1"),
    ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3"),
    ("IpAddress", "::ffff:10.0.0.0/104", "10.1.2.3"),
    ("ArnEquals", ARN, ARN),
    ("ArnEquals", "arn:aws:sns:*:111122223333:topic:?", ARN),
    ("ArnLike", "arn:*:sns:us-*-1:*:*", ARN),
    ("ArnLike", "*", ARN),
]
MISMATCHING = [
    ("StringEquals", "Bob", "bob"),
    ("StringEquals", "b*", "bob"),
    ("StringEqualsIgnoreCase", "bob", "eve"),
    ("StringLike", "b?", "bob"),
    ("StringLike", "Bob", "bob"),
    ("NumericEquals", "10", "11"),
    ("NumericEquals", "10", "ten"),
    ("NumericEquals", "1", "\N{ARABIC-INDIC DIGIT ONE}"),
    ("NumericLessThan", "10", "10"),
    ("NumericLessThanEquals", "10", "NaN"),
    ("NumericGreaterThan", "10", "10"),
    ("NumericGreaterThanEquals", "10", "9"),
    ("DateEquals", "2024-05-01", "2024-05-02"),
    ("DateEquals", "2024-05-01", "yesterday"),
    ("DateEquals", "2024-05-01", "2024-13-01"),
    ("DateLessThan", "2024-05-01", "2024-05-01"),
    ("DateLessThanEquals", "2024-05-01", "2024-05-02"),
    ("DateGreaterThan", "2024-05-01", "2024-05-01"),
    ("DateGreaterThanEquals", "2024-05-01", "2024-04-30T23:59:59Z"),
    ("Bool", "true", "false"),
    ("Bool", "true", "yes"),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ6"),
    ("BinaryEquals", "QmluYXJ5", "?"),
    ("IpAddress", "203.0.113.0/24", "203.0.114.1"),
    ("IpAddress", "0.0.0.0/0", "2001:db8::1"),
    ("IpAddress", "::/0", "203.0.113.9"),
    ("IpAddress", "10.0.0.0/8", "localhost"),
    ("ArnEquals", "arn:aws:sns:us-east-1:111122223333:topic", ARN),
    ("ArnLike", "arn:aws:*:topic:x:y:z", ARN),
    ("ArnLike", "ARN:aws:sns:us-east-1:111122223333:topic:x", ARN),
    ("ArnLike", "*", "topic"),
]
NEGATED = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
}


@pytest.mark.parametrize(("name", "expected", "actual"), MATCHING)
def test_a_value_fits(name: str, expected: str | list[str], actual: str) -> None:
    """By its operator, by the operator with a suffix or a prefix, and not by its negation."""
    assert fits(name, expected, actual)
    assert fits(f"{name}IfExists", expected, actual)
    assert fits(f"ForAllValues:{name}", expected, actual)
    assert fits(f"ForAnyValue:{name}IfExists", expected, actual) == bool(actual)
    assert name not in NEGATED or not fits(NEGATED[name], expected, actual)


@pytest.mark.parametrize(("name", "expected", "actual"), MISMATCHING)
def test_another_value_does_not_fit(name: str, expected: str, actual: str) -> None:
    """But the negation."""
    assert not fits(name, expected, actual)
    assert not fits(f"{name}IfExists", expected, actual)
    assert not fits(f"ForAllValues:{name}", expected, actual)
    assert not fits(f"ForAnyValue:{name}", expected, actual)
    assert name not in NEGATED or fits(NEGATED[name], expected, actual)


def test_arn_equals_is_arn_like() -> None:
    """The documentation: they behave identically; a star stays within its part, where StringLike's does not."""
    pattern = "arn:aws:someservice:*:111122223333:finance/*"
    value = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"

    assert fits("StringLike", pattern, value)
    assert not fits("ArnLike", pattern, value)
    assert not fits("ArnEquals", pattern, value)


@pytest.mark.parametrize("actual", ["a", "b"])
def test_a_negated_operator_wants_none_of_its_values(actual: str) -> None:
    """NOR, where others are OR."""
    assert fits("StringEquals", ["a", "b"], actual)
    assert not fits("StringNotEquals", ["a", "b"], actual)
    assert fits("StringNotEquals", ["a", "b"], "c")


@pytest.mark.parametrize("name", ["StringEquals", "NumericLessThan", "Bool", "ArnLike", "IpAddress"])
def test_an_absent_key_fits_only_what_asks_for_no_match(name: str) -> None:
    """IfExists and ForAllValues are true without the key."""
    value = {"NumericLessThan": "1", "Bool": "true", "ArnLike": ARN, "IpAddress": "10.0.0.1"}.get(name, "x")

    assert not fits(name, value, None)
    assert not fits(f"ForAnyValue:{name}", value, None)
    assert fits(f"{name}IfExists", value, None)
    assert fits(f"ForAllValues:{name}", value, None)
    assert fits(f"ForAnyValue:{name}IfExists", value, None)


@pytest.mark.parametrize("name", ["StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"])
def test_an_absent_key_fits_a_negated_operator(name: str) -> None:
    """There is nothing that could be equal; with a set operator there is no value that is different either."""
    assert fits(name, ARN, None)
    assert fits(f"{name}IfExists", ARN, None)
    assert not fits(f"ForAnyValue:{name}", ARN, None)


def test_set_operators_ask_for_all_or_any_of_the_values() -> None:
    """The table of the page on multivalued context keys."""
    assert fits("ForAllValues:StringEquals", ["a", "b", "c"], ["a", "b"])
    assert not fits("ForAllValues:StringEquals", ["a", "b"], ["a", "d"])
    assert fits("ForAnyValue:StringEquals", ["a", "b"], ["d", "b"])
    assert not fits("ForAnyValue:StringEquals", ["a", "b"], ["c", "d"])
    assert fits("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"])
    assert not fits("ForAllValues:StringNotEquals", ["a", "b"], ["a", "d"])
    assert fits("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "d"])
    assert not fits("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"])


@pytest.mark.parametrize("nothing", [[], "", [""]])
def test_a_set_without_values_is_all_and_not_any(nothing: str | list[str]) -> None:
    """An empty string is a null data set."""
    assert fits("ForAllValues:StringEquals", "a", nothing)
    assert not fits("ForAnyValue:StringEquals", "a", nothing)


@pytest.mark.parametrize("name", ["StringEquals", "StringNotEquals", "StringEqualsIfExists"])
def test_several_values_need_a_set_operator(name: str) -> None:
    """Without one they fit nothing."""
    assert not fits(name, "a", ["a"])
    assert not fits(name, "b", ["a", "c"])


def test_null_asks_whether_the_key_is_there() -> None:
    """True for an absent one."""
    assert fits("Null", "true", None)
    assert fits("Null", "true", [])
    assert fits("Null", "False", "x")
    assert not fits("Null", "true", "x")
    assert not fits("Null", "false", None)
    assert fits("Null", ["true", "false"], "x")


def test_variables_stand_in_strings_arns_and_booleans() -> None:
    """A variable without a value equals nothing, so the negation fits."""
    keys = ContextKeys({KEY: "bob", "aws:username": "bob", "aws:yes": "TRUE"})

    assert condition("StringEquals", "${aws:username}").matches(keys)
    assert condition("StringEqualsIgnoreCase", "B${aws:nobody, 'OB'}").matches(keys)
    assert not condition("StringEquals", "${aws:nobody}").matches(keys)
    assert condition("StringNotEquals", "${aws:nobody}").matches(keys)
    assert condition("Bool", "${aws:yes}").matches(ContextKeys({KEY: "true", "aws:yes": "TRUE"}))
    assert not condition("Bool", "${aws:yes}").matches(ContextKeys({KEY: "x", "aws:yes": "x"}))
    assert condition("ArnEquals", "arn:aws:iam::1:user/${aws:username}").matches(
        ContextKeys({KEY: "arn:aws:iam::1:user/bob", "aws:username": "bob"})
    )
    assert condition("ArnEquals", "${aws:SourceArn}").matches(ContextKeys({KEY: ARN, "aws:SourceArn": ARN}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NumericEquals", "ten"),
        ("NumericEquals", "NaN"),
        ("NumericEquals", "1_0"),
        ("NumericEquals", "${aws:x}"),
        ("DateEquals", "yesterday"),
        ("DateEquals", "2024-02-30"),
        ("DateEquals", "2024-05-01T25:00:00Z"),
        ("DateLessThan", "${aws:CurrentTime}"),
        ("Bool", "yes"),
        ("Null", "maybe"),
        ("Null", "${aws:x}"),
        ("BinaryEquals", "%"),
        ("IpAddress", "10.0.0.0/33"),
        ("IpAddress", "10.0.0.0/255.0.0.0"),
        ("IpAddress", "10.0.0"),
        ("IpAddress", "${aws:SourceIp}"),
        ("NotIpAddress", "example.com"),
        ("ArnLike", "arn:aws:iam"),
        ("ArnNotEquals", "bob"),
    ],
)
def test_a_value_that_cannot_be_compared_is_refused(name: str, value: str) -> None:
    """Where the policy is written, not where it decides."""
    operator = find_operator(name)
    assert operator is not None

    with pytest.raises(UnreadableValue):
        operator.read(value, has_variables=True)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "stringequals",
        "StringEqual",
        "StringNotNotEquals",
        "NumericNotLessThan",
        "BoolNot",
        "NotBool",
        "NullIfExists",
        "ForAllValues:Null",
        "ForAllValues:",
        "ForSomeValues:StringEquals",
        "ForAnyValue:ForAnyValue:Bool",
        "StringEqualsIfExistsIfExists",
        "IfExists",
        "Bool\n",
    ],
)
def test_other_names_are_no_operators(name: str) -> None:
    """Case counts."""
    assert find_operator(name) is None


@given(
    st.sampled_from([*NEGATED]),
    st.lists(st.sampled_from(["a", "1", ARN, "2024", "10.0.0.1"]), min_size=1),
    st.text(),
)
def test_a_negated_operator_is_the_opposite(name: str, expected: list[str], actual: str) -> None:
    """For every present value, readable or not."""
    operator = find_operator(name)
    assert operator is not None
    try:
        [operator.read(value, has_variables=True) for value in expected]
    except UnreadableValue:
        return

    assert fits(name, expected, actual) != fits(NEGATED[name], expected, actual)
