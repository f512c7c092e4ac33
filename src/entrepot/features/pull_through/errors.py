"""What can be wrong with a pull-through cache rule (service model: the shapes of the same names)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class PullThroughCacheRuleAlreadyExists(Conflict):
    """The prefix has a pull-through cache rule."""

    prefix: str
    registry_id: str

    template: ClassVar[str] = (
        "The pull through cache rule with prefix '{prefix}' already exists in the registry with id '{registry_id}'"
    )


@dataclass(eq=False)
class PullThroughCacheRuleNotFound(NotFound):
    """The prefix has no pull-through cache rule."""

    prefix: str
    registry_id: str

    template: ClassVar[str] = (
        "The pull through cache rule with prefix '{prefix}' does not exist in the registry with id '{registry_id}'"
    )


class UnsupportedUpstreamRegistry(Invalid):
    """A pull-through cache rule names an upstream registry that it cannot have."""


@dataclass(eq=False)
class InvalidUpstreamURL(UnsupportedUpstreamRegistry):
    """The URL is of no registry that a rule can have, or not of the one that is named beside it."""

    url: str

    template: ClassVar[str] = (
        "The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again"
    )


@dataclass(eq=False)
class CredentialRequired(UnsupportedUpstreamRegistry):
    """The upstream registry serves nobody without a credential, and the rule has none."""

    template: ClassVar[str] = (
        "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing "
        "the upstream registry credentials."
    )


@dataclass(eq=False)
class NothingToUpdate(Invalid):
    """An update of a pull-through cache rule that gives neither credential nor role."""

    template: ClassVar[str] = (
        "Invalid input: Please set either credential arn or role arn to update the credentials"
    )


@dataclass(eq=False)
class TooManyRules(LimitReached):
    """The registry has as many pull-through cache rules as it may."""

    limit: int

    template: ClassVar[str] = "The limit of {limit} pull through cache rules in a registry has been reached"
