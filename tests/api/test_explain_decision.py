"""ExplainDecision: what would be decided, and why; by the function that decides."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.api.clients import ECR
from tests.api.query_clients import Query, error_of
from tests.api.test_access import ACCOUNT, MANAGED, allow, policy, to

from entrepot.core.clock import SECOND
from entrepot.testing.registry import RunningRegistry

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
APP = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/app"


@pytest.fixture
async def iam(registry: RunningRegistry) -> Query:
    """IAM, by the root key; there is a user."""
    client = Query(registry, "iam")
    await client("CreateUser", UserName="alice")
    return client


async def explain(
    iam: Query, action: str, resource: str = APP, principal: str = ALICE, **context: str
) -> ET.Element:
    """What is explained; ``context`` has one value a key, colons written as two underscores."""
    members = {"PrincipalArn": principal, "ActionName": action, "ResourceArn": resource}
    for number, (key, value) in enumerate(context.items(), 1):
        members[f"Context.member.{number}.Key"] = key.replace("__", ":")
        members[f"Context.member.{number}.Values.member.1"] = value
    return await iam.extension("ExplainDecision", **members)


def texts(found: ET.Element, path: str) -> list[str | None]:
    """The texts of all elements under a path."""
    return [element.text for element in found.findall(path)]


async def test_an_allowed_request_names_the_statement_that_allows_it(iam: Query) -> None:
    """By policy, type, index and Sid; and has no message."""
    document = policy(
        {"Effect": "Deny", "Action": "ecr:Delete*", "Resource": "*"},
        {"Sid": "Read", "Effect": "Allow", "Action": "ecr:Get*", "Resource": "*"},
    )
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)

    found = await explain(iam, "ecr:GetLifecyclePolicy")

    assert found.findtext("Decision") == "allowed"
    assert found.find("Message") is None
    (deciding,) = found.findall("DecidingStatements/member")
    assert {child.tag: child.text for child in deciding} == {
        "PolicyName": "p",
        "PolicyType": "identity-based policy",
        "StatementIndex": "1",
        "Sid": "Read",
    }


async def test_a_denied_request_shows_the_sentence_and_the_nearest_miss(iam: Query) -> None:
    """With what the condition wanted, and what the request has."""
    document = allow("ecr:GetLifecyclePolicy", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)

    found = await explain(iam, "ecr:GetLifecyclePolicy")

    assert found.findtext("Decision") == "implicitDeny"
    assert found.findtext("Message") == (
        f"User: {ALICE} is not authorized to perform: ecr:GetLifecyclePolicy on resource: {APP} because no "
        "identity-based policy allows the ecr:GetLifecyclePolicy action"
    )
    (condition,) = found.findall("NearestMiss/Conditions/member")
    assert condition.findtext("Key") == "aws:RequestedRegion"
    assert texts(condition, "Written/member") == ["eu-west-1"]
    assert texts(condition, "Actual/member") == ["us-east-1"]
    assert condition.findtext("Matched") == "false"


async def test_context_that_is_given_goes_before_what_would_be_found(iam: Query) -> None:
    """To ask what would be elsewhere."""
    document = allow("ecr:GetLifecyclePolicy", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)

    inside = await explain(iam, "ecr:GetLifecyclePolicy", aws__SourceIp="192.0.2.7")
    outside = await explain(iam, "ecr:GetLifecyclePolicy", aws__SourceIp="198.51.100.7")

    assert (inside.findtext("Decision"), outside.findtext("Decision")) == ("allowed", "implicitDeny")


@pytest.mark.parametrize("kind", ["allowed", "no policy", "explicit deny", "boundary", "repository policy"])
async def test_what_is_explained_is_what_is_enforced(
    registry: RunningRegistry, ecr: ECR, repository: str, iam: Query, kind: str
) -> None:
    """The same decision in the same words."""
    if kind in {"allowed", "boundary", "explicit deny"}:
        await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")
    if kind == "boundary":
        await iam(
            "PutUserPermissionsBoundary", UserName="alice", PermissionsBoundary=f"{MANAGED}IAMReadOnlyAccess"
        )
    if kind == "explicit deny":
        denying = to({"AWS": ALICE}, "ecr:ListImages", effect="Deny")
        await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=denying)
    if kind == "repository policy":
        await ecr(
            "SetRepositoryPolicy", repositoryName=repository, policyText=to({"AWS": ALICE}, "ecr:ListImages")
        )
    key = (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]
    alice = ECR(registry, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    explained = await explain(iam, "ecr:ListImages")
    answer = await alice.send("ListImages", json.dumps({"repositoryName": repository}).encode())

    assert (explained.findtext("Decision") == "allowed") == (answer.status_code == 200)
    assert explained.findtext("Message") == answer.json().get("message")


async def test_a_role_a_session_a_root_and_nobody_can_be_asked_about(iam: Query) -> None:
    """Each by its ARN, nobody by the word."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    await iam("CreateRole", RoleName="ci", Path="/team/", AssumeRolePolicyDocument=trust)
    await iam("AttachRolePolicy", RoleName="ci", PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryPullOnly")

    for principal, decision in {
        f"arn:aws:iam::{ACCOUNT}:role/team/ci": "allowed",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build": "allowed",
        f"arn:aws:iam::{ACCOUNT}:root": "allowed",
        "anonymous": "implicitDeny",
    }.items():
        found = await explain(iam, "ecr:BatchGetImage", principal=principal)
        assert found.findtext("Decision") == decision, principal


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"PrincipalArn": "alice"}, "InvalidInput"),
        ({"PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}, "NoSuchEntity"),
        ({"ActionName": "everything"}, "InvalidInput"),
        ({"ActionName": "ecr:*"}, "InvalidInput"),
        ({"ResourceArn": "app"}, "InvalidInput"),
        ({"Context.member.1.Key": "aws:SourceIp"}, "ValidationError"),
    ],
)
async def test_what_cannot_be_asked_is_refused(iam: Query, members: dict[str, Any], code: str) -> None:
    """By name."""
    asked = {"PrincipalArn": ALICE, "ActionName": "ecr:ListImages", **members}

    status, refused, _ = error_of(await iam.send_form("ExplainDecision", **asked))

    assert (status, refused) == (404 if code == "NoSuchEntity" else 400, code)


