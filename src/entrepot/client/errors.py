"""What keeps a client from its answer."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import EntrepotError, Invalid, Unavailable


@dataclass(eq=False)
class BadEndpoint(Invalid):
    """What should be the URL of a registry is none."""

    url: str
    reason: str

    template: ClassVar[str] = "the endpoint {url} is bad: {reason}"


@dataclass(eq=False)
class BadCredentials(Invalid):
    """Credentials that are given by half, or not at all."""

    reason: str

    template: ClassVar[str] = "{reason}"


@dataclass(eq=False)
class Unreachable(Unavailable):
    """Nobody answers at the endpoint."""

    endpoint: str
    reason: str

    template: ClassVar[str] = "{endpoint} cannot be reached: {reason}"


@dataclass(eq=False)
class NotARegistry(EntrepotError):
    """What answers at the endpoint does not answer as IAM does."""

    endpoint: str
    status: int
    reason: str

    template: ClassVar[str] = "{endpoint} answers with status {status}, and not as a registry: {reason}"


@dataclass(eq=False)
class Refused(EntrepotError):
    """The registry refuses; ``code`` is IAM's error code."""

    action: str
    code: str
    reason: str

    template: ClassVar[str] = "{action}: {reason} ({code})"


@dataclass(eq=False)
class CredentialsRefused(Refused):
    """The registry does not believe who is calling."""

    access_key_id: str
    source: str

    template: ClassVar[str] = "{action}: {reason} ({code}); the access key was {access_key_id}, from {source}"
