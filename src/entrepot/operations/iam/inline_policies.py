"""Put, Get, Delete and List of UserPolicy and RolePolicy: policies that are part of one user or role."""

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.documents import check_inline_policies, check_inline_policy
from entrepot.features.identity.errors import InlinePolicyNotFound
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PolicyText, PrincipalRow
from entrepot.features.identity.rules import check_name
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import ask_on_principal
from entrepot.operations.iam.changes import change_principal
from entrepot.operations.iam.pages import After, Page, page_of_all
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

USER, ROLE = PrincipalKind.USER, PrincipalKind.ROLE


@operation("PutUserPolicy", service="iam", resource=None)
async def put_user_policy(
    services: Services, caller: Caller, *, user_name: str, policy_name: str, document: str
) -> None:
    """Set an inline policy of a user; all together have at most 2,048 characters.

    Raises AccessDenied, ValidationError, MalformedPolicyDocument, PrincipalNotFound, InlinePoliciesTooLarge.
    """
    await _put(services, caller, "PutUserPolicy", USER, user_name, policy_name, document)


@operation("PutRolePolicy", service="iam", resource=None)
async def put_role_policy(
    services: Services, caller: Caller, *, role_name: str, policy_name: str, document: str
) -> None:
    """Set an inline policy of a role; all together have at most 10,240 characters. Raises as PutUserPolicy."""
    await _put(services, caller, "PutRolePolicy", ROLE, role_name, policy_name, document)


async def _put(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, policy: str, document: str
) -> None:
    check_name("policyName", policy, 128)
    check_inline_policy(document)
    found = await ask_on_principal(services, caller, name, kind, entity)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        identities.put_inline_policy(connection, row.id, policy, document)
        check_inline_policies(kind, entity, identities.inline_policies_of(connection, row.id))

    await change_principal(services, caller, name, found, edit, policy=policy)


@operation("GetUserPolicy", service="iam", resource=None)
async def get_user_policy(services: Services, caller: Caller, *, user_name: str, policy_name: str) -> PolicyText:
    """An inline policy of a user. Raises AccessDenied, PrincipalNotFound, InlinePolicyNotFound."""
    return await _get(services, caller, "GetUserPolicy", USER, user_name, policy_name)


@operation("GetRolePolicy", service="iam", resource=None)
async def get_role_policy(services: Services, caller: Caller, *, role_name: str, policy_name: str) -> PolicyText:
    """An inline policy of a role. Raises AccessDenied, PrincipalNotFound, InlinePolicyNotFound."""
    return await _get(services, caller, "GetRolePolicy", ROLE, role_name, policy_name)


async def _get(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, policy: str
) -> PolicyText:
    found = await ask_on_principal(services, caller, name, kind, entity)
    texts = await services.metadata.read(lambda c: identities.inline_policies_of(c, found.id))
    for text in texts:
        if text.name == policy:
            return text
    raise InlinePolicyNotFound(kind, policy)


@operation("DeleteUserPolicy", service="iam", resource=None)
async def delete_user_policy(services: Services, caller: Caller, *, user_name: str, policy_name: str) -> None:
    """Remove an inline policy of a user. Raises AccessDenied, PrincipalNotFound, InlinePolicyNotFound."""
    await _delete(services, caller, "DeleteUserPolicy", USER, user_name, policy_name)


@operation("DeleteRolePolicy", service="iam", resource=None)
async def delete_role_policy(services: Services, caller: Caller, *, role_name: str, policy_name: str) -> None:
    """Remove an inline policy of a role. Raises AccessDenied, PrincipalNotFound, InlinePolicyNotFound."""
    await _delete(services, caller, "DeleteRolePolicy", ROLE, role_name, policy_name)


async def _delete(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, policy: str
) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        if not identities.delete_inline_policy(connection, row.id, policy):
            raise InlinePolicyNotFound(kind, policy)

    await change_principal(services, caller, name, found, edit, policy=policy)


@operation("ListUserPolicies", service="iam", resource=None)
async def list_user_policies(
    services: Services, caller: Caller, *, user_name: str, after: After = (), limit: int
) -> Page[str]:
    """At most ``limit`` names of a user's inline policies, by name. Raises AccessDenied, PrincipalNotFound."""
    return await _list(services, caller, "ListUserPolicies", USER, user_name, after, limit)


@operation("ListRolePolicies", service="iam", resource=None)
async def list_role_policies(
    services: Services, caller: Caller, *, role_name: str, after: After = (), limit: int
) -> Page[str]:
    """At most ``limit`` names of a role's inline policies, by name. Raises AccessDenied, PrincipalNotFound."""
    return await _list(services, caller, "ListRolePolicies", ROLE, role_name, after, limit)


async def _list(
    services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, after: After, limit: int
) -> Page[str]:
    found = await ask_on_principal(services, caller, name, kind, entity)
    texts = await services.metadata.read(lambda c: identities.inline_policies_of(c, found.id))
    return page_of_all([text.name for text in texts], after, limit, lambda policy: (policy,))
