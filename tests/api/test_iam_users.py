"""Users of IAM."""

import re

import pytest
from sqlalchemy import Connection, insert
from tests.api.policy_documents import PULL_ONLY, allow, log_in
from tests.api.query_clients import Query, parse

from entrepot.metadata import tables
from entrepot.testing.registry import ACCOUNT_ID, START, RunningRegistry

ARN = f"arn:aws:iam::{ACCOUNT_ID}:user"


async def test_a_user_is_shown_as_it_was_made(iam: Query) -> None:
    """With path, boundary and tags."""
    made = await iam(
        "CreateUser",
        UserName="ann",
        Path="/team/a/",
        PermissionsBoundary=PULL_ONLY,
        Tags=[{"Key": "team", "Value": "a"}],
    )

    user = made["User"]
    assert (await iam("GetUser", UserName="ann")) == made
    assert re.fullmatch("AIDA[A-Z2-7]{17}", user["UserId"])
    assert user["Arn"] == f"{ARN}/team/a/ann"
    assert user["Path"] == "/team/a/"
    assert user["CreateDate"].timestamp() == START // 1_000_000
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == PULL_ONLY
    assert user["Tags"] == [{"Key": "team", "Value": "a"}]


@pytest.mark.parametrize("name", ["ann", "ANN"])
async def test_a_name_is_taken_in_every_case(iam: Query, name: str) -> None:
    """IAM's names are unique whatever their case."""
    await iam("CreateUser", UserName="ann")

    assert await iam.error("CreateUser", UserName=name) == (
        409,
        "EntityAlreadyExists",
        f"User with name {name} already exists.",
    )


async def test_a_user_and_a_role_may_share_a_name(iam: Query) -> None:
    """They have ARNs of their own."""
    await iam("CreateUser", UserName="ann")
    await iam("CreateRole", RoleName="ann", AssumeRolePolicyDocument=TRUST)

    assert (await iam("GetRole", RoleName="ann"))["Role"]["Arn"].endswith(":role/ann")


TRUST = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'


@pytest.mark.parametrize("operation", ["GetUser", "DeleteUser", "UpdateUser", "ListAccessKeys", "ListUserTags"])
@pytest.mark.parametrize("name", ["bob", "Ann"])
async def test_a_user_that_is_not_there_cannot_be_found(iam: Query, operation: str, name: str) -> None:
    """Nor one whose name is written otherwise."""
    await iam("CreateUser", UserName="ann")

    assert await iam.error(operation, UserName=name) == (
        404,
        "NoSuchEntity",
        f"The user with name {name} cannot be found.",
    )


async def test_a_boundary_has_to_be_a_policy(iam: Query) -> None:
    """And then there is no user."""
    missing = f"arn:aws:iam::{ACCOUNT_ID}:policy/missing"

    assert await iam.error("CreateUser", UserName="ann", PermissionsBoundary=missing) == (
        404,
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
    )
    assert (await iam("ListUsers"))["Users"] == []


