"""Principals, access keys, policies, identity providers, and the generation of what decides."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them, and say that they are version 3, for the code of version 2.

    Code of version 1 changes policies without a new generation: beside it others would go on with the old ones.
    """
    _make_principals()
    _make_policies()
    op.create_table(
        "oidc_providers",
        sa.Column("arn", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("url", Name, nullable=False),
        sa.Column("client_ids", Name, nullable=False),
        sa.Column("thumbprints", Name, nullable=False),
        sa.Column("jwks", Name, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", Name, nullable=False),
        sa.PrimaryKeyConstraint("arn", name="pk_oidc_providers"),
        sa.UniqueConstraint("account", "url", name="uq_oidc_providers_account_url"),
    )
    op.create_table(
        "generations",
        sa.Column("name", Name, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_generations"),
    )
    op.execute("INSERT INTO generations (name, value) VALUES ('access', 0)")
    op.execute("UPDATE schema SET version = 3, oldest_code = 2")


def _make_principals() -> None:
    op.create_table(
        "iam_principals",
        sa.Column("id", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("folded_name", Name, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("boundary", Name, nullable=True),
        sa.Column("description", Name, nullable=True),
        sa.Column("trust_policy", Name, nullable=True),
        sa.Column("max_session_seconds", sa.Integer(), nullable=True),
        sa.Column("tags", Name, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_iam_principals"),
        sa.UniqueConstraint("account", "kind", "folded_name", name="uq_iam_principals_account_kind_folded_name"),
    )
    op.create_index(
        "ix_iam_principals_account_kind_path_folded_name",
        "iam_principals",
        ["account", "kind", "path", "folded_name"],
    )
    op.create_index(
        "ix_iam_principals_account_boundary_id",
        "iam_principals",
        ["account", "boundary", "id"],
        sqlite_where=sa.text("boundary IS NOT NULL"),
        postgresql_where=sa.text("boundary IS NOT NULL"),
    )
    op.create_table(
        "access_keys",
        sa.Column("id", Name, nullable=False),
        sa.Column("principal_id", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_service", Name, nullable=True),
        sa.Column("last_used_region", Name, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_keys"),
        sa.ForeignKeyConstraint(["principal_id"], ["iam_principals.id"], name="fk_access_keys_principal_id"),
    )
    op.create_index("ix_access_keys_principal_id_id", "access_keys", ["principal_id", "id"])


def _make_policies() -> None:
    op.create_table(
        "iam_policies",
        sa.Column("arn", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("folded_name", Name, nullable=False),
        sa.Column("description", Name, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=False),
        sa.Column("tags", Name, nullable=False),
        sa.PrimaryKeyConstraint("arn", name="pk_iam_policies"),
        sa.UniqueConstraint("account", "folded_name", name="uq_iam_policies_account_folded_name"),
    )
    op.create_index("ix_iam_policies_account_path_folded_name", "iam_policies", ["account", "path", "folded_name"])
    op.create_table(
        "iam_policy_versions",
        sa.Column("policy_arn", Name, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("document", Name, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_arn", "version", name="pk_iam_policy_versions"),
        sa.ForeignKeyConstraint(["policy_arn"], ["iam_policies.arn"], name="fk_iam_policy_versions_policy_arn"),
    )
    op.create_table(
        "iam_inline_policies",
        sa.Column("principal_id", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("document", Name, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "name", name="pk_iam_inline_policies"),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["iam_principals.id"], name="fk_iam_inline_policies_principal_id"
        ),
    )
    op.create_table(
        "iam_attachments",
        sa.Column("principal_id", Name, nullable=False),
        sa.Column("policy_arn", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "policy_arn", name="pk_iam_attachments"),
        sa.ForeignKeyConstraint(["principal_id"], ["iam_principals.id"], name="fk_iam_attachments_principal_id"),
    )
    op.create_index(
        "ix_iam_attachments_account_policy_arn_principal_id",
        "iam_attachments",
        ["account", "policy_arn", "principal_id"],
    )
