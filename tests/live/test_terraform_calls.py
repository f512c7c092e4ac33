"""The calls that Terraform's AWS provider makes, in its order, as its source has them: a plan, an apply, a destroy."""

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.live.server import ACCOUNT_ID, Server


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    """The error code."""
    return refused.value.response["Error"]["Code"]  # pyright: ignore[reportTypedDictNotRequiredAccess]


def test_the_provider_starts(server: Server) -> None:
    """It asks who it is before anything else, unless it is told not to."""
    sts = server.sts()

    found = sts.get_caller_identity()

    assert (found["Account"], found["Arn"]) == (ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root")


def test_a_repository_with_its_policies_is_applied_and_destroyed(server: Server) -> None:
    """aws_ecr_repository, aws_ecr_repository_policy, aws_ecr_lifecycle_policy."""
    ecr, name = server.ecr(), f"tf/{uuid4().hex[:12]}"
    tags: Any = [{"Key": "team", "Value": "red"}]

    made = ecr.create_repository(
        repositoryName=name,
        tags=tags,
        imageTagMutability="IMMUTABLE",
        encryptionConfiguration={"encryptionType": "AES256"},
        imageScanningConfiguration={"scanOnPush": True},
    )["repository"]
    (read,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert read == made
    assert read.get("encryptionConfiguration") == {"encryptionType": "AES256"}
    arn = made.get("repositoryArn", "")
    assert ecr.list_tags_for_resource(resourceArn=arn).get("tags") == tags
    document = {
        "Version": "2008-10-17",
        "Statement": [
            {"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["ecr:BatchGetImage"]}
        ],
    }
    ecr.set_repository_policy(repositoryName=name, policyText=json.dumps(document))
    assert json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"]) == document
    rules = {
        "rules": [
            {
                "rulePriority": 1,
                "description": "keep ten",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
                "action": {"type": "expire"},
            }
        ]
    }
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(rules))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]) == rules

    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": False})
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "blue"}, {"Key": "new", "Value": ""}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["new"])
    assert ecr.list_tags_for_resource(resourceArn=arn).get("tags") == [{"Key": "team", "Value": "blue"}]

    ecr.delete_lifecycle_policy(repositoryName=name)
    ecr.delete_repository_policy(repositoryName=name)
    ecr.delete_repository(repositoryName=name, registryId=ACCOUNT_ID, force=False)
    with pytest.raises(ClientError) as refused:
        ecr.describe_repositories(repositoryNames=[name], registryId=ACCOUNT_ID)
    assert code(refused) == "RepositoryNotFoundException"


def test_a_role_with_its_policies_is_applied_and_destroyed(server: Server) -> None:
    """aws_iam_role, aws_iam_role_policy, aws_iam_policy, aws_iam_role_policy_attachment."""
    iam, name = server.iam(), f"tf-{uuid4().hex[:12]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    statement = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}

    made = iam.create_role(
        RoleName=name,
        Path="/",
        AssumeRolePolicyDocument=json.dumps(trust),
        MaxSessionDuration=3600,
        Tags=[{"Key": "team", "Value": "red"}],
    )["Role"]
    read = iam.get_role(RoleName=name)["Role"]
    assert (read["Arn"], read["RoleId"]) == (made["Arn"], made["RoleId"])
    assert read.get("AssumeRolePolicyDocument") == trust
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name).get("AttachedPolicies") == []
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(document))
    assert iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"] == document
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"].get("Arn", "")
    version = iam.get_policy(PolicyArn=arn)["Policy"].get("DefaultVersionId", "")
    assert iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"].get("Document") == document
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    with pytest.raises(ClientError) as still_there:
        iam.delete_role(RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    iam.delete_role(RoleName=name)
    iam.list_policy_versions(PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    with pytest.raises(ClientError) as gone:
        iam.get_role(RoleName=name)

    assert (code(still_there), code(gone)) == ("DeleteConflict", "NoSuchEntity")


def test_a_user_with_a_key_is_applied_and_destroyed(server: Server) -> None:
    """aws_iam_user with force_destroy, aws_iam_access_key, aws_iam_user_policy_attachment."""
    iam, name = server.iam(), f"tf-{uuid4().hex[:12]}"
    pull_only = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"

    iam.create_user(UserName=name, Path="/ci/")
    assert iam.get_user(UserName=name)["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/ci/{name}"
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.attach_user_policy(UserName=name, PolicyArn=pull_only)
    (listed,) = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert listed.get("AccessKeyId") == key["AccessKeyId"]
    assert server.ecr_of(key).get_authorization_token()

    iam.detach_user_policy(UserName=name, PolicyArn=pull_only)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert iam.list_groups_for_user(UserName=name)["Groups"] == []
    assert iam.list_ssh_public_keys(UserName=name).get("SSHPublicKeys") == []
    assert iam.list_mfa_devices(UserName=name)["MFADevices"] == []
    assert iam.list_signing_certificates(UserName=name)["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName=name).get("ServiceSpecificCredentials") == []
    with pytest.raises(ClientError) as none:
        iam.delete_login_profile(UserName=name)
    iam.delete_user(UserName=name)

    assert code(none) == "NoSuchEntity"
