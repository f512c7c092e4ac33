"""Roles on the wire."""

from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import boundary_and_tags, pairs, role
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import roles
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result

#: The longest session of a role that is made without saying, in seconds.
DEFAULT_MAX_SESSION = 3600


async def _create(call: Call, request: shapes.CreateRoleRequest) -> Result:
    created = await roles.create_role(
        call.services,
        call.caller,
        role_name=request.role_name,
        trust_policy=request.assume_role_policy_document,
        path=request.path or "/",
        description=request.description,
        max_session_seconds=request.max_session_duration or DEFAULT_MAX_SESSION,
        boundary=request.permissions_boundary,
        tags=pairs(request.tags),
    )
    return {"Role": {**role(call, created), **boundary_and_tags(created)}}


async def _get(call: Call, request: shapes.GetRoleRequest) -> Result:
    found = await roles.get_role(call.services, call.caller, role_name=request.role_name)
    return {"Role": {**role(call, found), **boundary_and_tags(found)}}


async def _update(call: Call, request: shapes.UpdateRoleRequest) -> Result:
    await roles.update_role(
        call.services,
        call.caller,
        role_name=request.role_name,
        description=request.description,
        max_session_seconds=request.max_session_duration,
    )
    return {}


async def _update_description(call: Call, request: shapes.UpdateRoleDescriptionRequest) -> Result:
    changed = await roles.update_role_description(
        call.services, call.caller, role_name=request.role_name, description=request.description
    )
    return {"Role": {**role(call, changed), **boundary_and_tags(changed)}}


async def _update_trust_policy(call: Call, request: shapes.UpdateAssumeRolePolicyRequest) -> None:
    await roles.update_assume_role_policy(
        call.services, call.caller, role_name=request.role_name, trust_policy=request.policy_document
    )


async def _delete(call: Call, request: shapes.DeleteRoleRequest) -> None:
    await roles.delete_role(call.services, call.caller, role_name=request.role_name)


async def _list(call: Call, request: shapes.ListRolesRequest) -> Result:
    listing = Listing.read(call, "ListRoles", request)
    page = await roles.list_roles(
        call.services,
        call.caller,
        path_prefix=request.path_prefix or "/",
        after=listing.after,
        limit=listing.limit,
    )
    return {"Roles": [role(call, row) for row in page.entries], **listing.members(page)}


HANDLERS: dict[str, Handler] = {
    "CreateRole": _create,
    "DeleteRole": _delete,
    "GetRole": _get,
    "ListRoles": _list,
    "UpdateAssumeRolePolicy": _update_trust_policy,
    "UpdateRole": _update,
    "UpdateRoleDescription": _update_description,
}
