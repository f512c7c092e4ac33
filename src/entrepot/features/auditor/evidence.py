"""What the auditor reads of the database in one snapshot, to judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One row of what an image names. ``found_size`` is that of the layer or child, None where there is none."""

    kind: str
    digest: str
    size: int
    found_size: int | None


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """An image's row, with all that hangs on it.

    Without ``place``, REGISTRY/REPOSITORY, it or its repository is deleted, and may be losing its rows by and by.
    ``content`` and ``wrapped`` are the manifest as it is stored, None if there is none.
    """

    id: int
    place: str | None
    digest: str
    encryption_key: str
    key_of_repository: str | None
    media_type: str
    artifact_type: str | None
    config_media_type: str | None
    subject_digest: str | None
    size: int
    manifest_size: int
    tag_count: int
    tags: int
    content: bytes | None
    wrapped: bytes | None
    references: Sequence[ReferenceRow]

    @property
    def subject(self) -> str:
        """How a finding names it."""
        return f"{self.place}@{self.digest}" if self.place else f"deleted image {self.id} @{self.digest}"


@dataclass(frozen=True, slots=True)
class ManifestEvidence:
    """A manifest, and whether an image has it."""

    digest: str
    encryption_key: str
    has_image: bool


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A layer of a repository; ``is_deleted`` if the repository is, and is losing its rows by and by."""

    repository_id: int
    blob_id: int
    place: str
    digest: str
    due_at: int | None
    is_named: bool
    key_of_repository: str
    key_of_blob: str
    is_deleted: bool

    @property
    def subject(self) -> str:
        """How a finding names it."""
        return f"{self.place}@{self.digest}"


@dataclass(frozen=True, slots=True)
class BlobEvidence:
    """A blob, and who else names its storage key."""

    id: int
    digest: str
    encryption_key: str
    size: int
    storage_key: str
    is_encrypted: bool
    has_link: bool = True
    is_buried: bool = False
    others: int = 0

    @property
    def subject(self) -> str:
        """How a finding names it."""
        key = f" under {self.encryption_key}" if self.encryption_key else ""
        return f"{self.digest}{key}, stored as {self.storage_key}"


#: By storage key: the blob that has it, or None where an upload that is open or a tombstone has.
Owners = Mapping[str, BlobEvidence | None]
