"""What the S3 driver remembers of uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and say that this is version 5; the code of the version before may go on."""
    op.create_table(
        "multiparts",
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("upload_id", Name, nullable=True),
        sa.Column("part_size", sa.Integer(), nullable=False),
        sa.Column("next_part", sa.Integer(), nullable=False),
        sa.Column("next_tail", sa.BigInteger(), nullable=False),
        sa.Column("tails", Name, nullable=False),
        sa.Column("sealed_size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("storage_key", name="pk_multiparts"),
    )
    op.create_table(
        "multipart_parts",
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("etag", Name, nullable=False),
        sa.PrimaryKeyConstraint("storage_key", "ends_at", name="pk_multipart_parts"),
    )
    op.execute("UPDATE schema SET version = 5")
