"""One account as one JSON document: what ``entrepot iam export`` writes and ``entrepot iam import`` reads.

It has no secrets and no access keys. Policy documents are JSON, member for member as they were given.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from entrepot.cli.iam.command import Misused
from entrepot.client.iam import (
    IAM,
    AttachedPolicy,
    Boundary,
    GetAccountAuthorizationDetails,
    GetOpenIDConnectProvider,
    InlinePolicy,
    ListOpenIDConnectProviders,
    ListPolicyTags,
    ListRoles,
    PolicyVersion,
    Tag,
    document,
)
from entrepot.client.iam import Policy as AnsweredPolicy
from entrepot.client.iam import Role as AnsweredRole
from entrepot.client.iam import User as AnsweredUser

_OWN_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>[0-9]{12}):(policy|oidc-provider)/.+")


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True, forbid_unknown_fields=True
):
    """A part of the document."""


class Principal(Entry, frozen=True, kw_only=True):
    """What users and roles have in common; attached policies and the boundary are ARNs."""

    name: str
    path: str = "/"
    permissions_boundary: str | None = None
    tags: dict[str, str] = {}
    inline_policies: dict[str, msgspec.Raw] = {}
    attached_policies: list[str] = []


class User(Principal, frozen=True, kw_only=True):
    """A user."""


class Role(Principal, frozen=True, kw_only=True):
    """A role; the longest session is in seconds."""

    trust_policy: msgspec.Raw
    description: str = ""
    max_session_duration: int = 3600


class Policy(Entry, frozen=True, kw_only=True):
    """A managed policy in the version that decides."""

    arn: str
    document: msgspec.Raw
    description: str = ""
    tags: dict[str, str] = {}

    @property
    def path(self) -> str:
        """The path, from the ARN."""
        return self.arn.partition(":policy")[2].rpartition("/")[0] + "/"

    @property
    def name(self) -> str:
        """The name, from the ARN."""
        return self.arn.rpartition("/")[2]


class IdentityProvider(Entry, frozen=True, kw_only=True):
    """An OpenID Connect issuer; its keys where they were given and are not fetched."""

    arn: str
    client_ids: list[str] = msgspec.field(name="ClientIDs", default_factory=list[str])
    thumbprints: list[str] = []
    json_web_key_set: str | None = None
    tags: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The issuer's URL without its scheme, from the ARN."""
        return self.arn.partition(":oidc-provider/")[2]


class Account(Entry, frozen=True, kw_only=True):
    """The whole document."""

    account: str
    identity_providers: list[IdentityProvider] = []
    policies: list[Policy] = []
    users: list[User] = []
    roles: list[Role] = []


@dataclass(frozen=True, slots=True)
class Found:
    """An account as the registry has it, with what is not in the document: the versions of policies by ARN."""

    account: Account
    versions: Mapping[str, Sequence[PolicyVersion]]


def read_document(text: str) -> Account:
    """Read a document; raises Misused where it is none, or contradicts itself."""
    try:
        account = msgspec.json.decode(text, type=Account)
    except msgspec.DecodeError as error:
        raise Misused(f"the document cannot be imported: {error}") from None
    for arn in (one.arn for one in (*account.policies, *account.identity_providers)):
        own = _OWN_ARN.fullmatch(arn)
        if own is None or own["account"] != account.account:
            raise Misused(f"the document cannot be imported: {arn} is not of the account {account.account}")
    for names in (
        [user.name for user in account.users],
        [role.name for role in account.roles],
        [one.arn for one in (*account.policies, *account.identity_providers)],
    ):
        for name in {name for name in names if names.count(name) > 1}:
            raise Misused(f"the document cannot be imported: it has {name} twice")
    return account


def find_account(iam: IAM) -> Found:
    """The caller's account, in several calls: what changes between them may be seen in part."""
    details = list(iam.pages(GetAccountAuthorizationDetails))
    of_lists = {role.role_name: role for page in iam.pages(ListRoles) for role in page.roles}
    own = iam.caller_identity()
    policies = [one for page in details for one in page.policies if f":iam::{own.account}:" in one.arn]
    account = Account(
        account=own.account,
        identity_providers=[
            _provider(iam, provider.arn) for provider in iam.get(ListOpenIDConnectProviders).providers
        ],
        policies=[_policy(iam, policy) for policy in policies],
        users=[_user(user) for page in details for user in page.user_detail_list],
        roles=[
            _role(role, of_lists.get(role.role_name, role)) for page in details for role in page.role_detail_list
        ],
    )
    return Found(account, {policy.arn: policy.policy_version_list for policy in policies})


def _provider(iam: IAM, arn: str) -> IdentityProvider:
    found = iam.get(GetOpenIDConnectProvider, OpenIDConnectProviderArn=arn)
    return IdentityProvider(
        arn=arn,
        client_ids=found.client_ids,
        thumbprints=found.thumbprints,
        json_web_key_set=found.json_web_key_set,
        tags=_tags(found.tags),
    )


def _policy(iam: IAM, policy: AnsweredPolicy) -> Policy:
    [document] = [one.document for one in policy.policy_version_list if one.is_default_version]
    tags = [tag for page in iam.pages(ListPolicyTags, PolicyArn=policy.arn) for tag in page.tags]
    return Policy(
        arn=policy.arn, document=_document(document or ""), description=policy.description, tags=_tags(tags)
    )


def _user(user: AnsweredUser) -> User:
    return User(
        name=user.user_name,
        path=user.path,
        permissions_boundary=_boundary(user.permissions_boundary),
        tags=_tags(user.tags),
        inline_policies=_inline(user.user_policy_list),
        attached_policies=_arns(user.attached_managed_policies),
    )


def _role(role: AnsweredRole, of_list: AnsweredRole) -> Role:
    """A role of the details, with what only the list of roles tells."""
    return Role(
        name=role.role_name,
        path=role.path,
        permissions_boundary=_boundary(role.permissions_boundary),
        tags=_tags(role.tags),
        inline_policies=_inline(role.role_policy_list),
        attached_policies=_arns(role.attached_managed_policies),
        trust_policy=_document(role.assume_role_policy_document),
        description=of_list.description,
        max_session_duration=of_list.max_session_duration,
    )


def _document(encoded: str) -> msgspec.Raw:
    return msgspec.Raw(document(encoded).encode())


def _boundary(boundary: Boundary | None) -> str | None:
    return None if boundary is None else boundary.permissions_boundary_arn


def _tags(tags: Sequence[Tag]) -> dict[str, str]:
    return {tag.key: tag.value for tag in tags}


def _inline(policies: Sequence[InlinePolicy]) -> dict[str, msgspec.Raw]:
    return {policy.policy_name: _document(policy.policy_document) for policy in policies}


def _arns(policies: Sequence[AttachedPolicy]) -> list[str]:
    return [policy.policy_arn for policy in policies]


def says_the_same(one: msgspec.Raw, other: msgspec.Raw) -> bool:
    """True for documents that differ in white space and order of members at most."""
    return json.loads(bytes(one)) == json.loads(bytes(other))


def compact(document: msgspec.Raw) -> str:
    """A document without the white space that its place in another gave it; nothing else is changed."""
    return msgspec.json.format(bytes(document), indent=-1).decode()
