"""Managed policies and their versions.

CreatePolicy, GetPolicy, DeletePolicy, ListPolicies, CreatePolicyVersion, GetPolicyVersion, DeletePolicyVersion,
ListPolicyVersions, SetDefaultPolicyVersion. AWS's own are read as the others are, and cannot be changed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.documents import check_managed_policy
from entrepot.features.identity.errors import (
    DeleteConflict,
    PolicyAlreadyExists,
    PolicyVersionNotFound,
    QuotaExceeded,
    TooManyPolicyVersions,
    ValidationError,
)
from entrepot.features.identity.managed_policies import AWS_MANAGED_POLICIES, find_aws_policy
from entrepot.features.identity.rows import ManagedPolicyRow, PolicyVersionRow
from entrepot.features.identity.rules import (
    MAX_POLICIES,
    MAX_POLICY_VERSIONS,
    check_description,
    check_name,
    check_policy_path,
    check_tags,
    unique_id,
)
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import arn_in, ask, ask_on_policy, partition, tags_of_request
from entrepot.operations.iam.changes import change, change_policy
from entrepot.operations.iam.pages import After, Page, page_of, page_of_all
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

Scope = Literal["All", "AWS", "Local"]
Usage = Literal["PermissionsPolicy", "PermissionsBoundary"]

_MAX_VERSION = 10**9
_VERSION_ID = re.compile(r"v(?P<number>[1-9][0-9]{0,8})(\.[A-Za-z0-9-]*)?")


@dataclass(frozen=True, slots=True)
class Policy:
    """A managed policy, with how many of the account's users and roles have it, attached and as their boundary."""

    row: ManagedPolicyRow
    attachment_count: int
    boundary_count: int


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of a managed policy; ``is_default`` when it is the one that decides."""

    row: PolicyVersionRow
    is_default: bool


@operation("CreatePolicy", service="iam", resource=None)
async def create_policy(
    services: Services,
    caller: Caller,
    *,
    policy_name: str,
    document: str,
    path: str = "/",
    description: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> Policy:
    """Create a managed policy that nobody has yet. Who brings tags needs iam:TagPolicy too.

    Raises AccessDenied, ValidationError, InvalidInput, MalformedPolicyDocument, PolicyAlreadyExists,
    QuotaExceeded.
    """
    check_name("policyName", policy_name, 128)
    check_policy_path(path)
    check_description(description)
    check_managed_policy(document)
    checked = check_tags(tags, "TagsPerPolicy")
    arn, context = arn_in(caller, f"policy{path}{policy_name}"), tags_of_request(checked)
    await ask(services, caller, "CreatePolicy", arn, context)
    if checked:
        await ask(services, caller, "TagPolicy", arn, context)
    policy_id = unique_id("ANPA", services.random_hex)

    def edit(connection: Connection, now: int) -> Policy:
        created = ManagedPolicyRow(
            arn=arn,
            id=policy_id,
            account=caller.principal.account,
            path=path,
            name=policy_name,
            description=description,
            created_at=now,
            updated_at=now,
            default_version=1,
            latest_version=1,
            tags=checked,
        )
        if not identities.create_policy(connection, created, document):
            raise PolicyAlreadyExists(policy_name)
        if identities.count_policies(connection, created.account) > MAX_POLICIES:
            raise QuotaExceeded("PoliciesPerAccount", MAX_POLICIES)
        return Policy(created, 0, 0)

    return await change(services, caller, "CreatePolicy", edit, policy=arn)


@operation("GetPolicy", service="iam", resource=None)
async def get_policy(services: Services, caller: Caller, *, arn: str) -> Policy:
    """A managed policy. Raises AccessDenied, PolicyNotFound."""
    found = await ask_on_policy(services, caller, "GetPolicy", arn)
    [counted] = await services.metadata.read(lambda c: count_uses(c, caller.principal.account, [found]))
    return counted


@operation("DeletePolicy", service="iam", resource=None)
async def delete_policy(services: Services, caller: Caller, *, arn: str) -> None:
    """Delete a managed policy that nobody has and that has one version.

    Raises AccessDenied, PolicyNotFound, DeleteConflict.
    """
    await ask_on_policy(services, caller, "DeletePolicy", arn)

    def edit(connection: Connection, row: ManagedPolicyRow, _now: int) -> None:
        attached = identities.count_attached(connection, row.account, [row.arn])
        if attached or identities.count_bounded(connection, row.account, [row.arn]):
            raise DeleteConflict("Cannot delete a policy attached to entities.")
        if len(identities.versions_of(connection, row.arn)) > 1:
            raise DeleteConflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
        identities.delete_policy(connection, row.arn)

    await change_policy(services, caller, "DeletePolicy", arn, edit)


@operation("ListPolicies", service="iam", resource=None)
async def list_policies(
    services: Services,
    caller: Caller,
    *,
    scope: Scope = "All",
    only_attached: bool = False,
    path_prefix: str = "/",
    usage: Usage | None = None,
    after: After = (),
    limit: int,
) -> Page[Policy]:
    """At most ``limit`` managed policies under a path: AWS's by name, then the account's by path and name.

    ``usage`` leaves those out that nobody has in that way, ``only_attached`` those that nobody has attached.
    Raises AccessDenied.
    """
    await ask(services, caller, "ListPolicies", f"policy path {path_prefix}")
    account = caller.principal.account
    used = "bounding" if usage == "PermissionsBoundary" else "attached" if usage or only_attached else None

    def query(connection: Connection) -> list[Policy]:
        found = (
            [] if scope == "Local" else count_uses(connection, account, _aws_policies(caller, path_prefix, after))
        )
        if used is not None:
            found = [one for one in found if (one.boundary_count if used == "bounding" else one.attachment_count)]
        if scope == "AWS" or len(found) > limit:
            return found[: limit + 1]
        after_own = after[1:] if after[:1] == _OWN else ()
        own = identities.page_of_policies(
            connection, account, path_prefix=path_prefix, usage=used, after=after_own, limit=limit + 1 - len(found)
        )
        return [*found, *count_uses(connection, account, own)]

    return page_of(await services.metadata.read(query), limit, _sort_key)


_AWS, _OWN = ("aws",), ("own",)


def _sort_key(policy: Policy) -> After:
    """Where a policy stands: AWS's before the account's own."""
    return (*(_AWS if policy.row.account == "aws" else _OWN), *policy.row.sort_key)


def _aws_policies(caller: Caller, path_prefix: str, after: After) -> list[ManagedPolicyRow]:
    rows = [policy.row(partition(caller)) for policy in AWS_MANAGED_POLICIES.values()]
    rows.sort(key=lambda row: row.sort_key)
    return [row for row in rows if row.path.startswith(path_prefix) and (*_AWS, *row.sort_key) > after]


def count_uses(connection: Connection, account: str, rows: Sequence[ManagedPolicyRow]) -> list[Policy]:
    """Policies, with how many of an account's users and roles have each."""
    arns = [row.arn for row in rows]
    attached = identities.count_attached(connection, account, arns)
    bounded = identities.count_bounded(connection, account, arns)
    return [Policy(row, attached.get(row.arn, 0), bounded.get(row.arn, 0)) for row in rows]


