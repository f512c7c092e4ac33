"""The tables. Only ``features/<word>/store.py`` of the table's own feature writes to one.

    repositories ──< resource_tags, repository_documents     its policy, its lifecycle policy
        │   │ └────< repository_layers >── blobs          "this repository has this layer", with a lease
        │   └──────< uploads                               a layer on its way in
        └──────────< images ──< image_references           config, layers, children of an index
                       │  └──── manifests                  bytes exactly as sent, by digest
                       └──< image_tags        tag_history  where each tag points, and where it pointed

    registry_documents, creation_templates, pull_through_rules, pull_time_exclusions: of an account in a region

    iam_principals ──< access_keys, iam_inline_policies      roots, users and roles
        └────────────< iam_attachments >── iam_policies ──< iam_policy_versions

    oidc_providers, of an account; generations, numbers that grow with every change of what they are named for

    multiparts ──< multipart_parts                           uploads into S3 that are going on, by storage key

    data_keys ──< encrypted_segments                         of bytes that are encrypted, by storage key

    tombstones                                               bytes that are to be removed, by storage key

    auditor_run, auditor_stages, auditor_findings            how far the auditor has come, and what it found

Names compare byte by byte on both databases. Times are integer microseconds since the epoch. A deleted
repository or image is *detached* in one row (its name, or its repository, becomes NULL, so it is free at once),
kept for a while, and its other rows are drained in small batches: no transaction touches more than 500 rows.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

#: Surrogate keys; SQLite only numbers rows by itself under the name INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
#: Text compared byte by byte: SQLite does so by default, PostgreSQL in the collation "C".
Name = Text().with_variant(Text(collation="C"), "postgresql")
Microseconds = BigInteger

#: One row: the schema's version, and the oldest version of the code that may use it.
schema = Table(
    "schema",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("oldest_code", Integer, nullable=False),
)

#: One row: the id of the master key that goes with this database.
master_key = Table(
    "master_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Name, nullable=False),
)

#: One row: the identity of the storage that goes with this database, and whether the storage has been given it.
blob_store = Table(
    "blob_store",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("identity", Name, nullable=False),
    Column("is_written", Boolean, nullable=False),
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", Name, nullable=False),
    Column("region", Name, nullable=False),
    Column("name", Name),  # NULL once detached
    Column("created_at", Microseconds, nullable=False),
    Column("tag_mutability", Name, nullable=False),
    Column("tag_mutability_exclusions", Name, nullable=False),  # JSON array of wildcards
    Column("scan_on_push", Boolean, nullable=False),
    Column("encryption_type", Name, nullable=False),
    Column("detached_at", Microseconds),
    Column("encryption_key", Name, nullable=False, server_default=text("''")),  # '', or type and ARN
    Column("deleted_name", Name),  # of one that is detached and may be brought back
    UniqueConstraint("account", "region", "name"),
)
Index(
    "ix_repositories_detached_at",
    repositories.c.detached_at,
    sqlite_where=repositories.c.detached_at.is_not(None),
    postgresql_where=repositories.c.detached_at.is_not(None),
)

Index(
    "ix_repositories_deleted_name",
    repositories.c.account,
    repositories.c.region,
    repositories.c.deleted_name,
    repositories.c.detached_at,
    sqlite_where=repositories.c.deleted_name.is_not(None),
    postgresql_where=repositories.c.deleted_name.is_not(None),
)

resource_tags = Table(
    "resource_tags",
    metadata,
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Name, nullable=False),
)

#: What is said of one repository as a whole document: kind ``policy`` or ``lifecycle``.
repository_documents = Table(
    "repository_documents",
    metadata,
    Column[int]("repository_id", Id, ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("document", Name, nullable=False),
    Column("set_at", Microseconds, nullable=False),
)

#: What is said of one registry as a whole document; the kinds are listed in features/registry.
registry_documents = Table(
    "registry_documents",
    metadata,
    Column("account", Name, primary_key=True),
    Column("region", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("document", Name, nullable=False),
    Column("set_at", Microseconds, nullable=False),
)

creation_templates = Table(
    "creation_templates",
    metadata,
    Column("account", Name, primary_key=True),
    Column("region", Name, primary_key=True),
    Column("prefix", Name, primary_key=True),
    Column("document", Name, nullable=False),  # JSON object
    Column("created_at", Microseconds, nullable=False),
    Column("updated_at", Microseconds, nullable=False),
)

pull_through_rules = Table(
    "pull_through_rules",
    metadata,
    Column("account", Name, primary_key=True),
    Column("region", Name, primary_key=True),
    Column("prefix", Name, primary_key=True),
    Column("document", Name, nullable=False),  # JSON object
    Column("created_at", Microseconds, nullable=False),
    Column("updated_at", Microseconds, nullable=False),
)

#: Principals whose pulls are not recorded.
pull_time_exclusions = Table(
    "pull_time_exclusions",
    metadata,
    Column("account", Name, primary_key=True),
    Column("region", Name, primary_key=True),
    Column("principal_arn", Name, primary_key=True),
    Column("created_at", Microseconds, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Name, nullable=False),
    Column("encryption_key", Name, nullable=False),  # that of the repositories which may have it
    Column("size", BigInteger, nullable=False),
    Column("storage_key", Name, nullable=False),
    Column("stored_at", Microseconds, nullable=False),
    Column("is_encrypted", Boolean, nullable=False, server_default=false()),  # data_keys has a row for its bytes
    UniqueConstraint("digest", "encryption_key"),
)
Index("ix_blobs_storage_key", blobs.c.storage_key)  # whose the bytes are that the auditor finds

repository_layers = Table(
    "repository_layers",
    metadata,
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), primary_key=True),
    Column[int]("blob_id", Id, ForeignKey("blobs.id"), primary_key=True),
    Column("linked_at", Microseconds, nullable=False),
    Column("lease_until", Microseconds, nullable=False),
    Column("due_at", Microseconds),  # when the collector looks at it; NULL while an image is known to need it
    Column("due_cause", Name),  # why: push, image
)
Index(
    "ix_repository_layers_due_at",
    repository_layers.c.due_at,
    sqlite_where=repository_layers.c.due_at.is_not(None),
    postgresql_where=repository_layers.c.due_at.is_not(None),
)
# With the repository in it, for PostgreSQL looks a link up by this index as readily as by the primary key.
Index(
    "ix_repository_layers_blob_id_repository_id",
    repository_layers.c.blob_id,
    repository_layers.c.repository_id,
)

#: Bytes that nobody can reach any more. What has one never becomes a blob again.
tombstones = Table(
    "tombstones",
    metadata,
    Column("storage_key", Name, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("cause", Name, nullable=False),  # core/garbage.py
    Column("made_at", Microseconds, nullable=False),
)
Index("ix_tombstones_made_at", tombstones.c.made_at)

#: What is buried after ``pinned_at`` stays until ``expires_at``: a backup is copying it.
pins = Table(
    "pins",
    metadata,
    Column("name", Name, primary_key=True),
    Column("pinned_at", Microseconds, nullable=False),
    Column("expires_at", Microseconds, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Name, primary_key=True),  # a UUID
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("storage_key", Name, nullable=False),
    Column("size", BigInteger, nullable=False),  # the committed offset: what lies beyond is garbage
    Column("epoch", BigInteger, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("last_part_size", BigInteger, nullable=False),
    Column("has_short_part", Boolean, nullable=False),  # a part other than the last under 5 MiB
    Column("created_at", Microseconds, nullable=False),
    Column("touched_at", Microseconds, nullable=False),
    Column("completed_digest", Name),  # set once completed; the row stays known for a day
    Column("is_encrypted", Boolean, nullable=False, server_default=false()),
    Column("hash_state", LargeBinary),  # of SHA-256 at the offset; NULL: unknown, or the layer is encrypted
)
Index("ix_uploads_touched_at", uploads.c.touched_at)
Index(
    "ix_uploads_storage_key",
    uploads.c.storage_key,
    sqlite_where=uploads.c.completed_digest.is_(None),
    postgresql_where=uploads.c.completed_digest.is_(None),
)
Index("ix_uploads_repository_id_touched_at", uploads.c.repository_id, uploads.c.touched_at)

manifests = Table(
    "manifests",
    metadata,
    Column("digest", Name, primary_key=True),
    Column("encryption_key", Name, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary),  # the data keys that the content is encrypted under; NULL: it is in plain
)

images = Table(
    "images",
    metadata,
    Column("id", Id, primary_key=True),
    Column[int]("repository_id", Id, ForeignKey("repositories.id")),  # NULL once detached
    Column[int]("detached_from", Id, ForeignKey("repositories.id")),
    Column("detached_at", Microseconds),
    Column("digest", Name, nullable=False),
    Column("encryption_key", Name, nullable=False),
    Column("media_type", Name, nullable=False),
    Column("artifact_type", Name),
    Column("config_media_type", Name),
    Column("subject_digest", Name),
    Column("size", BigInteger, nullable=False),  # imageSizeInBytes
    Column("manifest_size", Integer, nullable=False),
    Column("pushed_at", Microseconds, nullable=False),
    Column("pulled_at", Microseconds),
    Column("tag_count", Integer, nullable=False, server_default="0"),  # how many rows of image_tags point here
    UniqueConstraint("repository_id", "digest"),
)
# Each image of a repository is in one of these two. A page of untagged images costs what it holds, however many
# tagged ones lie between, and the other way round; a page of both is merged from two.
Index(
    "ix_images_untagged",
    images.c.repository_id,
    images.c.id,
    sqlite_where=images.c.tag_count == 0,
    postgresql_where=images.c.tag_count == 0,
)
Index(
    "ix_images_tagged",
    images.c.repository_id,
    images.c.id,
    sqlite_where=images.c.tag_count > 0,
    postgresql_where=images.c.tag_count > 0,
)
Index(
    "ix_images_subject",
    images.c.repository_id,
    images.c.subject_digest,
    images.c.id,
    sqlite_where=images.c.subject_digest.is_not(None),
    postgresql_where=images.c.subject_digest.is_not(None),
)
Index(
    "ix_images_subject_of_type",
    images.c.repository_id,
    images.c.subject_digest,
    images.c.artifact_type,
    images.c.id,
    sqlite_where=images.c.subject_digest.is_not(None),
    postgresql_where=images.c.subject_digest.is_not(None),
)
Index(
    "ix_images_detached_at",
    images.c.detached_at,
    sqlite_where=images.c.detached_at.is_not(None),
    postgresql_where=images.c.detached_at.is_not(None),
)
Index(
    "ix_images_detached_from_detached_at",
    images.c.detached_from,
    images.c.detached_at,
    sqlite_where=images.c.detached_from.is_not(None),
    postgresql_where=images.c.detached_from.is_not(None),
)

Index("ix_images_digest", images.c.digest)  # whether a manifest has an image left

image_references = Table(
    "image_references",
    metadata,
    Column[int]("image_id", Id, ForeignKey("images.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("kind", Name, nullable=False),  # config, layer, foreign, child
    Column("digest", Name, nullable=False),
    Column("size", BigInteger, nullable=False),
)
Index(
    "ix_image_references_repository_id_digest",
    image_references.c.repository_id,
    image_references.c.digest,
)

image_tags = Table(
    "image_tags",
    metadata,
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), primary_key=True),
    Column("tag", Name, primary_key=True),
    Column[int]("image_id", Id, ForeignKey("images.id"), nullable=False),
    Column("moved_at", Microseconds, nullable=False),
)
Index("ix_image_tags_image_id_tag", image_tags.c.image_id, image_tags.c.tag)
Index(
    "ix_image_tags_repository_id_image_id_tag",
    image_tags.c.repository_id,
    image_tags.c.image_id,
    image_tags.c.tag,
)

tag_history = Table(
    "tag_history",
    metadata,
    Column("id", Id, primary_key=True),
    Column[int]("repository_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("tag", Name, nullable=False),
    Column("moved_at", Microseconds, nullable=False),
    Column("moved_by", Name, nullable=False),
    Column("from_digest", Name),  # NULL: the tag was new
    Column("to_digest", Name),  # NULL: the tag was removed
)
Index(
    "ix_tag_history_repository_id_tag_id",
    tag_history.c.repository_id,
    tag_history.c.tag,
    tag_history.c.id,
)
Index("ix_tag_history_moved_at", tag_history.c.moved_at)

audit_records = Table(
    "audit_records",
    metadata,
    Column("id", Id, primary_key=True),
    Column("recorded_at", Microseconds, nullable=False),
    Column("request_id", Name, nullable=False),  # '' for a sum of denials
    Column("account", Name, nullable=False),
    Column("region", Name, nullable=False),
    Column("principal", Name, nullable=False),
    Column("operation", Name, nullable=False),
    Column("repository", Name, nullable=False),
    Column("detail", Name, nullable=False),  # JSON object
)
Index("ix_audit_records_recorded_at", audit_records.c.recorded_at)
Index(
    "ix_audit_records_denials",
    audit_records.c.request_id,
    audit_records.c.id,
    sqlite_where=audit_records.c.request_id == "",
    postgresql_where=audit_records.c.request_id == "",
)

#: Roots of accounts, users and roles. The root of the registry's own account has no row.
iam_principals = Table(
    "iam_principals",
    metadata,
    Column("id", Name, primary_key=True),  # AIDA… or AROA…, never used again; for a root the account's number
    Column("account", Name, nullable=False),
    Column("kind", Name, nullable=False),  # root, user, role
    Column("path", Name, nullable=False),
    Column("name", Name, nullable=False),  # '' for a root
    Column("folded_name", Name, nullable=False),  # in lower case: names that differ by case alone are one
    Column("created_at", Microseconds, nullable=False),
    Column("boundary", Name),  # the ARN of a managed policy
    Column("description", Name),
    Column("trust_policy", Name),  # of a role
    Column("max_session_seconds", Integer),  # of a role
    Column("tags", Name, nullable=False),  # JSON object
    UniqueConstraint("account", "kind", "folded_name"),
)
Index(
    "ix_iam_principals_account_kind_path_folded_name",
    iam_principals.c.account,
    iam_principals.c.kind,
    iam_principals.c.path,
    iam_principals.c.folded_name,
)
Index(
    "ix_iam_principals_account_boundary_id",
    iam_principals.c.account,
    iam_principals.c.boundary,
    iam_principals.c.id,
    sqlite_where=iam_principals.c.boundary.is_not(None),
    postgresql_where=iam_principals.c.boundary.is_not(None),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", Name, primary_key=True),  # AKIA…
    Column[str]("principal_id", Name, ForeignKey("iam_principals.id"), nullable=False),
    Column("account", Name, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),  # features/identity/access_keys.py
    Column("status", Name, nullable=False),  # Active, Inactive
    Column("created_at", Microseconds, nullable=False),
    Column("last_used_at", Microseconds),
    Column("last_used_service", Name),
    Column("last_used_region", Name),
)
Index("ix_access_keys_principal_id_id", access_keys.c.principal_id, access_keys.c.id)

#: Customer managed policies; those of AWS are no rows.
iam_policies = Table(
    "iam_policies",
    metadata,
    Column("arn", Name, primary_key=True),
    Column("id", Name, nullable=False),  # ANPA…
    Column("account", Name, nullable=False),
    Column("path", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("folded_name", Name, nullable=False),
    Column("description", Name),
    Column("created_at", Microseconds, nullable=False),
    Column("updated_at", Microseconds, nullable=False),
    Column("default_version", Integer, nullable=False),
    Column("latest_version", Integer, nullable=False),  # the number of a version is never used again
    Column("tags", Name, nullable=False),  # JSON object
    UniqueConstraint("account", "folded_name"),
)
Index(
    "ix_iam_policies_account_path_folded_name",
    iam_policies.c.account,
    iam_policies.c.path,
    iam_policies.c.folded_name,
)

iam_policy_versions = Table(
    "iam_policy_versions",
    metadata,
    Column[str]("policy_arn", Name, ForeignKey("iam_policies.arn"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Name, nullable=False),
    Column("created_at", Microseconds, nullable=False),
)

iam_inline_policies = Table(
    "iam_inline_policies",
    metadata,
    Column[str]("principal_id", Name, ForeignKey("iam_principals.id"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("document", Name, nullable=False),
)

#: Which managed policies a principal has; those of AWS have no row to refer to.
iam_attachments = Table(
    "iam_attachments",
    metadata,
    Column[str]("principal_id", Name, ForeignKey("iam_principals.id"), primary_key=True),
    Column("policy_arn", Name, primary_key=True),
    Column("account", Name, nullable=False),  # the principal's
)
Index(
    "ix_iam_attachments_account_policy_arn_principal_id",
    iam_attachments.c.account,
    iam_attachments.c.policy_arn,
    iam_attachments.c.principal_id,
)

oidc_providers = Table(
    "oidc_providers",
    metadata,
    Column("arn", Name, primary_key=True),
    Column("account", Name, nullable=False),
    Column("url", Name, nullable=False),  # without https://
    Column("client_ids", Name, nullable=False),  # JSON array
    Column("thumbprints", Name, nullable=False),  # JSON array
    Column("jwks", Name),  # JSON Web Key Set; NULL: it is fetched from the provider
    Column("created_at", Microseconds, nullable=False),
    Column("tags", Name, nullable=False),  # JSON object
    UniqueConstraint("account", "url"),
)

#: Numbers that tell a worker whether what it keeps in memory is still so: metadata/generation.py.
generations = Table(
    "generations",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

#: Uploads into S3: storage/s3_ledger.py says what the columns mean. A blob that is sealed has no row.
multiparts = Table(
    "multiparts",
    metadata,
    Column("storage_key", Name, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("upload_id", Name),
    Column("part_size", Integer, nullable=False),
    Column("next_part", Integer, nullable=False),
    Column("next_tail", BigInteger, nullable=False),
    Column("tails", Name, nullable=False),  # JSON array
    Column("sealed_size", BigInteger),
)

multipart_parts = Table(
    "multipart_parts",
    metadata,
    Column("storage_key", Name, primary_key=True),
    Column("ends_at", BigInteger, primary_key=True, autoincrement=False),  # bytes of the blob up to its end
    Column("number", Integer, nullable=False),
    Column("etag", Name, nullable=False),
)

#: The data keys of encrypted bytes, wrapped, from the moment that their storage key is made.
data_keys = Table(
    "data_keys",
    metadata,
    Column("storage_key", Name, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),  # features/encryption/data_keys.py
    Column("epoch", BigInteger, nullable=False),  # of the last writer that recorded a segment
    Column("sealed_size", BigInteger),  # NULL until the blob is complete
    Column("seal", LargeBinary),  # vouches for the size and the segments
)

#: Where encrypted bytes lie: storage/segment_ledger.py. Offsets in bytes, the first two of the plaintext.
encrypted_segments = Table(
    "encrypted_segments",
    metadata,
    Column("storage_key", Name, primary_key=True),
    Column("starts_at", BigInteger, primary_key=True, autoincrement=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
)

#: One row: the audit that goes on, or the last one. (audit_records is another thing: what principals have done.)
auditor_run = Table(
    "auditor_run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),  # how many there have been
    Column("holder", Name, nullable=False),  # the process that is at work on it
    Column("lease_until", Microseconds, nullable=False),
    Column("reads_bytes", Boolean, nullable=False),  # all of every blob
    Column("begun_at", Microseconds, nullable=False),
    Column("ended_at", Microseconds),
)

auditor_stages = Table(
    "auditor_stages",
    metadata,
    Column("name", Name, primary_key=True),
    Column("cursor", Name, nullable=False),  # what comes after it has not been looked at
    Column("seen", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("ended_at", Microseconds),
)

auditor_findings = Table(
    "auditor_findings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run", Integer, nullable=False),  # the number of the audit
    Column("kind", Name, nullable=False),  # features/auditor/findings.py
    Column("subject", Name, nullable=False),
    Column("detail", Name, nullable=False),
    Column("found_at", Microseconds, nullable=False),
    Column("repaired_at", Microseconds),
    UniqueConstraint("kind", "subject"),
)
