"""Encryption at rest."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add what is new; all that is stored is in plain.

    Older code may not go on: it would give ciphertext to whoever asks for a layer.
    """
    op.add_column("repositories", sa.Column("encryption_key", Name, nullable=False, server_default=sa.text("''")))
    for table in ("blobs", "uploads"):
        op.add_column(table, sa.Column("is_encrypted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("manifests", sa.Column("wrapped", sa.LargeBinary(), nullable=True))
    op.create_table(
        "data_keys",
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sealed_size", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("storage_key", name="pk_data_keys"),
    )
    op.create_table(
        "encrypted_segments",
        sa.Column("storage_key", Name, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("storage_key", "starts_at", name="pk_encrypted_segments"),
    )
    op.execute("UPDATE schema SET version = 7, oldest_code = 4")
