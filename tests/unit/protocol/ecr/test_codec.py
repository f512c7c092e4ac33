"""ECR's JSON is read and written as AWS does, and refused in AWS's words."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from entrepot.core.errors import InvalidParameter
from entrepot.protocol.ecr import shapes
from entrepot.protocol.ecr.codec import decode, encode, encode_error
from entrepot.protocol.ecr.errors import SerializationError, ValidationError
from entrepot.protocol.ecr.operation import Operation
from entrepot.protocol.ecr.shapes import OPERATIONS

REFUSALS = (SerializationError, InvalidParameter, ValidationError)
MUTABILITIES = "IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE, MUTABLE_WITH_EXCLUSION"
REPOSITORY_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"


def request(operation: str, **members: object) -> msgspec.Struct:
    """Decode a request with these members."""
    return decode(OPERATIONS[operation], json.dumps(members).encode())


def test_a_request_comes_in_as_its_shape() -> None:
    """Members have Python's names and types; nested shapes and lists too."""
    decoded = request(
        "CreateRepository",
        repositoryName="team/app",
        tags=[{"Key": "owner", "Value": "me"}],
        encryptionConfiguration={"encryptionType": "AES256"},
    )

    assert decoded == shapes.CreateRepositoryRequest(
        repository_name="team/app",
        tags=[shapes.Tag(key="owner", value="me")],
        encryption_configuration=shapes.EncryptionConfiguration(encryption_type="AES256"),
    )


@pytest.mark.parametrize("body", [b"", b"{}", b" {} ", b'{"nextToken":null}', b'{"unknown":[{"a":1}]}'])
def test_what_is_not_there_is_absent(body: bytes) -> None:
    """An empty body, a null and a member of a later SDK are all nothing."""
    assert decode(OPERATIONS["DescribeRepositories"], body) == shapes.DescribeRepositoriesRequest()


def test_absent_members_are_not_sent() -> None:
    """An answer holds what it says, and an empty list is something it says."""
    answer = shapes.BatchGetImageResponse(images=[], failures=None)

    assert encode(answer) == b'{"images":[]}'


def test_times_are_seconds_with_a_fraction() -> None:
    """Never an ISO string: SDKs read epoch seconds."""
    answer = shapes.CreateRepositoryResponse(repository=shapes.Repository(created_at=1700000000.123))

    assert encode(answer) == b'{"repository":{"createdAt":1700000000.123}}'


def test_blobs_are_base64() -> None:
    """The bytes of a part come in decoded."""
    decoded = request(
        "UploadLayerPart",
        repositoryName="app",
        uploadId="0b1c7e52-9d1c-4b76-8a8e-6a7c0d0e3f11",
        partFirstByte=0,
        partLastByte=2,
        layerPartBlob="AP/+",
    )

    assert isinstance(decoded, shapes.UploadLayerPartRequest)
    assert decoded.layer_part_blob == b"\x00\xff\xfe"


def test_an_error_carries_its_own_members_beside_the_message() -> None:
    """InvalidLayerPart tells where to go on, next to its code."""
    body = encode_error("InvalidLayerPartException", "No.", {"lastValidByteReceived": 7})

    assert body == b'{"__type":"InvalidLayerPartException","message":"No.","lastValidByteReceived":7}'


def test_an_error_without_a_message_is_only_its_code() -> None:
    """As AWS answers an unknown operation."""
    assert encode_error("UnknownOperationException", None, {}) == b'{"__type":"UnknownOperationException"}'


MISFITS: list[tuple[dict[str, object], str]] = [
    ({"repositoryName": 1}, "NUMBER_VALUE can not be converted to a String"),
    ({"repositoryName": 1.5}, "NUMBER_VALUE can not be converted to a String"),
    ({"repositoryName": True}, "TRUE_VALUE can not be converted to a String"),
    ({"repositoryName": {}}, "Start of structure or map found where not expected"),
    ({"repositoryName": ["app"]}, "Start of list found where not expected"),
    ({"repositoryName": "app", "imageIds": "x"}, "Expected list or null"),
    ({"repositoryName": "app", "imageIds": {}}, "Start of structure or map found where not expected"),
    ({"repositoryName": "app", "imageIds": ["x"]}, "Expected structure or null"),
    ({"repositoryName": "app", "imageIds": [[]]}, "Start of list found where not expected"),
    ({"repositoryName": "app", "maxResults": "1"}, "STRING_VALUE can not be converted to an Integer"),
    ({"repositoryName": "app", "maxResults": False}, "FALSE_VALUE can not be converted to an Integer"),
]


