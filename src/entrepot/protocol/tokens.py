"""Strings that we hand out and believe when they come back, because we signed them.

A signed string is the base64url form, without padding, of

    version (1 byte) | key id (8 bytes) | payload | HMAC-SHA256 over all that precedes (32 bytes)

under a key that HKDF derives from the master key for one purpose, so a string made for one
purpose is worth nothing for another. The payload is signed, not hidden: nothing secret goes in.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self, TypeVar

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entrepot.core.errors import Denied, InvalidParameter

_VERSION = b"\x01"
_KEY_ID_SIZE = 8
_HEAD_SIZE = len(_VERSION) + _KEY_ID_SIZE
_MAC_SIZE = 32
_MASTER_SIZE = 32

T = TypeVar("T")


@dataclass(eq=False)
class InvalidToken(Denied):
    """A string that we did not sign, not for this purpose, or not with a key that still counts."""

    template = "The token is not valid."


@dataclass(eq=False)
class TokenExpired(Denied):
    """A string that we signed, whose time is over."""

    template = "Your authorization token has expired. Reauthenticate and try again."


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 secret bytes from which every other key is derived. Shows its id, never itself."""

    secret: bytes = field(repr=False)
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _MASTER_SIZE:
            raise ValueError("A master key is 32 bytes long")
        object.__setattr__(self, "id", self.derive("key id", _KEY_ID_SIZE))

    def bound_to(self, secret: str) -> "MasterKey":
        """Another master key, which depends on a secret too: what it signs is worth nothing once that changes."""
        return MasterKey(hmac.digest(self.secret, secret.encode(), "sha256"))

    def derive(self, purpose: str, size: int = 32) -> bytes:
        """The key for a purpose: HKDF-SHA256 (RFC 5869) with the purpose as its info."""
        info = f"entrepot {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(self.secret)


class Signer:
    """Signs with the current master key, and opens what that one or a previous one has signed."""

    def __init__(self, current: MasterKey, previous: Sequence[MasterKey] = ()) -> None:
        self._current = current
        self._masters = {master.id: master for master in (*previous, current)}
        self._keys: dict[tuple[bytes, str], bytes] = {}

    def __repr__(self) -> str:
        return f"Signer({', '.join(key_id.hex() for key_id in self._masters)})"

    def sign(self, purpose: str, payload: bytes) -> str:
        """The payload as a URL-safe string that ``open`` believes for the same purpose."""
        body = _VERSION + self._current.id + payload
        return urlsafe_b64encode(body + self._mac(self._current, purpose, body)).rstrip(b"=").decode()

    def open(self, purpose: str, text: str) -> bytes:
        """The payload of a string that ``sign`` made for this purpose; raises InvalidToken for any other."""
        signed = _decoded(text)
        body, mac = signed[:-_MAC_SIZE], signed[-_MAC_SIZE:]
        master = self._masters.get(body[len(_VERSION) : _HEAD_SIZE])
        if master is None or not body.startswith(_VERSION):
            raise InvalidToken
        if not hmac.compare_digest(mac, self._mac(master, purpose, body)):
            raise InvalidToken
        return body[_HEAD_SIZE:]

    def _mac(self, master: MasterKey, purpose: str, body: bytes) -> bytes:
        key = self._keys.get((master.id, purpose))
        if key is None:
            key = self._keys[master.id, purpose] = master.derive(f"signed {purpose}")
        return hmac.digest(key, body, "sha256")


class Expiring(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A signed value with an end; ``expires_at`` is in microseconds since the epoch."""

    purpose: ClassVar[str]

    expires_at: int

    def issue(self, signer: Signer) -> str:
        """This value as a string."""
        return signer.sign(self.purpose, msgspec.msgpack.encode(self))

    @classmethod
    def parse(cls, signer: Signer, text: str, now: int) -> Self:
        """The value of a string; raises InvalidToken, or TokenExpired from ``expires_at`` on."""
        value = _typed(signer.open(cls.purpose, text), cls)
        if now >= value.expires_at:
            raise TokenExpired
        return value


class DownloadTicket(Expiring, frozen=True, kw_only=True, array_like=True):
    """What a download URL carries: the leave to read the layer ``digest`` of a repository for a while."""

    purpose = "download ticket"

    account: str
    region: str
    repository: str
    digest: str


class PageToken(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where the next page of a list begins: ``after`` holds the sort key of the last row sent.

    ``request`` binds it to the operation and the filters it was made for. Make one with ``of``.
    """

    request: bytes
    after: tuple[str | int | None, ...]

    @classmethod
    def of(cls, operation: str, filters: object, after: tuple[str | int | None, ...]) -> Self:
        """The token for the next page of this request.

        ``filters`` is all that decides what the list holds, in values that msgspec can encode:
        account, repository, filter; not the page's size, which may change from page to page.
        """
        return cls(request=_fingerprint(operation, filters), after=after)

    def issue(self, signer: Signer) -> str:
        """This token as a string."""
        return signer.sign("page token", msgspec.msgpack.encode(self))

    @classmethod
    def parse(cls, signer: Signer, text: str, operation: str, filters: object) -> Self:
        """The token of a string.

        Raises InvalidParameter for ``nextToken`` if it is none of ours, or one of another request.
        """
        try:
            token = _typed(signer.open("page token", text), cls)
        except InvalidToken as error:
            raise InvalidParameter("nextToken", "Invalid token") from error
        if token.request != _fingerprint(operation, filters):
            raise InvalidParameter("nextToken", "The token belongs to another request")
        return token


def _fingerprint(operation: str, filters: object) -> bytes:
    content = msgspec.msgpack.encode((operation, filters), order="deterministic")
    return hashlib.sha256(content).digest()[:16]


def _decoded(text: str) -> bytes:
    """Base64url without padding, in its one canonical form."""
    try:
        decoded = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidToken from error
    if urlsafe_b64encode(decoded).rstrip(b"=") != text.encode():
        raise InvalidToken
    return decoded


def _typed(payload: bytes, kind: type[T]) -> T:
    """What was signed, unless a version with other fields signed it."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidToken from error
