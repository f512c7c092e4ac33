"""Tags of users, roles, policies and identity providers on the wire."""

from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import pairs, tags
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import tags as operations
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _tag_user(call: Call, request: shapes.TagUserRequest) -> None:
    await operations.tag_user(call.services, call.caller, user_name=request.user_name, tags=pairs(request.tags))


async def _tag_role(call: Call, request: shapes.TagRoleRequest) -> None:
    await operations.tag_role(call.services, call.caller, role_name=request.role_name, tags=pairs(request.tags))


async def _tag_policy(call: Call, request: shapes.TagPolicyRequest) -> None:
    await operations.tag_policy(call.services, call.caller, arn=request.policy_arn, tags=pairs(request.tags))


async def _tag_provider(call: Call, request: shapes.TagOpenIDConnectProviderRequest) -> None:
    arn = request.open_idconnect_provider_arn
    await operations.tag_openid_connect_provider(call.services, call.caller, arn=arn, tags=pairs(request.tags))


async def _untag_user(call: Call, request: shapes.UntagUserRequest) -> None:
    await operations.untag_user(call.services, call.caller, user_name=request.user_name, keys=request.tag_keys)


async def _untag_role(call: Call, request: shapes.UntagRoleRequest) -> None:
    await operations.untag_role(call.services, call.caller, role_name=request.role_name, keys=request.tag_keys)


async def _untag_policy(call: Call, request: shapes.UntagPolicyRequest) -> None:
    await operations.untag_policy(call.services, call.caller, arn=request.policy_arn, keys=request.tag_keys)


async def _untag_provider(call: Call, request: shapes.UntagOpenIDConnectProviderRequest) -> None:
    arn = request.open_idconnect_provider_arn
    await operations.untag_openid_connect_provider(call.services, call.caller, arn=arn, keys=request.tag_keys)


async def _list_of_user(call: Call, request: shapes.ListUserTagsRequest) -> Result:
    listing = Listing.read(call, "ListUserTags", request)
    page = await operations.list_user_tags(
        call.services, call.caller, user_name=request.user_name, after=listing.after, limit=listing.limit
    )
    return {"Tags": tags(page.entries), **listing.members(page)}


async def _list_of_role(call: Call, request: shapes.ListRoleTagsRequest) -> Result:
    listing = Listing.read(call, "ListRoleTags", request)
    page = await operations.list_role_tags(
        call.services, call.caller, role_name=request.role_name, after=listing.after, limit=listing.limit
    )
    return {"Tags": tags(page.entries), **listing.members(page)}


async def _list_of_policy(call: Call, request: shapes.ListPolicyTagsRequest) -> Result:
    listing = Listing.read(call, "ListPolicyTags", request)
    page = await operations.list_policy_tags(
        call.services, call.caller, arn=request.policy_arn, after=listing.after, limit=listing.limit
    )
    return {"Tags": tags(page.entries), **listing.members(page)}


async def _list_of_provider(call: Call, request: shapes.ListOpenIDConnectProviderTagsRequest) -> Result:
    listing = Listing.read(call, "ListOpenIDConnectProviderTags", request)
    page = await operations.list_openid_connect_provider_tags(
        call.services,
        call.caller,
        arn=request.open_idconnect_provider_arn,
        after=listing.after,
        limit=listing.limit,
    )
    return {"Tags": tags(page.entries), **listing.members(page)}


HANDLERS: dict[str, Handler] = {
    "ListOpenIDConnectProviderTags": _list_of_provider,
    "ListPolicyTags": _list_of_policy,
    "ListRoleTags": _list_of_role,
    "ListUserTags": _list_of_user,
    "TagOpenIDConnectProvider": _tag_provider,
    "TagPolicy": _tag_policy,
    "TagRole": _tag_role,
    "TagUser": _tag_user,
    "UntagOpenIDConnectProvider": _untag_provider,
    "UntagPolicy": _untag_policy,
    "UntagRole": _untag_role,
    "UntagUser": _untag_user,
}