@pytest.mark.parametrize(("members", "reason"), MISFITS)
def test_a_value_of_another_type_is_named_as_aws_does(members: dict[str, object], reason: str) -> None:
    """What was found is named, and what was expected."""
    with pytest.raises(SerializationError) as refused:
        request("DescribeImages", **members)

    assert refused.value.message == reason


@pytest.mark.parametrize(
    ("operation", "members", "parameter", "constraint"),
    [
        ("CreateRepository", {}, "repositoryName", "Member must not be null"),
        (
            "CreateRepository",
            {"repositoryName": "a"},
            "repositoryName",
            "Member must have length greater than or equal to 2",
        ),
        (
            "CreateRepository",
            {"repositoryName": "a" * 257},
            "repositoryName",
            "Member must have length less than or equal to 256",
        ),
        (
            "CreateRepository",
            {"repositoryName": "App"},
            "repositoryName",
            f"must satisfy regular expression '{REPOSITORY_PATTERN}'",
        ),
        (
            "PutImageTagMutability",
            {"repositoryName": "app", "imageTagMutability": "SOMETIMES"},
            "imageTagMutability",
            f"Member must satisfy enum value set: [{MUTABILITIES}]",
        ),
        (
            "ListImages",
            {"repositoryName": "app", "maxResults": 1001},
            "maxResults",
            "Member must have value less than or equal to 1000",
        ),
        (
            "BatchGetImage",
            {"repositoryName": "app", "imageIds": [{"imageTag": "a"}, {"imageTag": ""}]},
            "imageIds.2.member.imageTag",
            "Member must have length greater than or equal to 1",
        ),
        (
            "PutLifecyclePolicy",
            {"repositoryName": "app", "lifecyclePolicyText": "{}"},
            "lifecyclePolicyText",
            "Member must have length greater than or equal to 100",
        ),
    ],
)
def test_a_broken_constraint_is_worded_as_ecr_does(
    operation: str, members: dict[str, object], parameter: str, constraint: str
) -> None:
    """Clients have recorded these answers; some read them."""
    with pytest.raises(InvalidParameter) as refused:
        request(operation, **members)

    assert refused.value.message == (
        f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'"
    )


def test_newer_operations_answer_with_a_validation_error() -> None:
    """Where the model declares ValidationException, the framework's wording is used."""
    with pytest.raises(ValidationError) as refused:
        request("PutAccountSetting", name="BLOB_MOUNTING")

    assert refused.value.message == (
        "1 validation error detected: Value null at 'value' failed to satisfy constraint: Member must not be null"
    )


def test_a_validation_error_names_everything_that_is_wrong() -> None:
    """All that is to be mended stands in one answer."""
    with pytest.raises(ValidationError) as refused:
        request("DescribeImageReplicationStatus", repositoryName="A", registryId="1")

    assert refused.value.message == (
        "4 validation errors detected: "
        "Value 'A' at 'repositoryName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 2; "
        "Value 'A' at 'repositoryName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {REPOSITORY_PATTERN}; "
        "Value null at 'imageId' failed to satisfy constraint: Member must not be null; "
        "Value '1' at 'registryId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [0-9]{12}"
    )


def test_a_list_is_repeated_shortly() -> None:
    """The items of a list that is too long are named, the first of them, and nothing in their depth."""
    rule: dict[str, object] = {"scanFrequency": "MANUAL", "repositoryFilters": []}

    with pytest.raises(ValidationError) as refused:
        request("BatchGetRepositoryScanningConfiguration", repositoryNames=["app"] * 26)
    with pytest.raises(ValidationError) as nested:
        request("PutRegistryScanningConfiguration", rules=[rule, rule, rule])

    assert f"Value '[{', '.join(['app'] * 10)}]' at 'repositoryNames'" in refused.value.message
    assert "Value '[..., ..., ...]' at 'rules'" in nested.value.message


@pytest.mark.parametrize("operation", ["GetLifecyclePolicy", "PutRegistryPolicy"])
def test_a_long_value_is_cut_in_the_message(operation: str) -> None:
    """An answer does not grow with what was sent."""
    with pytest.raises(ValidationError) as refused:
        request(operation, repositoryName="A" * 100_000, policyText="A" * 100_000)

    assert len(refused.value.message) < 1_000


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"null",
        b"[]",
        b'"x"',
        b"0",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"repositoryName":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"unknown":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"repositoryName":"\xff\xfe"}',
        b'{"repositoryName":"\\ud800"}',
        b'{"repositoryName":"\\udc00\\ud800"}',
        b'{"repositoryName":"app","maxResults":NaN}',
        b'{"repositoryName":"app","maxResults":Infinity}',
        b'{"repositoryName":"app","maxResults":1e400}',
        b'{"repositoryName":"app","maxResults":' + b"9" * 10_000 + b"}",
        b'{"repositoryName":1,"repositoryName":"app"}',
        b'{"repositoryName":"app",}',
        b"{'repositoryName':'app'}",
        b'{"repositoryName":"app"}\x00',
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:10] + b"..." + body[-20:]),
)
def test_what_is_no_request_is_a_serialization_error(body: bytes) -> None:
    """Broken, deep, huge or doubled: the answer is always the same kind."""
    with pytest.raises(SerializationError) as refused:
        decode(OPERATIONS["ListImages"], body)

    assert refused.value.message


