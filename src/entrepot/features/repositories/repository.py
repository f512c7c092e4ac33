"""Repositories as values."""

from dataclasses import dataclass

from entrepot.core.enumerations import EncryptionType, TagMutability
from entrepot.core.partitions import RegistryId


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """What a repository is created with; the defaults are ECR's. ``exclusions`` are wildcards for tags.

    ``kms_key`` is the ARN of the key of a repository whose encryption is not AES256.
    """

    tag_mutability: TagMutability = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    scan_on_push: bool = False
    encryption_type: EncryptionType = "AES256"
    kms_key: str | None = None

    @property
    def encryption_key(self) -> str:
        """What keeps its blobs and manifests apart from others': empty, or the type and the KMS key's ARN."""
        return "" if self.kms_key is None else f"{self.encryption_type} {self.kms_key}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's row. ``id`` is a surrogate; ``created_at`` in microseconds."""

    id: int
    registry: RegistryId
    name: str
    created_at: int
    settings: RepositorySettings
