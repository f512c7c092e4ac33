"""What has to be done to an account so that it has all that a document says.

Users, roles, policies and providers that the document does not name stay as they are; of those that it names,
everything becomes as it says. Each change is one call of IAM, in an order in which each finds what it needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from entrepot.cli.iam.account import (
    Account,
    Found,
    IdentityProvider,
    Policy,
    Principal,
    Role,
    compact,
    says_the_same,
)
from entrepot.cli.iam.managed_policies import version_to_drop
from entrepot.client.iam import PolicyVersion
from entrepot.core.errors import Conflict
from entrepot.protocol.query.calling import Member

Kind = Literal["User", "Role"]

#: The trust policy of a role that trusts one which is made after it, until that is there.
NOBODY = msgspec.Raw(
    b'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}'
)


@dataclass(eq=False)
class CannotImport(Conflict):
    """The document says what no call can bring about here."""

    reason: str

    template: ClassVar[str] = "{reason}"


@dataclass(frozen=True, slots=True)
class Change:
    """One call, and what it does in words."""

    sentence: str
    action: str
    members: Mapping[str, Member]


def changes(found: Found, wanted: Account) -> list[Change]:
    """The calls that bring the document about; none when all is there. Raises CannotImport for what cannot be."""
    here = found.account
    if wanted.account != here.account:
        raise CannotImport(f"the document is of the account {wanted.account}, and you are in {here.account}")
    providers = {provider.arn: provider for provider in here.identity_providers}
    policies = {policy.arn: policy for policy in here.policies}
    users = {user.name: user for user in here.users}
    roles = {role.name: role for role in here.roles}
    unmade = [role for role in wanted.roles if role.name not in roles]
    early = {role.name for number, role in enumerate(unmade) if _trusts_any(role, unmade[number:], here.account)}
    return [
        *(change for one in wanted.identity_providers for change in _provider(providers.get(one.arn), one)),
        *(
            change
            for one in wanted.policies
            for change in _policy(policies.get(one.arn), found.versions.get(one.arn, ()), one)
        ),
        *(change for one in wanted.users for change in _principal("User", users.get(one.name), one)),
        *(
            change
            for one in wanted.roles
            for change in _role(roles.get(one.name), one, NOBODY if one.name in early else one.trust_policy)
        ),
        *(_trusting(one) for one in wanted.roles if one.name in early or _trusts_others(roles.get(one.name), one)),
    ]


def _trusts_any(role: Role, others: Sequence[Role], account: str) -> bool:
    """True when a trust policy names one of the roles; IAM refuses names of roles that are not there."""
    return any(f":iam::{account}:role{other.path}{other.name}" in compact(role.trust_policy) for other in others)


def _trusts_others(found: Role | None, wanted: Role) -> bool:
    return found is not None and not says_the_same(found.trust_policy, wanted.trust_policy)


def _trusting(role: Role) -> Change:
    members = {"RoleName": role.name, "PolicyDocument": compact(role.trust_policy)}
    return Change(f"role {role.name}: replace the trust policy", "UpdateAssumeRolePolicy", members)


def _provider(found: IdentityProvider | None, wanted: IdentityProvider) -> Iterator[Change]:
    here, arn = f"identity provider {wanted.url}", {"OpenIDConnectProviderArn": wanted.arn}
    if found is not None and found.json_web_key_set != wanted.json_web_key_set:
        yield Change(f"{here}: delete it, to give it other keys", "DeleteOpenIDConnectProvider", arn)
        found = None
    if found is None:
        members: dict[str, Member] = {
            "Url": f"https://{wanted.url}",
            "ClientIDList": wanted.client_ids,
            "ThumbprintList": wanted.thumbprints or None,
            "JsonWebKeySet": wanted.json_web_key_set,
            "Tags": _tags(wanted.tags),
        }
        yield Change(f"{here}: create it", "CreateOpenIDConnectProvider", members)
        return
    for client_id in _without(found.client_ids, wanted.client_ids):
        members = {**arn, "ClientID": client_id}
        yield Change(
            f"{here}: remove the audience {client_id}", "RemoveClientIDFromOpenIDConnectProvider", members
        )
    for client_id in _without(wanted.client_ids, found.client_ids):
        members = {**arn, "ClientID": client_id}
        yield Change(f"{here}: add the audience {client_id}", "AddClientIDToOpenIDConnectProvider", members)
    if set(found.thumbprints) != set(wanted.thumbprints):
        members = {**arn, "ThumbprintList": wanted.thumbprints}
        yield Change(f"{here}: replace the thumbprints", "UpdateOpenIDConnectProviderThumbprint", members)
    yield from _tagging(here, "OpenIDConnectProvider", arn, found.tags, wanted.tags)


def _policy(found: Policy | None, versions: Sequence[PolicyVersion], wanted: Policy) -> Iterator[Change]:
    here, arn = f"policy {wanted.name}", {"PolicyArn": wanted.arn}
    if found is None:
        members: dict[str, Member] = {
            "PolicyName": wanted.name,
            "PolicyDocument": compact(wanted.document),
            "Path": wanted.path,
            "Description": wanted.description or None,
            "Tags": _tags(wanted.tags),
        }
        yield Change(f"{here}: create it", "CreatePolicy", members)
        return
    if found.description != wanted.description:
        raise CannotImport(f"the description of the {here} differs, and a policy's description cannot be changed")
    if not says_the_same(found.document, wanted.document):
        spare = version_to_drop(versions)
        if spare is not None:
            yield Change(f"{here}: delete the version {spare}", "DeletePolicyVersion", {**arn, "VersionId": spare})
        members = {**arn, "PolicyDocument": compact(wanted.document), "SetAsDefault": True}
        yield Change(f"{here}: give it a new version", "CreatePolicyVersion", members)
    yield from _tagging(here, "Policy", arn, found.tags, wanted.tags)


def _role(found: Role | None, wanted: Role, trust_at_first: msgspec.Raw) -> Iterator[Change]:
    """A role; one that is not there is created with ``trust_at_first``, one that is keeps its trust policy."""
    here, name = f"role {wanted.name}", {"RoleName": wanted.name}
    own: dict[str, Member] = {
        "AssumeRolePolicyDocument": compact(trust_at_first),
        "Description": wanted.description or None,
        "MaxSessionDuration": wanted.max_session_duration,
    }
    if found is None:
        yield from _principal("Role", None, wanted, own)
        return
    if found.path != wanted.path:
        raise CannotImport(f"the path of the {here} differs, and a role's path cannot be changed")
    said = (wanted.description, wanted.max_session_duration)
    if (found.description, found.max_session_duration) != said:
        members = {**name, "Description": wanted.description, "MaxSessionDuration": wanted.max_session_duration}
        yield Change(f"{here}: change description or longest session", "UpdateRole", members)
    yield from _principal("Role", found, wanted)


def _principal(
    kind: Kind, found: Principal | None, wanted: Principal, own: Mapping[str, Member] | None = None
) -> Iterator[Change]:
    """A user or a role; ``own`` are the members that only the creation of a role has."""
    here, name = f"{kind.lower()} {wanted.name}", {f"{kind}Name": wanted.name}
    if found is None:
        members = {
            **name,
            **(own or {}),
            "Path": wanted.path,
            "PermissionsBoundary": wanted.permissions_boundary,
            "Tags": _tags(wanted.tags),
        }
        yield Change(f"{here}: create it", f"Create{kind}", members)
        found = Principal(
            name=wanted.name,
            path=wanted.path,
            permissions_boundary=wanted.permissions_boundary,
            tags=wanted.tags,
        )
    if found.path != wanted.path:
        yield Change(f"{here}: move it to {wanted.path}", f"Update{kind}", {**name, "NewPath": wanted.path})
    yield from _bounding(here, kind, name, found.permissions_boundary, wanted.permissions_boundary)
    yield from _tagging(here, kind, name, found.tags, wanted.tags)
    for policy in _without(found.inline_policies, wanted.inline_policies):
        members = {**name, "PolicyName": policy}
        yield Change(f"{here}: delete the policy {policy}", f"Delete{kind}Policy", members)
    for policy, document in wanted.inline_policies.items():
        if policy not in found.inline_policies or not says_the_same(found.inline_policies[policy], document):
            members = {**name, "PolicyName": policy, "PolicyDocument": compact(document)}
            yield Change(f"{here}: put the policy {policy}", f"Put{kind}Policy", members)
    for arn in _without(found.attached_policies, wanted.attached_policies):
        yield Change(f"{here}: detach {arn}", f"Detach{kind}Policy", {**name, "PolicyArn": arn})
    for arn in _without(wanted.attached_policies, found.attached_policies):
        yield Change(f"{here}: attach {arn}", f"Attach{kind}Policy", {**name, "PolicyArn": arn})


def _bounding(
    here: str, kind: Kind, name: Mapping[str, str], found: str | None, wanted: str | None
) -> Iterator[Change]:
    if found == wanted:
        return
    if wanted is None:
        yield Change(f"{here}: remove the boundary", f"Delete{kind}PermissionsBoundary", name)
    else:
        members = {**name, "PermissionsBoundary": wanted}
        yield Change(f"{here}: bound it by {wanted}", f"Put{kind}PermissionsBoundary", members)


def _tagging(
    here: str, kind: str, name: Mapping[str, str], found: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[Change]:
    gone = _without(found, wanted)
    if gone:
        yield Change(f"{here}: remove the tags {', '.join(gone)}", f"Untag{kind}", {**name, "TagKeys": gone})
    new = {key: value for key, value in wanted.items() if found.get(key) != value}
    if new:
        yield Change(f"{here}: set the tags {', '.join(new)}", f"Tag{kind}", {**name, "Tags": _tags(new)})


def _tags(tags: Mapping[str, str]) -> list[Mapping[str, Member]] | None:
    return [{"Key": key, "Value": value} for key, value in tags.items()] or None


def _without(
    ones: Sequence[str] | Mapping[str, object], others: Sequence[str] | Mapping[str, object]
) -> list[str]:
    """Those of the first that are not among the others, each once."""
    return [one for one in dict.fromkeys(ones) if one not in others]
