"""AWS Signature Version 4 in the Authorization header, from the side that verifies it and the side that signs.

After "Authenticating Requests (AWS Signature Version 4)" of the AWS documentation, with the rules
for every service but S3: dot segments are removed from the path, the path is encoded once more,
and the body is always part of what is signed.

A server calls ``read_authorization``, finds the secret key of ``access_key_id`` (and raises
UnrecognizedClient if there is none), then calls ``check_scope`` as soon as it likes and
``check_signature`` once the body's hash is known; ``verify`` is both. Nothing here returns a verdict:
what is wrong raises. A client calls ``sign``.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import ClassVar, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from entrepot.core.clock import SECOND
from entrepot.core.errors import Denied, Invalid

ALGORITHM = "AWS4-HMAC-SHA256"
#: How far the clocks of client and server may differ, in seconds.
SKEW = 5 * 60

_TERMINATOR = "aws4_request"
_REGION = re.compile(r"[0-9a-z-]{2,25}")
_BASIC_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SIGNED_HEADERS = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*")
_PARAMETERS = ("Credential", "SignedHeaders", "Signature")
#: The Authorization header as the SDKs write it; a value is printable ASCII but for space, comma and equals sign.
_USUAL = re.compile(ALGORITHM + ",".join(rf" {name}=([!-+\--<>-~]+)" for name in _PARAMETERS))
#: Headers that change what a request does, in the spelling of the message that misses them.
_MUST_BE_SIGNED = (
    ("host", b"host", "Host"),
    ("x-amz-date", b"x-amz-date", "X-Amz-Date"),
    ("x-amz-target", b"x-amz-target", "X-Amz-Target"),
)
_PRESIGNED = {b"x-amz-algorithm", b"x-amz-credential", b"x-amz-signature"}


@dataclass(eq=False)
class MissingAuthenticationToken(Denied):
    """The request is not signed at all."""

    code: ClassVar[str] = "MissingAuthenticationTokenException"
    template = "Missing Authentication Token"


@dataclass(eq=False)
class IncompleteSignature(Invalid):
    """The request is signed in a way that cannot be read."""

    reason: str

    code: ClassVar[str] = "IncompleteSignatureException"
    template = "{reason}"


@dataclass(eq=False)
class UnrecognizedClient(Denied):
    """The access key or the session token is not known."""

    code: ClassVar[str] = "UnrecognizedClientException"
    template = "The security token included in the request is invalid."


@dataclass(eq=False)
class SessionExpired(Denied):
    """The session token was good once."""

    code: ClassVar[str] = "ExpiredTokenException"
    template = "The security token included in the request is expired"


@dataclass(eq=False)
class InvalidSignature(Denied):
    """The signature is another one, too old, too new, or made for another place."""

    reason: str = (
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."
    )

    code: ClassVar[str] = "InvalidSignatureException"
    template = "{reason}"


@dataclass(slots=True, kw_only=True)
class SignedRequest:
    """A request as it was received, but for its body; it stays as it was made.

    ``path`` and ``query`` are raw, still percent-encoded, without the question mark; ``headers``
    are pairs of lower-case name and value in the order received, as in ASGI.
    """

    method: str
    path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]

    _by_name: dict[bytes, bytes] = field(init=False, repr=False, compare=False)
    _repeats: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name = dict(self.headers)
        self._repeats = len(self._by_name) < len(self.headers)

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: bytes) -> bytes | None:
        """The value of a header that may be sent once; raises IncompleteSignature if it was repeated."""
        if self._repeats and len(self.values(name)) > 1:
            raise IncompleteSignature(f"The header '{name.decode()}' may be sent only once.")
        return self._by_name.get(name)

    def canonical_value(self, name: bytes) -> bytes:
        """A header as it is signed: runs of white space become one space, values of a repeated one are joined.

        Raises InvalidSignature for one that did not arrive: it is not the same as an empty one.
        """
        value = self._by_name.get(name)
        if value is None:
            raise InvalidSignature
        if not self._repeats:
            return b" ".join(value.split())
        return b",".join([b" ".join(value.split()) for value in self.values(name)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What the Authorization header claims. ``date`` is the day as YYYYMMDD."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """The credential scope that is part of what is signed."""
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


def read_authorization(request: SignedRequest) -> Authorization:
    """Read the Authorization header; nothing of it is proved yet.

    Raises MissingAuthenticationToken if the request carries no AWS4 signature, and
    IncompleteSignature if it carries one that cannot be read, two, or one in its query.
    """
    if request.query and _PRESIGNED & {
        unquote_to_bytes(pair.partition(b"=")[0]).lower() for pair in request.query.split(b"&")
    }:
        raise IncompleteSignature("A signature in the query is not accepted, only the Authorization header.")
    header = request.value(b"authorization")
    if header is None or not header.startswith(b"AWS4-"):
        raise MissingAuthenticationToken
    text = header.decode("latin-1")
    usual = _USUAL.fullmatch(text)
    credential, signed_headers, signature = usual.groups() if usual else _parameters(text)
    access_key_id, date, region, service = _credential(credential)
    return Authorization(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=_signed_headers(signed_headers),
        signature=signature,
    )


def check_scope(
    request: SignedRequest,
    authorization: Authorization,
    *,
    now: int,
    service: str = "ecr",
    region: str | None = None,
) -> None:
    """Check all that needs neither the body nor the secret key.

    ``now`` is in microseconds since the epoch; ``region`` is the one that must have been signed
    for, None if any may be. Raises IncompleteSignature or InvalidSignature.
    """
    for name, header, spelling in _MUST_BE_SIGNED:
        sent = request.value(header) is not None or name == "host"
        if sent and name not in authorization.signed_headers:
            raise InvalidSignature(f"'{spelling}' must be a 'SignedHeader' in the AWS Authorization.")
    time = _signing_time(request, authorization)
    if authorization.date != time.iso[:8]:
        raise InvalidSignature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{authorization.date}' != '{time.iso[:8]}', from '{time.iso}'."
        )
    _check_skew(time, now // SECOND)
    if authorization.service != service:
        raise InvalidSignature(f"Credential should be scoped to correct service: '{service}'.")
    if _REGION.fullmatch(authorization.region) is None or region not in {None, authorization.region}:
        raise InvalidSignature("Credential should be scoped to a valid region.")


def verify(
    request: SignedRequest,
    authorization: Authorization,
    *,
    secret_key: str,
    body_sha256: str,
    now: int,
    service: str = "ecr",
    region: str | None = None,
    session_token: str | None = None,
) -> None:
    """Prove that the holder of the secret key signed this request, for here and for now.

    ``body_sha256`` is the lower-case hex digest of the body received; ``session_token`` is the one
    that belongs to the key, None for a key that needs none; the others are those of
    ``check_scope``, which is part of this. Raises UnrecognizedClient, IncompleteSignature or
    InvalidSignature.
    """
    check_scope(request, authorization, now=now, service=service, region=region)
    check_signature(
        request, authorization, secret_key=secret_key, body_sha256=body_sha256, session_token=session_token
    )


def check_signature(
    request: SignedRequest,
    authorization: Authorization,
    *,
    secret_key: str,
    body_sha256: str,
    session_token: str | None = None,
) -> None:
    """The second half of ``verify``: prove who signed, of a request whose scope has been checked.

    Raises UnrecognizedClient, IncompleteSignature or InvalidSignature.
    """
    _check_session_token(request.value(b"x-amz-security-token"), session_token)
    _check_content_sha256(request.value(b"x-amz-content-sha256"), body_sha256)
    signature = _signature(request, authorization, secret_key, body_sha256)
    if not hmac.compare_digest(signature, authorization.signature):
        raise InvalidSignature


def sign(
    request: SignedRequest,
    *,
    access_key_id: str,
    secret_key: str,
    body_sha256: str,
    now: int,
    region: str,
    service: str = "ecr",
    session_token: str | None = None,
) -> SignedRequest:
    """The request with the headers that prove who sends it: X-Amz-Date, X-Amz-Security-Token, Authorization.

    Every header that the request has is signed; ``host`` has to be among them. ``body_sha256`` is the lower-case
    hex digest of the body, ``now`` in microseconds since the epoch.
    """
    date = _iso(now // SECOND)
    headers = [*request.headers, (b"x-amz-date", date.encode())]
    if session_token is not None:
        headers.append((b"x-amz-security-token", session_token.encode()))
    dated = replace(request, headers=headers)
    claimed = Authorization(
        access_key_id=access_key_id,
        date=date[:8],
        region=region,
        service=service,
        signed_headers=tuple(sorted({name.decode() for name, _ in headers})),
        signature="",
    )
    signature = _signature(dated, claimed, secret_key, body_sha256)
    header = (
        f"{ALGORITHM} Credential={access_key_id}/{claimed.scope}, "
        f"SignedHeaders={';'.join(claimed.signed_headers)}, Signature={signature}"
    )
    return replace(dated, headers=[*headers, (b"authorization", header.encode())])


def _signature(request: SignedRequest, authorization: Authorization, secret_key: str, body_sha256: str) -> str:
    key = _signing_key(secret_key, authorization.date, authorization.region, authorization.service)
    return hmac.digest(key, string_to_sign(request, authorization, body_sha256), "sha256").hex()


def string_to_sign(request: SignedRequest, authorization: Authorization, body_sha256: str) -> bytes:
    """The bytes whose HMAC is the signature."""
    canonical = canonical_request(request, authorization.signed_headers, body_sha256)
    time = _signing_time(request, authorization).iso
    digest = hashlib.sha256(canonical).hexdigest()
    return f"{ALGORITHM}\n{time}\n{authorization.scope}\n{digest}".encode()


def canonical_request(request: SignedRequest, signed_headers: Sequence[str], body_sha256: str) -> bytes:
    """The one form that all ways to write the same request are brought to."""
    names = [name.encode() for name in signed_headers]
    return b"\n".join(
        [
            request.method.encode(),
            _canonical_path(request.path),
            _canonical_query(request.query),
            *[name + b":" + request.canonical_value(name) for name in names],
            b"",
            b";".join(names),
            body_sha256.encode(),
        ]
    )


def _parameters(text: str) -> tuple[str, str, str]:
    """Credential, signed headers and signature of a header that is written in another way, or is wrong."""
    if not text.isascii() or not text.isprintable():
        raise IncompleteSignature("Authorization header must be printable ASCII.")
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{algorithm[:40]}'.")
    found: dict[str, str] = {}
    for part in rest.split(","):
        name, separator, value = part.strip(" ").partition("=")
        if not separator or name not in _PARAMETERS or name in found:
            raise IncompleteSignature(
                f"'{part.strip(' ')[:80]}' is not a valid and new key=value pair in Authorization header."
            )
        found[name] = value
    missing = [name for name in _PARAMETERS if not found.get(name)]
    if missing:
        raise IncompleteSignature(
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        )
    return found["Credential"], found["SignedHeaders"], found["Signature"]


# Kept, as what headers are signed is: a client sends the same in every request. Few are, for they may be long.
@lru_cache(maxsize=32)
def _credential(text: str) -> tuple[str, str, str, str]:
    """Access key id, date, region and service."""
    elements = text.split("/")
    match elements:
        case [access_key_id, date, region, service, terminator] if all(elements):
            if terminator != _TERMINATOR:
                raise InvalidSignature(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
            return access_key_id, date, region, service
        case _:
            raise IncompleteSignature(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                f"got '{text[:200]}'."
            )


@lru_cache(maxsize=32)
def _signed_headers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if _SIGNED_HEADERS.fullmatch(text) is None or names != tuple(sorted(set(names))):
        raise IncompleteSignature("SignedHeaders must be lower-case header names, sorted, each named once.")
    return names


def _check_session_token(given: bytes | None, expected: str | None) -> None:
    """A key of a session goes with its token, every other key with none."""
    if given is None and expected is None:
        return
    if given is None or expected is None or not hmac.compare_digest(given, expected.encode()):
        raise UnrecognizedClient


def _check_content_sha256(given: bytes | None, body_sha256: str) -> None:
    """A hash that is stated is the body's: unlike at S3 no body goes unsigned, or signed in chunks."""
    if given is not None and given != body_sha256.encode():
        raise InvalidSignature("The provided 'x-amz-content-sha256' header does not match what was computed.")


