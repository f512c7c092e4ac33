"""The records of denials, found by themselves so that their number can be bounded."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make their index, and say that this is version 9; the code of the version before may go on."""
    op.create_index(
        "ix_audit_records_denials",
        "audit_records",
        ["request_id", "id"],
        sqlite_where=sa.text("request_id = ''"),
        postgresql_where=sa.text("request_id = ''"),
    )
    op.execute("UPDATE schema SET version = 9")
