"""CreateAccount, ListAccounts, DeleteAccount: ours, for the root of the registry's own account alone."""

from dataclasses import dataclass

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import AccountAlreadyExists, AccountNotFound, DeleteConflict
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.identity.rules import check_account
from entrepot.features.repositories import store as repositories
from entrepot.operations.caller import Caller
from entrepot.operations.iam.access_keys import NewAccessKey, make_access_key
from entrepot.operations.iam.callers import check_is_root_of_registry
from entrepot.operations.iam.changes import change
from entrepot.operations.iam.pages import After, Page, page_of
from entrepot.operations.operation import operation
from entrepot.operations.services import Services


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The root of an account just made, and its first access key."""

    root: PrincipalRow
    access_key: NewAccessKey


@operation("CreateAccount", service="iam", resource=None)
async def create_account(services: Services, caller: Caller, *, account: str) -> NewAccount:
    """Make the root of another account, twelve digits, with an access key.

    Raises AccessDenied, ValidationError, AccountAlreadyExists.
    """
    check_is_root_of_registry(services, caller, "CreateAccount")
    check_account(account)
    if account == services.default_registry.account:
        raise AccountAlreadyExists(account)
    root = PrincipalRow(
        id=account, account=account, kind=PrincipalKind.ROOT, path="/", name="", created_at=services.clock()
    )
    secret, made = make_access_key(services, root)

    def edit(connection: Connection, _now: int) -> NewAccount:
        if not identities.create_principal(connection, root):
            raise AccountAlreadyExists(account)
        identities.create_access_key(connection, made)
        return NewAccount(root, NewAccessKey("", made, secret))

    return await change(services, caller, "CreateAccount", edit, account=account, access_key_id=made.id)


@operation("ListAccounts", service="iam", resource=None)
async def list_accounts(
    services: Services, caller: Caller, *, after: After = (), limit: int
) -> Page[PrincipalRow]:
    """At most ``limit`` roots of the other accounts, by number. Raises AccessDenied."""
    check_is_root_of_registry(services, caller, "ListAccounts")
    after_number = after[0] if after else ""
    found = await services.metadata.read(
        lambda c: identities.page_of_roots(c, after=after_number, limit=limit + 1)
    )
    return page_of(found, limit, lambda row: (row.id,))


@operation("DeleteAccount", service="iam", resource=None)
async def delete_account(services: Services, caller: Caller, *, account: str) -> None:
    """Delete the root of an account that has no repositories, users, roles, policies and identity providers.

    The settings of its registries stay, and are there again when the account is made anew.
    Raises AccessDenied, ValidationError, AccountNotFound, DeleteConflict.
    """
    check_is_root_of_registry(services, caller, "DeleteAccount")
    check_account(account)

    def edit(connection: Connection, _now: int) -> None:
        if identities.find_principal(connection, account) is None:
            raise AccountNotFound(account)
        _check_empty(connection, account)
        for key in identities.access_keys_of(connection, account):
            identities.delete_access_key(connection, key.id)
        identities.delete_principal(connection, account)

    await change(services, caller, "DeleteAccount", edit, account=account)


def _check_empty(connection: Connection, account: str) -> None:
    if repositories.has_repositories(connection, account):
        raise DeleteConflict("Cannot delete entity, must delete repositories first.")
    if identities.has_principals(connection, account):
        raise DeleteConflict("Cannot delete entity, must delete users and roles first.")
    if identities.count_policies(connection, account):
        raise DeleteConflict("Cannot delete entity, must delete policies first.")
    if identities.oidc_providers_of(connection, account):
        raise DeleteConflict("Cannot delete entity, must delete identity providers first.")