def test_of_a_member_sent_twice_the_last_counts() -> None:
    """As in every JSON reader that SDKs have been tried against."""
    decoded = decode(OPERATIONS["ListImages"], b'{"repositoryName":"one","repositoryName":"two"}')

    assert decoded == shapes.ListImagesRequest(repository_name="two")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
OPERATION = st.sampled_from(sorted(OPERATIONS)).map(OPERATIONS.__getitem__)
MEMBER_NAMES = sorted(
    {field.encode_name for op in OPERATIONS.values() for field in msgspec.structs.fields(op.input)}
)


def refuses_or_decodes(operation: Operation, body: bytes) -> None:
    """Decode, and read the message of a refusal, which must be there too."""
    try:
        outcome = decode(operation, body)
    except REFUSALS as refusal:
        outcome = refusal
    assert type(outcome) is operation.input or str(outcome)


@given(operation=OPERATION, body=st.binary(max_size=200))
def test_no_bytes_break_the_decoder(operation: Operation, body: bytes) -> None:
    """Whatever is sent, the answer is a request or one of three errors."""
    refuses_or_decodes(operation, body)


@given(operation=OPERATION, members=st.dictionaries(st.sampled_from(MEMBER_NAMES), JSON, max_size=6))
def test_no_values_break_the_decoder(operation: Operation, members: dict[str, object]) -> None:
    """Members of the right names with values of any kind."""
    refuses_or_decodes(operation, json.dumps(members).encode())


@given(data=st.data(), operation=OPERATION)
def test_no_cut_or_spliced_request_breaks_the_decoder(data: st.DataObject, operation: Operation) -> None:
    """A valid request with some of its bytes replaced, removed or doubled."""
    body = json.dumps(data.draw(values(inspect.type_info(operation.input)))).encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))

    refuses_or_decodes(operation, body[:start] + data.draw(st.binary(max_size=8)) + body[end:])


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """JSON values of a type."""
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of(*(values(one) for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.StructType(fields=fields):
            required = {f.encode_name: values(f.type) for f in fields if f.required}
            optional = {f.encode_name: values(f.type) for f in fields if not f.required}
            return st.fixed_dictionaries(required, optional=optional)
        case inspect.ListType(item_type=item_type, min_length=low):
            return st.lists(values(item_type), min_size=low or 0, max_size=(low or 0) + 1)
        case inspect.DictType(key_type=key_type, value_type=value_type):
            return st.dictionaries(values(key_type), values(value_type), max_size=2)
        case inspect.StrType():
            return texts(kind)
        case _:
            return scalars(kind)


def texts(kind: inspect.StrType) -> st.SearchStrategy[str]:
    """Strings of a type."""
    low, high = kind.min_length or 0, kind.max_length or math.inf
    if kind.pattern is None:
        return st.text(min_size=low, max_size=low + 5)
    return st.from_regex(kind.pattern).filter(lambda text: low <= len(text) <= high)


def scalars(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """JSON values of a type that is no string and holds no other."""
    match kind:
        case inspect.LiteralType(values=allowed):
            return st.sampled_from(allowed)
        case inspect.IntType(ge=low, le=high):
            return st.integers(low, high)
        case inspect.BytesType():
            return st.sampled_from(["", "AA==", "AAA=", "AP/+"])
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case _:
            return st.booleans()


#: Matching texts are drawn and thrown away until one has the right length.
SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=8, suppress_health_check=SLOW_TO_DRAW, deadline=None)
@given(data=st.data())
def test_requests_and_answers_survive_the_way_there_and_back(name: str, data: st.DataObject) -> None:
    """What is decoded from valid JSON encodes to the same JSON, for every operation."""
    operation = OPERATIONS[name]
    sent = data.draw(values(inspect.type_info(operation.input)))
    answered = data.draw(values(inspect.type_info(operation.output)))

    came_in = decode(operation, json.dumps(sent).encode())
    answer = msgspec.convert(answered, operation.output)

    assert json.loads(encode(came_in)) == sent
    assert decode(operation, encode(came_in)) == came_in
    assert json.loads(encode(answer)) == answered
