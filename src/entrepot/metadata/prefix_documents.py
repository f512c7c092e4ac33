"""Documents of a registry by the repository prefix they are for: one table each, all of one shape.

A prefix is compared without the slash at its end (``core.prefixes``). The features know what the documents say.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, select, update

from entrepot.core.partitions import RegistryId
from entrepot.core.prefixes import prefix_key
from entrepot.metadata.insert import insert_if_absent


@dataclass(frozen=True, slots=True)
class PrefixDocument:
    """A row's document, JSON, with its times in microseconds."""

    document: str
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class PrefixDocuments:
    """The SQL of one such table."""

    table: Table

    def create(self, connection: Connection, registry: RegistryId, prefix: str, new: PrefixDocument) -> bool:
        """Store a document; False when the prefix has one."""
        row = {
            "account": registry.account,
            "region": registry.region,
            "prefix": prefix_key(prefix),
            "document": new.document,
            "created_at": new.created_at,
            "updated_at": new.updated_at,
        }
        return insert_if_absent(connection, self.table, [row]) == 1

    def count(self, connection: Connection, registry: RegistryId) -> int:
        """How many documents there are, this transaction's own included.

        Waits for others that count: on PostgreSQL a second statement sees what they committed meanwhile, so that
        two at once cannot both be the last that is allowed.
        """
        keys = select(self.table.c.prefix).where(self._in(registry)).order_by(self.table.c.prefix)
        connection.execute(keys.with_for_update()).all()
        query = select(func.count()).select_from(self.table).where(self._in(registry))
        return connection.scalars(query).one()

    def find_and_lock(self, connection: Connection, registry: RegistryId, prefix: str) -> PrefixDocument | None:
        """The document of a prefix, which nobody else changes before this transaction ends."""
        query = select(self.table).where(self._is(registry, prefix)).with_for_update()
        row = connection.execute(query).first()
        return None if row is None else _document(row)

    def find(
        self, connection: Connection, registry: RegistryId, prefixes: Collection[str]
    ) -> dict[str, PrefixDocument]:
        """The documents that these prefixes have, by the prefix without its slash."""
        keys = {prefix_key(prefix) for prefix in prefixes}
        query = select(self.table).where(self._in(registry), self.table.c.prefix.in_(keys))
        return {row.prefix: _document(row) for row in connection.execute(query)}

    def find_page(
        self, connection: Connection, registry: RegistryId, *, prefixes: Collection[str], after: str, limit: int
    ) -> Sequence[PrefixDocument]:
        """At most ``limit`` documents by prefix, after ``after``, in byte order; only those named, if any are."""
        query = select(self.table).where(self._in(registry), self.table.c.prefix > after)
        if prefixes:
            query = query.where(self.table.c.prefix.in_({prefix_key(one) for one in prefixes}))
        rows = connection.execute(query.order_by(self.table.c.prefix).limit(limit))
        return [_document(row) for row in rows]

    def replace(
        self, connection: Connection, registry: RegistryId, prefix: str, document: str, updated_at: int
    ) -> None:
        """Store a document, found and locked before, as it is now."""
        connection.execute(
            update(self.table).where(self._is(registry, prefix)).values(document=document, updated_at=updated_at)
        )

    def remove(self, connection: Connection, registry: RegistryId, prefix: str) -> PrefixDocument | None:
        """Delete the document of a prefix; gives what it was, None if there was none."""
        query = delete(self.table).where(self._is(registry, prefix)).returning(self.table)
        row = connection.execute(query).first()
        return None if row is None else _document(row)

    def _in(self, registry: RegistryId) -> ColumnElement[bool]:
        return and_(self.table.c.account == registry.account, self.table.c.region == registry.region)

    def _is(self, registry: RegistryId, prefix: str) -> ColumnElement[bool]:
        return and_(self._in(registry), self.table.c.prefix == prefix_key(prefix))


def _document(row: Row[*tuple[Any, ...]]) -> PrefixDocument:
    return PrefixDocument(row.document, row.created_at, row.updated_at)
