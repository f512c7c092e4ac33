"""Repository creation templates as values."""

from dataclasses import dataclass
from typing import Literal

from entrepot.core.enumerations import EncryptionType, TagMutability

#: What makes repositories without CreateRepository.
Scenario = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """What the repositories of a template get, and when; the defaults are ECR's.

    ``exclusions`` are wildcards for tags; ``resource_tags`` are pairs of key and value, in the order given.
    """

    applied_for: tuple[Scenario, ...]
    description: str | None = None
    tag_mutability: TagMutability = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    encryption_type: EncryptionType = "AES256"
    kms_key: str | None = None
    resource_tags: tuple[tuple[str, str], ...] = ()
    repository_policy: str | None = None
    lifecycle_policy: str | None = None
    custom_role_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChange:
    """What is to be different in a template: a member that is None stays, an empty one is taken away."""

    applied_for: tuple[Scenario, ...] | None = None
    description: str | None = None
    tag_mutability: TagMutability | None = None
    exclusions: tuple[str, ...] | None = None
    encryption_type: EncryptionType | None = None
    kms_key: str | None = None
    resource_tags: tuple[tuple[str, str], ...] | None = None
    repository_policy: str | None = None
    lifecycle_policy: str | None = None
    custom_role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template. ``prefix`` is spelled as it was created with; times are in microseconds."""

    prefix: str
    settings: TemplateSettings
    created_at: int
    updated_at: int
