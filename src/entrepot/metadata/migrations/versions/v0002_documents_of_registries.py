"""Documents of repositories and registries, templates, pull-through rules, exclusions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them, and say that they are version 2, and that the code of version 1 may go on."""
    op.create_table(
        "repository_documents",
        sa.Column("repository_id", Id, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("document", Name, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "kind", name="pk_repository_documents"),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name="fk_repository_documents_repository_id",
            ondelete="CASCADE",  # code of version 1 drops repositories too
        ),
    )
    op.create_table(
        "registry_documents",
        sa.Column("account", Name, nullable=False),
        sa.Column("region", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("document", Name, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "kind", name="pk_registry_documents"),
    )
    for table in ("creation_templates", "pull_through_rules"):
        op.create_table(
            table,
            sa.Column("account", Name, nullable=False),
            sa.Column("region", Name, nullable=False),
            sa.Column("prefix", Name, nullable=False),
            sa.Column("document", Name, nullable=False),
            sa.Column("created_at", sa.BigInteger(), nullable=False),
            sa.Column("updated_at", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("account", "region", "prefix", name=f"pk_{table}"),
        )
    op.create_table(
        "pull_time_exclusions",
        sa.Column("account", Name, nullable=False),
        sa.Column("region", Name, nullable=False),
        sa.Column("principal_arn", Name, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "principal_arn", name="pk_pull_time_exclusions"),
    )
    op.execute("UPDATE schema SET version = 2")
