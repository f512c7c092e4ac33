"""CreateRole, GetRole, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole, ListRoles."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.documents import check_trust_policy
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.identity.rules import SESSION_SECONDS, check_description, check_max_session
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import arn_in, ask, ask_on_principal
from entrepot.operations.iam.changes import change_principal
from entrepot.operations.iam.pages import After, Page, page_of
from entrepot.operations.iam.principals import create_principal, delete_principal
from entrepot.operations.operation import operation
from entrepot.operations.principal_ids import with_arns, with_ids
from entrepot.operations.services import Services

KIND = PrincipalKind.ROLE


@operation("CreateRole", service="iam", resource=None)
async def create_role(
    services: Services,
    caller: Caller,
    *,
    role_name: str,
    trust_policy: str,
    path: str = "/",
    description: str | None = None,
    max_session_seconds: int = SESSION_SECONDS[0],
    boundary: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> PrincipalRow:
    """Create a role, which whom its trust policy names may assume, and which may do nothing yet.

    Raises AccessDenied, ValidationError, InvalidInput, MalformedPolicyDocument, InvalidPrincipal,
    PolicyNotAttachable, PrincipalAlreadyExists, QuotaExceeded.
    """
    check_description(description)
    check_max_session(max_session_seconds)
    check_trust_policy(trust_policy)
    new = PrincipalRow(
        id="",
        account=caller.principal.account,
        kind=KIND,
        path=path,
        name=role_name,
        created_at=0,
        boundary=boundary,
        description=description,
        trust_policy=trust_policy,
        max_session_seconds=max_session_seconds,
    )
    created = await create_principal(services, caller, new, tags)
    return await services.metadata.look_up(lambda c: shown(c, caller, created))


@operation("GetRole", service="iam", resource=None)
async def get_role(services: Services, caller: Caller, *, role_name: str) -> PrincipalRow:
    """A role. Raises AccessDenied, PrincipalNotFound."""
    found = await ask_on_principal(services, caller, "GetRole", KIND, role_name)
    return await services.metadata.look_up(lambda c: shown(c, caller, found))


@operation("UpdateRole", service="iam", resource=None)
async def update_role(
    services: Services,
    caller: Caller,
    *,
    role_name: str,
    description: str | None = None,
    max_session_seconds: int | None = None,
) -> None:
    """Change what is given of a role, leave the rest. Raises AccessDenied, ValidationError, PrincipalNotFound."""
    check_description(description)
    if max_session_seconds is not None:
        check_max_session(max_session_seconds)
    found = await ask_on_principal(services, caller, "UpdateRole", KIND, role_name)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        changed = replace(
            row,
            description=row.description if description is None else description,
            max_session_seconds=max_session_seconds or row.max_session_seconds,
        )
        identities.replace_principal(connection, changed)

    await change_principal(services, caller, "UpdateRole", found, edit)


@operation("UpdateRoleDescription", service="iam", resource=None)
async def update_role_description(
    services: Services, caller: Caller, *, role_name: str, description: str
) -> PrincipalRow:
    """Give a role another description. Raises AccessDenied, ValidationError, PrincipalNotFound."""
    check_description(description)
    found = await ask_on_principal(services, caller, "UpdateRoleDescription", KIND, role_name)

    def edit(connection: Connection, row: PrincipalRow) -> PrincipalRow:
        changed = replace(row, description=description)
        identities.replace_principal(connection, changed)
        return shown(connection, caller, changed)

    return await change_principal(services, caller, "UpdateRoleDescription", found, edit)


@operation("UpdateAssumeRolePolicy", service="iam", resource=None)
async def update_assume_role_policy(
    services: Services, caller: Caller, *, role_name: str, trust_policy: str
) -> None:
    """Replace a role's trust policy.

    Raises AccessDenied, MalformedPolicyDocument, InvalidPrincipal, QuotaExceeded, PrincipalNotFound.
    """
    check_trust_policy(trust_policy)
    found = await ask_on_principal(services, caller, "UpdateAssumeRolePolicy", KIND, role_name)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        kept = with_ids(connection, caller, trust_policy)
        identities.replace_principal(connection, replace(row, trust_policy=kept))

    await change_principal(services, caller, "UpdateAssumeRolePolicy", found, edit)


@operation("DeleteRole", service="iam", resource=None)
async def delete_role(services: Services, caller: Caller, *, role_name: str) -> None:
    """Delete a role without policies; its sessions end. Raises AccessDenied, PrincipalNotFound, DeleteConflict."""
    await delete_principal(services, caller, KIND, role_name)


@operation("ListRoles", service="iam", resource=None)
async def list_roles(
    services: Services, caller: Caller, *, path_prefix: str = "/", after: After = (), limit: int
) -> Page[PrincipalRow]:
    """At most ``limit`` roles under a path, by path and name. Raises AccessDenied."""
    await ask(services, caller, "ListRoles", arn_in(caller, f"role{path_prefix}"))

    def query(connection: Connection) -> list[PrincipalRow]:
        found = identities.page_of_principals(
            connection, caller.principal.account, KIND, path_prefix=path_prefix, after=after, limit=limit + 1
        )
        return [shown(connection, caller, row) for row in found]

    return page_of(await services.metadata.read(query), limit, lambda row: row.sort_key)


def shown(connection: Connection, caller: Caller, row: PrincipalRow) -> PrincipalRow:
    """A role whose trust policy names users and roles by their ARNs; a user as it is."""
    if row.trust_policy is None:
        return row
    return replace(row, trust_policy=with_arns(connection, caller, row.trust_policy))
