"""The question that every operation of IAM asks, and the row that it asks about."""

from collections.abc import Mapping, Sequence

from entrepot.core.partitions import partition_of
from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import OIDCProviderNotFound, PolicyNotFound, PrincipalNotFound
from entrepot.features.identity.managed_policies import find_aws_policy
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import ManagedPolicyRow, OIDCProviderRow, PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services

Context = Mapping[str, str | Sequence[str]]


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
    bound: Context = {"iam:PermissionsBoundary": row.boundary} if row.boundary is not None else {}
    of_row = {**bound, **tags_of_resource(row.tags)}
    await ask(services, caller, name, row.arn(partition(caller)), {**of_row, **(context or {})})


async def ask_on_policy(
    services: Services, caller: Caller, name: str, arn: str, context: Context | None = None
) -> ManagedPolicyRow:
    """The managed policy of an ARN, AWS's or the caller's account's, on which the caller may call ``iam:NAME``.

    Raises AccessDenied, PolicyNotFound.
    """
    found = await services.metadata.look_up(lambda c: identities.find_policy(c, arn))
    if found is not None and found.account != caller.principal.account:
        found = None
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
    account, url = caller.principal.account, arn.partition(":oidc-provider/")[2]
    found = await services.metadata.look_up(lambda c: identities.find_oidc_provider(c, account, url))
    if found is not None and found.arn != arn:
        found = None
    of_row: Context = tags_of_resource(found.tags) if found is not None else {}
    await ask(services, caller, name, arn, {**of_row, **(context or {})})
    if found is None:
        raise OIDCProviderNotFound(arn)
    return found


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
    """The condition keys of a resource that has tags, under both of their names."""
    return {f"{service}:ResourceTag/{key}": value for key, value in tags.items() for service in ("aws", "iam")}


def _missing(account: str, kind: PrincipalKind, name: str) -> PrincipalRow:
    """What is asked about when there is nobody of this name: one without a path."""
    return PrincipalRow(id="", account=account, kind=kind, path="/", name=name, created_at=0)
