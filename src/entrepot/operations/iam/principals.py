"""What users and roles have in common: how they are made and how they go."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import DeleteConflict, PrincipalAlreadyExists, QuotaExceeded
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.features.identity.rules import MAX_PRINCIPALS, check_name, check_path, check_tags, unique_id
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import Context, ask_on_principal, ask_on_row, tags_of_request
from entrepot.operations.iam.changes import change, change_principal, check_attachable
from entrepot.operations.principal_ids import with_ids
from entrepot.operations.services import Services

_TITLES = {PrincipalKind.USER: "User", PrincipalKind.ROLE: "Role"}
_ID_PREFIXES = {PrincipalKind.USER: "AIDA", PrincipalKind.ROLE: "AROA"}


async def create_principal(
    services: Services, caller: Caller, new: PrincipalRow, tags: Sequence[tuple[str, str]]
) -> PrincipalRow:
    """Store a user or a role that lacks its id, time and tags; with tags iam:TagUser or iam:TagRole is asked too.

    Raises AccessDenied, ValidationError, InvalidInput, PolicyNotAttachable, InvalidPrincipal,
    PrincipalAlreadyExists, QuotaExceeded.
    """
    title = _TITLES[new.kind]
    check_name(f"{new.kind}Name", new.name)
    check_path(new.path)
    checked = check_tags(tags, f"TagsPer{title}")
    context: Context = tags_of_request(checked)
    await ask_on_row(services, caller, f"Create{title}", new, context)
    if checked:
        await ask_on_row(services, caller, f"Tag{title}", new, context)
    principal_id = unique_id(_ID_PREFIXES[new.kind], services.random_hex)

    def edit(connection: Connection, now: int) -> PrincipalRow:
        created = replace(new, id=principal_id, created_at=now, tags=checked)
        if created.boundary is not None:
            check_attachable(connection, caller, created.boundary)
        if created.trust_policy is not None:
            created = replace(created, trust_policy=with_ids(connection, caller, created.trust_policy))
        if not identities.create_principal(connection, created):
            raise PrincipalAlreadyExists(title, new.name)
        most = MAX_PRINCIPALS[new.kind]
        if identities.count_principals(connection, new.account, new.kind) > most:
            raise QuotaExceeded(f"{title}sPerAccount", most)
        return created

    return await change(services, caller, f"Create{title}", edit, entity=new.name)


async def delete_principal(services: Services, caller: Caller, kind: PrincipalKind, name: str) -> None:
    """Delete a user or a role on which nothing hangs. Raises AccessDenied, PrincipalNotFound, DeleteConflict."""
    operation = f"Delete{_TITLES[kind]}"
    found = await ask_on_principal(services, caller, operation, kind, name)

    def edit(connection: Connection, row: PrincipalRow) -> None:
        if identities.access_keys_of(connection, row.id):
            raise DeleteConflict("Cannot delete entity, must delete access keys first.")
        if identities.attachments_of(connection, row.id):
            raise DeleteConflict("Cannot delete entity, must detach all policies first.")
        if identities.inline_policies_of(connection, row.id):
            raise DeleteConflict("Cannot delete entity, must delete policies first.")
        identities.delete_principal(connection, row.id)

    await change_principal(services, caller, operation, found, edit)
