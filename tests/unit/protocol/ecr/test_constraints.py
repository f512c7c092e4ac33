"""Every constraint that the service model puts on a request is enforced, and named in the answer."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from botocore.loaders import Loader

from entrepot.core.errors import InvalidParameter
from entrepot.protocol.ecr.codec import decode
from entrepot.protocol.ecr.errors import SerializationError, ValidationError
from entrepot.protocol.ecr.shapes import OPERATIONS

MODEL: dict[str, Any] = Loader().load_service_model("ecr", "service-2", "2015-09-21")

#: A value for every shape with a pattern, and one that the pattern alone forbids.
SAMPLES = {
    "CredentialArn": (
        "arn:aws:secretsmanager:us-east-1:012345678901:secret:ecr-pullthroughcache/name",
        "arn:aws:secretsmanager:us-east-1:012345678901:secret:something-else/name",
    ),
    "ImageTagMutabilityExclusionFilterValue": ("v*", "v+"),
    "KmsKeyForRepositoryCreationTemplate": ("arn:aws:kms:us-east-1:012345678901:key/a1", "key/a1"),
    "LayerDigest": ("sha256:00", "00"),
    "Prefix": ("team/app/", "Team"),
    "PrincipalArn": ("arn:aws:iam::012345678901:role/reader", "arn:aws:iam::012345678901:group/readers"),
    "PullThroughCacheRuleRepositoryPrefix": ("ROOT", "ROOTS"),
    "Region": ("us-east-1", "us_east_1"),
    "RegistryId": ("012345678901", "01234567890"),
    "ReplicationBackfillId": ("0b1c7e52-9d1c-4b76-8a8e-6a7c0d0e3f11", "0b1c7e52"),
    "RepositoryFilterValue": ("team/", "Team/"),
    "RepositoryName": ("team/app", "team//app"),
    "ScanningRepositoryFilterValue": ("team*", "team/"),
    "SigningProfileArn": (
        "arn:aws:signer:us-east-1:012345678901:/signing-profiles/one",
        "arn:aws:signer:us-east-1:012345678901:/signing-profiles/o",
    ),
    "SigningRepositoryFilterValue": ("team/*", "team/"),
    "UploadId": ("0b1c7e52-9d1c-4b76-8a8e-6a7c0d0e3f11", "0b1c7e52-9d1c-4b76-8a8e-6a7c0d0e3f1g"),
}

WIDTHS = {"integer": 31, "long": 63}
NOT_NULL = "Member must not be null"

Breach = tuple[str, object, str]


def shape_of(name: str) -> dict[str, Any]:
    """A shape of the model."""
    return MODEL["shapes"][name]


def sample(name: str) -> Any:
    """A valid value of a shape, with every member that a structure can have."""
    shape = shape_of(name)
    low = max(1, shape.get("min", 0))
    match shape["type"]:
        case "structure":
            value: Any = {member: sample(part["shape"]) for member, part in shape["members"].items()}
        case "list":
            value = [sample(shape["member"]["shape"])] * low
        case "string":
            value = SAMPLES[name][0] if name in SAMPLES else shape.get("enum", ["x" * low])[0]
        case "boolean":
            value = True
        case "blob":
            value = "AAAA"
        case _:
            value = low
    return value


def breaches(name: str, path: str = "") -> Iterator[Breach]:
    """Values of a shape that are valid but for one thing: where it is, the value, and the rule broken."""
    shape = shape_of(name)
    if shape["type"] == "structure":
        yield from structure_breaches(name, path)
    elif shape["type"] == "list":
        yield from list_breaches(shape, path)
    elif shape["type"] == "string":
        yield from string_breaches(name, path)
    elif shape["type"] == "blob":
        yield from out_of_bounds(shape, path, "length", encoded_zeros)
    elif shape["type"] in WIDTHS:
        limit = 2 ** WIDTHS[shape["type"]]
        yield from out_of_bounds({"min": -limit, "max": limit - 1} | shape, path, "value", int)


def structure_breaches(name: str, path: str) -> Iterator[Breach]:
    """A required member that is absent or null, and what can be wrong in each member."""
    for member, described in shape_of(name)["members"].items():
        inner = f"{path}.{member}" if path else member
        if member in shape_of(name).get("required", ()):
            yield inner, without(sample(name), member), NOT_NULL
            yield inner, sample(name) | {member: None}, NOT_NULL
        for where, value, rule in breaches(described["shape"], inner):
            yield where, sample(name) | {member: value}, rule


def list_breaches(shape: dict[str, Any], path: str) -> Iterator[Breach]:
    """Too few items or too many, a null among them, and what can be wrong in an item."""
    item: str = shape["member"]["shape"]

    def items(size: int) -> list[Any]:
        return [sample(item)] * size

    yield from out_of_bounds(shape, path, "length", items)
    yield f"{path}.2.member", [sample(item), None], NOT_NULL
    for where, value, rule in breaches(item, f"{path}.1.member"):
        yield where, [value], rule


def string_breaches(name: str, path: str) -> Iterator[Breach]:
    """Too short, too long, none of the allowed, not matching, or matching but for a line feed."""
    shape = shape_of(name)
    yield from out_of_bounds(shape, path, "length", "x".__mul__)
    if "enum" in shape:
        yield path, "NO_SUCH", f"enum value set: [{', '.join(sorted(shape['enum']))}]"
    if "pattern" in shape:
        valid, invalid = SAMPLES[name]
        yield path, invalid, "satisfy regular expression"
        yield path, f"{valid}\n", "satisfy regular expression"


def encoded_zeros(size: int) -> str:
    """Base64 of so many bytes."""
    return base64.b64encode(bytes(size)).decode()


def out_of_bounds(
    shape: dict[str, Any], path: str, measure: str, make: Callable[[int], object]
) -> Iterator[Breach]:
    """Values one below and one above what a shape allows."""
    low, high = shape.get("min"), shape.get("max")
    if low is not None and (low > 0 or measure == "value"):
        yield path, make(low - 1), f"Member must have {measure} greater than or equal to {low}"
    if high is not None:
        yield path, make(high + 1), f"Member must have {measure} less than or equal to {high}"


def misfits(name: str) -> Iterator[object]:
    """Values of a shape in which one has another JSON type than it should."""
    shape = shape_of(name)
    match shape["type"]:
        case "structure":
            yield from ([], "x", 1, True)
            for member, described in shape["members"].items():
                yield from (sample(name) | {member: value} for value in misfits(described["shape"]))
        case "list":
            yield from ({}, "x", 1, True)
            yield from ([value] for value in misfits(shape["member"]["shape"]))
        case "string":
            yield from ({}, [], 1, 1.5, True)
        case "blob":
            yield from ({}, [], 1, True, "AAA", "AA-_", "not base64")
        case "boolean":
            yield from ({}, [], 1, "true")
        case _:
            yield from ({}, [], 1.5, "1", True)


def without(members: dict[str, object], name: str) -> dict[str, object]:
    """The members but one."""
    return {key: value for key, value in members.items() if key != name}


def input_of(operation: str) -> str:
    """The name of an operation's input shape."""
    return cast("str", MODEL["operations"][operation]["input"]["shape"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_that_breaks_nothing_is_accepted(operation: str) -> None:
    """The values that the other tests start from are valid ones, with every member present."""
    members = sample(input_of(operation))

    decoded = decode(OPERATIONS[operation], json.dumps(members).encode())

    assert type(decoded) is OPERATIONS[operation].input
    assert all(getattr(decoded, field) is not None for field in decoded.__struct_fields__)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_constraint_of_the_model_is_enforced(operation: str) -> None:
    """One rule broken at a time, at any depth: the answer names the place and the rule."""
    for path, members, rule in breaches(input_of(operation)):
        with pytest.raises((InvalidParameter, ValidationError)) as refused:
            decode(OPERATIONS[operation], json.dumps(members).encode())

        assert f"'{path}'" in refused.value.message
        assert rule in refused.value.message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_type_of_the_model_is_enforced(operation: str) -> None:
    """A value of another JSON type, at any depth, is a serialization error."""
    for members in misfits(input_of(operation)):
        with pytest.raises(SerializationError):
            decode(OPERATIONS[operation], json.dumps(members).encode())


def test_a_blob_is_measured_decoded() -> None:
    """A part may hold 20 MiB, whatever that takes as base64."""
    part = sample("UploadLayerPartRequest") | {"layerPartBlob": base64.b64encode(bytes(20_971_520)).decode()}

    decoded = decode(OPERATIONS["UploadLayerPart"], json.dumps(part).encode())

    assert len(getattr(decoded, "layer_part_blob")) == 20_971_520  # noqa: B009  (the type is known to the test)


@pytest.mark.parametrize("tag", ["a b", "é", "a/b", "a\n"])
def test_a_tag_to_be_set_must_be_one(tag: str) -> None:
    """ECR checks a tag where one is made, by a pattern that its model does not have."""
    request = {"repositoryName": "app", "imageManifest": "{}", "imageTag": tag}

    with pytest.raises(InvalidParameter) as refused:
        decode(OPERATIONS["PutImage"], json.dumps(request).encode())

    assert refused.value.message == (
        "Invalid parameter at 'imageTag' failed to satisfy constraint: "
        "'must satisfy regular expression '[a-zA-Z0-9-_.]+''"
    )


def test_a_tag_or_digest_to_be_found_may_be_anything() -> None:
    """Where they only name an image, a malformed one is for the operation to answer, one by one."""
    request = {"repositoryName": "app", "imageIds": [{"imageTag": "a b"}, {"imageDigest": "none"}, {}]}

    decode(OPERATIONS["BatchGetImage"], json.dumps(request).encode())


def test_a_layer_digest_to_be_checked_may_be_anything() -> None:
    """A malformed layer digest is a failure entry of the answer, not an error."""
    request = {"repositoryName": "app", "layerDigests": ["", "none"]}

    decode(OPERATIONS["BatchCheckLayerAvailability"], json.dumps(request).encode())
