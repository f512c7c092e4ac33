"""Policies of IAM: managed ones with their versions, inline ones, attachments and boundaries."""

import json
from urllib.parse import unquote

import pytest
from tests.api.policy_documents import PULL_ONLY, READ_ONLY, allow, create_account, document, log_in, trust
from tests.api.query_clients import Query

from entrepot.core.clock import SECOND
from entrepot.testing.registry import ACCOUNT_ID, RunningRegistry

PUSH = f"arn:aws:iam::{ACCOUNT_ID}:policy/ci/push"


@pytest.fixture
async def push(iam: Query) -> str:
    """The ARN of a managed policy."""
    made = await iam("CreatePolicy", PolicyName="push", Path="/ci/", PolicyDocument=allow("ecr:PutImage"))
    return made["Policy"]["Arn"]


def shown(policy: object) -> object:
    """A policy as an answer has it: text, in percents or read already."""
    return json.loads(unquote(policy)) if isinstance(policy, str) else policy


async def test_a_policy_is_shown_as_it_was_made(iam: Query) -> None:
    """With its first version, that decides."""
    text = allow("ecr:PutImage")
    made = await iam(
        "CreatePolicy",
        PolicyName="push",
        Path="/ci/",
        PolicyDocument=text,
        Description="Pushes",
        Tags=[{"Key": "a", "Value": "b"}],
    )

    policy = (await iam("GetPolicy", PolicyArn=PUSH))["Policy"]
    version = await iam("GetPolicyVersion", PolicyArn=PUSH, VersionId="v1")

    assert made["Policy"]["Arn"] == PUSH
    assert (policy["PolicyName"], policy["Path"], policy["Description"]) == ("push", "/ci/", "Pushes")
    assert (policy["DefaultVersionId"], policy["AttachmentCount"]) == ("v1", 0)
    assert policy["Tags"] == [{"Key": "a", "Value": "b"}]
    assert shown(version["PolicyVersion"]["Document"]) == json.loads(text)
    assert version["PolicyVersion"]["IsDefaultVersion"]


async def test_a_name_is_taken_in_every_path_and_case(iam: Query, push: str) -> None:
    """As IAM has it."""
    assert await iam.error("CreatePolicy", PolicyName="PUSH", PolicyDocument=allow("ecr:*")) == (
        409,
        "EntityAlreadyExists",
        "A policy called PUSH already exists. Duplicate names are not allowed.",
    )
    assert push == PUSH


@pytest.mark.parametrize("text", ["{}", trust(), document({"Effect": "Allow", "Action": "ecr:*"})])
async def test_what_is_no_policy_is_refused(iam: Query, push: str, text: str) -> None:
    """As a policy, as a version, as an inline policy."""
    await iam("CreateUser", UserName="ann")

    for operation, members in (
        ("CreatePolicy", {"PolicyName": "x"}),
        ("CreatePolicyVersion", {"PolicyArn": push}),
        ("PutUserPolicy", {"PolicyName": "x", "UserName": "ann"}),
    ):
        refusal = await iam.error(operation, PolicyDocument=text, **members)
        assert refusal[:2] == (400, "MalformedPolicyDocument")


async def test_the_place_of_a_fault_is_told(iam: Query) -> None:
    """So it is found."""
    broken = json.loads(allow("ecr:*", Condition={"StringEqualz": {"aws:username": "x"}}))

    _, code, message = await iam.error("CreatePolicy", PolicyName="x", PolicyDocument=json.dumps(broken))

    assert code == "MalformedPolicyDocument"
    assert "Statement[0].Condition.StringEqualz" in message


async def test_a_version_decides_when_it_is_the_default(registry: RunningRegistry, iam: Query, push: str) -> None:
    """At once when it is made so, or when it is set; within a second everywhere."""
    ann = await log_in(registry, iam, "ann")
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=push)

    for default, is_allowed in (("v1", False), ("v2", True), ("v1", False)):
        if default == "v2":
            await iam("CreatePolicyVersion", PolicyArn=push, PolicyDocument=allow("iam:*"), SetAsDefault=True)
        else:
            await iam("SetDefaultPolicyVersion", PolicyArn=push, VersionId=default)
        registry.clock.advance(SECOND)
        answer = await ann.send(ann.body("GetUser", {}))
        assert (answer.status_code == 200) == is_allowed


