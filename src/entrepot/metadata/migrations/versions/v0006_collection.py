"""What the garbage collector looks at, and what the versions before it left behind."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

#: In the order in which a push writes them, so that nobody waits in a circle.
_WRITTEN_BY_PUSHES = "uploads, blobs, repository_layers, manifests, images, image_references"
#: Links of layers that no image names are looked at when their lease is over.
_QUEUE_LINKS = """
    UPDATE repository_layers SET due_at = lease_until, due_cause = 'push' WHERE NOT EXISTS (
        SELECT 1 FROM blobs JOIN image_references
            ON image_references.digest = blobs.digest
            AND image_references.repository_id = repository_layers.repository_id
        WHERE blobs.id = repository_layers.blob_id)"""
#: Blobs that were unlinked, and bytes of uploads that lost the race for their digest: nobody has a URL for them.
_BURY = """
    INSERT INTO tombstones (storage_key, size, cause, made_at)
        SELECT storage_key, size, 'unlink', 0 FROM blobs WHERE NOT EXISTS (
            SELECT 1 FROM repository_layers WHERE repository_layers.blob_id = blobs.id)
        UNION ALL
        SELECT storage_key, size, 'upload', 0 FROM uploads WHERE completed_digest IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM blobs
            WHERE blobs.digest = uploads.completed_digest AND blobs.storage_key = uploads.storage_key)"""
_DELETE_BLOBS = """
    DELETE FROM blobs WHERE NOT EXISTS (
        SELECT 1 FROM repository_layers WHERE repository_layers.blob_id = blobs.id)"""
_DELETE_MANIFESTS = """
    DELETE FROM manifests WHERE NOT EXISTS (
        SELECT 1 FROM images WHERE images.digest = manifests.digest)"""


def upgrade() -> None:
    """Add what is new and queue what is old, by scanning, this once.

    Older code may not go on: it stores an image without holding its manifest, which may be collected just then.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"LOCK TABLE {_WRITTEN_BY_PUSHES} IN SHARE ROW EXCLUSIVE MODE")
    op.create_table(
        "tombstones",
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("cause", Name, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("storage_key", name="pk_tombstones"),
    )
    op.create_index("ix_tombstones_made_at", "tombstones", ["made_at"])
    op.add_column("repository_layers", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.add_column("repository_layers", sa.Column("due_cause", Name, nullable=True))
    is_queued = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_repository_layers_due_at",
        "repository_layers",
        ["due_at"],
        sqlite_where=is_queued,
        postgresql_where=is_queued,
    )
    op.create_index("ix_images_digest", "images", ["digest"])
    for statement in (_BURY, _DELETE_BLOBS, _QUEUE_LINKS, _DELETE_MANIFESTS):
        op.execute(statement)
    op.execute("UPDATE schema SET version = 6, oldest_code = 3")
