"""A registry's own settings on the wire."""

from collections.abc import Sequence

from entrepot.core.partitions import RegistryId
from entrepot.features.registry.replication import ReplicationRule
from entrepot.fronts.ecr.call import Call, Handler, read_page, seconds
from entrepot.operations.registry import (
    deregister_pull_time_update_exclusion,
    describe_registry,
    get_account_setting,
    list_pull_time_update_exclusions,
    put_account_setting,
    put_replication_configuration,
    register_pull_time_update_exclusion,
)
from entrepot.protocol.ecr import shapes


async def _describe(call: Call, _request: shapes.DescribeRegistryRequest) -> shapes.DescribeRegistryResponse:
    rules = await describe_registry(call.services, call.caller)
    return shapes.DescribeRegistryResponse(
        registry_id=call.caller.registry.account,
        replication_configuration=shapes.ReplicationConfiguration(rules=_shown_rules(rules)),
    )


async def _put_replication(
    call: Call, request: shapes.PutReplicationConfigurationRequest
) -> shapes.PutReplicationConfigurationResponse:
    asked = request.replication_configuration
    await put_replication_configuration(call.services, call.caller, rules=[_rule(rule) for rule in asked.rules])
    return shapes.PutReplicationConfigurationResponse(replication_configuration=asked)


def _rule(rule: shapes.ReplicationRule) -> ReplicationRule:
    return ReplicationRule(
        destinations=tuple(RegistryId(one.registry_id, one.region) for one in rule.destinations),
        prefixes=tuple(one.filter for one in rule.repository_filters or ()),
        deletes=rule.delete_replication.enabled if rule.delete_replication else None,
    )


def _shown_rules(rules: Sequence[ReplicationRule]) -> list[shapes.ReplicationRule]:
    return [
        shapes.ReplicationRule(
            destinations=[
                shapes.ReplicationDestination(region=one.region, registry_id=one.account)
                for one in rule.destinations
            ],
            repository_filters=[
                shapes.RepositoryFilter(filter=prefix, filter_type="PREFIX_MATCH") for prefix in rule.prefixes
            ]
            or None,
            delete_replication=None if rule.deletes is None else shapes.DeleteReplication(enabled=rule.deletes),
        )
        for rule in rules
    ]


async def _get_setting(call: Call, request: shapes.GetAccountSettingRequest) -> shapes.GetAccountSettingResponse:
    value = await get_account_setting(call.services, call.caller, name=request.name)
    return shapes.GetAccountSettingResponse(name=request.name, value=value)


async def _put_setting(call: Call, request: shapes.PutAccountSettingRequest) -> shapes.PutAccountSettingResponse:
    await put_account_setting(call.services, call.caller, name=request.name, value=request.value)
    return shapes.PutAccountSettingResponse(name=request.name, value=request.value)


async def _register(
    call: Call, request: shapes.RegisterPullTimeUpdateExclusionRequest
) -> shapes.RegisterPullTimeUpdateExclusionResponse:
    created_at = await register_pull_time_update_exclusion(
        call.services, call.caller, principal_arn=request.principal_arn
    )
    return shapes.RegisterPullTimeUpdateExclusionResponse(
        principal_arn=request.principal_arn, created_at=seconds(created_at)
    )


async def _deregister(
    call: Call, request: shapes.DeregisterPullTimeUpdateExclusionRequest
) -> shapes.DeregisterPullTimeUpdateExclusionResponse:
    await deregister_pull_time_update_exclusion(call.services, call.caller, principal_arn=request.principal_arn)
    return shapes.DeregisterPullTimeUpdateExclusionResponse(principal_arn=request.principal_arn)


async def _list_exclusions(
    call: Call, request: shapes.ListPullTimeUpdateExclusionsRequest
) -> shapes.ListPullTimeUpdateExclusionsResponse:
    page = read_page(call, "ListPullTimeUpdateExclusions", None, request.next_token, request.max_results)
    found = await list_pull_time_update_exclusions(
        call.services,
        call.caller,
        after=str(page.after[0]) if page.after else "",
        limit=page.limit + 1,
    )
    shown = found[: page.limit]
    return shapes.ListPullTimeUpdateExclusionsResponse(
        pull_time_update_exclusions=shown,
        next_token=page.next_token(call, len(found) > len(shown), (shown[-1],) if shown else ()),
    )


HANDLERS: dict[str, Handler] = {
    "DescribeRegistry": _describe,
    "PutReplicationConfiguration": _put_replication,
    "GetAccountSetting": _get_setting,
    "PutAccountSetting": _put_setting,
    "RegisterPullTimeUpdateExclusion": _register,
    "DeregisterPullTimeUpdateExclusion": _deregister,
    "ListPullTimeUpdateExclusions": _list_exclusions,
}