async def test_policies_of_another_account_are_shown_to_its_own_alone(
    registry: RunningRegistry, iam: Query
) -> None:
    """An administrator of an account asks about that account; the registry's root about all."""
    made = await iam.extension("CreateAccount", Account="111122223333")
    keys = {
        "AccessKeyId": made.findtext("AccessKey/AccessKeyId"),
        "SecretAccessKey": made.findtext("AccessKey/SecretAccessKey"),
    }
    bob = Query(registry, "iam", keys)
    foreign = "arn:aws:iam::111122223333:root"

    assert (await explain(iam, "ecr:ListImages", principal=foreign)).findtext("Decision") == "implicitDeny"
    for principal, resource in ((ALICE, "*"), (foreign, APP)):
        asked = {"PrincipalArn": principal, "ActionName": "ecr:ListImages", "ResourceArn": resource}
        status, code, _ = error_of(await bob.send_form("ExplainDecision", **asked))
        assert (status, code) == (403, "AccessDenied")


async def test_to_explain_is_an_action_of_its_own(registry: RunningRegistry, iam: Query) -> None:
    """Whoever may not ask is denied."""
    key = (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]
    alice = Query(registry, "iam", key)

    _, code, message = error_of(
        await alice.send_form("ExplainDecision", PrincipalArn=ALICE, ActionName="ecr:ListImages")
    )

    assert code == "AccessDenied"
    assert "iam:ExplainDecision" in message


async def make_caller(registry: RunningRegistry, iam: Query, service: str, *policies: str) -> Query:
    """A service, by a key of alice, who has these policies."""
    for number, document in enumerate(policies):
        await iam("PutUserPolicy", UserName="alice", PolicyName=f"p{number}", PolicyDocument=document)
    key = (await iam("CreateAccessKey", UserName="alice"))["AccessKey"]
    registry.clock.advance(SECOND)
    return Query(registry, service, key)


ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci"


