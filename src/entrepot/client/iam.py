"""IAM and STS as ``entrepot iam`` calls them, and what of their answers it reads.

The shapes have the names and members of IAM's service model, version 2010-05-08; those of accounts and of
ExplainDecision are ours (protocol/iam/extensions.py). Timestamps stay as the wire has them, policy documents are
percent-encoded there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from entrepot.client.query import QueryClient, Service
from entrepot.protocol.query.calling import Member

_IAM = Service("iam", "2010-05-08")
_STS = Service("sts", "2011-06-15")


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """The output of an operation, or a part of one. By itself: of an operation that answers nothing to be read."""


class Page(Answer, frozen=True, kw_only=True):
    """A part of a list."""

    is_truncated: bool = False
    marker: str | None = None


A = TypeVar("A", bound=Answer)
P = TypeVar("P", bound=Page)


class Tag(Answer, frozen=True, kw_only=True):
    """A tag."""

    key: str
    value: str


class InlinePolicy(Answer, frozen=True, kw_only=True):
    """An inline policy."""

    policy_name: str
    policy_document: str


class AttachedPolicy(Answer, frozen=True, kw_only=True):
    """A managed policy that is attached."""

    policy_name: str
    policy_arn: str


class Boundary(Answer, frozen=True, kw_only=True):
    """The permissions boundary of a user or a role."""

    permissions_boundary_arn: str


class User(Answer, frozen=True, kw_only=True):
    """A user; lists leave out what is from ``user_policy_list`` on."""

    user_name: str
    path: str
    user_id: str
    arn: str
    create_date: str
    user_policy_list: list[InlinePolicy] = []
    attached_managed_policies: list[AttachedPolicy] = []
    permissions_boundary: Boundary | None = None
    tags: list[Tag] = []


class Role(Answer, frozen=True, kw_only=True):
    """A role; lists leave out what is from ``role_policy_list`` on."""

    role_name: str
    path: str
    role_id: str
    arn: str
    create_date: str
    assume_role_policy_document: str
    description: str = ""
    max_session_duration: int = 3600
    role_policy_list: list[InlinePolicy] = []
    attached_managed_policies: list[AttachedPolicy] = []
    permissions_boundary: Boundary | None = None
    tags: list[Tag] = []


class PolicyVersion(Answer, frozen=True, kw_only=True):
    """A version of a managed policy."""

    version_id: str
    is_default_version: bool
    create_date: str
    document: str | None = None


class Policy(Answer, frozen=True, kw_only=True):
    """A managed policy; lists leave out its versions."""

    policy_name: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    create_date: str
    description: str = ""
    policy_version_list: list[PolicyVersion] = []


class AccessKey(Answer, frozen=True, kw_only=True):
    """An access key without its secret."""

    access_key_id: str
    status: str
    create_date: str
    user_name: str | None = None


class NewAccessKey(AccessKey, frozen=True, kw_only=True):
    """An access key just made: the one answer with a secret."""

    secret_access_key: str

    def __repr__(self) -> str:
        return f"NewAccessKey({self.access_key_id!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What rich prints instead of ``repr``; msgspec's own would show every field."""
        return [("access_key_id", self.access_key_id)]


class Account(Answer, frozen=True, kw_only=True):
    """An account, by its root."""

    id: str
    arn: str
    create_date: str


class CallerIdentity(Answer, frozen=True, kw_only=True):
    """Who is calling."""

    user_id: str
    account: str
    arn: str

    @property
    def partition(self) -> str:
        """The partition of the caller's ARN."""
        return self.arn.split(":")[1]


class CreateUser(Answer, frozen=True, kw_only=True):
    """The output of CreateUser."""

    user: User


class CreateRole(Answer, frozen=True, kw_only=True):
    """The output of CreateRole."""

    role: Role


class CreatePolicy(Answer, frozen=True, kw_only=True):
    """The output of CreatePolicy."""

    policy: Policy


class CreatePolicyVersion(Answer, frozen=True, kw_only=True):
    """The output of CreatePolicyVersion."""

    policy_version: PolicyVersion


class CreateAccessKey(Answer, frozen=True, kw_only=True):
    """The output of CreateAccessKey."""

    access_key: NewAccessKey


class CreateAccount(Answer, frozen=True, kw_only=True):
    """The output of CreateAccount."""

    account: Account
    access_key: NewAccessKey


class ListUsers(Page, frozen=True, kw_only=True):
    """The output of ListUsers."""

    users: list[User]


class ListRoles(Page, frozen=True, kw_only=True):
    """The output of ListRoles."""

    roles: list[Role]


class ListPolicies(Page, frozen=True, kw_only=True):
    """The output of ListPolicies."""

    policies: list[Policy]


