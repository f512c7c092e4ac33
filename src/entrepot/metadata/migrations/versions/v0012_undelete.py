"""Deleted repositories keep their name for those who want them back, and deleted images are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the name, and indexes; one replaces another that it begins with.

    Older code may not go on: it would drain what is kept, and a repository that is being brought back.
    """
    op.add_column("repositories", sa.Column("deleted_name", Name, nullable=True))
    op.create_index(
        "ix_repositories_deleted_name",
        "repositories",
        ["account", "region", "deleted_name", "detached_at"],
        sqlite_where=sa.text("deleted_name IS NOT NULL"),
        postgresql_where=sa.text("deleted_name IS NOT NULL"),
    )
    op.create_index(
        "ix_images_detached_from_detached_at",
        "images",
        ["detached_from", "detached_at"],
        sqlite_where=sa.text("detached_from IS NOT NULL"),
        postgresql_where=sa.text("detached_from IS NOT NULL"),
    )
    op.drop_index("ix_images_detached_from", table_name="images")
    op.execute("UPDATE schema SET version = 12, oldest_code = 5")
