"""A lifecycle policy document is read if ECR would take it, and else refused in ECR's words."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.features.lifecycle.policy import LifecyclePolicy, Rule, Selection
from entrepot.features.lifecycle.rules import parse_policy
from entrepot.features.lifecycle.schema import MAX_INTEGER

REFUSED = (
    "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
    "'Lifecycle policy validation failure: "
)
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
SINCE = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")

Fields = dict[str, Any]


def selection(count_type: str = "imageCountMoreThan", **others: object) -> Fields:
    """Any images, counted in one way, with what that way needs; an ELSEWHERE among ``others`` leaves a member out."""
    fields: Fields = {"tagStatus": "any", "countType": count_type, "countNumber": 90}
    if count_type in SINCE:
        fields["countUnit"] = "days"
    if count_type == "sinceImageTransitioned":
        fields["storageClass"] = "archive"
    return without_absent(fields | others)


ABSENT = object()


def without_absent(fields: Mapping[str, object]) -> Fields:
    """The members that are not ABSENT."""
    return {name: value for name, value in fields.items() if value is not ABSENT}


def rule(priority: object = 1, **others: object) -> Fields:
    """A rule, with its members replaced or left out."""
    return without_absent({"rulePriority": priority, "selection": selection(), "action": EXPIRE} | others)


def untagged(priority: int, count_type: str = "imageCountMoreThan") -> Fields:
    """A rule for untagged images."""
    return rule(priority, selection=selection(count_type, tagStatus="untagged"))


def tagged(priority: int, count_type: str = "imageCountMoreThan", **tags: object) -> Fields:
    """A rule for tagged images."""
    return rule(priority, selection=selection(count_type, tagStatus="tagged", **tags))


def text(*rules: object) -> str:
    """A document."""
    return json.dumps({"rules": rules})


def refusal(document: str) -> str:
    """What is said of a document after the words that every refusal begins with."""
    with pytest.raises(InvalidParameter) as raised:
        parse_policy(document)
    message = raised.value.message
    assert message.startswith(REFUSED)
    assert message.endswith("'")
    return message.removeprefix(REFUSED)[:-1]


def test_a_policy_is_read_by_priority() -> None:
    """Whatever the order of the document is, the lowest number comes first."""
    document = text(
        rule(30, selection=selection("sinceImagePulled"), action=ARCHIVE),
        tagged(2, tagPatternList=["v*", "*-rc"]) | {"description": "keep releases"},
        rule(7, selection=selection("sinceImageTransitioned")),
    )

    policy = parse_policy(document)

    assert policy == LifecyclePolicy(
        (
            Rule(
                2,
                "keep releases",
                Selection("tagged", ("v*", "*-rc"), (), "standard", "imageCountMoreThan", 90),
                "expire",
            ),
            Rule(7, None, Selection("any", (), (), "archive", "sinceImageTransitioned", 90), "expire"),
            Rule(30, None, Selection("any", (), (), "standard", "sinceImagePulled", 90), "transition"),
        )
    )


@pytest.mark.parametrize(
    "document", ["", "{", "[]", "null", '"rules"', text(rule())[:-1], '{"rules": NaN}', "[" * 30_000]
)
def test_what_is_no_json_object_cannot_be_mapped(document: str) -> None:
    """However deeply it nests."""
    assert refusal(document) == "Could not map policyString into LifecyclePolicy."


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ({}, ['object has missing required properties (["rules"])']),
        ({"rules": [rule()], "version": 1}, ["{unwanted}: [\"version\"]"]),
        ({"rules": {}}, ["instance type (object) does not match any allowed primitive type (allowed: [\"array\"])"]),
        ({"rules": []}, ["array is too short: must have at least 1 elements but instance has 0 elements"]),
        (
            {"rules": [untagged(1)] * 51},
            ["array is too long: must have at most 50 elements but instance has 51 elements"],
        ),
        ({"rules": ["rule"]}, ["{type} (string) {match} (allowed: [\"object\"])"]),
    ],
)
def test_the_documents_own_failures(document: object, lines: list[str]) -> None:
    """A line for each, as json-schema-validator words them."""
    filled = [
        line.replace("{unwanted}", "object instance has properties which are not allowed by the schema")
        .replace("{type}", "instance type")
        .replace("{match}", "does not match any allowed primitive type")
        for line in lines
    ]

    assert refusal(json.dumps(document)) == "".join(f"{line}\n" for line in filled)
