"""Policies and requesters for tests, as short as they can be written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.core.policy.document import PolicyDocument, PolicyKind, parse_policy
from entrepot.core.policy.evaluation import (
    AccessRequest,
    Decision,
    NamedPolicy,
    Policies,
    PolicyType,
    Requester,
    RequesterKind,
    evaluate,
)

HERE = "111122223333"
ELSEWHERE = "444455556666"
PULL = "ecr:BatchGetImage"
REPOSITORY = f"arn:aws:ecr:us-east-1:{HERE}:repository/team/app"
USER_ARN = f"arn:aws:iam::{HERE}:user/bob"
ROLE_ARN = f"arn:aws:iam::{HERE}:role/path/dev"
SESSION_ARN = f"arn:aws:sts::{HERE}:assumed-role/dev/s1"
PROVIDER_ARN = f"arn:aws:iam::{HERE}:oidc-provider/issuer.example"
USER_ID = "AIDAAAAAAAAAAAAAAAAA"
ROLE_ID = "AROAAAAAAAAAAAAAAAAA"

ROOT = Requester(kind=RequesterKind.ROOT, arn=f"arn:aws:iam::{HERE}:root", account=HERE, user_id=HERE)
USER = Requester(kind=RequesterKind.USER, arn=USER_ARN, account=HERE, user_id=USER_ID)
USER_SESSION = Requester(kind=RequesterKind.USER_SESSION, arn=USER_ARN, account=HERE, user_id=USER_ID)
ROLE_SESSION = Requester(
    kind=RequesterKind.ROLE_SESSION, arn=SESSION_ARN, account=HERE, user_id=f"{ROLE_ID}:s1", role_arn=ROLE_ARN
)
ANONYMOUS = Requester(kind=RequesterKind.ANONYMOUS, arn="anonymous")
WEB_IDENTITY = Requester(kind=RequesterKind.WEB_IDENTITY, arn=PROVIDER_ARN)
SERVICE = Requester(kind=RequesterKind.SERVICE, arn="lambda.amazonaws.com")

Statement = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


def identity(*statements: Statement, type_: PolicyType = PolicyType.IDENTITY) -> NamedPolicy:
    """A policy without principals; what a statement leaves out is everything, allowed."""
    whole = ({"Effect": "Allow", "Resource": "*"} | _action(each) | dict(each) for each in statements)
    return NamedPolicy(type_.name.lower(), type_, document(PolicyKind.IDENTITY, *whole))


def boundary(*statements: Statement) -> NamedPolicy:
    """A permissions boundary."""
    return identity(*statements, type_=PolicyType.BOUNDARY)


def session(*statements: Statement) -> NamedPolicy:
    """A session policy."""
    return identity(*statements, type_=PolicyType.SESSION)


def resource(*statements: Statement) -> NamedPolicy:
    """A repository policy; what a statement leaves out is everything, allowed to everybody."""
    whole = ({"Effect": "Allow"} | _action(each) | _principal(each) | dict(each) for each in statements)
    return NamedPolicy("repository", PolicyType.RESOURCE, document(PolicyKind.REPOSITORY, *whole))


def trust(*statements: Statement) -> NamedPolicy:
    """A role's trust policy."""
    whole = ({"Effect": "Allow", "Action": "sts:AssumeRole"} | dict(each) for each in statements)
    return NamedPolicy("trust", PolicyType.TRUST, document(PolicyKind.TRUST, *whole))


def unreadable(type_: PolicyType) -> NamedPolicy:
    """A policy whose text nobody could read."""
    return NamedPolicy("unreadable", type_, None)


def document(kind: PolicyKind, *statements: Statement, version: str = "2012-10-17") -> PolicyDocument:
    """A parsed document."""
    return parse_policy(json.dumps({"Version": version, "Statement": list(statements)}), kind)


def ask(
    requester: Requester,
    policies: Policies,
    *,
    action: str = PULL,
    resource_account: str = HERE,
    name: str = "team/app",
    context: Context | None = None,
) -> Decision:
    """The decision about a repository."""
    arn = f"arn:aws:ecr:us-east-1:{resource_account}:repository/{name}"
    return evaluate(AccessRequest(requester, action, arn, resource_account, context or {}), policies)


def _action(statement: Statement) -> dict[str, Any]:
    return {} if "NotAction" in statement else {"Action": "*"}


def _principal(statement: Statement) -> dict[str, Any]:
    return {} if "NotPrincipal" in statement else {"Principal": "*"}
