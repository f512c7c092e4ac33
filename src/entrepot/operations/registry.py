"""DescribeRegistry, replication configuration, account settings, pull-time update exclusions."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from entrepot.features.registry import store as registries
from entrepot.features.registry.errors import ExclusionAlreadyExists, ExclusionNotFound, TooManyExclusions
from entrepot.features.registry.replication import ReplicationRule
from entrepot.features.registry.rules import (
    ACCOUNT_SETTINGS,
    MAX_EXCLUSIONS,
    account_setting_kind,
    check_account_setting,
    check_replication,
)
from entrepot.metadata import generation
from entrepot.operations.caller import Caller
from entrepot.operations.operation import RequestContext, operation
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("DescribeRegistry")
async def describe_registry(services: Services, caller: Caller) -> list[ReplicationRule]:
    """The registry's replication rules; none until some are put."""
    found = await services.metadata.look_up(lambda c: registries.read_document(c, caller.registry, "replication"))
    return msgspec.json.decode(found, type=list[ReplicationRule]) if found else []


@operation("PutReplicationConfiguration")
async def put_replication_configuration(
    services: Services, caller: Caller, *, rules: Sequence[ReplicationRule]
) -> None:
    """Replace the replication rules; no rules at all clear them. Raises InvalidParameter."""
    check_replication(caller.registry, rules)
    document = msgspec.json.encode(list(rules)).decode()
    now = services.clock()

    def change(connection: Connection) -> None:
        registries.put_document(connection, caller.registry, "replication", document, now)
        record(connection, caller, "PutReplicationConfiguration", "", now)

    await services.metadata.write(change)


def account_setting(parameters: Mapping[str, Any]) -> RequestContext:
    """The condition key ``ecr:AccountSetting``: the name of the setting."""
    return {"ecr:AccountSetting": str(parameters.get("name"))}


@operation("GetAccountSetting", context=account_setting)
async def get_account_setting(services: Services, caller: Caller, *, name: str) -> str:
    """The value of a setting, its default until it is put. Raises UnknownSetting."""
    kind = account_setting_kind(name)
    found = await services.metadata.look_up(lambda c: registries.read_document(c, caller.registry, kind))
    return found or ACCOUNT_SETTINGS[name][0]


@operation("PutAccountSetting", context=account_setting, changes_access=True)
async def put_account_setting(services: Services, caller: Caller, *, name: str, value: str) -> None:
    """Set a setting. Raises UnknownSetting."""
    check_account_setting(name, value)
    now = services.clock()

    def change(connection: Connection) -> None:
        registries.put_document(connection, caller.registry, account_setting_kind(name), value, now)
        record(connection, caller, "PutAccountSetting", "", now, setting=name, value=value)
        generation.advance(connection)

    await services.metadata.write(change)


@operation("RegisterPullTimeUpdateExclusion")
async def register_pull_time_update_exclusion(services: Services, caller: Caller, *, principal_arn: str) -> int:
    """Stop recording the pulls of a principal; gives when that was.

    Raises ExclusionAlreadyExists, TooManyExclusions.
    """
    now = services.clock()

    def change(connection: Connection) -> None:
        if not registries.add_exclusion(connection, caller.registry, principal_arn, now):
            raise ExclusionAlreadyExists(principal_arn)
        if registries.count_exclusions(connection, caller.registry) > MAX_EXCLUSIONS:
            raise TooManyExclusions(MAX_EXCLUSIONS)
        record(connection, caller, "RegisterPullTimeUpdateExclusion", "", now, principal=principal_arn)

    await services.metadata.write(change)
    return now


@operation("DeregisterPullTimeUpdateExclusion")
async def deregister_pull_time_update_exclusion(services: Services, caller: Caller, *, principal_arn: str) -> None:
    """Record the pulls of a principal again. Raises ExclusionNotFound."""
    now = services.clock()

    def change(connection: Connection) -> None:
        if not registries.remove_exclusion(connection, caller.registry, principal_arn):
            raise ExclusionNotFound(principal_arn)
        record(connection, caller, "DeregisterPullTimeUpdateExclusion", "", now, principal=principal_arn)

    await services.metadata.write(change)


@operation("ListPullTimeUpdateExclusions")
async def list_pull_time_update_exclusions(
    services: Services, caller: Caller, *, after: str, limit: int
) -> list[str]:
    """At most ``limit`` excluded principals after the given one, in byte order."""
    return await services.metadata.read(
        lambda c: registries.list_exclusions(c, caller.registry, after=after, limit=limit)
    )
