"""IAM on the wire: every action, as botocore writes it and reads it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from tests.api.query_clients import Query, error_of, model_of

from entrepot.core.clock import SECOND
from entrepot.fronts.iam.front import HANDLERS, IAM
from entrepot.protocol.iam import extensions
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
PULL = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
OWN = f"arn:aws:iam::{ACCOUNT_ID}:policy/team/own"
SPARE = f"arn:aws:iam::{ACCOUNT_ID}:policy/spare"
PROVIDER = f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/token.example.com"
THUMBPRINT = "0" * 40
DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}],
    }
)
TAGS = [{"Key": "team", "Value": "blue"}]


@dataclass
class Stage:
    """An account with something of everything; ``key`` is the id of ann's access key."""

    iam: Query
    key: str


@pytest.fixture
def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key."""
    return Query(registry, "iam")


@pytest.fixture
async def stage(iam: Query) -> Stage:
    """Ann and the role deployer, who have a policy of each sort; bob and the role idle, who have none."""
    await iam(
        "CreatePolicy", PolicyName="own", Path="/team/", PolicyDocument=DOCUMENT, Description="ours", Tags=TAGS
    )
    await iam("CreatePolicyVersion", PolicyArn=OWN, PolicyDocument=DOCUMENT, SetAsDefault=True)
    await iam("CreatePolicy", PolicyName="spare", PolicyDocument=DOCUMENT)
    await iam("CreateUser", UserName="ann", Path="/team/", PermissionsBoundary=OWN, Tags=TAGS)
    await iam("CreateUser", UserName="bob")
    await iam("PutUserPolicy", UserName="ann", PolicyName="inline", PolicyDocument=DOCUMENT)
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=PULL)
    await iam(
        "CreateRole",
        RoleName="deployer",
        Path="/team/",
        AssumeRolePolicyDocument=TRUST,
        Description="deploys",
        MaxSessionDuration=7200,
        PermissionsBoundary=OWN,
        Tags=TAGS,
    )
    await iam("CreateRole", RoleName="idle", AssumeRolePolicyDocument=TRUST)
    await iam("PutRolePolicy", RoleName="deployer", PolicyName="inline", PolicyDocument=DOCUMENT)
    await iam("AttachRolePolicy", RoleName="deployer", PolicyArn=OWN)
    await iam(
        "CreateOpenIDConnectProvider",
        Url="https://token.example.com",
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=[THUMBPRINT],
        Tags=TAGS,
    )
    key = await iam("CreateAccessKey", UserName="ann")
    return Stage(iam, key["AccessKey"]["AccessKeyId"])


#: A call of every action that succeeds on the stage, and something that its answer holds.
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AddClientIDToOpenIDConnectProvider": ({"OpenIDConnectProviderArn": PROVIDER, "ClientID": "another"}, {}),
    "AttachRolePolicy": ({"RoleName": "idle", "PolicyArn": PULL}, {}),
    "AttachUserPolicy": ({"UserName": "bob", "PolicyArn": OWN}, {}),
    "CreateAccessKey": ({"UserName": "bob"}, {}),
    "CreateOpenIDConnectProvider": (
        {"Url": "https://other.example.com/tenant", "ClientIDList": ["us"], "Tags": TAGS},
        {
            "OpenIDConnectProviderArn": f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/other.example.com/tenant",
            "Tags": TAGS,
        },
    ),
    "CreatePolicy": ({"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": TAGS}, {}),
    "CreatePolicyVersion": ({"PolicyArn": OWN, "PolicyDocument": DOCUMENT}, {}),
    "CreateRole": ({"RoleName": "new", "AssumeRolePolicyDocument": TRUST, "Tags": TAGS}, {}),
    "CreateUser": ({"UserName": "new", "PermissionsBoundary": OWN, "Tags": TAGS}, {}),
    "DeleteAccessKey": ({"UserName": "ann", "AccessKeyId": "KEY"}, {}),
    "DeleteOpenIDConnectProvider": ({"OpenIDConnectProviderArn": PROVIDER}, {}),
    "DeletePolicy": ({"PolicyArn": SPARE}, {}),
    "DeletePolicyVersion": ({"PolicyArn": OWN, "VersionId": "v1"}, {}),
    "DeleteRole": ({"RoleName": "idle"}, {}),
    "DeleteRolePermissionsBoundary": ({"RoleName": "deployer"}, {}),
    "DeleteRolePolicy": ({"RoleName": "deployer", "PolicyName": "inline"}, {}),
    "DeleteUser": ({"UserName": "bob"}, {}),
    "DeleteUserPermissionsBoundary": ({"UserName": "ann"}, {}),
    "DeleteUserPolicy": ({"UserName": "ann", "PolicyName": "inline"}, {}),
    "DetachRolePolicy": ({"RoleName": "deployer", "PolicyArn": OWN}, {}),
    "DetachUserPolicy": ({"UserName": "ann", "PolicyArn": PULL}, {}),
    "GetAccessKeyLastUsed": (
        {"AccessKeyId": "KEY"},
        {"UserName": "ann", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}},
    ),
    "GetAccountAuthorizationDetails": ({}, {"GroupDetailList": [], "IsTruncated": False}),
    "GetOpenIDConnectProvider": (
        {"OpenIDConnectProviderArn": PROVIDER},
        {"Url": "token.example.com", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": [THUMBPRINT]},
    ),
    "GetPolicy": ({"PolicyArn": OWN}, {}),
    "GetPolicyVersion": ({"PolicyArn": OWN, "VersionId": "v2"}, {}),
    "GetRole": ({"RoleName": "deployer"}, {}),
    "GetRolePolicy": ({"RoleName": "deployer", "PolicyName": "inline"}, {"RoleName": "deployer"}),
    "GetUser": ({"UserName": "ann"}, {}),
    "GetUserPolicy": ({"UserName": "ann", "PolicyName": "inline"}, {"UserName": "ann"}),
    "ListAccessKeys": ({"UserName": "ann"}, {"IsTruncated": False}),
    "ListAttachedRolePolicies": (
        {"RoleName": "deployer"},
        {"AttachedPolicies": [{"PolicyName": "own", "PolicyArn": OWN}]},
    ),
    "ListAttachedUserPolicies": (
        {"UserName": "ann", "PathPrefix": "/"},
        {"AttachedPolicies": [{"PolicyName": "AmazonEC2ContainerRegistryReadOnly", "PolicyArn": PULL}]},
    ),
    "ListEntitiesForPolicy": ({"PolicyArn": PULL}, {"PolicyGroups": [], "PolicyRoles": []}),
    "ListGroupsForUser": ({"UserName": "ann"}, {"Groups": []}),
    "ListInstanceProfilesForRole": ({"RoleName": "deployer"}, {"InstanceProfiles": []}),
    "ListMFADevices": ({"UserName": "ann"}, {"MFADevices": []}),
    "ListOpenIDConnectProviderTags": ({"OpenIDConnectProviderArn": PROVIDER}, {"Tags": TAGS}),
    "ListOpenIDConnectProviders": ({}, {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]}),
    "ListPolicies": ({"Scope": "Local", "OnlyAttached": False}, {"IsTruncated": False}),
    "ListPolicyTags": ({"PolicyArn": OWN}, {"Tags": TAGS}),
    "ListPolicyVersions": ({"PolicyArn": OWN}, {}),
    "ListRolePolicies": ({"RoleName": "deployer"}, {"PolicyNames": ["inline"], "IsTruncated": False}),
    "ListRoleTags": ({"RoleName": "deployer"}, {"Tags": TAGS}),
    "ListRoles": ({"PathPrefix": "/"}, {"IsTruncated": False}),
    "ListSSHPublicKeys": ({"UserName": "ann"}, {"SSHPublicKeys": []}),
    "ListServiceSpecificCredentials": ({"UserName": "ann"}, {"ServiceSpecificCredentials": []}),
    "ListSigningCertificates": ({"UserName": "ann"}, {"Certificates": []}),
    "ListUserPolicies": ({"UserName": "ann"}, {"PolicyNames": ["inline"], "IsTruncated": False}),
    "ListUserTags": ({"UserName": "ann"}, {"Tags": TAGS}),
    "ListUsers": ({"PathPrefix": "/"}, {"IsTruncated": False}),
    "ListVirtualMFADevices": ({}, {"VirtualMFADevices": []}),
    "PutRolePermissionsBoundary": ({"RoleName": "idle", "PermissionsBoundary": OWN}, {}),
    "PutRolePolicy": ({"RoleName": "idle", "PolicyName": "new", "PolicyDocument": DOCUMENT}, {}),
    "PutUserPermissionsBoundary": ({"UserName": "bob", "PermissionsBoundary": OWN}, {}),
    "PutUserPolicy": ({"UserName": "bob", "PolicyName": "new", "PolicyDocument": DOCUMENT}, {}),
    "RemoveClientIDFromOpenIDConnectProvider": (
        {"OpenIDConnectProviderArn": PROVIDER, "ClientID": "sts.amazonaws.com"},
        {},
    ),
    "SetDefaultPolicyVersion": ({"PolicyArn": OWN, "VersionId": "v1"}, {}),
    "TagOpenIDConnectProvider": ({"OpenIDConnectProviderArn": PROVIDER, "Tags": TAGS}, {}),
    "TagPolicy": ({"PolicyArn": SPARE, "Tags": TAGS}, {}),
    "TagRole": ({"RoleName": "idle", "Tags": TAGS}, {}),
    "TagUser": ({"UserName": "bob", "Tags": TAGS}, {}),
    "UntagOpenIDConnectProvider": ({"OpenIDConnectProviderArn": PROVIDER, "TagKeys": ["team"]}, {}),
    "UntagPolicy": ({"PolicyArn": OWN, "TagKeys": ["team"]}, {}),
    "UntagRole": ({"RoleName": "deployer", "TagKeys": ["team"]}, {}),
    "UntagUser": ({"UserName": "ann", "TagKeys": ["team"]}, {}),
    "UpdateAccessKey": ({"UserName": "ann", "AccessKeyId": "KEY", "Status": "Inactive"}, {}),
    "UpdateAssumeRolePolicy": ({"RoleName": "idle", "PolicyDocument": TRUST}, {}),
    "UpdateOpenIDConnectProviderThumbprint": (
        {"OpenIDConnectProviderArn": PROVIDER, "ThumbprintList": ["f" * 40]},
        {},
    ),
    "UpdateRole": ({"RoleName": "idle", "Description": "waits", "MaxSessionDuration": 3600}, {}),
    "UpdateRoleDescription": ({"RoleName": "idle", "Description": "waits"}, {}),
    "UpdateUser": ({"UserName": "bob", "NewUserName": "rob"}, {}),
}

#: The same of those that refuse whatever is asked: nobody has a password.
ABSENT = {"DeleteLoginProfile", "GetLoginProfile"}
#: Actions that AWS's IAM does not have.
OURS = {"CreateAccount", "DeleteAccount", "ExplainDecision", "ListAccounts"}


def test_every_action_is_called_here() -> None:
    """One that is built has a call that succeeds, and an input."""
    assert CALLS.keys() | ABSENT | OURS == HANDLERS.keys() == IAM.inputs.keys()
    assert extensions.INPUTS.keys() - set(model_of("iam").operation_names) == OURS


@pytest.mark.parametrize("action", sorted(CALLS))
async def test_an_action_answers_as_the_model_says(stage: Stage, action: str) -> None:
    """No member that the model does not have, none missing that it requires: the client looks at each answer."""
    members, expected = CALLS[action]
    sent = {name: stage.key if value == "KEY" else value for name, value in members.items()}

    answer = await stage.iam(action, **sent)

    assert {name: answer.get(name) for name in expected} == expected


@pytest.mark.parametrize("action", sorted(ABSENT))
async def test_nobody_has_a_password(stage: Stage, action: str) -> None:
    """Which Terraform wants to know before it deletes a user."""
    assert await stage.iam.error(action, UserName="ann") == (
        404,
        "NoSuchEntity",
        "Login Profile for User ann cannot be found.",
    )


def without_dates(found: dict[str, Any]) -> dict[str, Any]:
    """What is told of something, without ids and times."""
    return {
        key: value for key, value in found.items() if not key.endswith(("Id", "Date")) or key == "DefaultVersionId"
    }


async def test_a_user_shows_its_boundary_and_tags(stage: Stage) -> None:
    """Where it is asked for by name, and not in a list."""
    shown = (await stage.iam("GetUser", UserName="ann"))["User"]
    listed = (await stage.iam("ListUsers", PathPrefix="/team/"))["Users"]

    plain = {"Path": "/team/", "UserName": "ann", "Arn": f"arn:aws:iam::{ACCOUNT_ID}:user/team/ann"}
    boundary = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": OWN}
    assert without_dates(shown) == {**plain, "PermissionsBoundary": boundary, "Tags": TAGS}
    assert [without_dates(one) for one in listed] == [plain]
    assert shown["UserId"] == listed[0]["UserId"]


async def test_a_role_shows_whom_it_trusts(stage: Stage) -> None:
    """Its documents are percent-encoded, as SDKs expect them."""
    shown = (await stage.iam("GetRole", RoleName="deployer"))["Role"]

    assert unquote(shown.pop("AssumeRolePolicyDocument")) == json.dumps(json.loads(TRUST), separators=(",", ":"))
    assert without_dates(shown) == {
        "Path": "/team/",
        "RoleName": "deployer",
        "Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/team/deployer",
        "Description": "deploys",
        "MaxSessionDuration": 7200,
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": OWN,
        },
        "Tags": TAGS,
    }


async def test_a_policy_shows_who_has_it(stage: Stage) -> None:
    """How many have it attached, and how many as their boundary; then who."""
    shown = (await stage.iam("GetPolicy", PolicyArn=OWN))["Policy"]
    held = await stage.iam("ListEntitiesForPolicy", PolicyArn=OWN)
    bounded = await stage.iam("ListEntitiesForPolicy", PolicyArn=OWN, EntityFilter="User")
    groups = await stage.iam("ListEntitiesForPolicy", PolicyArn=OWN, EntityFilter="Group")

    assert without_dates(shown) == {
        "PolicyName": "own",
        "Arn": OWN,
        "Path": "/team/",
        "DefaultVersionId": "v2",
        "AttachmentCount": 1,
        "PermissionsBoundaryUsageCount": 2,
        "IsAttachable": True,
        "Description": "ours",
        "Tags": TAGS,
    }
    assert [one["UserName"] for one in held["PolicyUsers"]] == ["ann"]
    assert [one["RoleName"] for one in held["PolicyRoles"]] == ["deployer"]
    assert ([one["UserName"] for one in bounded["PolicyUsers"]], bounded["PolicyRoles"]) == (["ann"], [])
    assert (groups["PolicyUsers"], groups["PolicyRoles"]) == ([], [])


async def test_the_versions_of_a_policy_come_with_their_documents(stage: Stage) -> None:
    """One by one."""
    versions = (await stage.iam("ListPolicyVersions", PolicyArn=OWN))["Versions"]
    second = (await stage.iam("GetPolicyVersion", PolicyArn=OWN, VersionId="v2"))["PolicyVersion"]

    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v2", True), ("v1", False)]
    assert unquote(second["Document"]) == DOCUMENT


async def test_the_whole_account_can_be_read_at_once(stage: Stage) -> None:
    """Users, roles and policies with all that belongs to them; or one sort of them."""
    everything = await stage.iam("GetAccountAuthorizationDetails")
    roles = await stage.iam("GetAccountAuthorizationDetails", Filter=["Role", "Group"])

    ann, bob = sorted(everything["UserDetailList"], key=lambda one: one["UserName"])
    assert [unquote(one["PolicyDocument"]) for one in ann["UserPolicyList"]] == [DOCUMENT]
    assert [one["PolicyArn"] for one in ann["AttachedManagedPolicies"]] == [PULL]
    assert (bob["UserPolicyList"], bob["AttachedManagedPolicies"]) == ([], [])
    assert {one["RoleName"] for one in everything["RoleDetailList"]} == {"deployer", "idle"}
    own = next(one for one in everything["Policies"] if one["Arn"] == OWN)
    assert [unquote(one["Document"]) for one in own["PolicyVersionList"]] == [DOCUMENT] * 2
    assert (roles["UserDetailList"], roles["Policies"]) == ([], [])
    assert len(roles["RoleDetailList"]) == 2


async def test_a_secret_is_shown_once(registry: RunningRegistry, iam: Query) -> None:
    """When its key is made; it works, and what was last done with it can be read."""
    await iam("CreateUser", UserName="ann")
    made = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]
    registry.clock.advance(SECOND)

    await Query(registry, "sts", made)("GetCallerIdentity")
    [listed] = (await iam("ListAccessKeys", UserName="ann"))["AccessKeyMetadata"]
    used = (await iam("GetAccessKeyLastUsed", AccessKeyId=made["AccessKeyId"]))["AccessKeyLastUsed"]

    assert "SecretAccessKey" not in listed
    assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1")
    assert used["LastUsedDate"].timestamp() * SECOND == registry.clock()


async def test_a_root_is_shown_without_a_name(iam: Query) -> None:
    """As at AWS, though the model requires one."""
    answer = await iam.send(iam.body("GetUser", {}))

    found = {one.tag.rpartition("}")[2]: one.text for one in ET.fromstring(answer.content).iter()}
    assert (found["Arn"], found["UserId"]) == (ROOT, ACCOUNT_ID)
    assert "UserName" not in found


@pytest.mark.parametrize(
    ("action", "member", "key", "expected"),
    [
        ("ListUsers", "Users", "UserName", ["bob", "ann"]),
        ("ListRoles", "Roles", "RoleName", ["idle", "deployer"]),
        ("ListPolicies", "Policies", "PolicyName", ["spare", "own"]),
    ],
)
async def test_lists_come_in_pages(stage: Stage, action: str, member: str, key: str, expected: list[str]) -> None:
    """By MaxItems and Marker, to the end."""
    more = {"Scope": "Local"} if action == "ListPolicies" else {}

    pages = await stage.iam.pages(action, member, MaxItems=1, **more)

    assert [[one[key] for one in page] for page in pages] == [[name] for name in expected]


async def test_a_marker_belongs_to_its_list(stage: Stage) -> None:
    """To the same filters and to the same account; one that we did not make is none."""
    marker = (await stage.iam("ListUsers", MaxItems=1))["Marker"]

    for action, members in (
        ("ListRoles", {"Marker": marker}),
        ("ListUsers", {"Marker": marker, "PathPrefix": "/team/"}),
        ("ListUsers", {"Marker": "invented"}),
    ):
        status, code, _ = await stage.iam.error(action, **members)
        assert (status, code) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("action", "members", "expected"),
    [
        (
            "GetUser",
            {"UserName": "eve"},
            (404, "NoSuchEntity", "The user with name eve cannot be found."),
        ),
        (
            "CreateUser",
            {"UserName": "Ann"},
            (409, "EntityAlreadyExists", "User with name Ann already exists."),
        ),
        (
            "DeleteUser",
            {"UserName": "ann"},
            (409, "DeleteConflict", "Cannot delete entity, must delete access keys first."),
        ),
        (
            "CreateUser",
            {"UserName": "a b"},
            (
                400,
                "ValidationError",
                "1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: [\\w+=,.@-]+",
            ),
        ),
        (
            "UpdateAccessKey",
            {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "Status": "Expired"},
            (400, "InvalidInput", "An access key can be made Active or Inactive"),
        ),
    ],
)
async def test_an_error_has_iams_code_and_status(
    stage: Stage, action: str, members: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """By which SDKs make exceptions of it."""
    assert await stage.iam.error(action, **members) == expected


async def test_a_malformed_policy_is_refused_with_the_place(iam: Query) -> None:
    """When it is written, not when it has to decide."""
    status, code, message = await iam.error(
        "CreatePolicy", PolicyName="broken", PolicyDocument=DOCUMENT.replace('"Effect"', '"effect"')
    )

    assert (status, code) == (400, "MalformedPolicyDocument")
    assert "Statement[0]" in message


async def test_who_may_not_is_told_so(registry: RunningRegistry, stage: Stage) -> None:
    """In AWS's words."""
    key = (await stage.iam("CreateAccessKey", UserName="bob"))["AccessKey"]
    registry.clock.advance(SECOND)

    status, code, message = await Query(registry, "iam", key).error("ListUsers")

    assert (status, code) == (403, "AccessDenied")
    assert message.startswith(
        f"User: arn:aws:iam::{ACCOUNT_ID}:user/bob is not authorized to perform: iam:ListUsers"
    )


