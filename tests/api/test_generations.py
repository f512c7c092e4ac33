"""Which operations of the ECR API change what decides."""

import json

import httpx
import pytest
from tests.api.clients import ECR, Body

from entrepot.metadata import generation
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT_ID}:repository/app"
TAG = [{"Key": "team", "Value": "a"}]
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
    }
)
REGISTRY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "a",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
                "Action": "ecr:ReplicateImage",
                "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT_ID}:repository/*",
            }
        ],
    }
)

DECIDING: list[tuple[str, Body]] = [
    ("CreateRepository", {"repositoryName": "app", "tags": TAG}),
    ("TagResource", {"resourceArn": ARN, "tags": TAG}),
    ("UntagResource", {"resourceArn": ARN, "tagKeys": ["team"]}),
    ("SetRepositoryPolicy", {"repositoryName": "app", "policyText": POLICY, "force": True}),
    ("DeleteRepositoryPolicy", {"repositoryName": "app"}),
    ("PutRegistryPolicy", {"policyText": REGISTRY_POLICY}),
    ("DeleteRegistryPolicy", {}),
    ("PutAccountSetting", {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"}),
    ("DeleteRepository", {"repositoryName": "app"}),
]


async def test_what_decides_has_a_new_generation(registry: RunningRegistry, ecr: ECR) -> None:
    """With every change, and with each one."""
    read = registry.services.metadata.look_up

    for operation, members in DECIDING:
        before = await read(generation.read)
        await ecr(operation, **members)
        assert await read(generation.read) == before + 1, operation


@pytest.mark.registry(create_on_push=True)
@pytest.mark.parametrize("name", ["plain", "with/policy"])
async def test_a_repository_that_a_push_makes_decides_if_it_has_a_policy(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, name: str
) -> None:
    """By its template; one without policy and tags changes no decision."""
    template = {"prefix": "with", "appliedFor": ["CREATE_ON_PUSH"], "repositoryPolicy": POLICY}
    await ecr("CreateRepositoryCreationTemplate", **template)
    before = await registry.services.metadata.look_up(generation.read)

    answer = await oci.post(f"/v2/{name}/blobs/uploads/")

    assert answer.status_code == 202
    after = await registry.services.metadata.look_up(generation.read)
    assert after - before == (0 if name == "plain" else 1)


async def test_what_decides_nothing_has_none(registry: RunningRegistry, ecr: ECR) -> None:
    """A push does not make every worker read its policies again."""
    await ecr("CreateRepository", repositoryName="app")
    before = await registry.services.metadata.look_up(generation.read)

    await ecr("InitiateLayerUpload", repositoryName="app")
    await ecr("PutImageTagMutability", repositoryName="app", imageTagMutability="IMMUTABLE")
    await ecr("DescribeRepositories")

    assert await registry.services.metadata.look_up(generation.read) == before
