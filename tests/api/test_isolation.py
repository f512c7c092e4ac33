"""A registry is an account in a region: nothing of one is seen from another."""

import pytest
from tests.api.clients import ECR, errors_of, oci_client, password
from tests.api.images import ABSENT, image, push

from entrepot.testing.registry import RunningRegistry

OTHER = "111111111111"

CALLS = {
    "CreateRepository": {"repositoryName": "app"},
    "DescribeRepositories": {},
    "DeleteRepository": {"repositoryName": "app"},
    "BatchCheckLayerAvailability": {"repositoryName": "app", "layerDigests": [ABSENT]},
    "InitiateLayerUpload": {"repositoryName": "app"},
    "GetDownloadUrlForLayer": {"repositoryName": "app", "layerDigest": ABSENT},
    "PutImage": {"repositoryName": "app", "imageManifest": "{}"},
    "BatchGetImage": {"repositoryName": "app", "imageIds": [{"imageTag": "v1"}]},
    "BatchDeleteImage": {"repositoryName": "app", "imageIds": [{"imageTag": "v1"}]},
    "DescribeImages": {"repositoryName": "app"},
    "ListImages": {"repositoryName": "app"},
}


@pytest.mark.parametrize("operation", CALLS)
async def test_a_registry_of_another_account_is_denied(ecr: ECR, repository: str, operation: str) -> None:
    """Whether there is such a repository or not, in AWS's words."""
    members = CALLS[operation]
    resource = "*"
    if operation == "DescribeRepositories":
        resource = f"arn:aws:ecr:us-east-1:{OTHER}:repository/*"
    elif "repositoryName" in members:
        resource = f"arn:aws:ecr:us-east-1:{OTHER}:repository/app"

    assert await ecr.error(operation, registryId=OTHER, **members) == {
        "__type": "AccessDeniedException",
        "message": f"User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:{operation} on resource: "
        f"{resource} because no resource-based policy allows the ecr:{operation} action",
    }


async def test_naming_the_own_account_changes_nothing(ecr: ECR, repository: str) -> None:
    """Registry ids are mostly given by habit."""
    answer = await ecr("DescribeRepositories", registryId="000000000000")

    assert len(answer["repositories"]) == 1


async def test_a_host_of_another_account_is_denied_on_v2(
    registry: RunningRegistry, ecr: ECR, repository: str
) -> None:
    """The token is for one account, the host for another."""
    async with oci_client(
        registry, await password(ecr), host=f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com"
    ) as client:
        answer = await client.get(f"/v2/{repository}/tags/list")

    assert errors_of(answer) == (
        403,
        "DENIED",
        "User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:ListImages on resource: "
        f"arn:aws:ecr:us-east-1:{OTHER}:repository/app because no resource-based policy allows the ecr:ListImages "
        "action",
    )


async def test_each_region_is_a_registry_of_its_own(registry: RunningRegistry, ecr: ECR, repository: str) -> None:
    """The region of the API is that of the credential scope."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    there = ECR(registry, region="eu-west-1")

    assert await there("DescribeRepositories") == {"repositories": []}
    created = await there("CreateRepository", repositoryName=repository)
    refused = await there.error("PutImage", repositoryName=repository, imageManifest=pushed.text)

    assert created["repository"]["repositoryArn"] == "arn:aws:ecr:eu-west-1:000000000000:repository/app"
    assert refused["__type"] == "LayersNotFoundException"


async def test_the_region_of_v2_is_the_tokens(registry: RunningRegistry, ecr: ECR, repository: str) -> None:
    """A token that was made in a region opens that region's repositories."""
    there = ECR(registry, region="eu-west-1")
    await there("CreateRepository", repositoryName="there")

    async with oci_client(registry, await password(there)) as client:
        found = await client.get("/v2/there/tags/list")
        missing = await client.get(f"/v2/{repository}/tags/list")

    assert (found.status_code, missing.status_code) == (200, 404)


async def test_an_ecr_shaped_host_has_to_agree_with_the_region_signed_for(registry: RunningRegistry) -> None:
    """A request for one region is worth nothing in another."""
    host = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"

    agreed = await ECR(registry, region="eu-west-1", host=host)("DescribeRepositories")
    refused = await ECR(registry, region="us-east-1", host=host).error("DescribeRepositories")

    assert agreed == {"repositories": []}
    assert refused == {
        "__type": "InvalidSignatureException",
        "message": "Credential should be scoped to a valid region.",
    }


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
    ],
)
async def test_arns_are_those_of_the_regions_partition(
    registry: RunningRegistry, region: str, partition: str
) -> None:
    """Clients in other partitions compare them."""
    created = await ECR(registry, region=region)("CreateRepository", repositoryName="app")

    assert created["repository"]["repositoryArn"] == f"arn:{partition}:ecr:{region}:000000000000:repository/app"


@pytest.mark.parametrize("region", ["x" * 26, "US-EAST-1", "us_east_1", "x"])
async def test_a_scope_that_names_no_region_is_refused(registry: RunningRegistry, region: str) -> None:
    """It would be an empty registry of its own, and its ARNs would be none."""
    refused = await ECR(registry, region=region).error("CreateRepository", repositoryName="app")

    assert refused == {
        "__type": "InvalidSignatureException",
        "message": "Credential should be scoped to a valid region.",
    }
