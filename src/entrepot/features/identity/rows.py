"""What is stored of an account: principals, access keys, policies, identity providers. Times in microseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from entrepot.features.identity.principal import PrincipalKind

KeyStatus = Literal["Active", "Inactive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRow:
    """The root of an account, a user or a role.

    ``id`` is AIDA… of a user, AROA… of a role, the account's number of a root; never used again once it is gone.
    ``boundary`` is the ARN of the managed policy that bounds a user or a role. Only a role has a trust policy.
    """

    id: str
    account: str
    kind: PrincipalKind
    path: str
    name: str
    created_at: int
    boundary: str | None = None
    description: str | None = None
    trust_policy: str | None = None
    max_session_seconds: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    def arn(self, partition: str) -> str:
        """``arn:P:iam::A:user/PATH/NAME``; a role's with ``role``, a root's ends with ``root``."""
        return f"arn:{partition}:iam::{self.account}:{self.kind}{self.path if self.name else ''}{self.name}"

    @property
    def sort_key(self) -> tuple[str, str]:
        """Where it stands in a list."""
        return self.path, self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyRow:
    """An access key of a root or a user; the secret is sealed and shown to nobody."""

    id: str
    principal_id: str
    account: str
    sealed_secret: bytes = field(repr=False)
    status: KeyStatus
    created_at: int
    last_used_at: int | None = None
    last_used_service: str | None = None
    last_used_region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicyRow:
    """A customer managed policy. Its versions have the numbers 1, 2, 3…, each used once."""

    arn: str
    id: str
    account: str
    path: str
    name: str
    description: str | None
    created_at: int
    updated_at: int
    default_version: int
    latest_version: int
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def sort_key(self) -> tuple[str, str]:
        """Where it stands in a list."""
        return self.path, self.name.lower()


@dataclass(frozen=True, slots=True)
class PolicyVersionRow:
    """One version of a customer managed policy."""

    version: int
    document: str
    created_at: int


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy that decides for a principal: an inline one has no ARN.

    ``document`` is '' where the ARN leads to no policy, which no parser reads.
    """

    name: str
    arn: str | None
    document: str


@dataclass(frozen=True, slots=True)
class PoliciesOfPrincipal:
    """Everything that a principal's own row leads to: inline and attached policies by name, and its boundary."""

    identity: Sequence[PolicyText]
    boundary: PolicyText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OIDCProviderRow:
    """An OpenID Connect identity provider; ``url`` is the issuer without ``https://``.

    ``jwks`` is its JSON Web Key Set if that was given once and for all; None when it is fetched from the issuer.
    """

    arn: str
    account: str
    url: str
    client_ids: Sequence[str]
    thumbprints: Sequence[str]
    created_at: int
    jwks: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