class ListPolicyVersions(Page, frozen=True, kw_only=True):
    """The output of ListPolicyVersions."""

    versions: list[PolicyVersion]


class ListPolicyTags(Page, frozen=True, kw_only=True):
    """The output of ListPolicyTags."""

    tags: list[Tag]


class ListAccessKeys(Page, frozen=True, kw_only=True):
    """The output of ListAccessKeys."""

    access_key_metadata: list[AccessKey]


class ListAccounts(Page, frozen=True, kw_only=True):
    """The output of ListAccounts."""

    accounts: list[Account]


class GetAccountAuthorizationDetails(Page, frozen=True, kw_only=True):
    """The output of GetAccountAuthorizationDetails."""

    user_detail_list: list[User]
    role_detail_list: list[Role]
    policies: list[Policy]


class OpenIDConnectProvider(Answer, frozen=True, kw_only=True):
    """An entry of ListOpenIDConnectProviders."""

    arn: str = msgspec.field(name="Arn")


class ListOpenIDConnectProviders(Answer, frozen=True, kw_only=True):
    """The output of ListOpenIDConnectProviders."""

    providers: list[OpenIDConnectProvider] = msgspec.field(name="OpenIDConnectProviderList")


class CreateOpenIDConnectProvider(Answer, frozen=True, kw_only=True):
    """The output of CreateOpenIDConnectProvider."""

    arn: str = msgspec.field(name="OpenIDConnectProviderArn")


class GetOpenIDConnectProvider(Answer, frozen=True, kw_only=True):
    """The output of GetOpenIDConnectProvider; ``url`` has no scheme, ``json_web_key_set`` is ours."""

    url: str = msgspec.field(name="Url")
    client_ids: list[str] = msgspec.field(name="ClientIDList", default_factory=list[str])
    thumbprints: list[str] = msgspec.field(name="ThumbprintList", default_factory=list[str])
    json_web_key_set: str | None = msgspec.field(name="JsonWebKeySet", default=None)
    tags: list[Tag] = msgspec.field(name="Tags", default_factory=list[Tag])


class ExplainedElement(Answer, frozen=True, kw_only=True):
    """How an element of a statement met the request."""

    element: str
    written: list[str]
    actual: str
    matched: bool


class ExplainedCondition(Answer, frozen=True, kw_only=True):
    """How a condition met the request; ``compared`` is what was written with its variables put in."""

    operator: str
    key: str
    written: list[str]
    compared: list[str]
    actual: list[str] | None = None
    matched: bool


class DecidingStatement(Answer, frozen=True, kw_only=True):
    """A statement that decided; without an index in a policy that cannot be read."""

    policy_name: str
    policy_type: str
    statement_index: int | None = None
    sid: str | None = None


class ExplainedStatement(DecidingStatement, frozen=True, kw_only=True):
    """How a statement met the request."""

    effect: str
    applies: bool
    elements: list[ExplainedElement]
    conditions: list[ExplainedCondition]


class ExplainedPolicy(Answer, frozen=True, kw_only=True):
    """How a policy met the request."""

    policy_name: str
    policy_type: str
    is_readable: bool
    statements: list[ExplainedStatement]


class ContextEntry(Answer, frozen=True, kw_only=True):
    """A condition key and its values."""

    key: str
    values: list[str]


class ExplainDecision(Answer, frozen=True, kw_only=True):
    """The output of ExplainDecision; ``decision`` is ``allowed``, ``explicitDeny`` or ``implicitDeny``."""

    decision: str
    message: str | None = None
    deciding_statements: list[DecidingStatement]
    nearest_miss: ExplainedStatement | None = None
    policies: list[ExplainedPolicy]
    context: list[ContextEntry]


@dataclass(frozen=True, slots=True)
class IAM:
    """IAM of one account, that of the caller. Every method raises what QueryClient's ``call`` raises."""

    client: QueryClient

    def do(self, action: str, **members: Member) -> None:
        """Call an operation for what it does."""
        self.client.call(_IAM, action, members, Answer)

    def get(self, shape: type[A], **members: Member) -> A:
        """Call the operation whose output has the shape, and the shape's name."""
        return self.client.call(_IAM, shape.__name__, members, shape)

    def pages(self, shape: type[P], **members: Member) -> Iterator[P]:
        """Every part of a list."""
        marker = None
        while True:
            page = self.get(shape, **members, Marker=marker)
            yield page
            if not page.is_truncated:
                return
            marker = page.marker

    def caller_identity(self) -> CallerIdentity:
        """Who is calling."""
        return self.client.call(_STS, "GetCallerIdentity", {}, CallerIdentity)


def document(text: str) -> str:
    """A policy document as it was before IAM percent-encoded it for its answer."""
    return unquote(text)
