"""Which master key goes with the database."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make its table, and say that this is version 4; the code of the version before may go on."""
    op.create_table(
        "master_key",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("key_id", Name, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_master_key"),
    )
    op.execute("UPDATE schema SET version = 4")