def texts(found: Iterable[ET.Element], name: str) -> list[str]:
    """The texts of all elements of this name."""
    return [one.text or "" for one in found if one.tag.endswith(f"}}{name}")]


async def test_accounts_are_made_listed_and_deleted(registry: RunningRegistry, iam: Query) -> None:
    """Actions of our own, by the root of the registry's account."""

    async def ask(form: str, by: Query = iam) -> list[ET.Element]:
        answer = await by.send(f"{form}&Version=2010-05-08".encode())
        assert answer.status_code == 200, answer.text
        return list(ET.fromstring(answer.content).iter())

    made = await ask("Action=CreateAccount&Account=111111111111")
    await ask("Action=CreateAccount&Account=222222222222")
    registry.clock.advance(SECOND)
    names = ("AccessKeyId", "SecretAccessKey")
    theirs = Query(registry, "iam", {name: texts(made, name)[0] for name in names})
    first = await ask("Action=ListAccounts&MaxItems=1")
    second = await ask(f"Action=ListAccounts&MaxItems=1&Marker={texts(first, 'Marker')[0]}")

    assert texts(made, "Arn") == ["arn:aws:iam::111111111111:root"]
    assert texts(first, "Id") + texts(second, "Id") == ["111111111111", "222222222222"]
    assert texts(second, "IsTruncated") == ["false"]
    refused = error_of(await theirs.send(b"Action=ListAccounts&Version=2010-05-08"))
    assert refused[:2] == (403, "AccessDenied")
    await ask("Action=DeleteAccount&Account=222222222222")
    assert texts(await ask("Action=ListAccounts"), "Id") == ["111111111111"]
