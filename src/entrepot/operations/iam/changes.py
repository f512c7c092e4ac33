"""Changes of what decides: one after another, each recorded, each with a new generation."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from entrepot.core.partitions import partition_of
from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import PolicyNotAttachable, PolicyNotFound, PrincipalNotFound
from entrepot.features.identity.managed_policies import find_aws_policy
from entrepot.features.identity.rows import ManagedPolicyRow, PrincipalRow
from entrepot.metadata import generation
from entrepot.operations.caller import Caller
from entrepot.operations.repositories import record
from entrepot.operations.services import Services

T = TypeVar("T")


async def change(
    services: Services, caller: Caller, name: str, edit: Callable[[Connection, int], T], **detail: object
) -> T:
    """Run ``edit``, which is given the time, in one transaction that no other such one runs beside."""
    now = services.clock()

    def run(connection: Connection) -> T:
        generation.advance(connection)
        result = edit(connection, now)
        record(connection, caller, name, "", now, **detail)
        return result

    return await services.metadata.write(run)


async def change_principal(
    services: Services,
    caller: Caller,
    name: str,
    asked: PrincipalRow,
    edit: Callable[[Connection, PrincipalRow], T],
    **detail: object,
) -> T:
    """Run ``edit`` on a user, a role or a root as it is now; raises PrincipalNotFound if it is gone meanwhile."""

    def run(connection: Connection, _now: int) -> T:
        row = identities.find_principal(connection, asked.id)
        if row is None:
            raise PrincipalNotFound(asked.kind, asked.name)
        return edit(connection, row)

    return await change(services, caller, name, run, entity=asked.name, **detail)


async def change_policy(
    services: Services,
    caller: Caller,
    name: str,
    arn: str,
    edit: Callable[[Connection, ManagedPolicyRow, int], T],
    **detail: object,
) -> T:
    """Run ``edit`` on a customer managed policy as it is now; raises PolicyNotFound."""

    def run(connection: Connection, now: int) -> T:
        row = identities.find_policy(connection, arn)
        if row is None:
            raise PolicyNotFound(arn)
        return edit(connection, row, now)

    return await change(services, caller, name, run, policy=arn, **detail)


def check_attachable(connection: Connection, caller: Caller, arn: str) -> None:
    """Refuse the ARN of what is no managed policy that the caller's account can use; raises PolicyNotAttachable.

    A policy of AWS goes by the ARN of the account's own partition: by another it would not be the one that
    conditions name.
    """
    found = identities.find_policy(connection, arn)
    by_aws = find_aws_policy(arn)
    home = partition_of(caller.registry.region).name
    if found is None and (by_aws is None or by_aws.row(home).arn != arn):
        raise PolicyNotAttachable(arn)
    if found is not None and found.account != caller.principal.account:
        raise PolicyNotAttachable(arn)
