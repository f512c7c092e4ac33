"""Pull-through cache rules as values."""

from dataclasses import dataclass
from typing import Literal

UpstreamRegistry = Literal[
    "ecr",
    "ecr-public",
    "quay",
    "k8s",
    "docker-hub",
    "github-container-registry",
    "azure-container-registry",
    "gitlab-container-registry",
    "chainguard",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a rule's images come from.

    ``url`` is a host name. ``repository_prefix`` is what stands there for the rule's own prefix: ROOT for nothing.
    """

    registry: UpstreamRegistry
    url: str
    repository_prefix: str
    credential_arn: str | None = None
    custom_role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. ``prefix`` is spelled as it was created with; times are in microseconds."""

    prefix: str
    upstream: Upstream
    created_at: int
    updated_at: int
