"""The SQL of pull-through cache rules."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from entrepot.core.partitions import RegistryId
from entrepot.core.prefixes import prefix_key
from entrepot.features.pull_through.errors import PullThroughCacheRuleAlreadyExists, PullThroughCacheRuleNotFound
from entrepot.features.pull_through.rule import Rule, Upstream
from entrepot.metadata.prefix_documents import PrefixDocument, PrefixDocuments
from entrepot.metadata.tables import pull_through_rules

_documents = PrefixDocuments(pull_through_rules)


@dataclass(frozen=True, slots=True)
class _Document:
    """What the document of a row holds; the row's own prefix is the key, this one as it was spelled."""

    prefix: str
    upstream: Upstream


def create(connection: Connection, registry: RegistryId, rule: Rule) -> None:
    """Store a new rule; raises PullThroughCacheRuleAlreadyExists."""
    new = PrefixDocument(_encode(rule), rule.created_at, rule.updated_at)
    if not _documents.create(connection, registry, rule.prefix, new):
        raise PullThroughCacheRuleAlreadyExists(rule.prefix, registry.account)


def count(connection: Connection, registry: RegistryId) -> int:
    """How many rules there are, this transaction's own included; waits for others that count."""
    return _documents.count(connection, registry)


def find_and_lock(connection: Connection, registry: RegistryId, prefix: str) -> Rule:
    """The rule of a prefix, which nobody else changes before this transaction ends.

    Raises PullThroughCacheRuleNotFound.
    """
    return _found(_documents.find_and_lock(connection, registry, prefix), registry, prefix)


def check_exist(connection: Connection, registry: RegistryId, prefixes: Collection[str]) -> None:
    """Raise PullThroughCacheRuleNotFound for the first prefix that has no rule."""
    found = _documents.find(connection, registry, prefixes)
    for prefix in prefixes:
        if prefix_key(prefix) not in found:
            raise PullThroughCacheRuleNotFound(prefix, registry.account)


def find_page(
    connection: Connection, registry: RegistryId, *, prefixes: Collection[str], after: str, limit: int
) -> list[Rule]:
    """At most ``limit`` rules by prefix, after ``after``, in byte order; only those named, if any are."""
    page = _documents.find_page(connection, registry, prefixes=prefixes, after=after, limit=limit)
    return [_rule(one) for one in page]


def replace_upstream(connection: Connection, registry: RegistryId, rule: Rule) -> None:
    """Store a rule, found and locked before, as it is now."""
    _documents.replace(connection, registry, rule.prefix, _encode(rule), rule.updated_at)


def remove(connection: Connection, registry: RegistryId, prefix: str) -> Rule:
    """Delete the rule of a prefix; gives what it was. Raises PullThroughCacheRuleNotFound."""
    return _found(_documents.remove(connection, registry, prefix), registry, prefix)


def _found(stored: PrefixDocument | None, registry: RegistryId, prefix: str) -> Rule:
    if stored is None:
        raise PullThroughCacheRuleNotFound(prefix, registry.account)
    return _rule(stored)


def _encode(rule: Rule) -> str:
    return msgspec.json.encode(_Document(rule.prefix, rule.upstream)).decode()


def _rule(stored: PrefixDocument) -> Rule:
    document = msgspec.json.decode(stored.document, type=_Document)
    return Rule(document.prefix, document.upstream, stored.created_at, stored.updated_at)
