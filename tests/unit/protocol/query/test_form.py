"""Forms are read as botocore writes them, and in no other way."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
import pytest
from botocore.model import ServiceModel, StructureShape
from botocore.serialize import create_serializer
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.iam import shapes as iam
from entrepot.protocol.query.errors import (
    InvalidParameterValue,
    MalformedQueryString,
    MissingAction,
    ValidationError,
)
from entrepot.protocol.query.form import MAX_PARAMETERS, Form, parse_form, read_input
from entrepot.protocol.sts import shapes as sts

ROOT = Path(__file__).resolve().parents[4]
T = TypeVar("T", bound=msgspec.Struct)

MODELS: dict[str, ServiceModel] = {name: get_session().get_service_model(name) for name in ("sts", "iam")}
OPERATIONS = [("sts", name) for name in sts.INPUTS] + [("iam", name) for name in iam.INPUTS]

#: A text for each shape with a pattern that "x" does not match.
SAMPLES = {
    "arnType": "arn:aws:iam::000000000000:role/deployer",
    "ownerIdType": "000000000000",
    "pathPrefixType": "/team/",
    "pathType": "/team/",
    "policyPathType": "/team/",
    "policyVersionIdType": "v1",
    "tokenCodeType": "000000",
    "accountAliasType": "examples",
}


def sample(shape: Any) -> Any:
    """A valid value of a shape of botocore's, with every member that it may have."""
    match shape.type_name:
        case "structure":
            members = list(shape.members.items())[: 1 if shape.is_tagged_union else None]
            return {name: sample(member) for name, member in members}
        case "list":
            return [sample(shape.member)] * 2
        case "string":
            shortest = max(1, shape.metadata.get("min", 1))
            return SAMPLES.get(shape.name) or (shape.enum or ["x" * shortest])[0]
        case "integer":
            return shape.metadata.get("min", 1)
        case "boolean":
            return True
        case _:
            raise AssertionError(shape)


def body_of(service: str, operation: str, parameters: Mapping[str, Any]) -> bytes:
    """The body that botocore sends."""
    request = create_serializer("query").serialize_to_request(
        dict(parameters), MODELS[service].operation_model(operation)
    )
    return urlencode(request["body"]).encode()


def read(query: str, shape: type[T]) -> T:
    """The input in the rest of a body."""
    return read_input(shape, parse_form(f"Action=Something&{query}".encode()))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_botocore_writes_is_read(service: str, operation: str) -> None:
    """Every member of every input, with lists, structures, numbers and booleans."""
    model = MODELS[service].operation_model(operation)
    parameters: dict[str, Any] = sample(model.input_shape) if isinstance(model.input_shape, StructureShape) else {}
    inputs = {"sts": sts.INPUTS, "iam": iam.INPUTS}[service]

    form = parse_form(body_of(service, operation, parameters))

    assert (form.action, form.version) == (operation, MODELS[service].api_version)
    assert msgspec.to_builtins(read_input(inputs[operation], form)) == parameters


@pytest.mark.parametrize("name", ["sts/shapes.py", "iam/shapes.py"])
def test_the_file_is_what_the_generator_writes(name: str) -> None:
    """Nobody edits the inputs by hand, and no new model goes unnoticed."""
    generator = runpy.run_path(str(ROOT / "scripts/generate-shapes"))

    assert generator["render"]()[name] == (ROOT / "src/entrepot/protocol" / name).read_text()


def test_a_form_has_an_action_and_a_version() -> None:
    """The version may be missing; the front refuses that."""
    assert parse_form(b"Action=GetUser&Version=2010-05-08").version == "2010-05-08"
    assert parse_form(b"Action=GetUser") == Form("GetUser", "", {"Action": "GetUser"})


@pytest.mark.parametrize("body", [b"", b"Version=2011-06-15"])
def test_a_form_without_an_action_is_refused(body: bytes) -> None:
    """Nothing is done by default."""
    with pytest.raises(MissingAction):
        parse_form(body)


