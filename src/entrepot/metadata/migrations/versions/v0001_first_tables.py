"""The first tables.

Written out, not taken from ``tables.py``: a migration stays as it is when the tables go on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them, and say that they are version 1 and that any code may use them."""
    op.create_table(
        "audit_records",
        sa.Column("id", Id, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("region", Name, nullable=False),
        sa.Column("principal", Name, nullable=False),
        sa.Column("operation", Name, nullable=False),
        sa.Column("repository", Name, nullable=False),
        sa.Column("detail", Name, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_records"),
    )
    op.create_index("ix_audit_records_recorded_at", "audit_records", ["recorded_at"], unique=False)
    op.create_table(
        "blobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("encryption_key", Name, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blobs"),
        sa.UniqueConstraint("digest", "encryption_key", name="uq_blobs_digest_encryption_key"),
    )
    op.create_table(
        "manifests",
        sa.Column("digest", Name, nullable=False),
        sa.Column("encryption_key", Name, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "encryption_key", name="pk_manifests"),
    )
    op.create_table(
        "repositories",
        sa.Column("id", Id, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("region", Name, nullable=False),
        sa.Column("name", Name, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("tag_mutability", Name, nullable=False),
        sa.Column("tag_mutability_exclusions", Name, nullable=False),
        sa.Column("scan_on_push", sa.Boolean(), nullable=False),
        sa.Column("encryption_type", Name, nullable=False),
        sa.Column("detached_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_repositories"),
        sa.UniqueConstraint("account", "region", "name", name="uq_repositories_account_region_name"),
    )
    op.create_index(
        "ix_repositories_detached_at",
        "repositories",
        ["detached_at"],
        unique=False,
        sqlite_where=sa.text("detached_at IS NOT NULL"),
        postgresql_where=sa.text("detached_at IS NOT NULL"),
    )
    op.create_table(
        "schema",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("oldest_code", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schema"),
    )
    op.create_table(
        "images",
        sa.Column("id", Id, nullable=False),
        sa.Column("repository_id", Id, nullable=True),
        sa.Column("detached_from", Id, nullable=True),
        sa.Column("detached_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", Name, nullable=False),
        sa.Column("encryption_key", Name, nullable=False),
        sa.Column("media_type", Name, nullable=False),
        sa.Column("artifact_type", Name, nullable=True),
        sa.Column("config_media_type", Name, nullable=True),
        sa.Column("subject_digest", Name, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("manifest_size", sa.Integer(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=False),
        sa.Column("pulled_at", sa.BigInteger(), nullable=True),
        sa.Column("tag_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.ForeignKeyConstraint(["detached_from"], ["repositories.id"], name="fk_images_detached_from"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_images_repository_id"),
        sa.UniqueConstraint("repository_id", "digest", name="uq_images_repository_id_digest"),
    )
    op.create_index(
        "ix_images_detached_at",
        "images",
        ["detached_at"],
        unique=False,
        sqlite_where=sa.text("detached_at IS NOT NULL"),
        postgresql_where=sa.text("detached_at IS NOT NULL"),
    )
    op.create_index(
        "ix_images_detached_from",
        "images",
        ["detached_from"],
        unique=False,
        sqlite_where=sa.text("detached_from IS NOT NULL"),
        postgresql_where=sa.text("detached_from IS NOT NULL"),
    )
    op.create_index(
        "ix_images_tagged",
        "images",
        ["repository_id", "id"],
        unique=False,
        sqlite_where=sa.text("tag_count > 0"),
        postgresql_where=sa.text("tag_count > 0"),
    )
    op.create_index(
        "ix_images_untagged",
        "images",
        ["repository_id", "id"],
        unique=False,
        sqlite_where=sa.text("tag_count = 0"),
        postgresql_where=sa.text("tag_count = 0"),
    )
    op.create_index(
        "ix_images_subject",
        "images",
        ["repository_id", "subject_digest", "id"],
        unique=False,
        sqlite_where=sa.text("subject_digest IS NOT NULL"),
        postgresql_where=sa.text("subject_digest IS NOT NULL"),
    )
    op.create_index(
        "ix_images_subject_of_type",
        "images",
        ["repository_id", "subject_digest", "artifact_type", "id"],
        unique=False,
        sqlite_where=sa.text("subject_digest IS NOT NULL"),
        postgresql_where=sa.text("subject_digest IS NOT NULL"),
    )
    op.create_table(
        "repository_layers",
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("blob_id", Id, nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "blob_id", name="pk_repository_layers"),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name="fk_repository_layers_blob_id"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_repository_layers_repository_id"),
    )
    op.create_index(
        "ix_repository_layers_blob_id_repository_id",
        "repository_layers",
        ["blob_id", "repository_id"],
        unique=False,
    )
    op.create_table(
        "resource_tags",
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("value", Name, nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "key", name="pk_resource_tags"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_resource_tags_repository_id"),
    )
    op.create_table(
        "tag_history",
        sa.Column("id", Id, nullable=False),
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("tag", Name, nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_by", Name, nullable=False),
        sa.Column("from_digest", Name, nullable=True),
        sa.Column("to_digest", Name, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tag_history"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_tag_history_repository_id"),
    )
    op.create_index("ix_tag_history_moved_at", "tag_history", ["moved_at"], unique=False)
    op.create_index(
        "ix_tag_history_repository_id_tag_id", "tag_history", ["repository_id", "tag", "id"], unique=False
    )
    op.create_table(
        "uploads",
        sa.Column("id", Name, nullable=False),
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("last_part_size", sa.BigInteger(), nullable=False),
        sa.Column("has_short_part", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_digest", Name, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_uploads_repository_id"),
    )
    op.create_index(
        "ix_uploads_repository_id_touched_at", "uploads", ["repository_id", "touched_at"], unique=False
    )
    op.create_index("ix_uploads_touched_at", "uploads", ["touched_at"], unique=False)
    op.create_table(
        "image_references",
        sa.Column("image_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("image_id", "position", name="pk_image_references"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_references_image_id"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_image_references_repository_id"),
    )
    op.create_index(
        "ix_image_references_repository_id_digest", "image_references", ["repository_id", "digest"], unique=False
    )
    op.create_table(
        "image_tags",
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("tag", Name, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "tag", name="pk_image_tags"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_tags_image_id"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name="fk_image_tags_repository_id"),
    )
    op.create_index("ix_image_tags_image_id_tag", "image_tags", ["image_id", "tag"], unique=False)
    op.create_index(
        "ix_image_tags_repository_id_image_id_tag",
        "image_tags",
        ["repository_id", "image_id", "tag"],
        unique=False,
    )
    op.execute("INSERT INTO schema (id, version, oldest_code) VALUES (1, 1, 1)")
