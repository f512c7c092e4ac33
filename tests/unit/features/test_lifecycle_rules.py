"""A lifecycle policy document is read if ECR would take it, and else refused in ECR's words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.features.lifecycle.policy import LifecyclePolicy, Rule, Selection
from entrepot.features.lifecycle.rules import parse_policy

Fields = dict[str, Any]

REFUSED = (
    "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
    "'Lifecycle policy validation failure: "
)
TYPE = "instance type ({}) does not match any allowed primitive type (allowed: {})"
UNWANTED = "object instance has properties which are not allowed by the schema: {}"
MISSING = "object has missing required properties ({})"
NONE_OF_FOUR = "instance failed to match exactly one schema (matched 0 out of 4)"
NONE_OF_TWO = "instance failed to match exactly one schema (matched 0 out of 2)"

ABSENT = object()
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def fields(members: Fields, others: Fields) -> Fields:
    """Members, some of them replaced, and without those that are ABSENT."""
    return {name: value for name, value in (members | others).items() if value is not ABSENT}


def selection(count_type: str = "imageCountMoreThan", **others: object) -> Fields:
    """Any images, counted in one way, with what that way needs."""
    needed: Fields = {"tagStatus": "any", "countType": count_type, "countNumber": 90}
    if count_type.startswith("since"):
        needed["countUnit"] = "days"
    if count_type == "sinceImageTransitioned":
        needed["storageClass"] = "archive"
    return fields(needed, others)


def rule(priority: object = 1, **others: object) -> Fields:
    """A rule that expires all images but 90."""
    return fields({"rulePriority": priority, "selection": selection(), "action": EXPIRE}, others)


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
    """Whatever the order in the document, the lowest number comes first."""
    document = text(
        rule(30, selection=selection("sinceImagePulled"), action=ARCHIVE),
        tagged(2, tagPatternList=["v*", "*-rc"]) | {"description": "keep releases"},
        rule(7, selection=selection("sinceImageTransitioned")),
    )

    policy = parse_policy(document)

    releases = Selection("tagged", ("v*", "*-rc"), (), "standard", "imageCountMoreThan", 90)
    archived = Selection("any", (), (), "archive", "sinceImageTransitioned", 90)
    unused = Selection("any", (), (), "standard", "sinceImagePulled", 90)
    assert policy == LifecyclePolicy(
        (
            Rule(2, "keep releases", releases, "expire"),
            Rule(7, None, archived, "expire"),
            Rule(30, None, unused, "transition"),
        )
    )


@pytest.mark.parametrize("document", ["", "{", "[]", "null", '"rules"', '{"rules": NaN}', "[" * 30_000])
def test_what_is_no_json_object_cannot_be_mapped(document: str) -> None:
    """However deeply it nests."""
    assert refusal(document) == "Could not map policyString into LifecyclePolicy."


@pytest.mark.parametrize(
    ("document", "failure"),
    [
        ({}, MISSING.format('["rules"]')),
        ({"rules": [rule()], "version": 1, "id": 2}, UNWANTED.format('["id","version"]')),
        ({"rules": {}}, TYPE.format("object", '["array"]')),
        ({"rules": None}, TYPE.format("null", '["array"]')),
        ({"rules": []}, "array is too short: must have at least 1 elements but instance has 0 elements"),
        (
            {"rules": [rule()] * 51},
            "array is too long: must have at most 50 elements but instance has 51 elements",
        ),
        ({"rules": ["rule"]}, TYPE.format("string", '["object"]')),
    ],
)
def test_a_document_of_another_shape_is_refused(document: Fields, failure: str) -> None:
    """As the Java library json-schema-validator says it, a line for each failure."""
    assert refusal(json.dumps(document)) == f"{failure}\n"


@pytest.mark.parametrize(
    ("others", "failure"),
    [
        ({"priority": ABSENT}, MISSING.format('["rulePriority"]')),
        ({"selection": ABSENT, "action": ABSENT}, MISSING.format('["selection","action"]')),
        ({"enabled": True}, UNWANTED.format('["enabled"]')),
        ({"priority": 0}, "numeric instance is lower than the required minimum (minimum: 1, found: 0)"),
        (
            {"priority": 2**31},
            "numeric instance is greater than the required maximum (maximum: 2147483647, found: 2147483648)",
        ),
        ({"priority": 1.0}, TYPE.format("number", '["integer"]')),
        ({"priority": True}, TYPE.format("boolean", '["integer"]')),
        ({"priority": "1"}, TYPE.format("string", '["integer"]')),
        ({"description": None}, TYPE.format("null", '["string"]')),
        ({"selection": []}, TYPE.format("array", '["object"]')),
        ({"action": "expire"}, TYPE.format("string", '["object"]')),
    ],
)
def test_a_rule_of_another_shape_is_refused(others: Fields, failure: str) -> None:
    """Types are exact: a whole number with a fraction, a boolean or a string is no integer."""
    assert refusal(text(rule(**others))) == f"{failure}\n"


@pytest.mark.parametrize(
    ("action", "failure"),
    [
        ({}, MISSING.format('["type"]')),
        ({"type": "expire", "after": 1}, UNWANTED.format('["after"]')),
        ({"type": "keep"}, NONE_OF_TWO),
        ({"type": None}, NONE_OF_TWO),
        ({"type": "EXPIRE"}, NONE_OF_TWO),
        ({"type": "transition"}, NONE_OF_TWO),
        ({"type": "transition", "targetStorageClass": "standard"}, NONE_OF_TWO),
        ({"type": "expire", "targetStorageClass": "archive"}, NONE_OF_TWO),
        ({"type": "expire", "targetStorageClass": None}, NONE_OF_TWO),
    ],
)
def test_an_action_is_one_of_two(action: Fields, failure: str) -> None:
    """Expire, or transition to the archive; the null that Terraform writes for nothing is neither."""
    assert refusal(text(rule(action=action))) == f"{failure}\n"


@pytest.mark.parametrize(
    ("selected", "failure"),
    [
        (selection(tagStatus=ABSENT, countNumber=ABSENT), MISSING.format('["tagStatus","countNumber"]')),
        (selection(unknown=1), UNWANTED.format('["unknown"]')),
        (selection(tagStatus="some"), 'instance value ("some") not found in enum (possible values: {})'),
        (selection(countNumber=0), "numeric instance is lower than the required minimum (minimum: 1, found: 0)"),
        (selection(countNumber="90"), TYPE.format("string", '["integer"]')),
        (
            selection("sinceImagePushed", countUnit="weeks"),
            '("weeks") not found in enum (possible values: ["days"])',
        ),
        (selection("sinceImageCreated"), NONE_OF_FOUR),
        (selection(countUnit="days"), NONE_OF_FOUR),
        (selection("sinceImagePushed", countUnit=ABSENT), NONE_OF_FOUR),
        (selection("sinceImagePulled", countUnit=ABSENT), NONE_OF_FOUR),
        (selection("sinceImageTransitioned", countUnit=ABSENT), NONE_OF_FOUR),
        (selection("sinceImageTransitioned", storageClass=ABSENT), NONE_OF_FOUR),
        (selection("sinceImageTransitioned", storageClass="standard"), NONE_OF_FOUR),
        (selection("sinceImagePushed", storageClass="archive"), NONE_OF_FOUR),
        (selection(storageClass="archive"), NONE_OF_FOUR),
        (selection(storageClass=None), NONE_OF_FOUR),
        (selection(tagPrefixList=None), TYPE.format("null", '["array"]')),
        (selection(tagPrefixList="v"), TYPE.format("string", '["array"]')),
        (selection(tagPatternList=[1]), TYPE.format("integer", '["string"]')),
        (
            selection(tagStatus="tagged", tagPrefixList=[]),
            "array is too short: must have at least 1 elements but instance has 0 elements",
        ),
    ],
)
def test_a_selection_is_one_of_four(selected: Fields, failure: str) -> None:
    """By the way it counts; storage class and unit have to go with that."""
    expected = failure.format('["any","tagged","untagged"]')
    if expected.startswith("("):
        expected = f"instance value {expected}"

    assert refusal(text(rule(selection=selected))) == f"{expected}\n"


def test_every_failure_has_its_line() -> None:
    """In the order of the document; what is wrong in itself is not looked into."""
    document = text(rule(0), rule(2, selection=selection(countNumber=0), action={}), {})

    minimum = "numeric instance is lower than the required minimum (minimum: 1, found: 0)"
    assert refusal(document).splitlines() == [
        minimum,
        minimum,
        MISSING.format('["type"]'),
        MISSING.format('["rulePriority","selection","action"]'),
    ]


@pytest.mark.parametrize("count_type", ["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"])
def test_the_storage_class_may_be_said_where_it_is_the_default(count_type: str) -> None:
    """Standard, for all but sinceImageTransitioned."""
    explicit = text(rule(selection=selection(count_type, storageClass="standard"), action=ARCHIVE))

    assert parse_policy(explicit) == parse_policy(text(rule(selection=selection(count_type), action=ARCHIVE)))


@pytest.mark.parametrize(
    ("count_type", "action", "allowed"),
    [
        ("imageCountMoreThan", EXPIRE, True),
        ("imageCountMoreThan", ARCHIVE, True),
        ("sinceImagePushed", EXPIRE, True),
        ("sinceImagePushed", ARCHIVE, True),
        ("sinceImagePulled", EXPIRE, False),
        ("sinceImagePulled", ARCHIVE, True),
        ("sinceImageTransitioned", EXPIRE, True),
        ("sinceImageTransitioned", ARCHIVE, False),
    ],
)
def test_an_action_has_to_go_with_the_way_of_counting(count_type: str, action: Fields, allowed: bool) -> None:
    """Images are archived by their last pull, and expire from the archive; not the other way round."""
    document = text(rule(selection=selection(count_type), action=action))

    if allowed:
        assert parse_policy(document).rules[0].action == action["type"]
    else:
        name = action["type"].upper()
        assert refusal(document) == f"Action {name} is not supported for countType={count_type}."


def test_archived_images_are_kept_for_90_days() -> None:
    """A shorter time is refused."""
    document = text(rule(selection=selection("sinceImageTransitioned", countNumber=89)))

    assert refusal(document) == "countNumber must be at least 90 for countType=sinceImageTransitioned."


@pytest.mark.parametrize(
    ("selected", "failure"),
    [
        (
            selection(tagStatus="tagged"),
            "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.",
        ),
        (
            selection(tagStatus="tagged", tagPrefixList=["v"], tagPatternList=["v*"]),
            "Only one of tagPrefixList and tagPatternList can be specified.",
        ),
        (
            selection(tagPrefixList=["v"]),
            "tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED.",
        ),
        (
            selection(tagStatus="untagged", tagPatternList=["v*"]),
            "tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED.",
        ),
        (
            selection(tagStatus="tagged", tagPatternList=["v*", "a*b*c*d*e*"]),
            "A string of tagPatternList can have at most 4 wildcards.",
        ),
    ],
)
def test_tags_are_listed_in_one_way_for_tagged_images_only(selected: Fields, failure: str) -> None:
    """With patterns of at most four wildcards, or with prefixes."""
    assert refusal(text(rule(selection=selected))) == failure


def test_four_wildcards_are_not_too_many() -> None:
    """Of any number of patterns."""
    pattern = "*test*1*2*3"

    policy = parse_policy(text(tagged(1, tagPatternList=[pattern, "v*"])))

    assert policy.rules[0].selection.tag_patterns == (pattern, "v*")


@pytest.mark.parametrize(
    ("rules", "failure"),
    [
        ([untagged(1), rule(1)], "Each rule must have a unique rulePriority."),
        ([untagged(1), untagged(2)], "Only one rule can select Untagged images per storage class."),
        (
            [untagged(1, "sinceImageTransitioned"), untagged(2, "sinceImageTransitioned")],
            "Only one rule can select Untagged images per storage class.",
        ),
        ([rule(1), untagged(2)], "Rule for tagStatus=ANY must have the lowest priority per storage class"),
        ([rule(1), rule(2)], "Rule for tagStatus=ANY must have the lowest priority per storage class"),
        (
            [tagged(1, tagPrefixList=["a", "b"]), tagged(2, tagPrefixList=["b", "a"])],
            "Each rule must have a unique set of tag prefixes per storage class.",
        ),
    ],
)
def test_rules_must_not_contradict_each_other(rules: list[Fields], failure: str) -> None:
    """Whichever comes first in the document."""
    assert refusal(text(*rules)) == failure
    assert refusal(text(*reversed(rules))) == failure


@pytest.mark.parametrize(
    "rules",
    [
        [untagged(1), untagged(2, "sinceImageTransitioned")],
        [rule(1, selection=selection("sinceImageTransitioned")), untagged(2), rule(3)],
        [tagged(1, tagPrefixList=["a"]), tagged(2, "sinceImageTransitioned", tagPrefixList=["a"])],
        [tagged(1, tagPrefixList=["a"]), tagged(2, tagPrefixList=["a", "b"])],
        [tagged(1, tagPatternList=["*"]), tagged(2, tagPatternList=["*"])],
    ],
)
def test_each_storage_class_stands_alone(rules: list[Fields]) -> None:
    """What the one selects is not what the other does; and sets of prefixes may overlap, patterns repeat."""
    assert len(parse_policy(text(*rules)).rules) == len(rules)


WORDS = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@st.composite
def rules_of_one_priority_each(draw: st.DrawFn) -> list[Fields]:
    """Rules for tagged images that no two of which have the same priority or prefixes."""
    numbers = draw(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=50, unique=True))
    return [
        tagged(
            number,
            draw(st.sampled_from(["imageCountMoreThan", "sinceImagePushed", "sinceImageTransitioned"])),
            **draw(
                st.sampled_from(
                    [
                        {"tagPrefixList": [f"v{number}"]},
                        {"tagPatternList": ["*"]},
                        {"tagPatternList": ["a*b", "c"]},
                    ]
                )
            ),
        )
        | draw(st.fixed_dictionaries({}, optional={"description": WORDS}))
        for number in numbers
    ]


@given(rules_of_one_priority_each())
def test_every_rule_of_a_good_policy_is_read(rules: list[Fields]) -> None:
    """Nothing is lost and nothing added; what the document leaves out has its default."""
    policy = parse_policy(text(*rules))

    by_priority = sorted(rules, key=lambda one: one["rulePriority"])
    assert [one.priority for one in policy.rules] == [one["rulePriority"] for one in by_priority]
    for read, written in zip(policy.rules, by_priority, strict=True):
        selected = written["selection"]
        assert read.description == written.get("description")
        assert read.selection.count_type == selected["countType"]
        assert read.selection.storage_class == selected.get("storageClass", "standard")
        assert list(read.selection.tag_prefixes) == selected.get("tagPrefixList", [])
        assert list(read.selection.tag_patterns) == selected.get("tagPatternList", [])


@given(st.data())
def test_a_rule_with_any_member_replaced_is_read_or_refused(data: st.DataObject) -> None:
    """Never another exception, whatever JSON stands there, and the refusal can be sent."""
    selected = selection("sinceImagePushed", tagStatus="tagged", tagPrefixList=["v"], storageClass="standard")
    action: Fields = dict(EXPIRE)
    one = rule(selection=selected, action=action, description="")
    place = data.draw(st.sampled_from([one, selected, action]))
    name = data.draw(st.sampled_from(sorted(place)) | st.text(max_size=5))
    place[name] = data.draw(JSON)
    document = text(one)

    try:
        policy = parse_policy(document)
    except InvalidParameter:
        assert refusal(document).encode()
    else:
        assert [read.priority for read in policy.rules] == [one["rulePriority"]]


@given(JSON | st.text())
def test_no_other_json_and_no_other_text_is_taken(value: object) -> None:
    """By itself, or in the place of the rules."""
    for document in (json.dumps(value), json.dumps({"rules": value}), str(value)):
        with pytest.raises(InvalidParameter):
            parse_policy(document)
