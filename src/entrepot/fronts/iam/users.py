"""Users on the wire."""

from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import boundary_and_tags, pairs, user
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import users
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _create(call: Call, request: shapes.CreateUserRequest) -> Result:
    created = await users.create_user(
        call.services,
        call.caller,
        user_name=request.user_name,
        path=request.path or "/",
        boundary=request.permissions_boundary,
        tags=pairs(request.tags),
    )
    return {"User": {**user(call, created), **boundary_and_tags(created)}}


async def _get(call: Call, request: shapes.GetUserRequest) -> Result:
    found = await users.get_user(call.services, call.caller, user_name=request.user_name)
    return {"User": {**user(call, found), **boundary_and_tags(found)}}


async def _update(call: Call, request: shapes.UpdateUserRequest) -> None:
    await users.update_user(
        call.services,
        call.caller,
        user_name=request.user_name,
        new_path=request.new_path,
        new_user_name=request.new_user_name,
    )


async def _delete(call: Call, request: shapes.DeleteUserRequest) -> None:
    await users.delete_user(call.services, call.caller, user_name=request.user_name)


async def _list(call: Call, request: shapes.ListUsersRequest) -> Result:
    listing = Listing.read(call, "ListUsers", request)
    page = await users.list_users(
        call.services,
        call.caller,
        path_prefix=request.path_prefix or "/",
        after=listing.after,
        limit=listing.limit,
    )
    return {"Users": [user(call, row) for row in page.entries], **listing.members(page)}


HANDLERS: dict[str, Handler] = {
    "CreateUser": _create,
    "DeleteUser": _delete,
    "GetUser": _get,
    "ListUsers": _list,
    "UpdateUser": _update,
}
