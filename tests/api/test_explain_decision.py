"""ExplainDecision: what would be decided, and why; by the function that decides."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.api.clients import ECR
from tests.api.query_clients import Query, error_of
from tests.api.test_access import ACCOUNT, MANAGED, allow, policy, to

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