async def test_a_user_gets_another_name_and_path(iam: Query) -> None:
    """And stays who it is, with its keys and policies."""
    made = await iam("CreateUser", UserName="ann")
    await iam("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=allow("ecr:*"))

    await iam("UpdateUser", UserName="ann", NewUserName="Ann", NewPath="/x/")

    renamed = (await iam("GetUser", UserName="Ann"))["User"]
    assert renamed["UserId"] == made["User"]["UserId"]
    assert renamed["Arn"] == f"{ARN}/x/Ann"
    assert (await iam("ListUserPolicies", UserName="Ann"))["PolicyNames"] == ["p"]
    assert (await iam.error("GetUser", UserName="ann"))[1] == "NoSuchEntity"


async def test_nobody_gets_a_name_that_is_taken(iam: Query) -> None:
    """In whatever case."""
    await iam("CreateUser", UserName="ann")
    await iam("CreateUser", UserName="bob")

    assert await iam.error("UpdateUser", UserName="bob", NewUserName="ANN") == (
        409,
        "EntityAlreadyExists",
        "User with name ANN already exists.",
    )


async def test_a_user_is_deleted_last(iam: Query) -> None:
    """After keys, attached and inline policies; and its name is free for another."""
    first = await iam("CreateUser", UserName="ann")
    key = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]["AccessKeyId"]
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=PULL_ONLY)
    await iam("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=allow("ecr:*"))

    for reason, operation, members in (
        ("must delete access keys first.", "DeleteAccessKey", {"AccessKeyId": key}),
        ("must detach all policies first.", "DetachUserPolicy", {"PolicyArn": PULL_ONLY}),
        ("must delete policies first.", "DeleteUserPolicy", {"PolicyName": "p"}),
    ):
        refusal = await iam.error("DeleteUser", UserName="ann")
        assert refusal == (409, "DeleteConflict", f"Cannot delete entity, {reason}")
        await iam(operation, UserName="ann", **members)
    await iam("DeleteUser", UserName="ann")

    assert (await iam.error("GetUser", UserName="ann"))[1] == "NoSuchEntity"
    second = await iam("CreateUser", UserName="ann")
    assert second["User"]["UserId"] != first["User"]["UserId"]


async def test_users_come_in_pages_by_path_and_name(iam: Query) -> None:
    """Those under a path alone, if one is given."""
    for name, path in (("zoe", "/"), ("bob", "/"), ("ann", "/team/"), ("cid", "/team/b/")):
        await iam("CreateUser", UserName=name, Path=path)

    everybody = await iam.pages("ListUsers", "Users", MaxItems=3)
    team = await iam.pages("ListUsers", "Users", MaxItems=1, PathPrefix="/team/")

    assert [[user["UserName"] for user in page] for page in everybody] == [["bob", "zoe", "ann"], ["cid"]]
    assert [[user["UserName"] for user in page] for page in team] == [["ann"], ["cid"]]


async def test_a_long_path_does_not_end_a_list(iam: Query) -> None:
    """Its next page can be asked for."""
    for number in range(3):
        await iam("CreateUser", UserName=f"u{number}" + "x" * 60, Path="/" + "p" * 500 + "/")

    pages = await iam.pages("ListUsers", "Users", MaxItems=1)

    assert [len(page) for page in pages] == [1, 1, 1]


async def test_a_user_without_a_name_is_the_caller(registry: RunningRegistry, iam: Query) -> None:
    """A user, or the root."""
    ann = await log_in(registry, iam, "ann", allow("iam:GetUser"))

    assert (await ann("GetUser"))["User"]["UserName"] == "ann"
    answer = await iam.send(iam.body("GetUser", {}))
    root = parse(answer, iam.model.operation_model("GetUser").output_shape)["User"]
    assert root["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:root"
    assert root["UserId"] == ACCOUNT_ID
    assert "UserName" not in root


async def test_an_account_has_so_many_users(registry: RunningRegistry, iam: Query) -> None:
    """Five thousand; roles are counted apart."""

    def fill(connection: Connection) -> None:
        rows = [
            {
                "id": f"AIDA{number}",
                "account": ACCOUNT_ID,
                "kind": "user",
                "path": "/",
                "name": f"u{number}",
                "folded_name": f"u{number}",
                "created_at": 0,
                "tags": "{}",
            }
            for number in range(4_999)
        ]
        connection.execute(insert(tables.iam_principals), rows)

    await registry.services.metadata.write(fill)
    await iam("CreateUser", UserName="last")

    assert await iam.error("CreateUser", UserName="more") == (
        409,
        "LimitExceeded",
        "Cannot exceed quota for UsersPerAccount: 5000",
    )
    await iam("CreateRole", RoleName="more", AssumeRolePolicyDocument=TRUST)


@pytest.mark.parametrize(
    ("operation", "listed"),
    [
        ("ListGroupsForUser", "Groups"),
        ("ListSSHPublicKeys", "SSHPublicKeys"),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
        ("ListSigningCertificates", "Certificates"),
        ("ListMFADevices", "MFADevices"),
    ],
)
async def test_what_no_user_has_is_an_empty_list(iam: Query, operation: str, listed: str) -> None:
    """Terraform asks for it before it deletes a user; of a user that is not there nothing is told."""
    await iam("CreateUser", UserName="ann")

    assert (await iam(operation, UserName="ann"))[listed] == []
    assert (await iam.error(operation, UserName="bob"))[1] == "NoSuchEntity"


@pytest.mark.parametrize("operation", ["GetLoginProfile", "DeleteLoginProfile"])
async def test_nobody_has_a_password(iam: Query, operation: str) -> None:
    """There is nothing to use one for."""
    await iam("CreateUser", UserName="ann")

    assert await iam.error(operation, UserName="ann") == (
        404,
        "NoSuchEntity",
        "Login Profile for User ann cannot be found.",
    )
