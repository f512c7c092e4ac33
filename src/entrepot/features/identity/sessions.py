"""Sessions: temporary credentials that no row remembers.

A session token says all there is to say of its session, signed; the secret access key that goes with it is an HMAC
of the token under another key. So every replica can check a request of a session, and nobody else can make one.
"""

import hmac
from base64 import b32decode, b32encode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec

from entrepot.core.errors import LimitReached
from entrepot.protocol.tokens import Expiring, MasterKey, Signer

#: The most bytes of policies and tags in a token. With names of any length it stays below 7 KiB, since a client
#: sends it in a header.
MAX_PACKED_SIZE = 3 * 1024

_PREFIX = "ASIA"
_ACCOUNT_SIZE = 5
_SECRET_SIZE = 30


@dataclass(eq=False)
class PackedPolicyTooLarge(LimitReached):
    """Session policies and tags that together are too large for a session token."""

    percent: int

    code: ClassVar[str] = "PackedPolicyTooLarge"
    template = "Packed policy consumes {percent}% of allotted space, please use smaller policy."


class Session(Expiring, frozen=True, kw_only=True, array_like=True):
    """What a session token says: whose session it is, and what narrows and describes it.

    Times are in microseconds. ``session_name`` is empty but for roles. ``policy`` and ``policy_arns`` are the
    session policies; ``issuer_access_key_id`` is the access key that called GetSessionToken. ``provider`` (an
    ARN), ``subject`` and ``audience`` are of the web identity that a role was assumed with.
    """

    purpose = "session token"

    access_key_id: str
    kind: Literal["root", "user", "role"]
    principal_id: str
    account: str
    issued_at: int
    path: str = "/"
    name: str = ""
    session_name: str = ""
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    issuer_access_key_id: str | None = None
    provider: str | None = None
    subject: str | None = None
    audience: str | None = None

    @property
    def packed_percent(self) -> int:
        """How much of the room for policies and tags is used, in per cent, rounded up."""
        packed = msgspec.msgpack.encode((self.policy, self.policy_arns, self.tags, self.transitive_tag_keys))
        return -(-100 * len(packed) // MAX_PACKED_SIZE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs with; ``expires_at`` in microseconds."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: int


class SessionSecrets:
    """The secret access keys of all sessions, which one key of the master's makes."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.derive("session secrets")

    def __repr__(self) -> str:
        return "SessionSecrets()"

    def secret_of(self, session_token: str) -> str:
        """The secret access key, 40 characters, that belongs to a session token."""
        mac = hmac.digest(self._key, session_token.encode(), "sha256")
        return b64encode(mac[:_SECRET_SIZE]).decode()


def issue(session: Session, signer: Signer, secrets: SessionSecrets) -> Credentials:
    """The credentials of a session; raises PackedPolicyTooLarge."""
    if session.packed_percent > 100:  # noqa: PLR2004 (per cent)
        raise PackedPolicyTooLarge(session.packed_percent)
    token = session.issue(signer)
    return Credentials(session.access_key_id, secrets.secret_of(token), token, session.expires_at)


def new_access_key_id(account: str, random_hex: Callable[[int], str]) -> str:
    """An access key id for a session: ASIA and 16 characters, the first half of them the account as at AWS."""
    suffix = int(account).to_bytes(_ACCOUNT_SIZE) + bytes.fromhex(random_hex(5))
    return _PREFIX + b32encode(suffix).decode()


def account_of(access_key_id: str) -> str | None:
    """The account in the access key id of a session; None for any other string."""
    if not access_key_id.startswith(_PREFIX) or len(access_key_id) != len(_PREFIX) + 16:
        return None
    try:
        suffix = b32decode(access_key_id.removeprefix(_PREFIX))
    except ValueError:
        return None
    account = f"{int.from_bytes(suffix[:_ACCOUNT_SIZE]):012}"
    return account if len(account) == 12 else None  # noqa: PLR2004 (an account has twelve digits)