@operation("CreatePolicyVersion", service="iam", resource=None)
async def create_policy_version(
    services: Services, caller: Caller, *, arn: str, document: str, set_as_default: bool = False
) -> PolicyVersion:
    """Add a version to a managed policy; it decides only if it is to be the default one.

    Raises AccessDenied, MalformedPolicyDocument, QuotaExceeded, PolicyNotFound, TooManyPolicyVersions.
    """
    check_managed_policy(document)
    await ask_on_policy(services, caller, "CreatePolicyVersion", arn)
    if set_as_default:
        await ask_on_policy(services, caller, "SetDefaultPolicyVersion", arn)

    def edit(connection: Connection, row: ManagedPolicyRow, now: int) -> PolicyVersion:
        if len(identities.versions_of(connection, arn)) >= MAX_POLICY_VERSIONS:
            raise TooManyPolicyVersions(MAX_POLICY_VERSIONS)
        added = PolicyVersionRow(row.latest_version + 1, document, now)
        identities.add_version(connection, arn, added)
        if set_as_default:
            identities.set_default_version(connection, arn, added.version, now)
        return PolicyVersion(added, set_as_default)

    return await change_policy(services, caller, "CreatePolicyVersion", arn, edit, is_default=set_as_default)


@operation("GetPolicyVersion", service="iam", resource=None)
async def get_policy_version(services: Services, caller: Caller, *, arn: str, version_id: str) -> PolicyVersion:
    """A version of a managed policy.

    Raises AccessDenied, ValidationError, PolicyNotFound, PolicyVersionNotFound.
    """
    number = _number_of(version_id)
    found = await ask_on_policy(services, caller, "GetPolicyVersion", arn)
    versions = await services.metadata.read(lambda c: versions_of(c, found))
    return _pick(versions, arn, number)


