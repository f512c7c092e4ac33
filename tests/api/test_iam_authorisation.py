"""Who may call IAM: every operation asks, on the ARN that AWS asks on."""

from collections.abc import Mapping

import pytest
from tests.api.policy_documents import PULL_ONLY, allow, document, log_in, trust
from tests.api.query_clients import Query

from entrepot.fronts.iam.front import HANDLERS
from entrepot.metadata import generation
from entrepot.protocol.iam.extensions import INPUTS as EXTENSIONS
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

USERS = f"arn:aws:iam::{ACCOUNT_ID}:user"
PUSH = f"arn:aws:iam::{ACCOUNT_ID}:policy/push"
ISSUER = f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/issuer.example"

#: The actions of the service model that are built.
ACTIONS = sorted(HANDLERS.keys() - (EXTENSIONS.keys() - {"CreateOpenIDConnectProvider"}))
#: What each member that an operation needs may be, of things that nobody has made.
SAMPLES: Mapping[str, object] = {
    "UserName": "nobody",
    "RoleName": "nobody",
    "PolicyName": "nothing",
    "PolicyArn": f"arn:aws:iam::{ACCOUNT_ID}:policy/nothing",
    "PolicyDocument": allow("ecr:*"),
    "AssumeRolePolicyDocument": trust(),
    "PermissionsBoundary": PULL_ONLY,
    "AccessKeyId": "AKIANOBODYSACCESSKEY",
    "Status": "Inactive",
    "VersionId": "v1",
    "OpenIDConnectProviderArn": f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/nothing.example",
    "Url": "https://nothing.example",
    "ClientID": "nobody",
    "ThumbprintList": ["a" * 40],
    "Tags": [{"Key": "a", "Value": "b"}],
    "TagKeys": ["a"],
    "Description": "",
    "PolicySourceArn": f"{USERS}/nobody",
    "ActionNames": ["ecr:PutImage"],
    "PolicyInputList": [allow("ecr:*")],
}


def sample(iam: Query, action: str) -> dict[str, object]:
    """The least that an operation can be called with."""
    shape = iam.model.operation_model(action).input_shape
    samples = {**SAMPLES, "PolicyDocument": trust()} if action == "UpdateAssumeRolePolicy" else SAMPLES
    return {name: samples[name] for name in shape.required_members} if shape is not None else {}


@pytest.mark.parametrize("action", ACTIONS)
async def test_who_has_no_policy_may_do_nothing(registry: RunningRegistry, iam: Query, action: str) -> None:
    """And does not learn whether what is asked about is there."""
    nobody = await log_in(registry, iam, "bob")

    status, code, message = await nobody.error(action, **sample(iam, action))

    assert (status, code) == (403, "AccessDenied")
    assert message.startswith(f"User: {USERS}/bob is not authorized to perform: iam:{action} on resource: ")


