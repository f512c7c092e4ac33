"""Inline policies on the wire."""

from entrepot.features.identity.rows import PolicyText
from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import Members, document
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import inline_policies
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _put_of_user(call: Call, request: shapes.PutUserPolicyRequest) -> None:
    await inline_policies.put_user_policy(
        call.services,
        call.caller,
        user_name=request.user_name,
        policy_name=request.policy_name,
        document=request.policy_document,
    )


async def _put_of_role(call: Call, request: shapes.PutRolePolicyRequest) -> None:
    await inline_policies.put_role_policy(
        call.services,
        call.caller,
        role_name=request.role_name,
        policy_name=request.policy_name,
        document=request.policy_document,
    )


async def _get_of_user(call: Call, request: shapes.GetUserPolicyRequest) -> Result:
    found = await inline_policies.get_user_policy(
        call.services, call.caller, user_name=request.user_name, policy_name=request.policy_name
    )
    return {"UserName": request.user_name, **inline_policy(found)}


async def _get_of_role(call: Call, request: shapes.GetRolePolicyRequest) -> Result:
    found = await inline_policies.get_role_policy(
        call.services, call.caller, role_name=request.role_name, policy_name=request.policy_name
    )
    return {"RoleName": request.role_name, **inline_policy(found)}


async def _delete_of_user(call: Call, request: shapes.DeleteUserPolicyRequest) -> None:
    await inline_policies.delete_user_policy(
        call.services, call.caller, user_name=request.user_name, policy_name=request.policy_name
    )


async def _delete_of_role(call: Call, request: shapes.DeleteRolePolicyRequest) -> None:
    await inline_policies.delete_role_policy(
        call.services, call.caller, role_name=request.role_name, policy_name=request.policy_name
    )


async def _list_of_user(call: Call, request: shapes.ListUserPoliciesRequest) -> Result:
    listing = Listing.read(call, "ListUserPolicies", request)
    page = await inline_policies.list_user_policies(
        call.services, call.caller, user_name=request.user_name, after=listing.after, limit=listing.limit
    )
    return {"PolicyNames": page.entries, **listing.members(page)}


async def _list_of_role(call: Call, request: shapes.ListRolePoliciesRequest) -> Result:
    listing = Listing.read(call, "ListRolePolicies", request)
    page = await inline_policies.list_role_policies(
        call.services, call.caller, role_name=request.role_name, after=listing.after, limit=listing.limit
    )
    return {"PolicyNames": page.entries, **listing.members(page)}


def inline_policy(text: PolicyText) -> Members:
    """An inline policy with its document."""
    return {"PolicyName": text.name, "PolicyDocument": document(text.document)}


HANDLERS: dict[str, Handler] = {
    "DeleteRolePolicy": _delete_of_role,
    "DeleteUserPolicy": _delete_of_user,
    "GetRolePolicy": _get_of_role,
    "GetUserPolicy": _get_of_user,
    "ListRolePolicies": _list_of_role,
    "ListUserPolicies": _list_of_user,
    "PutRolePolicy": _put_of_role,
    "PutUserPolicy": _put_of_user,
}
