"""What SHA-256 has come to at the offset of an upload: any replica goes on from there."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add a column. Older code may go on: it leaves the state of an earlier offset, as it is."""
    op.add_column("uploads", sa.Column("hash_state", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE schema SET version = 13")
