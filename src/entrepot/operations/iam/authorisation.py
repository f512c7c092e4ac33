"""The question that every operation of IAM asks, and the row that it asks about."""

from collections.abc import Mapping

from entrepot.core.partitions import partition_of
from entrepot.features.identity import store as identities
from entrepot.features.identity.context import Context, context_of_tags
from entrepot.features.identity.errors import OIDCProviderNotFound, PolicyNotFound, PrincipalNotFound
from entrepot.features.identity.managed_policies import find_aws_policy
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import ManagedPolicyRow, OIDCProviderRow, PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.principal_ids import find_by_arn
from entrepot.operations.services import Services


async def ask(
    services: Services, caller: Caller, name: str, resource: str, context: Context | None = None
) -> None:
    """Ask whether the caller may call ``iam:NAME`` on a resource; raises AccessDenied."""
    await services.authorities.authorise(caller, f"iam:{name}", resource, context or {})


async def ask_on_principal(
    services: Services,
    caller: Caller,
    name: str,
    kind: PrincipalKind,
    entity: str,
    context: Context | None = None,
) -> PrincipalRow:
    """The user or the role of this name in the caller's account, on which the caller may call ``iam:NAME``.

    Raises AccessDenied, PrincipalNotFound.
    """
    account = caller.principal.account
    found = await services.metadata.look_up(lambda c: identities.find_by_name(c, account, kind, entity))
    await ask_on_row(services, caller, name, found or _missing(account, kind, entity), context)
    if found is None:
        raise PrincipalNotFound(kind, entity)
    return found


async def ask_on_row(
    services: Services, caller: Caller, name: str, row: PrincipalRow, context: Context | None = None
) -> None:
    """Ask whether the caller may call ``iam:NAME`` on a user, a role or a root; raises AccessDenied."""
    await ask(services, caller, name, row.arn(partition(caller)), {**_context_of(row), **(context or {})})


async def ask_on_policy(
    services: Services, caller: Caller, name: str, arn: str, context: Context | None = None
) -> ManagedPolicyRow:
    """The managed policy of an ARN, AWS's or the caller's account's, on which the caller may call ``iam:NAME``.

    Raises AccessDenied, PolicyNotFound.
    """
    found = await _find_policy(services, caller, arn)
    of_row: Context = tags_of_resource(found.tags) if found is not None else {}
    await ask(services, caller, name, arn, {**of_row, **(context or {})})
    if found is not None:
        return found
    by_aws = find_aws_policy(arn)
    if by_aws is None:
        raise PolicyNotFound(arn)
    return by_aws.row(arn.split(":", 2)[1])


async def ask_on_oidc_provider(
    services: Services, caller: Caller, name: str, arn: str, context: Context | None = None
) -> OIDCProviderRow:
    """The identity provider of an ARN in the caller's account, on which the caller may call ``iam:NAME``.

    Raises AccessDenied, OIDCProviderNotFound.
    """
    found = await _find_oidc_provider(services, caller, arn)
    of_row: Context = tags_of_resource(found.tags) if found is not None else {}
    await ask(services, caller, name, arn, {**of_row, **(context or {})})
    if found is None:
        raise OIDCProviderNotFound(arn)
    return found


async def context_of_resource(services: Services, caller: Caller, arn: str) -> Context:
    """The condition keys with which the operations above ask about what is there under an ARN."""
    found: PrincipalRow | ManagedPolicyRow | OIDCProviderRow | None
    if ":policy/" in arn:
        found = await _find_policy(services, caller, arn)
    elif ":oidc-provider/" in arn:
        found = await _find_oidc_provider(services, caller, arn)
    else:
        found = await services.metadata.look_up(lambda c: find_by_arn(c, caller, arn))
    if found is None or found.account != caller.principal.account:
        return {}
    return _context_of(found) if isinstance(found, PrincipalRow) else tags_of_resource(found.tags)


def partition(caller: Caller) -> str:
    """The partition of the ARNs that the caller sees."""
    return partition_of(caller.registry.region).name


def arn_in(caller: Caller, resource: str) -> str:
    """``arn:P:iam::A:RESOURCE`` in the caller's account."""
    return f"arn:{partition(caller)}:iam::{caller.principal.account}:{resource}"


def tags_of_request(tags: Mapping[str, str]) -> Context:
    """The condition keys of a request that brings tags."""
    if not tags:
        return {}
    return {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def tags_of_resource(tags: Mapping[str, str]) -> Context:
    """The condition keys of a resource of IAM that has tags."""
    return context_of_tags("iam", tags)


async def _find_policy(services: Services, caller: Caller, arn: str) -> ManagedPolicyRow | None:
    found = await services.metadata.look_up(lambda c: identities.find_policy(c, arn))
    return found if found is not None and found.account == caller.principal.account else None


async def _find_oidc_provider(services: Services, caller: Caller, arn: str) -> OIDCProviderRow | None:
    account, url = caller.principal.account, arn.partition(":oidc-provider/")[2]
    found = await services.metadata.look_up(lambda c: identities.find_oidc_provider(c, account, url))
    return found if found is not None and found.arn == arn else None


def _context_of(row: PrincipalRow) -> Context:
    """The condition keys of a user, a role or a root."""
    bound: Context = {"iam:PermissionsBoundary": row.boundary} if row.boundary is not None else {}
    return {**bound, **tags_of_resource(row.tags)}


def _missing(account: str, kind: PrincipalKind, name: str) -> PrincipalRow:
    """What is asked about when there is nobody of this name: one without a path."""
    return PrincipalRow(id="", account=account, kind=kind, path="/", name=name, created_at=0)
