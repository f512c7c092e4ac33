"""Which upstream registries a rule can have, and what it has to say for each (ECR user guide, "Pull through").

The URL of an upstream registry is its host name, without a scheme, a port or a path.
"""

import re

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId, partition_of, registry_of_host
from entrepot.core.prefixes import ROOT
from entrepot.features.pull_through.errors import CredentialRequired, InvalidUpstreamURL
from entrepot.features.pull_through.rule import Upstream, UpstreamRegistry

#: ECR's quota, for one registry.
MAX_RULES = 50

_BY_HOST: dict[str, UpstreamRegistry] = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}
_AZURE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}\.azurecr\.io")
_HOST = re.compile(r"[0-9a-z.-]+")
_NEEDS_CREDENTIAL: frozenset[UpstreamRegistry] = frozenset(
    {
        "docker-hub",
        "github-container-registry",
        "gitlab-container-registry",
        "azure-container-registry",
        "chainguard",
    }
)


def upstream_of(url: str) -> UpstreamRegistry:
    """The registry that a URL is of; raises InvalidUpstreamURL, which repeats at most 200 characters of it."""
    if url in _BY_HOST:
        return _BY_HOST[url]
    if _AZURE.fullmatch(url):
        return "azure-container-registry"
    if _HOST.fullmatch(url) and registry_of_host(url):
        return "ecr"
    raise InvalidUpstreamURL(url[:200])


def check_rule(registry: RegistryId, prefix: str, upstream: Upstream) -> None:
    """Refuse a rule of a registry that could never import an image.

    Raises InvalidUpstreamURL, CredentialRequired, InvalidParameter.
    """
    if upstream_of(upstream.url) != upstream.registry:
        raise InvalidUpstreamURL(upstream.url[:200])
    if upstream.registry in _NEEDS_CREDENTIAL and upstream.credential_arn is None:
        raise CredentialRequired
    if prefix == ROOT and upstream.repository_prefix != ROOT:
        raise InvalidParameter("upstreamRepositoryPrefix", "Member must be ROOT when ecrRepositoryPrefix is ROOT")
    source = registry_of_host(upstream.url)
    if source is not None:
        _check_registry(registry, source, upstream)


def _check_registry(registry: RegistryId, source: RegistryId, upstream: Upstream) -> None:
    """Refuse a rule whose upstream is another registry of ECR, and cannot be."""
    if source == registry or partition_of(source.region) != partition_of(registry.region):
        raise InvalidUpstreamURL(upstream.url[:200])
    if source.account != registry.account and upstream.custom_role_arn is None:
        raise InvalidParameter(
            "customRoleArn", "Member must not be null when the upstream registry is of another account"
        )
