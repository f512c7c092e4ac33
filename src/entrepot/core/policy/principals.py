"""Who asks, and whom a statement names (IAM user guide, "AWS JSON policy elements: Principal", "NotPrincipal").

How somebody is named decides what else a grant needs, so a match has a grade: an account is trusted to give leave
itself, a role is held within its boundary and the session's policies, a user, a session or everybody is granted
outright ("Policy evaluation for requests within a single account").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

EVERYBODY = "*"

_NAMES: Mapping[str, re.Pattern[str]] = {
    "AWS": re.compile(
        r"\*|[0-9]{12}|A[A-Z0-9]{15,127}"
        r"|arn:[a-z0-9-]+:iam::[0-9]{12}:(root|(user|role)/[!-)+->@-~]+)"
        r"|arn:[a-z0-9-]+:sts::[0-9]{12}:(assumed-role|federated-user)/[!-)+->@-~]+"
    ),
    "Service": re.compile(r"\*|[a-z0-9-]+(\.[a-z0-9-]+)+"),
    "Federated": re.compile(
        r"\*|[a-z0-9-]+(\.[a-z0-9-]+)+|arn:[a-z0-9-]+:iam::[0-9]{12}:(oidc|saml)-provider/[!-)+->@-~]+"
    ),
}


TYPES_OF_PRINCIPALS = frozenset(_NAMES)


class RequesterKind(StrEnum):
    """What is asking."""

    ROOT = "root"
    USER = "user"
    USER_SESSION = "user session"
    ROLE_SESSION = "role session"
    ANONYMOUS = "anonymous"
    WEB_IDENTITY = "web identity"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who is asking.

    ``arn`` is what messages name: the user's for a session of a user, the session's for one of a role, the
    provider's for a web identity, the host-like name of a service, anything for an anonymous requester.
    ``user_id`` is what ``aws:userid`` holds, ``role_arn`` the role's own ARN, path and all, for its sessions.
    """

    kind: RequesterKind
    arn: str
    account: str = ""
    user_id: str = ""
    role_arn: str | None = None
    #: The unique id of the user or role: ``aws:userid`` without the session's name.
    identity: str = field(init=False, repr=False, compare=False)
    #: The ARN that stands for the requester's account; empty for one of no account.
    root_arn: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        partition = self.arn.removeprefix("arn:").partition(":")[0]
        object.__setattr__(self, "identity", self.user_id.partition(":")[0])
        object.__setattr__(self, "root_arn", f"arn:{partition}:iam::{self.account}:root" if self.account else "")


_USERS = frozenset({RequesterKind.USER, RequesterKind.USER_SESSION})
#: Requesters that belong to no account, and the type under which a Principal element names them.
_TYPE_OF_OUTSIDERS = {RequesterKind.SERVICE: "Service", RequesterKind.WEB_IDENTITY: "Federated"}


class PrincipalMatch(IntEnum):
    """How a Principal element names a requester, weakest first."""

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """The value of a Principal or NotPrincipal element: names by their type. ``*`` by itself is one of AWS."""

    names: Mapping[str, tuple[str, ...]]
    _aws: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_aws", frozenset(self.names.get("AWS", ())))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every name, for people to read."""
        return tuple(name for names in self.names.values() for name in names)

    def match(self, requester: Requester) -> PrincipalMatch:
        """The strongest way in which the element names the requester.

        Everybody is everybody, but no leave for a web identity: that has to be named as one.
        """
        kind = requester.kind
        if kind in _TYPE_OF_OUTSIDERS and self._names_outsider(requester):
            return PrincipalMatch.DIRECT
        if EVERYBODY in self._aws:
            return PrincipalMatch.ACCOUNT if kind is RequesterKind.WEB_IDENTITY else PrincipalMatch.DIRECT
        if kind in _TYPE_OF_OUTSIDERS or kind is RequesterKind.ANONYMOUS:
            return PrincipalMatch.NONE
        if requester.arn in self._aws or (kind in _USERS and requester.identity in self._aws):
            return PrincipalMatch.DIRECT
        if kind is RequesterKind.ROLE_SESSION and self._names_role(requester):
            return PrincipalMatch.ROLE
        return PrincipalMatch.ACCOUNT if self._names_account(requester) else PrincipalMatch.NONE

    def exempts(self, requester: Requester) -> bool:
        """True when, as a NotPrincipal, the element spares the requester.

        Account, role and session are looked at one after the other, so each of them has to be there.
        """
        kind = requester.kind
        if EVERYBODY in self._aws:
            return True
        if kind is RequesterKind.ANONYMOUS:
            return False
        if kind in _TYPE_OF_OUTSIDERS:
            return self._names_outsider(requester)
        if kind is RequesterKind.ROLE_SESSION and not self._names_role(requester):
            return False
        is_named = requester.arn in self._aws or (kind in _USERS and requester.identity in self._aws)
        return self._names_account(requester) and (is_named or kind is RequesterKind.ROOT)

    def _names_outsider(self, requester: Requester) -> bool:
        names = self.names.get(_TYPE_OF_OUTSIDERS[requester.kind], ())
        return requester.arn in names or EVERYBODY in names

    def _names_role(self, requester: Requester) -> bool:
        return requester.role_arn in self._aws or requester.identity in self._aws

    def _names_account(self, requester: Requester) -> bool:
        return requester.account in self._aws or requester.root_arn in self._aws


def is_principal(type_: str, name: str) -> bool:
    """True when a Principal element may have this name under this type; ``*`` is everybody or part of nothing."""
    return _NAMES[type_].fullmatch(name) is not None
