"""How a role is assumed: which role is meant, for how long, with which tags (STS API reference, "AssumeRole")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.clock import SECOND
from entrepot.core.errors import Denied, Invalid
from entrepot.features.identity.principal import Principal, PrincipalKind

DEFAULT_ROLE_SECONDS = 3600
#: The longest session of a role that the session of another role assumes.
MAX_CHAINED_SECONDS = 3600
DEFAULT_SESSION_TOKEN_SECONDS = 43_200
MAX_ROOT_SECONDS = 3600
MAX_POLICY_ARNS = 10

_ROLE_ARN = re.compile(
    r"arn:(?P<partition>[a-z0-9-]+):iam::(?P<account>[0-9]{12}):role/([!-~]+/)?(?P<name>[\w+=,.@-]+)", re.ASCII
)


@dataclass(eq=False)
class MayNotAssume(Denied):
    """The caller may not assume the role, or there is no such role: nobody learns which."""

    principal: str
    action: str
    resource: str

    code: ClassVar[str] = "AccessDenied"
    template = "User: {principal} is not authorized to perform: {action} on resource: {resource}"


@dataclass(eq=False)
class WebIdentityMayNotAssume(Denied):
    """The role's trust policy does not allow this web identity, or there is no such role."""

    code: ClassVar[str] = "AccessDenied"
    template = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


@dataclass(eq=False)
class RootMayNotAssume(Denied):
    """The root of an account wants to assume a role."""

    code: ClassVar[str] = "AccessDenied"
    template = "Roles may not be assumed by root accounts."


@dataclass(eq=False)
class SessionAsksForSession(Denied):
    """GetSessionToken was called with temporary credentials."""

    code: ClassVar[str] = "AccessDenied"
    template = "Cannot call GetSessionToken with session credentials"


@dataclass(eq=False)
class MFAFailed(Denied):
    """A code of a device for multi-factor authentication was sent, and nobody has such a device here."""

    code: ClassVar[str] = "AccessDenied"
    template = (
        "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is "
        "valid and associated with this user."
    )


@dataclass(eq=False)
class InvalidRequest(Invalid):
    """Parameters that no constraint of the model forbids, and that make no sense."""

    reason: str

    code: ClassVar[str] = "ValidationError"
    template = "{reason}"


@dataclass(frozen=True, slots=True)
class RoleReference:
    """The role that an ARN means."""

    arn: str
    partition: str
    account: str
    name: str


def parse_role_arn(arn: str) -> RoleReference:
    """Read the ARN of a role; raises InvalidRequest."""
    found = _ROLE_ARN.fullmatch(arn)
    if found is None:
        raise InvalidRequest("Request ARN is invalid")
    return RoleReference(arn, found["partition"], found["account"], found["name"])


def role_session_life(asked: int | None, longest: int, *, is_chained: bool) -> int:
    """How long the session of a role lives, in microseconds, of arguments in seconds; raises InvalidRequest."""
    seconds = DEFAULT_ROLE_SECONDS if asked is None else asked
    if is_chained and seconds > MAX_CHAINED_SECONDS:
        raise InvalidRequest(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > longest:
        raise InvalidRequest("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds * SECOND


def session_token_life(asked: int | None, principal: Principal) -> int:
    """How long a session of GetSessionToken lives, in microseconds; a root's is cut to an hour, as at AWS."""
    seconds = DEFAULT_SESSION_TOKEN_SECONDS if asked is None else asked
    return (min(seconds, MAX_ROOT_SECONDS) if principal.kind is PrincipalKind.ROOT else seconds) * SECOND


@dataclass(frozen=True, slots=True)
class SessionTags:
    """The tags of a session, those that the request gave and those that a role's session handed on."""

    passed: Mapping[str, str]
    inherited: Mapping[str, str]
    transitive_keys: tuple[str, ...]

    @property
    def all(self) -> dict[str, str]:
        """Every tag by its key."""
        return {**self.inherited, **self.passed}

    @property
    def context(self) -> dict[str, str | Sequence[str]]:
        """The condition keys of a request with these tags."""
        found: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{key}": value for key, value in self.all.items()}
        if self.all:
            found["aws:TagKeys"] = list(self.all)
        if self.transitive_keys:
            found["sts:TransitiveTagKeys"] = list(self.transitive_keys)
        return found


def session_tags(
    caller: Principal, tags: Sequence[tuple[str, str]], transitive_keys: Sequence[str]
) -> SessionTags:
    """The tags of a session to be.

    Raises InvalidRequest for a key that is AWS's own, and for one given twice, in any case, or handed on.
    """
    keys = [key.lower() for key, _ in tags]
    if any(key.startswith("aws:") for key in keys):
        raise InvalidRequest("Tag keys that start with aws: are reserved for system use.")
    if len(keys) != len(set(keys)):
        raise InvalidRequest("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if not set(transitive_keys) <= {key for key, _ in tags}:
        raise InvalidRequest("The specified transitive tag key must be included in the requested tags.")
    session = caller.session
    handed_on = session.transitive_tag_keys if session is not None else ()
    inherited = {key: session.tags[key] for key in handed_on} if session is not None else {}
    if {key.lower() for key in inherited} & set(keys):
        raise InvalidRequest("One of the specified tag keys has already been passed as a transitive tag.")
    return SessionTags(dict(tags), inherited, (*handed_on, *transitive_keys))