@operation("DeletePolicyVersion", service="iam", resource=None)
async def delete_policy_version(services: Services, caller: Caller, *, arn: str, version_id: str) -> None:
    """Delete a version that does not decide.

    Raises AccessDenied, ValidationError, PolicyNotFound, PolicyVersionNotFound, DeleteConflict.
    """
    number = _number_of(version_id)
    await ask_on_policy(services, caller, "DeletePolicyVersion", arn)

    def edit(connection: Connection, row: ManagedPolicyRow, _now: int) -> None:
        if _pick(versions_of(connection, row), arn, number).is_default:
            raise DeleteConflict("Cannot delete the default version of a policy.")
        identities.delete_version(connection, arn, number)

    await change_policy(services, caller, "DeletePolicyVersion", arn, edit, version=version_id)


@operation("ListPolicyVersions", service="iam", resource=None)
async def list_policy_versions(
    services: Services, caller: Caller, *, arn: str, after: After = (), limit: int
) -> Page[PolicyVersion]:
    """At most ``limit`` versions of a managed policy, the latest first. Raises AccessDenied, PolicyNotFound."""
    found = await ask_on_policy(services, caller, "ListPolicyVersions", arn)
    versions = await services.metadata.read(lambda c: versions_of(c, found))
    return page_of_all(versions, after, limit, _latest_first)


def _latest_first(version: PolicyVersion) -> After:
    return (f"{_MAX_VERSION - version.row.version:010}",)


@operation("SetDefaultPolicyVersion", service="iam", resource=None)
async def set_default_policy_version(services: Services, caller: Caller, *, arn: str, version_id: str) -> None:
    """Let another version of a managed policy decide.

    Raises AccessDenied, ValidationError, PolicyNotFound, PolicyVersionNotFound.
    """
    number = _number_of(version_id)
    await ask_on_policy(services, caller, "SetDefaultPolicyVersion", arn)

    def edit(connection: Connection, row: ManagedPolicyRow, now: int) -> None:
        _pick(versions_of(connection, row), arn, number)
        identities.set_default_version(connection, arn, number, now)

    await change_policy(services, caller, "SetDefaultPolicyVersion", arn, edit, version=version_id)


def versions_of(connection: Connection, policy: ManagedPolicyRow) -> list[PolicyVersion]:
    """The versions of a policy, the latest first; of AWS's the default one alone is known."""
    by_aws = find_aws_policy(policy.arn)
    if by_aws is not None:
        return [
            PolicyVersion(PolicyVersionRow(by_aws.version, by_aws.document, by_aws.updated_at), is_default=True)
        ]
    rows = identities.versions_of(connection, policy.arn)
    return [PolicyVersion(row, row.version == policy.default_version) for row in rows]


def _pick(versions: Sequence[PolicyVersion], arn: str, number: int) -> PolicyVersion:
    found = [one for one in versions if one.row.version == number]
    if not found:
        raise PolicyVersionNotFound(arn, f"v{number}")
    return found[0]


def _number_of(version_id: str) -> int:
    found = _VERSION_ID.fullmatch(version_id)
    if found is None:
        pattern = r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"
        raise ValidationError(
            "versionId", version_id, f"Member must satisfy regular expression pattern: {pattern}"
        )
    return int(found["number"])
