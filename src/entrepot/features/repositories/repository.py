"""Repositories as values."""

from dataclasses import dataclass

from entrepot.core.enumerations import EncryptionType, TagMutability
from entrepot.core.partitions import RegistryId


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """What a repository is created with; the defaults are ECR's. ``exclusions`` are wildcards for tags."""

    tag_mutability: TagMutability = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    scan_on_push: bool = False
    encryption_type: EncryptionType = "AES256"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's row. ``id`` is a surrogate; ``created_at`` in microseconds."""

    id: int
    registry: RegistryId
    name: str
    created_at: int
    settings: RepositorySettings
