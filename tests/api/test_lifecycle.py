"""PutLifecyclePolicy, GetLifecyclePolicy, DeleteLifecyclePolicy."""

import json
from typing import Any

import pytest
from tests.api.clients import ECR
from tests.api.images import image, push

from entrepot.core.clock import DAY
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

REPOSITORY_NOT_FOUND = {
    "__type": "RepositoryNotFoundException",
    "message": "The repository with name 'absent' does not exist in the registry with id '000000000000'",
}
POLICY_NOT_FOUND = {
    "__type": "LifecyclePolicyNotFoundException",
    "message": "Lifecycle policy does not exist for the repository with name 'app' in the registry with id "
    "'000000000000'",
}


def policy(days: int = 14, **selection: object) -> str:
    """A lifecycle policy for untagged images, written as people write them."""
    rule: dict[str, Any] = {
        "rulePriority": 1,
        "description": "Untagged images go first",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
        }
        | selection,
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]}, indent=4) + "\n"


async def test_a_policy_is_answered_as_it_was_sent(ecr: ECR, repository: str) -> None:
    """Byte for byte, by all three; only Get and Delete tell when it was last run, which is never."""
    stored = {"registryId": "000000000000", "repositoryName": repository, "lifecyclePolicyText": policy()}

    assert await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy()) == stored
    assert await ecr("GetLifecyclePolicy", repositoryName=repository) == stored | {"lastEvaluatedAt": 0.0}
    assert await ecr("DeleteLifecyclePolicy", repositoryName=repository) == stored | {"lastEvaluatedAt": 0.0}


async def test_a_new_policy_replaces_the_old_one(ecr: ECR, repository: str) -> None:
    """A repository has one."""
    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy(14))
    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy(30))

    answer = await ecr("GetLifecyclePolicy", repositoryName=repository)

    assert answer["lifecyclePolicyText"] == policy(30)


@produces("GetLifecyclePolicy", "LifecyclePolicyNotFoundException")
@produces("DeleteLifecyclePolicy", "LifecyclePolicyNotFoundException")
async def test_a_repository_has_no_policy_before_one_is_put_and_after_it_is_deleted(
    ecr: ECR, repository: str
) -> None:
    """In the same words."""
    assert await ecr.error("GetLifecyclePolicy", repositoryName=repository) == POLICY_NOT_FOUND
    assert await ecr.error("DeleteLifecyclePolicy", repositoryName=repository) == POLICY_NOT_FOUND

    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy())
    await ecr("DeleteLifecyclePolicy", repositoryName=repository)

    assert await ecr.error("GetLifecyclePolicy", repositoryName=repository) == POLICY_NOT_FOUND
    assert await ecr.error("DeleteLifecyclePolicy", repositoryName=repository) == POLICY_NOT_FOUND


@produces("PutLifecyclePolicy", "RepositoryNotFoundException")
@produces("GetLifecyclePolicy", "RepositoryNotFoundException")
@produces("DeleteLifecyclePolicy", "RepositoryNotFoundException")
async def test_a_repository_that_is_not_there_has_no_policy(ecr: ECR) -> None:
    """And can be given none."""
    put = await ecr.error("PutLifecyclePolicy", repositoryName="absent", lifecyclePolicyText=policy())

    assert put == REPOSITORY_NOT_FOUND
    assert await ecr.error("GetLifecyclePolicy", repositoryName="absent") == REPOSITORY_NOT_FOUND
    assert await ecr.error("DeleteLifecyclePolicy", repositoryName="absent") == REPOSITORY_NOT_FOUND


@produces("PutLifecyclePolicy", "InvalidParameterException")
@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("-" * 100, "Could not map policyString into LifecyclePolicy."),
        (
            policy(tagStatus=None),
            'instance type (null) does not match any allowed primitive type (allowed: ["string"])\n',
        ),
        (
            policy(countUnit=None, storageClass=None),
            "instance failed to match exactly one schema (matched 0 out of 4)\n",
        ),
        (policy(tagStatus="tagged"), "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED."),
    ],
)
async def test_a_policy_that_ecr_would_refuse_is_refused_in_its_words(
    ecr: ECR, repository: str, text: str, detail: str
) -> None:
    """And leaves the one that was there."""
    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy())

    refused = await ecr.error("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=text)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        f"'Lifecycle policy validation failure: {detail}'",
    }
    assert (await ecr("GetLifecyclePolicy", repositoryName=repository))["lifecyclePolicyText"] == policy()


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("{}", "Member must have length greater than or equal to 100"),
        (policy() + " " * 30_720, "Member must have length less than or equal to 30720"),
    ],
)
async def test_a_text_of_the_wrong_length_is_refused_by_its_length(
    ecr: ECR, repository: str, text: str, constraint: str
) -> None:
    """From 100 to 30,720 characters; the form was captured from ECR."""
    refused = await ecr.error("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=text)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": f"Invalid parameter at 'lifecyclePolicyText' failed to satisfy constraint: '{constraint}'",
    }


@produces("GetLifecyclePolicy", "ValidationException")
@produces("DeleteLifecyclePolicy", "ValidationException")
async def test_a_name_that_cannot_be_is_refused(ecr: ECR) -> None:
    """Before anything is looked up."""
    for operation in ("GetLifecyclePolicy", "DeleteLifecyclePolicy"):
        refused = await ecr.error(operation, repositoryName="App")

        assert refused["__type"] == "ValidationException"
        assert refused["message"].startswith("1 validation error detected: Value 'App' at 'repositoryName' failed")


async def test_a_policy_ends_with_its_repository(ecr: ECR, repository: str) -> None:
    """A repository of the same name begins without one."""
    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy())
    await ecr("DeleteRepository", repositoryName=repository)
    await ecr("CreateRepository", repositoryName=repository)

    assert await ecr.error("GetLifecyclePolicy", repositoryName=repository) == POLICY_NOT_FOUND


async def test_the_same_name_in_another_region_has_its_own_policy(registry: RunningRegistry, ecr: ECR) -> None:
    """A registry is an account in a region."""
    elsewhere = ECR(registry, region="eu-west-1")
    for client in (ecr, elsewhere):
        await client("CreateRepository", repositoryName="app")
    await ecr("PutLifecyclePolicy", repositoryName="app", lifecyclePolicyText=policy())

    assert await elsewhere.error("GetLifecyclePolicy", repositoryName="app") == POLICY_NOT_FOUND


async def test_nothing_expires_by_a_policy_yet(registry: RunningRegistry, ecr: ECR, repository: str) -> None:
    """However long ago it would have; the policy says so itself."""
    await push(ecr, repository, image())
    await ecr("PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=policy(1))

    registry.clock.advance(100 * DAY)

    assert len((await ecr("ListImages", repositoryName=repository))["imageIds"]) == 1
    assert (await ecr("GetLifecyclePolicy", repositoryName=repository))["lastEvaluatedAt"] == 0.0


@pytest.mark.parametrize("operation", ["StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview"])
async def test_a_preview_is_an_operation_that_does_not_exist_yet(ecr: ECR, operation: str) -> None:
    """Answered as AWS answers what it does not know, so that no client waits for it."""
    assert await ecr.error(operation, repositoryName="app") == {"__type": "UnknownOperationException"}