class _Time(NamedTuple):
    """A signing time: in seconds since the epoch, and as X-Amz-Date has it."""

    seconds: int
    iso: str


def _signing_time(request: SignedRequest, authorization: Authorization) -> _Time:
    """The time of X-Amz-Date or, without one, of a signed Date."""
    value = request.value(b"x-amz-date")
    if value is None and "date" in authorization.signed_headers:
        value = request.value(b"date")
    if value is None:
        raise IncompleteSignature(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    return _read_time(value)


@lru_cache(maxsize=64)
def _read_time(value: bytes) -> _Time:
    """`20150830T123600Z` (ISO 8601, basic format) or `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110, 5.6.7)."""
    text = value.decode("latin-1")
    with suppress(ValueError, OverflowError):
        if _BASIC_TIME.fullmatch(text):
            return _Time(int(datetime.fromisoformat(text).timestamp()), text)
        if text.endswith((" GMT", " -0000")):
            seconds = int(parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp())
            return _Time(seconds, _iso(seconds))
    raise IncompleteSignature(f"Date must be in ISO-8601 'basic format'. Got '{text[:40]}'.")


def _check_skew(time: _Time, now: int) -> None:
    if time.seconds < now - SKEW:
        reason = f"expired: {time.iso} is now earlier than {_iso(now - SKEW)} ({_iso(now)} - 5 min.)"
        raise InvalidSignature(f"Signature {reason}")
    if time.seconds > now + SKEW:
        reason = f"not yet current: {time.iso} is still later than {_iso(now + SKEW)} ({_iso(now)} + 5 min.)"
        raise InvalidSignature(f"Signature {reason}")


def _iso(seconds: int) -> str:
    """A time as X-Amz-Date has it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


def _canonical_path(path: bytes) -> bytes:
    """RFC 3986 dot segments and empty ones removed, then encoded once more, for it is encoded already."""
    if path == b"/":
        return path
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and path.endswith(b"/") else b""
    return quote_from_bytes(b"/" + b"/".join(kept) + end, safe="/~").encode()


def _canonical_query(query: bytes) -> bytes:
    """Every name and value encoded in the one way, and sorted."""
    if not query:
        return query
    pairs = (pair.partition(b"=") for pair in query.split(b"&") if pair)
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def _encoded(text: bytes) -> str:
    """A name or value written anew; where a client wrote a plus it signed a space."""
    return quote_from_bytes(unquote_to_bytes(text.replace(b"+", b" ")), safe="-_.~")


@lru_cache(maxsize=256)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service. Kept, for it costs as much as the rest of a check."""
    key = b"AWS4" + secret_key.encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
