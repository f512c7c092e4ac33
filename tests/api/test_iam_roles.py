"""Roles of IAM."""

import json
import re
from urllib.parse import unquote

import pytest
from tests.api.policy_documents import PULL_ONLY, allow, trust
from tests.api.query_clients import Query

from entrepot.testing.registry import ACCOUNT_ID


async def test_a_role_is_shown_as_it_was_made(iam: Query) -> None:
    """With its trust policy, its description and the length of its sessions."""
    made = await iam(
        "CreateRole",
        RoleName="deployer",
        Path="/ci/",
        AssumeRolePolicyDocument=trust(),
        Description="Deploys",
        MaxSessionDuration=7200,
        PermissionsBoundary=PULL_ONLY,
        Tags=[{"Key": "a", "Value": ""}],
    )

    role = made["Role"]
    assert (await iam("GetRole", RoleName="deployer")) == made
    assert re.fullmatch("AROA[A-Z2-7]{17}", role["RoleId"])
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:role/ci/deployer"
    assert shown(role["AssumeRolePolicyDocument"]) == json.loads(trust())
    assert (role["Description"], role["MaxSessionDuration"]) == ("Deploys", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == PULL_ONLY
    assert role["Tags"] == [{"Key": "a", "Value": ""}]


def shown(policy: object) -> object:
    """A policy as an answer has it: text, in percents or read already."""
    return json.loads(unquote(policy)) if isinstance(policy, str) else policy


async def test_a_session_lasts_an_hour_unless_more_is_said(iam: Query) -> None:
    """IAM's default."""
    made = await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())

    assert made["Role"]["MaxSessionDuration"] == 3600


async def test_an_update_changes_what_it_gives(iam: Query) -> None:
    """And leaves the rest."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust(), Description="Deploys")

    await iam("UpdateRole", RoleName="deployer", MaxSessionDuration=43200)
    once = (await iam("GetRole", RoleName="deployer"))["Role"]
    await iam("UpdateRole", RoleName="deployer", Description="")
    twice = (await iam("GetRole", RoleName="deployer"))["Role"]
    described = await iam("UpdateRoleDescription", RoleName="deployer", Description="Still deploys")

    assert (once["MaxSessionDuration"], once["Description"]) == (43200, "Deploys")
    assert (twice["MaxSessionDuration"], twice["Description"]) == (43200, "")
    assert described["Role"]["Description"] == "Still deploys"


async def test_a_trust_policy_is_replaced(iam: Query) -> None:
    """As a whole."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())

    await iam("UpdateAssumeRolePolicy", RoleName="deployer", PolicyDocument=trust("111122223333"))

    role = (await iam("GetRole", RoleName="deployer"))["Role"]
    assert shown(role["AssumeRolePolicyDocument"]) == json.loads(trust("111122223333"))


@pytest.mark.parametrize("document", ["{}", allow("sts:AssumeRole"), trust().replace("sts:AssumeRole", "ecr:*")])
async def test_what_is_no_trust_policy_is_refused(iam: Query, document: str) -> None:
    """When a role is made and when it is changed."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())

    made = await iam.error("CreateRole", RoleName="other", AssumeRolePolicyDocument=document)
    changed = await iam.error("UpdateAssumeRolePolicy", RoleName="deployer", PolicyDocument=document)

    assert made[:2] == changed[:2] == (400, "MalformedPolicyDocument")


async def test_a_role_is_deleted_after_its_policies(iam: Query) -> None:
    """As a user is."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())
    await iam("AttachRolePolicy", RoleName="deployer", PolicyArn=PULL_ONLY)

    assert await iam.error("DeleteRole", RoleName="deployer") == (
        409,
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    await iam("DetachRolePolicy", RoleName="deployer", PolicyArn=PULL_ONLY)
    await iam("DeleteRole", RoleName="deployer")

    assert await iam.error("GetRole", RoleName="deployer") == (
        404,
        "NoSuchEntity",
        "The role with name deployer cannot be found.",
    )


async def test_roles_are_listed_without_users(iam: Query) -> None:
    """In pages, by path and name."""
    for name in ("b", "c", "a"):
        await iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust())
        await iam("CreateUser", UserName=name)

    pages = await iam.pages("ListRoles", "Roles", MaxItems=2)

    assert [[role["RoleName"] for role in page] for page in pages] == [["a", "b"], ["c"]]


async def test_a_role_has_no_instance_profiles(iam: Query) -> None:
    """Terraform asks before it deletes one."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())

    assert (await iam("ListInstanceProfilesForRole", RoleName="deployer"))["InstanceProfiles"] == []
