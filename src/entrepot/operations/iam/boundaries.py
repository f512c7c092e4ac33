"""Put and Delete of UserPermissionsBoundary and RolePermissionsBoundary."""

from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import ask_on_principal
from entrepot.operations.iam.changes import change_principal, check_attachable
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

USER, ROLE = PrincipalKind.USER, PrincipalKind.ROLE


@operation("PutUserPermissionsBoundary", service="iam", resource=None)
async def put_user_permissions_boundary(services: Services, caller: Caller, *, user_name: str, arn: str) -> None:
    """Bound what a user may do by a policy. Raises AccessDenied, PrincipalNotFound, PolicyNotAttachable."""
    await _put(services, caller, "PutUserPermissionsBoundary", USER, user_name, arn)


@operation("PutRolePermissionsBoundary", service="iam", resource=None)
async def put_role_permissions_boundary(services: Services, caller: Caller, *, role_name: str, arn: str) -> None:
    """Bound what a role may do by a policy. Raises AccessDenied, PrincipalNotFound, PolicyNotAttachable."""
    await _put(services, caller, "PutRolePermissionsBoundary", ROLE, role_name, arn)


async def _put(services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str, arn: str) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity, {"iam:PermissionsBoundary": arn})

    def edit(connection: Connection, row: PrincipalRow) -> None:
        check_attachable(connection, caller, arn)
        identities.replace_principal(connection, replace(row, boundary=arn))

    await change_principal(services, caller, name, found, edit, policy=arn)


@operation("DeleteUserPermissionsBoundary", service="iam", resource=None)
async def delete_user_permissions_boundary(services: Services, caller: Caller, *, user_name: str) -> None:
    """Bound a user no longer; without a boundary nothing changes. Raises AccessDenied, PrincipalNotFound."""
    await _delete(services, caller, "DeleteUserPermissionsBoundary", USER, user_name)


@operation("DeleteRolePermissionsBoundary", service="iam", resource=None)
async def delete_role_permissions_boundary(services: Services, caller: Caller, *, role_name: str) -> None:
    """Bound a role no longer; without a boundary nothing changes. Raises AccessDenied, PrincipalNotFound."""
    await _delete(services, caller, "DeleteRolePermissionsBoundary", ROLE, role_name)


async def _delete(services: Services, caller: Caller, name: str, kind: PrincipalKind, entity: str) -> None:
    found = await ask_on_principal(services, caller, name, kind, entity)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        identities.replace_principal(connection, replace(row, boundary=None))

    await change_principal(services, caller, name, found, edit)
