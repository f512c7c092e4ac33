"""Pull-through cache rules on the wire."""

from entrepot.core.prefixes import prefix_key
from entrepot.features.pull_through.rule import Rule
from entrepot.fronts.ecr.call import Call, Handler, read_page, seconds
from entrepot.operations.pull_through import (
    create_pull_through_cache_rule,
    delete_pull_through_cache_rule,
    describe_pull_through_cache_rules,
    update_pull_through_cache_rule,
)
from entrepot.protocol.ecr import shapes


async def _create(
    call: Call, request: shapes.CreatePullThroughCacheRuleRequest
) -> shapes.CreatePullThroughCacheRuleResponse:
    created = await create_pull_through_cache_rule(
        call.services,
        call.caller,
        prefix=request.ecr_repository_prefix,
        url=request.upstream_registry_url,
        upstream_registry=request.upstream_registry,
        upstream_prefix=request.upstream_repository_prefix,
        credential_arn=request.credential_arn,
        custom_role_arn=request.custom_role_arn,
    )
    return shapes.CreatePullThroughCacheRuleResponse(
        ecr_repository_prefix=created.prefix,
        upstream_registry_url=created.upstream.url,
        created_at=seconds(created.created_at),
        registry_id=call.caller.registry.account,
        upstream_registry=created.upstream.registry,
        credential_arn=created.upstream.credential_arn,
        custom_role_arn=created.upstream.custom_role_arn,
        upstream_repository_prefix=created.upstream.repository_prefix,
    )


async def _describe(
    call: Call, request: shapes.DescribePullThroughCacheRulesRequest
) -> shapes.DescribePullThroughCacheRulesResponse:
    prefixes = list(dict.fromkeys(request.ecr_repository_prefixes or ()))
    page = read_page(call, "DescribePullThroughCacheRules", prefixes, request.next_token, request.max_results)
    found = await describe_pull_through_cache_rules(
        call.services,
        call.caller,
        prefixes=prefixes,
        after=str(page.after[0]) if page.after else "",
        limit=page.limit + 1,
    )
    shown = found[: page.limit]
    return shapes.DescribePullThroughCacheRulesResponse(
        pull_through_cache_rules=[_rule(call, one) for one in shown],
        next_token=page.next_token(
            call, len(found) > len(shown), (prefix_key(shown[-1].prefix),) if shown else ()
        ),
    )


async def _update(
    call: Call, request: shapes.UpdatePullThroughCacheRuleRequest
) -> shapes.UpdatePullThroughCacheRuleResponse:
    updated = await update_pull_through_cache_rule(
        call.services,
        call.caller,
        prefix=request.ecr_repository_prefix,
        credential_arn=request.credential_arn,
        custom_role_arn=request.custom_role_arn,
    )
    return shapes.UpdatePullThroughCacheRuleResponse(
        ecr_repository_prefix=updated.prefix,
        registry_id=call.caller.registry.account,
        updated_at=seconds(updated.updated_at),
        credential_arn=updated.upstream.credential_arn,
        custom_role_arn=updated.upstream.custom_role_arn,
        upstream_repository_prefix=updated.upstream.repository_prefix,
    )


async def _delete(
    call: Call, request: shapes.DeletePullThroughCacheRuleRequest
) -> shapes.DeletePullThroughCacheRuleResponse:
    removed = await delete_pull_through_cache_rule(
        call.services, call.caller, prefix=request.ecr_repository_prefix
    )
    return shapes.DeletePullThroughCacheRuleResponse(
        ecr_repository_prefix=removed.prefix,
        upstream_registry_url=removed.upstream.url,
        created_at=seconds(removed.created_at),
        registry_id=call.caller.registry.account,
        credential_arn=removed.upstream.credential_arn,
        custom_role_arn=removed.upstream.custom_role_arn,
        upstream_repository_prefix=removed.upstream.repository_prefix,
    )


def _rule(call: Call, rule: Rule) -> shapes.PullThroughCacheRule:
    return shapes.PullThroughCacheRule(
        ecr_repository_prefix=rule.prefix,
        upstream_registry_url=rule.upstream.url,
        created_at=seconds(rule.created_at),
        registry_id=call.caller.registry.account,
        credential_arn=rule.upstream.credential_arn,
        custom_role_arn=rule.upstream.custom_role_arn,
        upstream_repository_prefix=rule.upstream.repository_prefix,
        upstream_registry=rule.upstream.registry,
        updated_at=seconds(rule.updated_at),
    )


HANDLERS: dict[str, Handler] = {
    "CreatePullThroughCacheRule": _create,
    "DescribePullThroughCacheRules": _describe,
    "UpdatePullThroughCacheRule": _update,
    "DeletePullThroughCacheRule": _delete,
}
