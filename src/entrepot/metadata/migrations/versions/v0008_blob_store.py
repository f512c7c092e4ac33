"""Which storage has the bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make its table, and say that this is version 8; the code of the version before may go on."""
    op.create_table(
        "blob_store",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("identity", Name, nullable=False),
        sa.Column("is_written", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blob_store"),
    )
    op.execute("UPDATE schema SET version = 8")