#: Every change, in an order in which each succeeds.
CHANGES: list[tuple[str, dict[str, object]]] = [
    ("CreateUser", {"UserName": "ann"}),
    ("UpdateUser", {"UserName": "ann", "NewPath": "/x/"}),
    ("TagUser", {"UserName": "ann", "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UntagUser", {"UserName": "ann", "TagKeys": ["a"]}),
    ("CreateRole", {"RoleName": "ann", "AssumeRolePolicyDocument": trust()}),
    ("UpdateRole", {"RoleName": "ann", "MaxSessionDuration": 7200}),
    ("UpdateRoleDescription", {"RoleName": "ann", "Description": "x"}),
    ("UpdateAssumeRolePolicy", {"RoleName": "ann", "PolicyDocument": trust("111122223333")}),
    ("TagRole", {"RoleName": "ann", "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UntagRole", {"RoleName": "ann", "TagKeys": ["a"]}),
    ("CreatePolicy", {"PolicyName": "push", "PolicyDocument": allow("ecr:*")}),
    ("CreatePolicyVersion", {"PolicyArn": PUSH, "PolicyDocument": allow("ecr:PutImage")}),
    ("SetDefaultPolicyVersion", {"PolicyArn": PUSH, "VersionId": "v2"}),
    ("DeletePolicyVersion", {"PolicyArn": PUSH, "VersionId": "v1"}),
    ("TagPolicy", {"PolicyArn": PUSH, "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UntagPolicy", {"PolicyArn": PUSH, "TagKeys": ["a"]}),
    *(
        (operation, {f"{kind}Name": "ann", **members})
        for kind in ("User", "Role")
        for operation, members in (
            (f"Attach{kind}Policy", {"PolicyArn": PUSH}),
            (f"Detach{kind}Policy", {"PolicyArn": PUSH}),
            (f"Put{kind}Policy", {"PolicyName": "own", "PolicyDocument": allow("ecr:*")}),
            (f"Delete{kind}Policy", {"PolicyName": "own"}),
            (f"Put{kind}PermissionsBoundary", {"PermissionsBoundary": PUSH}),
            (f"Delete{kind}PermissionsBoundary", {}),
        )
    ),
    ("DeletePolicy", {"PolicyArn": PUSH}),
    ("DeleteUser", {"UserName": "ann"}),
    ("DeleteRole", {"RoleName": "ann"}),
    ("CreateOpenIDConnectProvider", {"Url": "https://issuer.example"}),
    ("AddClientIDToOpenIDConnectProvider", {"OpenIDConnectProviderArn": ISSUER, "ClientID": "a"}),
    ("RemoveClientIDFromOpenIDConnectProvider", {"OpenIDConnectProviderArn": ISSUER, "ClientID": "a"}),
    ("UpdateOpenIDConnectProviderThumbprint", {"OpenIDConnectProviderArn": ISSUER, "ThumbprintList": ["a" * 40]}),
    ("TagOpenIDConnectProvider", {"OpenIDConnectProviderArn": ISSUER, "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UntagOpenIDConnectProvider", {"OpenIDConnectProviderArn": ISSUER, "TagKeys": ["a"]}),
    ("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": ISSUER}),
]
#: Those that are about keys, which the others do not know beforehand; and one that never succeeds.
CHANGES_OF_KEYS = {"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"}
NEVER = {"DeleteLoginProfile"}


async def test_every_change_has_a_generation_of_its_own(registry: RunningRegistry, iam: Query) -> None:
    """So every worker hears of it; what only reads makes none."""
    read = registry.services.metadata.look_up
    readings = {action for action in ACTIONS if action.startswith(("Get", "List", "Simulate"))}
    assert {action for action, _ in CHANGES} | CHANGES_OF_KEYS | NEVER | readings == set(ACTIONS)

    for action, members in CHANGES:
        before = await read(generation.read)
        await iam(action, **members)
        assert await read(generation.read) == before + 1, action
    await iam("CreateUser", UserName="bob")
    before = await read(generation.read)
    key = (await iam("CreateAccessKey", UserName="bob"))["AccessKey"]["AccessKeyId"]
    await iam("UpdateAccessKey", UserName="bob", AccessKeyId=key, Status="Inactive")
    await iam("DeleteAccessKey", UserName="bob", AccessKeyId=key)
    await iam("ListUsers")
    await iam("GetUser", UserName="bob")

    assert await read(generation.read) == before + 3


async def test_a_change_that_is_refused_has_none(registry: RunningRegistry, iam: Query) -> None:
    """Nobody throws away what he keeps because somebody asked in vain."""
    await iam("CreateUser", UserName="ann")
    before = await registry.services.metadata.look_up(generation.read)

    await iam.error("CreateUser", UserName="ann")
    await iam.error("DeleteUser", UserName="bob")

    assert await registry.services.metadata.look_up(generation.read) == before


async def test_a_path_decides(registry: RunningRegistry, iam: Query) -> None:
    """Who may administer the users of a path may not administer others, nor move them there."""
    ann = await log_in(registry, iam, "ann", allow("iam:*", resource=f"{USERS}/ci/*"))
    await iam("CreateUser", UserName="chief")

    await ann("CreateUser", UserName="robot", Path="/ci/")
    await ann("PutUserPolicy", UserName="robot", PolicyName="p", PolicyDocument=allow("ecr:*"))
    await ann("UpdateUser", UserName="robot", NewPath="/ci/old/")

    for action, members in (
        ("CreateUser", {"UserName": "x"}),
        ("CreateAccessKey", {"UserName": "chief"}),
        ("UpdateUser", {"UserName": "chief", "NewPath": "/ci/"}),
        ("UpdateUser", {"UserName": "robot", "NewPath": "/"}),
        ("ListUsers", {}),
    ):
        assert (await ann.error(action, **members))[1] == "AccessDenied"
    assert (await ann("ListUsers", PathPrefix="/ci/"))["Users"][0]["UserName"] == "robot"


async def test_a_name_that_is_there_is_denied_as_one_that_is_not(registry: RunningRegistry, iam: Query) -> None:
    """So names cannot be found out by trying."""
    ann = await log_in(registry, iam, "ann", allow("iam:GetUser", resource=f"{USERS}/ann"))
    await iam("CreateUser", UserName="xxx")

    there = await ann.error("GetUser", UserName="xxx")
    not_there = await ann.error("GetUser", UserName="yyy")

    assert there[2].replace("xxx", "yyy") == not_there[2]
    assert there[:2] == not_there[:2] == (403, "AccessDenied")


async def test_who_must_set_a_boundary_cannot_leave_it_out(registry: RunningRegistry, iam: Query) -> None:
    """Delegated administration, as the IAM user guide describes it under "Permissions boundaries"."""
    bounded = {"StringEquals": {"iam:PermissionsBoundary": PULL_ONLY}}
    actions = ("iam:CreateUser", "iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:PutUserPermissionsBoundary")
    ann = await log_in(registry, iam, "ann", allow(*actions, Condition=bounded))
    await iam("CreateUser", UserName="free")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"

    await ann("CreateUser", UserName="bound", PermissionsBoundary=PULL_ONLY)
    await ann("AttachUserPolicy", UserName="bound", PolicyArn=administrator)

    for action, members in (
        ("CreateUser", {"UserName": "x"}),
        ("CreateUser", {"UserName": "x", "PermissionsBoundary": administrator}),
        ("AttachUserPolicy", {"UserName": "free", "PolicyArn": administrator}),
        ("PutUserPermissionsBoundary", {"UserName": "bound", "PermissionsBoundary": administrator}),
    ):
        assert (await ann.error(action, **members))[1] == "AccessDenied"


async def test_who_may_attach_some_policies_may_attach_no_others(registry: RunningRegistry, iam: Query) -> None:
    """By the condition key iam:PolicyARN."""
    some = {"ArnEquals": {"iam:PolicyARN": PULL_ONLY}}
    ann = await log_in(registry, iam, "ann", allow("iam:AttachUserPolicy", Condition=some))

    await ann("AttachUserPolicy", UserName="ann", PolicyArn=PULL_ONLY)

    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert (await ann.error("AttachUserPolicy", UserName="ann", PolicyArn=administrator))[1] == "AccessDenied"


@pytest.mark.parametrize(
    ("create", "tag", "members"),
    [
        ("CreateUser", "iam:TagUser", {"UserName": "x"}),
        ("CreateRole", "iam:TagRole", {"RoleName": "x", "AssumeRolePolicyDocument": trust()}),
        ("CreatePolicy", "iam:TagPolicy", {"PolicyName": "x", "PolicyDocument": allow("ecr:*")}),
        ("CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", {"Url": "https://issuer.example"}),
    ],
)
async def test_who_brings_tags_must_be_allowed_to_tag(
    registry: RunningRegistry, iam: Query, create: str, tag: str, members: dict[str, object]
) -> None:
    """Since a tag can decide what its bearer may."""
    tags = [{"Key": "team", "Value": "admins"}]
    ann = await log_in(registry, iam, "ann", allow(f"iam:{create}"))
    bob = await log_in(registry, iam, "bob", allow(f"iam:{create}", tag))

    _, code, message = await ann.error(create, **members, Tags=tags)

    assert (code, f"perform: {tag} on" in message) == ("AccessDenied", True)
    await bob(create, **members, Tags=tags)


async def test_tags_of_request_and_resource_decide(registry: RunningRegistry, iam: Query) -> None:
    """By aws:RequestTag, aws:TagKeys and aws:ResourceTag."""
    own = {"StringEquals": {"aws:ResourceTag/team": "a"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}}
    ann = await log_in(registry, iam, "ann", allow("iam:TagUser", "iam:UntagUser", Condition=own))
    await iam("CreateUser", UserName="ours", Tags=[{"Key": "team", "Value": "a"}])
    await iam("CreateUser", UserName="theirs", Tags=[{"Key": "team", "Value": "b"}])
    cost, team = ([{"Key": key, "Value": "c"}] for key in ("cost", "team"))

    await ann("TagUser", UserName="ours", Tags=cost)
    await ann("UntagUser", UserName="ours", TagKeys=["cost"])

    assert (await ann.error("TagUser", UserName="theirs", Tags=cost))[1] == "AccessDenied"
    assert (await ann.error("TagUser", UserName="ours", Tags=team))[1] == "AccessDenied"
    assert (await ann.error("UntagUser", UserName="ours", TagKeys=["team"]))[1] == "AccessDenied"


async def test_a_new_default_version_needs_leave_of_its_own(registry: RunningRegistry, iam: Query) -> None:
    """Who may only propose a version cannot let it decide."""
    ann = await log_in(registry, iam, "ann", allow("iam:CreatePolicyVersion"))
    await iam("CreatePolicy", PolicyName="push", PolicyDocument=allow("ecr:*"))
    version = {"PolicyArn": PUSH, "PolicyDocument": allow("iam:*")}

    await ann("CreatePolicyVersion", **version)

    assert (await ann.error("CreatePolicyVersion", **version, SetAsDefault=True))[1] == "AccessDenied"


async def test_an_explicit_deny_wins(registry: RunningRegistry, iam: Query) -> None:
    """In IAM as everywhere."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    no_keys = {"Effect": "Deny", "Action": "iam:*AccessKey*", "Resource": "*"}

    ann = await log_in(registry, iam, "ann", document(everything, no_keys))

    assert (await ann("GetUser"))["User"]["UserName"] == "ann"
    assert (await ann.error("CreateAccessKey"))[1] == "AccessDenied"
