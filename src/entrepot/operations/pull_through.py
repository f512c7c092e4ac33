"""Pull-through cache rules: created, described, updated, deleted. Nothing is imported by them yet."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.core.prefixes import ROOT
from entrepot.features.pull_through import store as rules
from entrepot.features.pull_through.errors import NothingToUpdate, TooManyRules
from entrepot.features.pull_through.rule import Rule, Upstream, UpstreamRegistry
from entrepot.features.pull_through.rules import MAX_RULES, check_rule, upstream_of
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("CreatePullThroughCacheRule")
async def create_pull_through_cache_rule(
    services: Services,
    caller: Caller,
    *,
    prefix: str,
    url: str,
    upstream_registry: UpstreamRegistry | None = None,
    upstream_prefix: str | None = None,
    credential_arn: str | None = None,
    custom_role_arn: str | None = None,
) -> Rule:
    """Create a rule; the URL says which upstream registry it is of, ``upstream_registry`` may only agree.

    Raises InvalidUpstreamURL, CredentialRequired, InvalidParameter, PullThroughCacheRuleAlreadyExists,
    TooManyRules.
    """
    upstream = Upstream(
        registry=upstream_registry or upstream_of(url),
        url=url,
        repository_prefix=upstream_prefix or ROOT,
        credential_arn=credential_arn,
        custom_role_arn=custom_role_arn,
    )
    check_rule(caller.registry, prefix, upstream)
    now = services.clock()
    created = Rule(prefix, upstream, now, now)

    def change(connection: Connection) -> None:
        rules.create(connection, caller.registry, created)
        if rules.count(connection, caller.registry) > MAX_RULES:
            raise TooManyRules(MAX_RULES)
        record(connection, caller, "CreatePullThroughCacheRule", "", now, prefix=prefix)

    await services.metadata.write(change)
    return created


@operation("DescribePullThroughCacheRules")
async def describe_pull_through_cache_rules(
    services: Services, caller: Caller, *, prefixes: Sequence[str], after: str, limit: int
) -> list[Rule]:
    """At most ``limit`` rules after a prefix, in byte order; only those named, if any are.

    Raises PullThroughCacheRuleNotFound for the first named prefix that has no rule.
    """

    def query(connection: Connection) -> list[Rule]:
        rules.check_exist(connection, caller.registry, prefixes)
        return rules.find_page(connection, caller.registry, prefixes=prefixes, after=after, limit=limit)

    return await services.metadata.read(query)


@operation("UpdatePullThroughCacheRule")
async def update_pull_through_cache_rule(
    services: Services,
    caller: Caller,
    *,
    prefix: str,
    credential_arn: str | None = None,
    custom_role_arn: str | None = None,
) -> Rule:
    """Give a rule another credential, another role, or both.

    Raises NothingToUpdate, PullThroughCacheRuleNotFound.
    """
    if credential_arn is None and custom_role_arn is None:
        raise NothingToUpdate
    now = services.clock()

    def change(connection: Connection) -> Rule:
        found = rules.find_and_lock(connection, caller.registry, prefix)
        upstream = replace(
            found.upstream,
            credential_arn=credential_arn or found.upstream.credential_arn,
            custom_role_arn=custom_role_arn or found.upstream.custom_role_arn,
        )
        updated = replace(found, upstream=upstream, updated_at=now)
        rules.replace_upstream(connection, caller.registry, updated)
        record(connection, caller, "UpdatePullThroughCacheRule", "", now, prefix=prefix)
        return updated

    return await services.metadata.write(change)


@operation("DeletePullThroughCacheRule")
async def delete_pull_through_cache_rule(services: Services, caller: Caller, *, prefix: str) -> Rule:
    """Remove a rule; gives what it was. Raises PullThroughCacheRuleNotFound."""
    now = services.clock()

    def change(connection: Connection) -> Rule:
        removed = rules.remove(connection, caller.registry, prefix)
        record(connection, caller, "DeletePullThroughCacheRule", "", now, prefix=prefix)
        return removed

    return await services.metadata.write(change)