@pytest.mark.parametrize(
    "body",
    [
        b"Action",
        b"Action=A&",
        b"&Action=A",
        b"Action=A&Action=A",
        b"Action=A&Action.member.1=B",
        b"Action.a=A",
        b"Action=A&Version.a=2011-06-15",
        b"Action=A&Tags=&Tags.member.1.Key=k",
        b"Action=A&Tags.member.1.Key=k&Tags.member.1=v",
        b"Action=A&RoleArn=%zz",
        b"Action=A&RoleArn=%4",
        b"Action=A&RoleArn=%ff",
        b"Action=A&RoleArn=\xff",
        b"Action=A&=value",
        b"Action=A&.a=value",
        b"Action=A&a..b=value",
        b"Action=A&a.=value",
        b"Action=A&a%00=value",
        b"Action=A&" + b".".join([b"a"] * 9) + b"=value",
        b"Action=A&" + b"a" * 129 + b"=value",
        b'{"Action": "A"}',
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    """Names given twice, values where there is something below, broken escapes, names that are none."""
    with pytest.raises(MalformedQueryString):
        parse_form(body)


def test_a_form_has_at_most_a_thousand_parameters() -> None:
    """Each costs memory before anybody is asked who sent it."""
    parameters = [b"Action=A"] + [b"p%d=v" % number for number in range(MAX_PARAMETERS - 1)]

    assert len(parse_form(b"&".join(parameters)).members) == MAX_PARAMETERS
    with pytest.raises(MalformedQueryString):
        parse_form(b"&".join([*parameters, b"one=more"]))


@given(values=st.dictionaries(st.from_regex(r"[A-Z][a-z]{2,8}", fullmatch=True), st.text(), min_size=1))
def test_any_text_comes_through(values: dict[str, str]) -> None:
    """Whatever a form can hold: control characters, separators, any script."""
    assert parse_form(urlencode({"Action": "A", **values}).encode()).members == {"Action": "A", **values}


@given(body=st.binary(max_size=60) | st.text("Aactionmber=&.%+12").map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No body makes the parser fail otherwise; what it reads is what the form says, name by name."""
    try:
        form = parse_form(body)
    except (MalformedQueryString, MissingAction):
        return

    assert form.action == dict(parse_qsl(body.decode(), keep_blank_values=True))["Action"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("DurationSeconds=900.0", "DurationSeconds"),
        ("DurationSeconds=", "DurationSeconds"),
        ("DurationSeconds=%D9%A9%D9%A9%D9%A9", "DurationSeconds"),
        ("DurationSeconds=1111111111111111111", "DurationSeconds"),
        ("DurationSeconds.member.1=900", "DurationSeconds"),
        ("Tags=all", "Tags"),
        ("Tags.1.Key=k", "Tags"),
        ("Tags.member=k", "Tags"),
        ("Tags.member.0.Key=k", "Tags"),
        ("Tags.member.01.Key=k", "Tags"),
        ("Tags.member.2.Key=k", "Tags"),
        ("Tags.member.1.Key=k&Tags.member.3.Key=k", "Tags"),
        ("Tags.member.1.Key=k&Tags.other=k", "Tags"),
        ("Tags.member.1=k", "Tags.member.1"),
        ("Tags.member.1.Key.member.1=k", "Tags.member.1.Key"),
    ],
)
def test_a_value_of_another_type_is_refused(query: str, parameter: str) -> None:
    """A number that is none, a list with a gap, a value where there is a structure."""
    with pytest.raises(InvalidParameterValue) as refused:
        read(query, sts.AssumeRoleRequest)

    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "RoleSessionName=%2F%2F",
            "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be "
            "null; Value '//' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: [\\w+=,.@-]*",
        ),
        (
            f"RoleArn={'x' * 20}&RoleSessionName=me&DurationSeconds=60",
            "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must "
            "have value greater than or equal to 900",
        ),
        (
            f"RoleArn={'x' * 20}&RoleSessionName=me&PolicyArns.member.1.arn=short",
            "1 validation error detected: Value 'short' at 'policyArns.1.member.arn' failed to satisfy constraint: "
            "Member must have length greater than or equal to 20",
        ),
    ],
)
def test_a_value_that_breaks_a_constraint_is_named(query: str, message: str) -> None:
    """In the words of AWS, all of them at once."""
    with pytest.raises(ValidationError) as refused:
        read(query, sts.AssumeRoleRequest)

    assert refused.value.message == message


def test_tags_may_have_letters_of_any_script_but_no_control_characters() -> None:
    """The model names Unicode's categories: letters, numbers, separators."""
    pattern = "Tags.member.1.Key=%s&Tags.member.1.Value=%s&RoleName=reader"

    read(pattern % (quote("Größe 二 ٣"), ""), iam.TagRoleRequest)

    for wrong in ("a\n", "a\0", "a*", "\U0001f600"):
        with pytest.raises(ValidationError):
            read(pattern % (quote(wrong), "value"), iam.TagRoleRequest)


def test_an_empty_list_and_an_unknown_name_are_read() -> None:
    """As botocore writes an empty list; a newer SDK may send members that are not known yet."""
    asked = read("UserName=me&Tags=&Unheard.of=1", iam.TagUserRequest)

    assert asked.tags == []


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("True", None), ("1", None)])
def test_a_boolean_is_true_or_false(text: str, value: bool | None) -> None:
    """In lower case, as every SDK writes it."""
    if value is not None:
        assert read(f"OnlyAttached={text}", iam.ListPoliciesRequest).only_attached is value
        return
    with pytest.raises(InvalidParameterValue):
        read(f"OnlyAttached={text}", iam.ListPoliciesRequest)
