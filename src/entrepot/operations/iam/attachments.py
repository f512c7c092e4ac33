"""Attach, Detach and ListAttached of UserPolicy and RolePolicy; ListEntitiesForPolicy."""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import PolicyNotFound, QuotaExceeded
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.identity.rules import MAX_ATTACHED_POLICIES
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import ask_on_policy, ask_on_principal
from entrepot.operations.iam.changes import change_principal, check_attachable
from entrepot.operations.iam.pages import After, Page, page_of, page_of_all
from entrepot.operations.iam.policies import Usage
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

USER, ROLE = PrincipalKind.USER, PrincipalKind.ROLE

_QUOTAS: Mapping[PrincipalKind, str] = {
    USER: "PoliciesPerUser",
    ROLE: "PoliciesPerRole",
}


@operation("AttachUserPolicy", service="iam", resource=None)
async def attach_user_policy(services: Services, caller: Caller, *, user_name: str, arn: str) -> None:
    """Give a user a managed policy; once more changes nothing.

    Raises AccessDenied, PrincipalNotFound, PolicyNotAttachable, QuotaExceeded.
    """
    await _attach(services, caller, "AttachUserPolicy", USER, user_name, arn)


@operation("AttachRolePolicy", service="iam", resource=None)
async def attach_role_policy(services: Services, caller: Caller, *, role_name: str, arn: str) -> None:
    """Give a role a managed policy; once more changes nothing. Raises as AttachUserPolicy."""
    await _attach(services, caller, "AttachRolePolicy", ROLE, role_name, arn)


async def _attach(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, arn: str
) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity, {"iam:PolicyARN": arn})

    def edit(connection: Connection, row: PrincipalRow) -> None:
        check_attachable(connection, caller, arn)
        identities.attach(connection, row, arn)
        if len(identities.attachments_of(connection, row.id)) > MAX_ATTACHED_POLICIES:
            raise QuotaExceeded(_QUOTAS[kind], MAX_ATTACHED_POLICIES)

    await change_principal(services, caller, name, found, edit, policy=arn)


@operation("DetachUserPolicy", service="iam", resource=None)
async def detach_user_policy(services: Services, caller: Caller, *, user_name: str, arn: str) -> None:
    """Take a managed policy from a user. Raises AccessDenied, PrincipalNotFound, PolicyNotFound."""
    await _detach(services, caller, "DetachUserPolicy", USER, user_name, arn)


@operation("DetachRolePolicy", service="iam", resource=None)
async def detach_role_policy(services: Services, caller: Caller, *, role_name: str, arn: str) -> None:
    """Take a managed policy from a role. Raises AccessDenied, PrincipalNotFound, PolicyNotFound."""
    await _detach(services, caller, "DetachRolePolicy", ROLE, role_name, arn)


async def _detach(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, arn: str
) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity, {"iam:PolicyARN": arn})

    def edit(connection: Connection, row: PrincipalRow) -> None:
        if not identities.detach(connection, row.id, arn):
            raise PolicyNotFound(arn)

    await change_principal(services, caller, name, found, edit, policy=arn)


@operation("ListAttachedUserPolicies", service="iam", resource=None)
async def list_attached_user_policies(
    services: Services, caller: Caller, *, user_name: str, path_prefix: str = "/", after: After = (), limit: int
) -> Page[str]:
    """At most ``limit`` ARNs of a user's managed policies under a path, in byte order.

    Raises AccessDenied, PrincipalNotFound.
    """
    return await _list(services, caller, "ListAttachedUserPolicies", USER, user_name, path_prefix, after, limit)


@operation("ListAttachedRolePolicies", service="iam", resource=None)
async def list_attached_role_policies(
    services: Services, caller: Caller, *, role_name: str, path_prefix: str = "/", after: After = (), limit: int
) -> Page[str]:
    """At most ``limit`` ARNs of a role's managed policies under a path, in byte order.

    Raises AccessDenied, PrincipalNotFound.
    """
    return await _list(services, caller, "ListAttachedRolePolicies", ROLE, role_name, path_prefix, after, limit)


async def _list(
    services: Services,
    caller: Caller,
    name: str,
    kind: PrincipalKind,
    entity: str,
    path_prefix: str,
    after: After,
    limit: int,
) -> Page[str]:
    found = await ask_on_principal(services, caller, name, kind, entity)
    arns = await services.metadata.read(lambda c: identities.attachments_of(c, found.id))
    under = [arn for arn in arns if arn.partition(":policy")[2].startswith(path_prefix)]
    return page_of_all(under, after, limit, lambda arn: (arn,))


@operation("ListEntitiesForPolicy", service="iam", resource=None)
async def list_entities_for_policy(
    services: Services,
    caller: Caller,
    *,
    arn: str,
    entity: Literal["User", "Role"] | None = None,
    path_prefix: str = "/",
    usage: Usage | None = None,
    after: After = (),
    limit: int,
) -> Page[PrincipalRow]:
    """At most ``limit`` users and roles of the account that have a managed policy, attached or as boundary, by id.

    A page may hold fewer and yet not be the last. Raises AccessDenied, PolicyNotFound.
    """
    await ask_on_policy(services, caller, "ListEntitiesForPolicy", arn)
    account, after_id = caller.principal.account, after[0] if after else ""

    def query(connection: Connection) -> list[PrincipalRow]:
        found: dict[str, PrincipalRow] = {}
        for sort, page in (
            ("PermissionsPolicy", identities.page_of_attached),
            ("PermissionsBoundary", identities.page_of_bounded),
        ):
            if usage in {None, sort}:
                rows = page(connection, account, arn, path_prefix=path_prefix, after=after_id, limit=limit + 1)
                found.update((row.id, row) for row in rows)
        return [found[key] for key in sorted(found)][: limit + 1]

    page = page_of(await services.metadata.read(query), limit, lambda row: (row.id,))
    return Page([row for row in page.entries if entity is None or row.kind == entity.lower()], page.next)
