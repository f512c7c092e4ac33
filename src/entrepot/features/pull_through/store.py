"""The SQL of pull-through cache rules."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, update

from entrepot.core.partitions import RegistryId
from entrepot.core.prefixes import prefix_key
from entrepot.features.pull_through.errors import PullThroughCacheRuleAlreadyExists, PullThroughCacheRuleNotFound
from entrepot.features.pull_through.rule import Rule, Upstream
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import pull_through_rules


@dataclass(frozen=True, slots=True)
class _Document:
    """What the document of a row holds; the row's own prefix is the key, this one as it was spelled."""

    prefix: str
    upstream: Upstream


def create(connection: Connection, registry: RegistryId, rule: Rule) -> None:
    """Store a new rule; raises PullThroughCacheRuleAlreadyExists."""
    row = {
        "account": registry.account,
        "region": registry.region,
        "prefix": prefix_key(rule.prefix),
        "document": _encode(rule),
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
    }
    if not insert_if_absent(connection, pull_through_rules, [row]):
        raise PullThroughCacheRuleAlreadyExists(rule.prefix, registry.account)


def count(connection: Connection, registry: RegistryId) -> int:
    """How many rules there are, this transaction's own included.

    Waits for others that count: on PostgreSQL a second statement sees what they committed meanwhile, so that two
    at once cannot both be the last that is allowed.
    """
    keys = select(pull_through_rules.c.prefix).where(_in(registry)).order_by(pull_through_rules.c.prefix)
    connection.execute(keys.with_for_update()).all()
    query = select(func.count()).select_from(pull_through_rules).where(_in(registry))
    return connection.scalars(query).one()


def find_and_lock(connection: Connection, registry: RegistryId, prefix: str) -> Rule:
    """The rule of a prefix, which nobody else changes before this transaction ends.

    Raises PullThroughCacheRuleNotFound.
    """
    query = select(pull_through_rules).where(_is(registry, prefix)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise PullThroughCacheRuleNotFound(prefix, registry.account)
    return _rule(row)


def check_exist(connection: Connection, registry: RegistryId, prefixes: Collection[str]) -> None:
    """Raise PullThroughCacheRuleNotFound for the first prefix that has no rule."""
    keys = {prefix_key(prefix) for prefix in prefixes}
    query = select(pull_through_rules.c.prefix).where(_in(registry), pull_through_rules.c.prefix.in_(keys))
    found = set(connection.scalars(query))
    for prefix in prefixes:
        if prefix_key(prefix) not in found:
            raise PullThroughCacheRuleNotFound(prefix, registry.account)


def find_page(
    connection: Connection, registry: RegistryId, *, prefixes: Collection[str], after: str, limit: int
) -> list[Rule]:
    """At most ``limit`` rules whose prefix comes after ``after``, in byte order; only those named, if any are.

    Compares prefixes without the slash at their end.
    """
    query = select(pull_through_rules).where(_in(registry), pull_through_rules.c.prefix > after)
    if prefixes:
        query = query.where(pull_through_rules.c.prefix.in_({prefix_key(one) for one in prefixes}))
    return [_rule(row) for row in connection.execute(query.order_by(pull_through_rules.c.prefix).limit(limit))]


def replace_upstream(connection: Connection, registry: RegistryId, rule: Rule) -> None:
    """Store a rule, found and locked before, as it is now."""
    connection.execute(
        update(pull_through_rules)
        .where(_is(registry, rule.prefix))
        .values(document=_encode(rule), updated_at=rule.updated_at)
    )


def remove(connection: Connection, registry: RegistryId, prefix: str) -> Rule:
    """Delete the rule of a prefix; gives what it was. Raises PullThroughCacheRuleNotFound."""
    query = delete(pull_through_rules).where(_is(registry, prefix)).returning(pull_through_rules)
    row = connection.execute(query).first()
    if row is None:
        raise PullThroughCacheRuleNotFound(prefix, registry.account)
    return _rule(row)


def _in(registry: RegistryId) -> ColumnElement[bool]:
    return and_(pull_through_rules.c.account == registry.account, pull_through_rules.c.region == registry.region)


def _is(registry: RegistryId, prefix: str) -> ColumnElement[bool]:
    return and_(_in(registry), pull_through_rules.c.prefix == prefix_key(prefix))


def _encode(rule: Rule) -> str:
    return msgspec.json.encode(_Document(rule.prefix, rule.upstream)).decode()


def _rule(row: Row[*tuple[Any, ...]]) -> Rule:
    document = msgspec.json.decode(row.document, type=_Document)
    return Rule(document.prefix, document.upstream, row.created_at, row.updated_at)
