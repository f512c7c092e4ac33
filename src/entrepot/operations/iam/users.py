"""CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import PrincipalAlreadyExists
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.identity.rules import check_name, check_path
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import arn_in, ask, ask_on_principal, ask_on_row
from entrepot.operations.iam.callers import find_caller
from entrepot.operations.iam.changes import change_principal
from entrepot.operations.iam.pages import After, Page, page_of
from entrepot.operations.iam.principals import create_principal, delete_principal
from entrepot.operations.operation import operation
from entrepot.operations.services import Services

KIND = PrincipalKind.USER


@operation("CreateUser", service="iam", resource=None)
async def create_user(
    services: Services,
    caller: Caller,
    *,
    user_name: str,
    path: str = "/",
    boundary: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> PrincipalRow:
    """Create a user, who may do nothing yet; ``boundary`` is the ARN of a managed policy.

    Raises AccessDenied, ValidationError, InvalidInput, PolicyNotAttachable, PrincipalAlreadyExists, QuotaExceeded.
    """
    new = PrincipalRow(
        id="",
        account=caller.principal.account,
        kind=KIND,
        path=path,
        name=user_name,
        created_at=0,
        boundary=boundary,
    )
    return await create_principal(services, caller, new, tags)


@operation("GetUser", service="iam", resource=None)
async def get_user(services: Services, caller: Caller, *, user_name: str | None = None) -> PrincipalRow:
    """A user; the caller when no name is given, who may be a root.

    Raises AccessDenied, PrincipalNotFound, UserNameRequired.
    """
    if user_name is not None:
        return await ask_on_principal(services, caller, "GetUser", KIND, user_name)
    found = await find_caller(services, caller)
    await ask_on_row(services, caller, "GetUser", found)
    return found


@operation("UpdateUser", service="iam", resource=None)
async def update_user(
    services: Services,
    caller: Caller,
    *,
    user_name: str,
    new_path: str | None = None,
    new_user_name: str | None = None,
) -> None:
    """Give a user another path, another name, or both; the id stays. The caller has to be allowed both ARNs.

    Raises AccessDenied, ValidationError, PrincipalNotFound, PrincipalAlreadyExists.
    """
    name, path = new_user_name or user_name, new_path or "/"
    check_name("newUserName", name)
    check_path(path)
    found = await ask_on_principal(services, caller, "UpdateUser", KIND, user_name)
    renamed = replace(found, path=new_path or found.path, name=name)
    await ask_on_row(services, caller, "UpdateUser", renamed)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        holder = identities.find_by_any_case(connection, row.account, KIND, name)
        if holder is not None and holder.id != row.id:
            raise PrincipalAlreadyExists("User", name)
        identities.replace_principal(connection, replace(row, path=new_path or row.path, name=name))

    await change_principal(services, caller, "UpdateUser", found, edit, new_name=name)


@operation("DeleteUser", service="iam", resource=None)
async def delete_user(services: Services, caller: Caller, *, user_name: str) -> None:
    """Delete a user without access keys and policies. Raises AccessDenied, PrincipalNotFound, DeleteConflict."""
    await delete_principal(services, caller, KIND, user_name)


@operation("ListUsers", service="iam", resource=None)
async def list_users(
    services: Services, caller: Caller, *, path_prefix: str = "/", after: After = (), limit: int
) -> Page[PrincipalRow]:
    """At most ``limit`` users under a path, by path and name. Raises AccessDenied."""
    await ask(services, caller, "ListUsers", arn_in(caller, f"user{path_prefix}"))
    found = await services.metadata.read(
        lambda c: identities.page_of_principals(
            c, caller.principal.account, KIND, path_prefix=path_prefix, after=after, limit=limit + 1
        )
    )
    return page_of(found, limit, lambda row: row.sort_key)
