"""Accounts on the wire: actions that AWS's IAM does not have (protocol/iam/extensions.py)."""

from entrepot.core.clock import iso_time
from entrepot.features.identity.rows import PrincipalRow
from entrepot.fronts.iam.access_keys import new_access_key
from entrepot.fronts.iam.listing import Listing
from entrepot.fronts.iam.members import Members
from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import accounts
from entrepot.operations.iam.authorisation import partition
from entrepot.protocol.iam import extensions
from entrepot.protocol.query.xml import Result


async def _create(call: Call, request: extensions.CreateAccountRequest) -> Result:
    created = await accounts.create_account(call.services, call.caller, account=request.account)
    return {"Account": _account(call, created.root), "AccessKey": new_access_key(created.access_key)}


async def _list(call: Call, request: extensions.ListAccountsRequest) -> Result:
    listing = Listing.read(call, "ListAccounts", request)
    page = await accounts.list_accounts(call.services, call.caller, after=listing.after, limit=listing.limit)
    return {"Accounts": [_account(call, root) for root in page.entries], **listing.members(page)}


async def _delete(call: Call, request: extensions.DeleteAccountRequest) -> None:
    await accounts.delete_account(call.services, call.caller, account=request.account)


def _account(call: Call, root: PrincipalRow) -> Members:
    return {
        "Id": root.account,
        "Arn": root.arn(partition(call.caller)),
        "CreateDate": iso_time(root.created_at),
    }


HANDLERS: dict[str, Handler] = {
    "CreateAccount": _create,
    "DeleteAccount": _delete,
    "ListAccounts": _list,
}
