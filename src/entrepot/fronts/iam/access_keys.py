"""Access keys on the wire."""

from entrepot.core.clock import iso_time
from entrepot.features.identity.errors import InvalidInput
from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import Members
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import access_keys
from entrepot.operations.iam.access_keys import NewAccessKey
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result

#: What stands for the region and the service of a key that was never used.
NEVER = "N/A"


async def _create(call: Call, request: shapes.CreateAccessKeyRequest) -> Result:
    created = await access_keys.create_access_key(call.services, call.caller, user_name=request.user_name)
    return {"AccessKey": new_access_key(created)}


async def _update(call: Call, request: shapes.UpdateAccessKeyRequest) -> None:
    if request.status == "Expired":
        raise InvalidInput("An access key can be made Active or Inactive")
    await access_keys.update_access_key(
        call.services,
        call.caller,
        access_key_id=request.access_key_id,
        status=request.status,
        user_name=request.user_name,
    )


async def _delete(call: Call, request: shapes.DeleteAccessKeyRequest) -> None:
    await access_keys.delete_access_key(
        call.services, call.caller, access_key_id=request.access_key_id, user_name=request.user_name
    )


async def _list(call: Call, request: shapes.ListAccessKeysRequest) -> Result:
    listing = Listing.read(call, "ListAccessKeys", request)
    owner, page = await access_keys.list_access_keys(
        call.services, call.caller, user_name=request.user_name, after=listing.after, limit=listing.limit
    )
    keys = [
        {
            "UserName": owner.name or None,
            "AccessKeyId": key.id,
            "Status": key.status,
            "CreateDate": iso_time(key.created_at),
        }
        for key in page.entries
    ]
    return {"AccessKeyMetadata": keys, **listing.members(page)}


async def _last_used(call: Call, request: shapes.GetAccessKeyLastUsedRequest) -> Result:
    owner, key = await access_keys.get_access_key_last_used(
        call.services, call.caller, access_key_id=request.access_key_id
    )
    used = {
        "LastUsedDate": None if key.last_used_at is None else iso_time(key.last_used_at),
        "ServiceName": key.last_used_service or NEVER,
        "Region": key.last_used_region or NEVER,
    }
    return {"UserName": owner.name or None, "AccessKeyLastUsed": used}


def new_access_key(created: NewAccessKey) -> Members:
    """An access key with its secret, which is shown this once."""
    return {
        "UserName": created.user_name,
        "AccessKeyId": created.key.id,
        "Status": created.key.status,
        "SecretAccessKey": created.secret_access_key,
        "CreateDate": iso_time(created.key.created_at),
    }


HANDLERS: dict[str, Handler] = {
    "CreateAccessKey": _create,
    "DeleteAccessKey": _delete,
    "GetAccessKeyLastUsed": _last_used,
    "ListAccessKeys": _list,
    "UpdateAccessKey": _update,
}
