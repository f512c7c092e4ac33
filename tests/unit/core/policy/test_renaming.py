"""Other names for the principals of a document."""

import json

import pytest

from entrepot.core.policy.renaming import rename_principals


def upper(text: str) -> str:
    """The document with the names in capitals."""
    return rename_principals(text, str.upper)


@pytest.mark.parametrize("element", ["Principal", "NotPrincipal"])
@pytest.mark.parametrize(("names", "renamed"), [("a", "A"), (["a", "b"], ["A", "B"])])
def test_names_of_aws_are_renamed_wherever_they_may_stand(element: str, names: object, renamed: object) -> None:
    """One or several, in one statement or in each of several."""
    statement = {"Effect": "Deny", element: {"AWS": names}, "Action": "*"}
    expected = {"Effect": "Deny", element: {"AWS": renamed}, "Action": "*"}

    assert json.loads(upper(json.dumps({"Statement": statement}))) == {"Statement": expected}
    assert json.loads(upper(json.dumps({"Statement": [statement] * 2}))) == {"Statement": [expected] * 2}


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": "*"},
        {"Principal": {"Service": "a.example", "Federated": ["b"]}},
        {"Resource": "c", "Condition": {"StringLike": {"aws:PrincipalArn": ["d", "\N{SNOWMAN}"]}}},
    ],
)
def test_everything_else_stays(statement: object) -> None:
    """To the last character."""
    document = {"Version": "2012-10-17", "Id": "x", "Statement": [statement]}

    assert upper(json.dumps(document)) == json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def test_a_fraction_keeps_its_digits() -> None:
    """As conditions compare them, with quotation marks or without."""
    text = '{"Statement":{"Condition":{"StringEquals":{"aws:RequestTag/v":[1.50,"1.50",2]}}}}'

    assert upper(text) == text.replace("[1.50", '["1.50"')
