"""The invariants of designs/collection.md, asked of the database and the storage themselves."""

from sqlalchemy import Connection, exists, func, select, union_all

from entrepot.metadata import tables
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
        _links.due_at.is_(None), ~_reference_of_link
    ),
    "manifests: every manifest has an image": select(_manifests.digest).where(~_image_of_manifest),
}
_open_uploads = select(_uploads.storage_key).where(_uploads.completed_digest.is_(None))
_owners = union_all(_open_uploads, select(_blobs.storage_key), select(tables.tombstones.c.storage_key)).subquery()

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

    def query(connection: Connection) -> None:
        for invariant, broken in _BROKEN.items():
            assert connection.execute(broken).all() == [], invariant
        shared = select(_owners.c.storage_key).group_by(_owners.c.storage_key).having(func.count() > 1)
        assert connection.execute(shared).all() == [], "owned: a storage key is named by one row"
        alive = set(connection.scalars(select(_blobs.storage_key)))
        assert not alive & buried, "final: what has had a tombstone is no blob again"
        buried.update(connection.scalars(select(tables.tombstones.c.storage_key)))

    await registry.services.metadata.read(query)
    owned = set(await registry.services.metadata.read(lambda c: c.scalars(select(_owners.c.storage_key)).all()))
    assert registry.storage.keys() <= owned, "owned: bytes are named by a row"
    stored = await registry.services.metadata.read(lambda c: c.scalars(select(_blobs.storage_key)).all())
    assert set(stored) <= registry.storage.keys(), "named: a blob has its bytes"


async def check_nothing_is_left(registry: RunningRegistry) -> None:
    """Assert that there are no rows and no bytes."""

    def query(connection: Connection) -> None:
        for table in _COLLECTED:
            assert connection.scalar(select(func.count()).select_from(table)) == 0, table.name

    await registry.services.metadata.read(query)
    assert registry.storage.keys() == set()