async def test_a_policy_has_five_versions_at_most(iam: Query, push: str) -> None:
    """The default one cannot be deleted, and no number comes twice."""
    for number in range(2, 6):
        made = await iam("CreatePolicyVersion", PolicyArn=push, PolicyDocument=allow(f"ecr:Put{number}*"))
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"

    assert (await iam.error("CreatePolicyVersion", PolicyArn=push, PolicyDocument=allow("ecr:*")))[1:] == (
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
        "version.",
    )
    assert (await iam.error("DeletePolicyVersion", PolicyArn=push, VersionId="v1"))[1:] == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
    )
    await iam("DeletePolicyVersion", PolicyArn=push, VersionId="v5")
    made = await iam("CreatePolicyVersion", PolicyArn=push, PolicyDocument=allow("ecr:*"))
    pages = await iam.pages("ListPolicyVersions", "Versions", PolicyArn=push, MaxItems=2)
    assert made["PolicyVersion"]["VersionId"] == "v6"
    assert [[one["VersionId"] for one in page] for page in pages] == [["v6", "v4"], ["v3", "v2"], ["v1"]]


@pytest.mark.parametrize("operation", ["GetPolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"])
async def test_a_version_that_is_not_there_cannot_be_found(iam: Query, push: str, operation: str) -> None:
    """And what is no version is refused."""
    assert await iam.error(operation, PolicyArn=push, VersionId="v2") == (
        404,
        "NoSuchEntity",
        f"Policy {push} version v2 does not exist or is not attachable.",
    )
    assert (await iam.error(operation, PolicyArn=push, VersionId="2"))[1] == "ValidationError"


async def test_a_policy_is_deleted_when_nobody_has_it(iam: Query, push: str) -> None:
    """Neither attached nor as a boundary, and with one version left."""
    await iam("CreateUser", UserName="ann")
    await iam("CreatePolicyVersion", PolicyArn=push, PolicyDocument=allow("ecr:*"))
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=push)
    attached = "Cannot delete a policy attached to entities."

    assert (await iam.error("DeletePolicy", PolicyArn=push))[1:] == ("DeleteConflict", attached)
    await iam("DetachUserPolicy", UserName="ann", PolicyArn=push)
    await iam("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=push)
    assert (await iam.error("DeletePolicy", PolicyArn=push))[1:] == ("DeleteConflict", attached)
    await iam("DeleteUserPermissionsBoundary", UserName="ann")
    assert "more than one version" in (await iam.error("DeletePolicy", PolicyArn=push))[2]
    await iam("DeletePolicyVersion", PolicyArn=push, VersionId="v2")
    await iam("DeletePolicy", PolicyArn=push)

    assert await iam.error("GetPolicy", PolicyArn=push) == (404, "NoSuchEntity", f"Policy {push} was not found.")


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DeletePolicy", {}),
        ("CreatePolicyVersion", {"PolicyDocument": allow("ecr:*")}),
        ("DeletePolicyVersion", {"VersionId": "v1"}),
        ("SetDefaultPolicyVersion", {"VersionId": "v1"}),
        ("TagPolicy", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("UntagPolicy", {"TagKeys": ["a"]}),
    ],
)
async def test_the_policies_of_aws_cannot_be_changed(
    iam: Query, operation: str, members: dict[str, object]
) -> None:
    """They are the same for everybody."""
    refusal = await iam.error(operation, PolicyArn=PULL_ONLY, **members)

    assert refusal == (404, "NoSuchEntity", f"Policy {PULL_ONLY} was not found.")


async def test_the_policies_of_aws_are_read_as_others_are(iam: Query) -> None:
    """With the version that decides."""
    policy = (await iam("GetPolicy", PolicyArn=PULL_ONLY))["Policy"]
    versions = (await iam("ListPolicyVersions", PolicyArn=READ_ONLY))["Versions"]
    version = await iam("GetPolicyVersion", PolicyArn=READ_ONLY, VersionId="v3")

    assert (policy["PolicyName"], policy["DefaultVersionId"]) == ("AmazonEC2ContainerRegistryPullOnly", "v1")
    assert [one["VersionId"] for one in versions] == ["v3"]
    assert "ecr:DescribeImages" in str(shown(version["PolicyVersion"]["Document"]))


