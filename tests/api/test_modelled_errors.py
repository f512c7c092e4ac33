"""Every error that the service model gives an operation is produced by a test, or there is a reason why not.

A test says what it produces with ``@pytest.mark.produces(operation, error)``, and fails unless it has seen it.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from tests.api.clients import ECR
from tests.api.images import ABSENT, digest_of, image, upload
from tests.api.rows import rows

from entrepot.fronts.ecr.front import HANDLERS
from entrepot.metadata import tables
from entrepot.protocol.ecr.shapes import OPERATIONS
from entrepot.testing.registry import RunningRegistry

#: Inputs that are right in themselves.
SOUND: dict[str, object] = {
    "repositoryName": "missing",
    "resourceArn": "arn:aws:ecr:us-east-1:000000000000:repository/missing",
    "layerDigests": [ABSENT],
    "layerDigest": ABSENT,
    "uploadId": "00000000-0000-4000-8000-000000000000",
    "partFirstByte": 0,
    "partLastByte": 0,
    "layerPartBlob": "MQ==",
    "imageManifest": image().text,
    "imageIds": [{"imageTag": "v1"}],
    "imageId": {"imageTag": "v1"},
    "subjectId": {"imageDigest": ABSENT},
    "imageTagMutability": "MUTABLE",
    "imageScanningConfiguration": {"scanOnPush": True},
    "policyText": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]}',
    "lifecyclePolicyText": '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": '
    '"imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}',
    "tags": [{"Key": "k", "Value": "v"}],
    "tagKeys": ["k"],
}
#: Inputs that break a constraint of the model.
UNSOUND: dict[str, object] = {"registryId": "x", "registryIds": [], "maxResults": 0, "scanType": "x"}

REPOSITORY_NOT_FOUND, INVALID_PARAMETER = "RepositoryNotFoundException", "InvalidParameterException"
VALIDATION = "ValidationException"


def members(operation: str, *, required: bool = False) -> list[str]:
    """The members of an operation's input, by their names on the wire."""
    fields = msgspec.structs.fields(OPERATIONS[operation].input)
    return [field.encode_name for field in fields if field.required or not required]


#: A failure of ours, whatever is called; what it looks like is tested below.
ALWAYS_ARGUED = {"ServerException"}

UPSTREAM = "nothing is fetched from upstream registries yet"
UNLIMITED = "the model lists it, and there is nothing in the operation that is limited"
SECRETS = "credentials of upstream registries are not looked up yet"

#: What no test produces, and why.
ARGUED: dict[str, dict[str, str]] = {
    "KmsException": {"DeleteRepository": "it needs no key: ECR retires grants then, and there are none"},
    "UnableToGetUpstreamLayerException": {"GetDownloadUrlForLayer": UPSTREAM},
    "UnableToGetUpstreamImageException": {"BatchGetImage": UPSTREAM},
    "UnableToListUpstreamImageReferrersException": {"ListImageReferrers": UPSTREAM},
    "UnableToAccessSecretException": dict.fromkeys(
        ("CreatePullThroughCacheRule", "UpdatePullThroughCacheRule"), SECRETS
    ),
    "SecretNotFoundException": dict.fromkeys(
        ("CreatePullThroughCacheRule", "UpdatePullThroughCacheRule"), SECRETS
    ),
    "UnableToDecryptSecretValueException": dict.fromkeys(
        ("CreatePullThroughCacheRule", "UpdatePullThroughCacheRule"), SECRETS
    ),
    "LimitExceededException": dict.fromkeys(
        (
            "PutAccountSetting",
            "DeregisterPullTimeUpdateExclusion",
            "ListPullTimeUpdateExclusions",
        ),
        UNLIMITED,
    ),
    "InvalidTagParameterException": {"UntagResource": "a key that no tag can have is on no repository either"},
    "TooManyTagsException": {"UntagResource": UNLIMITED},
    REPOSITORY_NOT_FOUND: {
        "BatchGetRepositoryScanningConfiguration": "it is a failure of the batch, for each name"
    },
    "BlockedByOrganizationPolicyException": {"PutRegistryScanningConfiguration": "there are no organizations"},
}

OF_A_REPOSITORY = [
    name
    for name in HANDLERS
    if REPOSITORY_NOT_FOUND in OPERATIONS[name].errors and "repositoryName" in members(name)
]
WITH_PARAMETERS = [name for name in HANDLERS if members(name)]


@pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", OF_A_REPOSITORY)
async def test_an_operation_on_a_missing_repository_says_so(ecr: ECR, operation: str) -> None:
    """In the same words everywhere."""
    sound = {name: SOUND[name] for name in members(operation, required=True)}

    assert await ecr.error(operation, **sound) == {
        "__type": REPOSITORY_NOT_FOUND,
        "message": "The repository with name 'missing' does not exist in the registry with id '000000000000'",
    }


@pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", WITH_PARAMETERS)
async def test_a_parameter_that_breaks_the_model_is_refused(ecr: ECR, operation: str) -> None:
    """As ValidationException by the operations that have it, else as InvalidParameterException."""
    asked = {name: UNSOUND[name] for name in members(operation) if name in UNSOUND}

    refused = await ecr.error(operation, **asked)

    assert refused["__type"] in {INVALID_PARAMETER, VALIDATION} & {*OPERATIONS[operation].errors}


async def test_a_part_that_fails_is_told_as_a_fault_of_ours(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """With status 503, so that clients try again, and without a path or a key."""
    upload_id = await upload(ecr, repository, b"content")
    ((key,),) = await rows(registry, select(tables.uploads.c.storage_key))
    await registry.storage.delete(key)

    refused = await ecr.error(
        "CompleteLayerUpload", repositoryName=repository, uploadId=upload_id, layerDigests=[digest_of(b"content")]
    )

    assert refused == {
        "__type": "ServerException",
        "message": "The stored bytes cannot be read: 0 of 7 bytes are there",
    }


@pytest.mark.parametrize("operation", sorted(HANDLERS))
def test_every_error_of_the_model_is_produced_or_argued(operation: str) -> None:
    """So nobody forgets one; an argument for an error that a test does produce is out of date."""
    produced = {error for name, error in marked() if name == operation}
    if operation in OF_A_REPOSITORY:
        produced.add(REPOSITORY_NOT_FOUND)
    bad = {INVALID_PARAMETER, VALIDATION} & {*OPERATIONS[operation].errors}
    if operation in WITH_PARAMETERS or produced & bad or not members(operation):
        produced |= bad  # one of the two is seen above; an operation without members has nothing to refuse
    argued = {error for error, operations in ARGUED.items() if operation in operations} | ALWAYS_ARGUED

    assert produced & argued == set()
    assert set(OPERATIONS[operation].errors) - produced - argued == set()


def test_arguments_are_about_operations_that_have_the_error() -> None:
    """A new model takes what it drops along."""
    assert all(error in OPERATIONS[name].errors for error, names in ARGUED.items() for name in names)


def marked() -> set[tuple[object, ...]]:
    """The (operation, error) pairs that the tests of this folder are marked with."""
    return {
        mark.args
        for path in Path(__file__).parent.glob("test_*.py")
        for name, function in vars(importlib.import_module(f"tests.api.{path.stem}")).items()
        if name.startswith("test_")
        for mark in marks_of(function)
        if mark.name == "produces"
    }


def marks_of(function: object) -> Iterator[pytest.Mark]:
    """The marks on a test, and on the single cases of it."""
    for mark in getattr(function, "pytestmark", ()):
        yield mark
        if mark.name == "parametrize":
            for case in mark.args[1]:
                yield from getattr(case, "marks", ())
