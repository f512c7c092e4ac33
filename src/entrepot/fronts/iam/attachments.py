"""Which managed policies users and roles have, attached and as their boundary, on the wire."""

from entrepot.features.identity.principal import PrincipalKind
from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import attached_policies
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import attachments, boundaries
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _attach_to_user(call: Call, request: shapes.AttachUserPolicyRequest) -> None:
    await attachments.attach_user_policy(
        call.services, call.caller, user_name=request.user_name, arn=request.policy_arn
    )


async def _attach_to_role(call: Call, request: shapes.AttachRolePolicyRequest) -> None:
    await attachments.attach_role_policy(
        call.services, call.caller, role_name=request.role_name, arn=request.policy_arn
    )


async def _detach_from_user(call: Call, request: shapes.DetachUserPolicyRequest) -> None:
    await attachments.detach_user_policy(
        call.services, call.caller, user_name=request.user_name, arn=request.policy_arn
    )


async def _detach_from_role(call: Call, request: shapes.DetachRolePolicyRequest) -> None:
    await attachments.detach_role_policy(
        call.services, call.caller, role_name=request.role_name, arn=request.policy_arn
    )


async def _list_of_user(call: Call, request: shapes.ListAttachedUserPoliciesRequest) -> Result:
    listing = Listing.read(call, "ListAttachedUserPolicies", request)
    page = await attachments.list_attached_user_policies(
        call.services,
        call.caller,
        user_name=request.user_name,
        path_prefix=request.path_prefix or "/",
        after=listing.after,
        limit=listing.limit,
    )
    return {"AttachedPolicies": attached_policies(page.entries), **listing.members(page)}


async def _list_of_role(call: Call, request: shapes.ListAttachedRolePoliciesRequest) -> Result:
    listing = Listing.read(call, "ListAttachedRolePolicies", request)
    page = await attachments.list_attached_role_policies(
        call.services,
        call.caller,
        role_name=request.role_name,
        path_prefix=request.path_prefix or "/",
        after=listing.after,
        limit=listing.limit,
    )
    return {"AttachedPolicies": attached_policies(page.entries), **listing.members(page)}


async def _list_entities(call: Call, request: shapes.ListEntitiesForPolicyRequest) -> Result:
    asked = request.entity_filter
    entity = asked if asked == "User" or asked == "Role" else None  # noqa: PLR1714 (so that the type is narrowed)
    listing = Listing.read(call, "ListEntitiesForPolicy", request)
    page = await attachments.list_entities_for_policy(
        call.services,
        call.caller,
        arn=request.policy_arn,
        entity=entity,
        path_prefix=request.path_prefix or "/",
        usage=request.policy_usage_filter,
        after=listing.after,
        limit=listing.limit,
    )
    shown = page.entries if asked == entity else ()  # of groups there are none
    users = [row for row in shown if row.kind is PrincipalKind.USER]
    roles = [row for row in shown if row.kind is PrincipalKind.ROLE]
    return {
        "PolicyGroups": [],
        "PolicyUsers": [{"UserName": row.name, "UserId": row.id} for row in users],
        "PolicyRoles": [{"RoleName": row.name, "RoleId": row.id} for row in roles],
        **listing.members(page),
    }


async def _bound_user(call: Call, request: shapes.PutUserPermissionsBoundaryRequest) -> None:
    await boundaries.put_user_permissions_boundary(
        call.services, call.caller, user_name=request.user_name, arn=request.permissions_boundary
    )


async def _bound_role(call: Call, request: shapes.PutRolePermissionsBoundaryRequest) -> None:
    await boundaries.put_role_permissions_boundary(
        call.services, call.caller, role_name=request.role_name, arn=request.permissions_boundary
    )


async def _unbound_user(call: Call, request: shapes.DeleteUserPermissionsBoundaryRequest) -> None:
    await boundaries.delete_user_permissions_boundary(call.services, call.caller, user_name=request.user_name)


async def _unbound_role(call: Call, request: shapes.DeleteRolePermissionsBoundaryRequest) -> None:
    await boundaries.delete_role_permissions_boundary(call.services, call.caller, role_name=request.role_name)


HANDLERS: dict[str, Handler] = {
    "AttachRolePolicy": _attach_to_role,
    "AttachUserPolicy": _attach_to_user,
    "DeleteRolePermissionsBoundary": _unbound_role,
    "DeleteUserPermissionsBoundary": _unbound_user,
    "DetachRolePolicy": _detach_from_role,
    "DetachUserPolicy": _detach_from_user,
    "ListAttachedRolePolicies": _list_of_role,
    "ListAttachedUserPolicies": _list_of_user,
    "ListEntitiesForPolicy": _list_entities,
    "PutRolePermissionsBoundary": _bound_role,
    "PutUserPermissionsBoundary": _bound_user,
}
