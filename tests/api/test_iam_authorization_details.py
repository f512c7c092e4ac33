"""GetAccountAuthorizationDetails: an account as a whole."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from tests.api.policy_documents import PULL_ONLY, allow, trust
from tests.api.query_clients import Query

from entrepot.testing.registry import ACCOUNT_ID

PUSH = f"arn:aws:iam::{ACCOUNT_ID}:policy/push"
LISTS = ("UserDetailList", "RoleDetailList", "Policies")


@pytest.fixture
async def account(iam: Query) -> Query:
    """An account with some of everything."""
    await iam("CreatePolicy", PolicyName="push", PolicyDocument=allow("ecr:PutImage"))
    await iam("CreatePolicyVersion", PolicyArn=PUSH, PolicyDocument=allow("ecr:*"))
    for name in ("ann", "bob"):
        await iam("CreateUser", UserName=name, Tags=[{"Key": "name", "Value": name}])
        await iam("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=allow("ecr:ListImages"))
        await iam("AttachUserPolicy", UserName=name, PolicyArn=PUSH)
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust())
    await iam("AttachRolePolicy", RoleName="deployer", PolicyArn=PULL_ONLY)
    return iam


async def test_everything_of_an_account_is_shown(account: Query) -> None:
    """Users and roles with their policies, policies with their versions, of AWS's those that somebody has."""
    details = await account("GetAccountAuthorizationDetails")

    assert names(details) == ["ann", "bob", "deployer", "push", "AmazonEC2ContainerRegistryPullOnly"]
    ann = details["UserDetailList"][0]
    assert [policy["PolicyName"] for policy in ann["UserPolicyList"]] == ["own"]
    assert ann["AttachedManagedPolicies"] == [{"PolicyName": "push", "PolicyArn": PUSH}]
    assert ann["Tags"] == [{"Key": "name", "Value": "ann"}]
    push = details["Policies"][0]
    assert push["AttachmentCount"] == 2
    versions = {one["VersionId"]: shown(one["Document"]) for one in push["PolicyVersionList"]}
    assert versions == {"v1": json.loads(allow("ecr:PutImage")), "v2": json.loads(allow("ecr:*"))}


def shown(policy: object) -> object:
    """A policy as an answer has it: text, in percents or read already."""
    return json.loads(unquote(policy)) if isinstance(policy, str) else policy


def names(details: dict[str, Any]) -> list[str]:
    """The names of everything in an answer."""
    found = [one for name in LISTS for one in details.get(name, [])]
    return [one.get("UserName") or one.get("RoleName") or one["PolicyName"] for one in found]


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_hold_everything_once(account: Query, size: int) -> None:
    """However large they are."""
    found: list[str] = []
    marker: dict[str, object] = {}
    while True:
        details = await account("GetAccountAuthorizationDetails", MaxItems=size, **marker)
        assert 1 <= len(names(details)) <= size
        found += names(details)
        if not details["IsTruncated"]:
            break
        marker = {"Marker": details["Marker"]}

    assert found == ["ann", "bob", "deployer", "push", "AmazonEC2ContainerRegistryPullOnly"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("User", ["ann", "bob"]),
        ("Role", ["deployer"]),
        ("LocalManagedPolicy", ["push"]),
        ("AWSManagedPolicy", ["AmazonEC2ContainerRegistryPullOnly"]),
    ],
)
async def test_one_sort_alone_may_be_asked_for(account: Query, kind: str, expected: list[str]) -> None:
    """By the filter."""
    assert names(await account("GetAccountAuthorizationDetails", Filter=[kind])) == expected
