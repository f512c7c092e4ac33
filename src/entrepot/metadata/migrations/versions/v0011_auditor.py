"""What the auditor has found and how far it has come, and the rows that name a storage key, by that key."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make tables and indexes, and say that this is version 11; the code of the version before may go on."""
    op.create_table(
        "auditor_run",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holder", Name, nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("reads_bytes", sa.Boolean(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_auditor_run"),
    )
    op.create_table(
        "auditor_stages",
        sa.Column("name", Name, nullable=False),
        sa.Column("cursor", Name, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_auditor_stages"),
    )
    op.create_table(
        "auditor_findings",
        sa.Column("id", Id, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("subject", Name, nullable=False),
        sa.Column("detail", Name, nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("repaired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_auditor_findings"),
        sa.UniqueConstraint("kind", "subject", name="uq_auditor_findings_kind_subject"),
    )
    op.create_index("ix_blobs_storage_key", "blobs", ["storage_key"])
    op.create_index(
        "ix_uploads_storage_key",
        "uploads",
        ["storage_key"],
        sqlite_where=sa.text("completed_digest IS NULL"),
        postgresql_where=sa.text("completed_digest IS NULL"),
    )
    op.execute("UPDATE schema SET version = 11")
