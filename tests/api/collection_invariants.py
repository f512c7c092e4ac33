"""The invariants of designs/collection.md, asked of the database and the storage themselves."""

from sqlalchemy import Connection, exists, func, literal, select, union_all

from entrepot.metadata import tables
from entrepot.metadata.port import Metadata
from entrepot.testing.registry import RunningRegistry

_blobs, _links, _uploads = tables.blobs.c, tables.repository_layers.c, tables.uploads.c
_references, _images, _manifests = tables.image_references.c, tables.images.c, tables.manifests.c

_link_of_reference = exists().where(
    _links.repository_id == _references.repository_id,
    _links.blob_id == _blobs.id,
    _blobs.digest == _references.digest,
)
_reference_of_link = exists().where(
    _references.repository_id == _links.repository_id,
    _references.digest == _blobs.digest,
    _blobs.id == _links.blob_id,
)
#: The drain of a deleted repository takes all its links, whether they are queued or not.
_is_kept = exists().where(
    tables.repositories.c.id == _links.repository_id, tables.repositories.c.detached_at.is_(None)
)
_image_of_manifest = exists().where(
    _images.digest == _manifests.digest, _images.encryption_key == _manifests.encryption_key
)
_manifest_of_image = exists().where(
    _manifests.digest == _images.digest, _manifests.encryption_key == _images.encryption_key
)

#: By the invariant's name, what must not be found.
_BROKEN = {
    "named: every layer that an image names has a link and a blob": select(_references.digest)
    .join(tables.images, _images.id == _references.image_id)
    .where(_images.repository_id.is_not(None), _references.kind.in_(("config", "layer")), ~_link_of_reference),
    "named: every image has a manifest": select(_images.digest).where(~_manifest_of_image),
    "linked: every blob has a link": select(_blobs.digest).where(~exists().where(_links.blob_id == _blobs.id)),
    "queued: every link that nothing names has a time": select(_links.blob_id).where(
        _links.due_at.is_(None), ~_reference_of_link, _is_kept
    ),
    "manifests: every manifest has an image": select(_manifests.digest).where(~_image_of_manifest),
}
_broken = union_all(*(select(literal(name)).where(query.exists()) for name, query in _BROKEN.items()))
_owners = union_all(
    select(_uploads.storage_key, literal("upload")).where(_uploads.completed_digest.is_(None)),
    select(_blobs.storage_key, literal("blob")),
    select(tables.tombstones.c.storage_key, literal("tombstone")),
)

#: What must be empty when all is deleted and all times have passed. What is trimmed by its age alone is left out.
_COLLECTED = (
    tables.repositories,
    tables.repository_layers,
    tables.blobs,
    tables.tombstones,
    tables.uploads,
    tables.manifests,
    tables.images,
    tables.image_references,
    tables.image_tags,
)


async def check_invariants(registry: RunningRegistry, buried: set[str]) -> None:
    """Assert all that has to hold in any state; ``buried`` gathers the storage keys that have had a tombstone."""
    await check_invariants_of(registry.services.metadata, registry.storage.keys(), buried)


async def check_invariants_of(metadata: Metadata, stored: set[str], buried: set[str]) -> None:
    """The same of any database, and the storage keys that have bytes."""
    await metadata.read(lambda connection: check_state(connection, stored, buried))


def check_state(connection: Connection, stored: set[str], buried: set[str]) -> None:
    """The same in one look."""
    broken = connection.scalars(_broken).all()
    assert not broken, broken
    owners = connection.execute(_owners).all()
    owned = {key for key, _ in owners}
    assert len(owned) == len(owners), "owned: a storage key is named by one row"
    assert stored <= owned, "owned: bytes are named by a row"
    blobs = {key for key, owner in owners if owner == "blob"}
    assert blobs <= stored, "named: a blob has its bytes"
    assert not blobs & buried, "final: what has had a tombstone is no blob again"
    buried.update(key for key, owner in owners if owner == "tombstone")


async def check_nothing_is_left(registry: RunningRegistry) -> None:
    """Assert that there are no rows and no bytes."""
    await check_nothing_is_left_in(registry.services.metadata, registry.storage.keys())


async def check_nothing_is_left_in(metadata: Metadata, stored: set[str]) -> None:
    """The same of any database, and the storage keys that have bytes."""
    await metadata.read(check_no_rows_are_left)
    assert stored == set()


def check_no_rows_are_left(connection: Connection) -> None:
    """Assert that what was deleted is gone."""
    for table in _COLLECTED:
        assert connection.scalar(select(func.count()).select_from(table)) == 0, table.name