async def test_policies_are_listed_aws_first(iam: Query, push: str) -> None:
    """Page by page; one scope, one path or those in use alone, if that is asked."""
    await iam("CreateUser", UserName="ann")
    await iam("CreatePolicy", PolicyName="apple", PolicyDocument=allow("ecr:*"))
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=push)
    await iam("AttachUserPolicy", UserName="ann", PolicyArn=READ_ONLY)
    await iam("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=PULL_ONLY)

    async def names(**members: object) -> list[str]:
        pages = await iam.pages("ListPolicies", "Policies", MaxItems=2, **members)
        assert all(len(page) == 2 for page in pages[:-1])
        return [policy["PolicyName"] for page in pages for policy in page]

    everything = await names()
    assert everything[0] == "AdministratorAccess"
    assert everything[-2:] == ["apple", "push"]
    assert everything == await names(Scope="AWS") + await names(Scope="Local")
    assert await names(PathPrefix="/ci/") == ["push"]
    assert await names(OnlyAttached=True) == ["AmazonEC2ContainerRegistryReadOnly", "push"]
    assert await names(OnlyAttached=True, Scope="Local") == ["push"]
    assert await names(PolicyUsageFilter="PermissionsBoundary") == ["AmazonEC2ContainerRegistryPullOnly"]


async def test_who_has_a_policy_is_listed(registry: RunningRegistry, iam: Query) -> None:
    """Of the caller's account, attached or as a boundary; and counted."""
    await iam("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust(), PermissionsBoundary=PULL_ONLY)
    for name in ("ann", "bob"):
        await iam("CreateUser", UserName=name)
        await iam("AttachUserPolicy", UserName=name, PolicyArn=PULL_ONLY)
    stranger = Query(registry, "iam", await create_account(registry, iam, "111122223333"))
    await stranger("CreateUser", UserName="zoe")
    await stranger("AttachUserPolicy", UserName="zoe", PolicyArn=PULL_ONLY)

    everybody = await iam("ListEntitiesForPolicy", PolicyArn=PULL_ONLY)
    roles = await iam("ListEntitiesForPolicy", PolicyArn=PULL_ONLY, EntityFilter="Role")
    bounded = await iam("ListEntitiesForPolicy", PolicyArn=PULL_ONLY, PolicyUsageFilter="PermissionsBoundary")
    pages = await iam.pages("ListEntitiesForPolicy", "PolicyUsers", PolicyArn=PULL_ONLY, MaxItems=1)
    policy = (await iam("GetPolicy", PolicyArn=PULL_ONLY))["Policy"]

    assert sorted(user["UserName"] for user in everybody["PolicyUsers"]) == ["ann", "bob"]
    assert [role["RoleName"] for role in everybody["PolicyRoles"]] == ["deployer"]
    assert (roles["PolicyUsers"], len(roles["PolicyRoles"])) == ([], 1)
    assert (bounded["PolicyUsers"], len(bounded["PolicyRoles"])) == ([], 1)
    assert sorted(user["UserName"] for page in pages for user in page) == ["ann", "bob"]
    assert (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]) == (2, 1)


@pytest.mark.parametrize("kind", ["User", "Role"])
async def test_a_policy_is_attached_and_detached(iam: Query, push: str, kind: str) -> None:
    """Attaching twice is fine, detaching is not."""
    name = await make(iam, kind)

    for _ in range(2):
        await iam(f"Attach{kind}Policy", **name, PolicyArn=push)
    await iam(f"Attach{kind}Policy", **name, PolicyArn=PULL_ONLY)
    pages = await iam.pages(f"ListAttached{kind}Policies", "AttachedPolicies", **name, MaxItems=1)
    under = await iam(f"ListAttached{kind}Policies", **name, PathPrefix="/ci/")
    await iam(f"Detach{kind}Policy", **name, PolicyArn=push)

    assert sorted(policy["PolicyArn"] for page in pages for policy in page) == sorted([PULL_ONLY, push])
    assert under["AttachedPolicies"] == [{"PolicyName": "push", "PolicyArn": push}]
    assert await iam.error(f"Detach{kind}Policy", **name, PolicyArn=push) == (
        404,
        "NoSuchEntity",
        f"Policy {push} was not found.",
    )


async def make(iam: Query, kind: str) -> dict[str, object]:
    """A new user or role, as the operations name it."""
    more = {"AssumeRolePolicyDocument": trust()} if kind == "Role" else {}
    await iam(f"Create{kind}", **{f"{kind}Name": "ann"}, **more)
    return {f"{kind}Name": "ann"}


@pytest.mark.parametrize("kind", ["User", "Role"])
@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT_ID}:policy/none", "arn:aws:iam::aws:policy/None"])
async def test_what_is_no_policy_can_neither_be_attached_nor_bound(iam: Query, kind: str, arn: str) -> None:
    """So nobody has a policy that is not there."""
    name = await make(iam, kind)
    refusal = (404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")

    assert await iam.error(f"Attach{kind}Policy", **name, PolicyArn=arn) == refusal
    assert await iam.error(f"Put{kind}PermissionsBoundary", **name, PermissionsBoundary=arn) == refusal


async def test_the_policies_of_other_accounts_are_not_there(
    registry: RunningRegistry, iam: Query, push: str
) -> None:
    """They are not read, not changed, not attached."""
    stranger = Query(registry, "iam", await create_account(registry, iam, "111122223333"))
    await stranger("CreateUser", UserName="zoe")

    assert (await stranger.error("GetPolicy", PolicyArn=push))[1] == "NoSuchEntity"
    assert (await stranger.error("DeletePolicy", PolicyArn=push))[1] == "NoSuchEntity"
    assert (await stranger.error("AttachUserPolicy", UserName="zoe", PolicyArn=push))[1] == "NoSuchEntity"


@pytest.mark.parametrize("kind", ["User", "Role"])
async def test_ten_policies_can_be_attached(iam: Query, kind: str) -> None:
    """The eleventh is refused, and is not there."""
    name = await make(iam, kind)
    for number in range(11):
        await iam("CreatePolicy", PolicyName=f"p{number}", PolicyDocument=allow("ecr:*"))
    arns = [f"arn:aws:iam::{ACCOUNT_ID}:policy/p{number}" for number in range(11)]
    for arn in arns[:10]:
        await iam(f"Attach{kind}Policy", **name, PolicyArn=arn)

    assert await iam.error(f"Attach{kind}Policy", **name, PolicyArn=arns[10]) == (
        409,
        "LimitExceeded",
        f"Cannot exceed quota for PoliciesPer{kind}: 10",
    )
    assert len((await iam(f"ListAttached{kind}Policies", **name))["AttachedPolicies"]) == 10


@pytest.mark.parametrize("kind", ["User", "Role"])
async def test_an_inline_policy_is_put_shown_and_deleted(iam: Query, kind: str) -> None:
    """Putting it once more replaces it."""
    name = await make(iam, kind)
    await iam(f"Put{kind}Policy", **name, PolicyName="own", PolicyDocument=allow("ecr:PutImage"))
    await iam(f"Put{kind}Policy", **name, PolicyName="own", PolicyDocument=allow("ecr:*"))
    await iam(f"Put{kind}Policy", **name, PolicyName="also", PolicyDocument=allow("ecr:*"))

    found = await iam(f"Get{kind}Policy", **name, PolicyName="own")
    pages = await iam.pages(f"List{kind}Policies", "PolicyNames", **name, MaxItems=1)
    await iam(f"Delete{kind}Policy", **name, PolicyName="own")

    assert shown(found["PolicyDocument"]) == json.loads(allow("ecr:*"))
    assert pages == [["also"], ["own"]]
    for operation in (f"Get{kind}Policy", f"Delete{kind}Policy"):
        assert await iam.error(operation, **name, PolicyName="own") == (
            404,
            "NoSuchEntity",
            f"The {kind.lower()} policy with name own cannot be found.",
        )


@pytest.mark.parametrize(("kind", "limit"), [("User", 2048), ("Role", 10240)])
async def test_inline_policies_are_bounded_together(iam: Query, kind: str, limit: int) -> None:
    """White space does not count; what is too much is not kept."""
    name = await make(iam, kind)
    half = allow("ecr:" + "a" * (limit // 2)).replace(" ", "\n\n")
    await iam(f"Put{kind}Policy", **name, PolicyName="one", PolicyDocument=half)

    assert await iam.error(f"Put{kind}Policy", **name, PolicyName="two", PolicyDocument=half) == (
        409,
        "LimitExceeded",
        f"Maximum policy size of {limit} bytes exceeded for {kind.lower()} ann",
    )
    assert (await iam(f"List{kind}Policies", **name))["PolicyNames"] == ["one"]


@pytest.mark.parametrize("kind", ["User", "Role"])
async def test_a_boundary_is_put_and_taken_away(iam: Query, push: str, kind: str) -> None:
    """Another one replaces it; where there is none nothing is taken."""
    name = await make(iam, kind)

    async def boundary() -> object:
        shape = (await iam(f"Get{kind}", **name))[kind]
        return shape.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")

    for arn in (PULL_ONLY, push):
        await iam(f"Put{kind}PermissionsBoundary", **name, PermissionsBoundary=arn)
        assert await boundary() == arn
    for _ in range(2):
        await iam(f"Delete{kind}PermissionsBoundary", **name)
        assert await boundary() is None
