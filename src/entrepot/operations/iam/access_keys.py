"""CreateAccessKey, UpdateAccessKey, DeleteAccessKey, ListAccessKeys, GetAccessKeyLastUsed."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import AccessKeyNotFound, InvalidInput, QuotaExceeded
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import AccessKeyRow, KeyStatus, PrincipalRow
from entrepot.features.identity.rules import MAX_ACCESS_KEYS, new_access_key_id, new_secret
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import arn_in, ask, ask_on_principal, ask_on_row
from entrepot.operations.iam.callers import find_caller, is_root_of_registry
from entrepot.operations.iam.changes import change_principal
from entrepot.operations.iam.pages import After, Page, page_of_all
from entrepot.operations.operation import operation
from entrepot.operations.services import Services


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    """An access key just made, with the name of its user ('' for a root); its secret is shown this once."""

    user_name: str
    key: AccessKeyRow
    secret_access_key: str = field(repr=False)


@operation("CreateAccessKey", service="iam", resource=None)
async def create_access_key(services: Services, caller: Caller, *, user_name: str | None = None) -> NewAccessKey:
    """Make an access key for a user, or for the caller when none is named.

    Raises AccessDenied, PrincipalNotFound, UserNameRequired, InvalidInput, QuotaExceeded.
    """
    owner = await _find_owner(services, caller, "CreateAccessKey", user_name)
    secret, made = make_access_key(services, owner)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        if len(identities.access_keys_of(connection, row.id)) >= MAX_ACCESS_KEYS:
            raise QuotaExceeded("AccessKeysPerUser", MAX_ACCESS_KEYS)
        identities.create_access_key(connection, made)

    await change_principal(services, caller, "CreateAccessKey", owner, edit, access_key_id=made.id)
    return NewAccessKey(owner.name, made, secret)


def make_access_key(services: Services, owner: PrincipalRow) -> tuple[str, AccessKeyRow]:
    """A new secret, and the row of its access key."""
    key_id, secret = new_access_key_id(services.random_hex), new_secret(services.random_hex)
    row = AccessKeyRow(
        id=key_id,
        principal_id=owner.id,
        account=owner.account,
        sealed_secret=services.access_key_secrets.seal(key_id, secret),
        status="Active",
        created_at=services.clock(),
    )
    return secret, row


@operation("UpdateAccessKey", service="iam", resource=None)
async def update_access_key(
    services: Services, caller: Caller, *, access_key_id: str, status: KeyStatus, user_name: str | None = None
) -> None:
    """Switch an access key on or off. Raises as CreateAccessKey, and AccessKeyNotFound."""
    owner = await _find_owner(services, caller, "UpdateAccessKey", user_name)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        _check_owned(connection, row, access_key_id)
        identities.set_key_status(connection, access_key_id, status)

    await change_principal(
        services, caller, "UpdateAccessKey", owner, edit, access_key_id=access_key_id, status=status
    )


@operation("DeleteAccessKey", service="iam", resource=None)
async def delete_access_key(
    services: Services, caller: Caller, *, access_key_id: str, user_name: str | None = None
) -> None:
    """Delete an access key. Raises as CreateAccessKey, and AccessKeyNotFound."""
    owner = await _find_owner(services, caller, "DeleteAccessKey", user_name)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        _check_owned(connection, row, access_key_id)
        identities.delete_access_key(connection, access_key_id)

    await change_principal(services, caller, "DeleteAccessKey", owner, edit, access_key_id=access_key_id)


@operation("ListAccessKeys", service="iam", resource=None)
async def list_access_keys(
    services: Services, caller: Caller, *, user_name: str | None = None, after: After = (), limit: int
) -> tuple[PrincipalRow, Page[AccessKeyRow]]:
    """A user, or the caller when none is named, and the access keys by id.

    Raises AccessDenied, PrincipalNotFound, UserNameRequired, InvalidInput.
    """
    owner = await _find_owner(services, caller, "ListAccessKeys", user_name)
    found = await services.metadata.read(lambda c: identities.access_keys_of(c, owner.id))
    return owner, page_of_all(found, after, limit, lambda key: (key.id,))


@operation("GetAccessKeyLastUsed", service="iam", resource=None)
async def get_access_key_last_used(
    services: Services, caller: Caller, *, access_key_id: str
) -> tuple[PrincipalRow, AccessKeyRow]:
    """Whose an access key of the caller's account is, and when it was used.

    Raises AccessDenied, AccessKeyNotFound.
    """

    def query(connection: Connection) -> tuple[PrincipalRow, AccessKeyRow] | None:
        key = identities.find_access_key(connection, access_key_id)
        owner = identities.find_principal(connection, key.principal_id) if key is not None else None
        return (owner, key) if owner is not None and key is not None else None

    found = await services.metadata.look_up(query)
    if found is None or found[1].account != caller.principal.account:
        await ask(services, caller, "GetAccessKeyLastUsed", arn_in(caller, "user/*"))
        raise AccessKeyNotFound(access_key_id)
    await ask_on_row(services, caller, "GetAccessKeyLastUsed", found[0])
    return found


async def _find_owner(services: Services, caller: Caller, name: str, user_name: str | None) -> PrincipalRow:
    """Whose access keys are meant, if the caller may call this on them."""
    if user_name is not None:
        return await ask_on_principal(services, caller, name, PrincipalKind.USER, user_name)
    owner = await find_caller(services, caller)
    await ask_on_row(services, caller, name, owner)
    if is_root_of_registry(services, caller):
        raise InvalidInput(
            "The access key of the root of the registry's own account is a setting of the registry."
        )
    return owner


def _check_owned(connection: Connection, owner: PrincipalRow, access_key_id: str) -> None:
    if access_key_id not in {key.id for key in identities.access_keys_of(connection, owner.id)}:
        raise AccessKeyNotFound(access_key_id)
