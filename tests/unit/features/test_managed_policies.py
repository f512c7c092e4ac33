"""The managed policies of AWS that are known."""

import json

import pytest

from entrepot.core.policy.document import PolicyKind, parse_policy
from entrepot.features.identity.documents import check_managed_policy
from entrepot.features.identity.managed_policies import AWS_MANAGED_POLICIES, AWSManagedPolicy, find_aws_policy

ALL = list(AWS_MANAGED_POLICIES.values())


def actions(name: str) -> set[str]:
    """Every action that a policy allows."""
    document = json.loads(AWS_MANAGED_POLICIES[name].document)
    return {action for statement in document["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_each_is_a_policy_that_a_customer_could_write(policy: AWSManagedPolicy) -> None:
    """Within the quota, and read by the parser of all others."""
    check_managed_policy(policy.document)

    assert parse_policy(policy.document, PolicyKind.IDENTITY).statements


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"])
@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_each_is_known_in_every_partition(policy: AWSManagedPolicy, partition: str) -> None:
    """By the ARN that AWS gives it there."""
    row = policy.row(partition)

    assert row.arn == f"arn:{partition}:iam::aws:policy/{policy.name}"
    assert find_aws_policy(row.arn) is policy


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws:iam::aws:policy/administratoraccess",
        "arn:aws:iam::aws:policy/service-role/AdministratorAccess",
        "arn:aws:iam::AWS:policy/AdministratorAccess",
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "arn:*:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::*:policy/AdministratorAccess",
        "arn:aws:iam:us-east-1:aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/AdministratorAccess\n",
        "xarn:aws:iam::aws:policy/AdministratorAccess",
        "AdministratorAccess",
        "",
    ],
)
def test_what_is_not_exactly_its_arn_is_not_its_arn(arn: str) -> None:
    """Neither another case, nor a wildcard, nor another account's policy of the name."""
    assert find_aws_policy(arn) is None


def test_to_push_is_to_read_and_four_actions_more() -> None:
    """The difference of PowerUser and ReadOnly."""
    read_only = actions("AmazonEC2ContainerRegistryReadOnly")

    assert actions("AmazonEC2ContainerRegistryPowerUser") - read_only == {
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    }
    assert read_only < actions("AmazonEC2ContainerRegistryPowerUser")


def test_ids_are_distinct_and_of_iams_form() -> None:
    """ANPA and 17 characters, always the same."""
    ids = {policy.id for policy in ALL}

    assert len(ids) == len(ALL)
    assert all(len(one) == 21 and one.startswith("ANPA") for one in ids)
