"""Managed policies and their versions on the wire."""

from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import document, pairs, policy, policy_version, tags_of
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import policies
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _create(call: Call, request: shapes.CreatePolicyRequest) -> Result:
    created = await policies.create_policy(
        call.services,
        call.caller,
        policy_name=request.policy_name,
        document=request.policy_document,
        path=request.path or "/",
        description=request.description,
        tags=pairs(request.tags),
    )
    return {"Policy": {**policy(created), "Tags": tags_of(created.row.tags)}}


async def _get(call: Call, request: shapes.GetPolicyRequest) -> Result:
    found = await policies.get_policy(call.services, call.caller, arn=request.policy_arn)
    own = {"Description": found.row.description, "Tags": tags_of(found.row.tags)}
    return {"Policy": {**policy(found), **own}}


async def _delete(call: Call, request: shapes.DeletePolicyRequest) -> None:
    await policies.delete_policy(call.services, call.caller, arn=request.policy_arn)


async def _list(call: Call, request: shapes.ListPoliciesRequest) -> Result:
    listing = Listing.read(call, "ListPolicies", request)
    page = await policies.list_policies(
        call.services,
        call.caller,
        scope=request.scope or "All",
        only_attached=request.only_attached or False,
        path_prefix=request.path_prefix or "/",
        usage=request.policy_usage_filter,
        after=listing.after,
        limit=listing.limit,
    )
    return {"Policies": [policy(found) for found in page.entries], **listing.members(page)}


async def _create_version(call: Call, request: shapes.CreatePolicyVersionRequest) -> Result:
    created = await policies.create_policy_version(
        call.services,
        call.caller,
        arn=request.policy_arn,
        document=request.policy_document,
        set_as_default=request.set_as_default or False,
    )
    return {"PolicyVersion": policy_version(created)}


async def _get_version(call: Call, request: shapes.GetPolicyVersionRequest) -> Result:
    found = await policies.get_policy_version(
        call.services, call.caller, arn=request.policy_arn, version_id=request.version_id
    )
    return {"PolicyVersion": {**policy_version(found), "Document": document(found.row.document)}}


async def _delete_version(call: Call, request: shapes.DeletePolicyVersionRequest) -> None:
    await policies.delete_policy_version(
        call.services, call.caller, arn=request.policy_arn, version_id=request.version_id
    )


async def _list_versions(call: Call, request: shapes.ListPolicyVersionsRequest) -> Result:
    listing = Listing.read(call, "ListPolicyVersions", request)
    page = await policies.list_policy_versions(
        call.services, call.caller, arn=request.policy_arn, after=listing.after, limit=listing.limit
    )
    return {"Versions": [policy_version(version) for version in page.entries], **listing.members(page)}


async def _set_default_version(call: Call, request: shapes.SetDefaultPolicyVersionRequest) -> None:
    await policies.set_default_policy_version(
        call.services, call.caller, arn=request.policy_arn, version_id=request.version_id
    )


HANDLERS: dict[str, Handler] = {
    "CreatePolicy": _create,
    "CreatePolicyVersion": _create_version,
    "DeletePolicy": _delete,
    "DeletePolicyVersion": _delete_version,
    "GetPolicy": _get,
    "GetPolicyVersion": _get_version,
    "ListPolicies": _list,
    "ListPolicyVersions": _list_versions,
    "SetDefaultPolicyVersion": _set_default_version,
}
