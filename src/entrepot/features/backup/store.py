"""The SQL that walks all blobs and all manifests of a snapshot, page by page. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, tuple_

from entrepot.metadata.tables import blobs, manifests


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob; ``size`` is that of its content, which ``is_encrypted`` bytes exceed."""

    storage_key: str
    digest: str
    size: int
    is_encrypted: bool


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it is stored; ``wrapped`` are the data keys that it is encrypted under."""

    digest: str
    encryption_key: str
    content: bytes = field(repr=False)
    wrapped: bytes | None = field(repr=False)


def page_of_blobs(connection: Connection, after: str, limit: int) -> Sequence[Blob]:
    """Blobs in the order of their storage keys, which are greater than ``after``."""
    key = blobs.c.storage_key
    query = select(key, blobs.c.digest, blobs.c.size, blobs.c.is_encrypted).where(key > after).order_by(key)
    return [Blob(*row) for row in connection.execute(query.limit(limit))]


def page_of_keys(connection: Connection, after: str, limit: int) -> Sequence[str]:
    """Storage keys of blobs in their order, greater than ``after``; reads schemas of releases before as well."""
    key = blobs.c.storage_key
    return connection.scalars(select(key).where(key > after).order_by(key).limit(limit)).all()


def page_of_manifests(connection: Connection, after: tuple[str, str], limit: int) -> Sequence[StoredManifest]:
    """Manifests in the order of digest and encryption key, both together greater than ``after``."""
    key = (manifests.c.digest, manifests.c.encryption_key)
    query = select(*key, manifests.c.content, manifests.c.wrapped).where(tuple_(*key) > after)
    return [StoredManifest(*row) for row in connection.execute(query.order_by(*key).limit(limit))]
