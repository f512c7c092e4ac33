"""What keeps buried bytes from being removed while a backup copies them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, and say that this is version 10; the code of the version before may go on."""
    op.create_table(
        "pins",
        sa.Column("name", Name, nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pins"),
    )
    op.execute("UPDATE schema SET version = 10")