@pytest.mark.parametrize(
    ("trusted", "decision"), [(ALICE, "allowed"), (f"arn:aws:iam::{ACCOUNT}:root", "implicitDeny")]
)
async def test_to_assume_a_role_is_explained_by_its_trust_policy(
    registry: RunningRegistry, iam: Query, trusted: str, decision: str
) -> None:
    """Which decides as it does for AssumeRole."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"})
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust)
    sts = await make_caller(registry, iam, "sts")

    explained = await explain(iam, "sts:AssumeRole", ROLE)
    answer = await sts.send(sts.body("AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "session"}))

    assert explained.findtext("Decision") == decision
    assert (decision == "allowed") == (answer.status_code == 200)
    assert "role trust policy" in texts(explained, "Policies/member/PolicyType")


async def test_a_condition_of_a_trust_policy_sees_the_tags_of_the_role(iam: Query) -> None:
    """And what is given with the question."""
    condition = {"StringEquals": {"aws:ResourceTag/team": "a", "sts:ExternalId": "x"}}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ALICE},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    tags = [{"Key": "team", "Value": "a"}]
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=policy(statement), Tags=tags)

    with_id = await explain(iam, "sts:AssumeRole", ROLE, sts__ExternalId="x")
    without = await explain(iam, "sts:AssumeRole", ROLE)

    assert (with_id.findtext("Decision"), without.findtext("Decision")) == ("allowed", "implicitDeny")


async def test_nobody_assumes_a_role_that_is_not_there_and_no_root_any(iam: Query) -> None:
    """Whatever policies say; and the sentence says why."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")
    missing = await explain(iam, "sts:AssumeRole", ROLE)
    trust = policy({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust)

    by_root = await explain(iam, "sts:AssumeRole", ROLE, principal=f"arn:aws:iam::{ACCOUNT}:root")
    by_nobody = await explain(iam, "sts:AssumeRole", ROLE, principal="anonymous")

    assert {found.findtext("Decision") for found in (missing, by_root, by_nobody)} == {"implicitDeny"}
    assert str(missing.findtext("Message")).endswith("because there is no such role")
    assert str(by_root.findtext("Message")).endswith("because roles may not be assumed by root accounts")


@pytest.mark.parametrize("key", ["iam:ResourceTag/team", "aws:ResourceTag/team", "iam:PermissionsBoundary"])
async def test_what_is_known_of_a_user_takes_part_as_when_iam_is_called(
    registry: RunningRegistry, iam: Query, key: str
) -> None:
    """Its tags and its boundary."""
    boundary = f"{MANAGED}IAMReadOnlyAccess"
    tags = [{"Key": "team", "Value": "a"}]
    await iam("CreateUser", UserName="bob", PermissionsBoundary=boundary, Tags=tags)
    value = boundary if key.startswith("iam:P") else "a"
    document = allow("iam:GetUser", Condition={"StringEquals": {key: value}})
    caller = await make_caller(registry, iam, "iam", document)

    for name, is_allowed in {"bob": True, "alice": False}.items():
        explained = await explain(iam, "iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/{name}")
        answer = await caller.send(caller.body("GetUser", {"UserName": name}))
        assert (explained.findtext("Decision") == "allowed", answer.status_code == 200) == (is_allowed, is_allowed)


async def test_what_is_known_of_a_managed_policy_takes_part_too(iam: Query) -> None:
    """Its tags."""
    made = await iam(
        "CreatePolicy",
        PolicyName="own",
        PolicyDocument=allow("ecr:ListImages"),
        Tags=[{"Key": "team", "Value": "a"}],
    )
    document = allow("iam:GetPolicy", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}})
    await iam("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document)

    tagged = await explain(iam, "iam:GetPolicy", made["Policy"]["Arn"])
    other = await explain(iam, "iam:GetPolicy", f"{MANAGED}AdministratorAccess".replace(":aws:p", f":{ACCOUNT}:p"))

    assert (tagged.findtext("Decision"), other.findtext("Decision")) == ("allowed", "implicitDeny")


@pytest.mark.parametrize("action", ["CreateAccount", "ListAccounts", "DeleteAccount"])
async def test_accounts_are_for_the_root_of_the_registry_alone(iam: Query, action: str) -> None:
    """Whatever policies say."""
    await iam("AttachUserPolicy", UserName="alice", PolicyArn=f"{MANAGED}AdministratorAccess")

    by_user = await explain(iam, f"iam:{action}", "*")
    by_root = await explain(iam, f"iam:{action}", "*", principal=f"arn:aws:iam::{ACCOUNT}:root")

    assert (by_user.findtext("Decision"), by_root.findtext("Decision")) == ("implicitDeny", "allowed")
    assert str(by_user.findtext("Message")).endswith("only the root of the registry's own account may")


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{ACCOUNT}:user/wrong/path/alice",
        f"arn:aws-cn:iam::{ACCOUNT}:user/alice",
        f"arn:aws:sts::{ACCOUNT}:user/alice",
        f"arn:aws:iam::{ACCOUNT}:assumed-role/ci/session",
        f"arn:aws:iam::{ACCOUNT}:root/alice",
    ],
)
async def test_whom_no_arn_means_to_the_letter_is_nobody(iam: Query, principal: str) -> None:
    """Path, partition and service included."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    await iam("CreateRole", RoleName="ci", AssumeRolePolicyDocument=trust)
    asked = {"PrincipalArn": principal, "ActionName": "ecr:ListImages"}

    status, code, _ = error_of(await iam.send_form("ExplainDecision", **asked))

    assert (status, code) == (404, "NoSuchEntity")


@pytest.mark.parametrize(
    "decision", [pytest.param("allowed", marks=pytest.mark.registry(anonymous_pull=True)), "implicitDeny"]
)
async def test_nobody_pulls_without_credentials_unless_the_registry_lets_them(
    ecr: ECR, repository: str, iam: Query, decision: str
) -> None:
    """Whatever the repository's policy says."""
    await ecr("SetRepositoryPolicy", repositoryName=repository, policyText=to("*", "ecr:BatchGetImage"))

    found = await explain(iam, "ecr:BatchGetImage", principal="anonymous")

    assert found.findtext("Decision") == decision
