"""Web identities: the ID token of an OpenID Connect issuer, as AssumeRoleWithWebIdentity believes it.

After OpenID Connect Core 1.0, section 3.1.3.7, and "Available keys for AWS OIDC federation" of the IAM user guide.
Only public-key signatures count, so whoever can check a token cannot make one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import CompactSignature, JWSRegistry

from entrepot.core.clock import MINUTE, SECOND
from entrepot.core.errors import Invalid, Unavailable
from entrepot.features.identity.rows import OIDCProviderRow

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
#: How far the issuer's clock may be ahead of ours, in microseconds.
SKEW = 5 * MINUTE
MAX_HEADER = 4 * 1024
MAX_KEYS = 100
MAX_SUBJECT = 255
#: The digits of base64 in the modulus of an RSA key of 2048 to 8192 bits.
RSA_DIGITS = range(342, 1367)

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_NOT_A_TOKEN = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"  # noqa: S105
#: Claims that are of the token and not of its subject, or that have a condition key of another name.
_NO_CONDITION_KEYS = frozenset({"iss", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "c_hash"})

Key = RSAKey | ECKey


@dataclass(eq=False)
class InvalidIdentityToken(Invalid):
    """A web identity token that cannot be believed."""

    reason: str

    code: ClassVar[str] = "InvalidIdentityToken"
    template = "{reason}"


@dataclass(eq=False)
class IdentityTokenExpired(Invalid):
    """A web identity token whose time is over; the times are in seconds since the epoch."""

    now: int
    expires_at: int

    code: ClassVar[str] = "ExpiredTokenException"
    template = "Token expired: current date/time {now} must be before the expiration date/time {expires_at}"


@dataclass(eq=False)
class IDPCommunicationError(Unavailable):
    """The identity provider that has to say which keys are its own does not answer, or answers nonsense."""

    issuer: str

    code: ClassVar[str] = "IDPCommunicationError"
    template = "The identity provider {issuer} could not be reached, or does not tell its keys"


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself; nothing of it is proved. ``issuer`` has its scheme."""

    signature: CompactSignature
    issuer: str
    algorithm: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Whom an issuer has vouched for; ``provider`` is the ARN of the identity provider.

    ``audience`` is who the token was made for: its authorized party where it names one, as AWS has it.
    """

    provider: str
    subject: str
    audience: str
    claims: Mapping[str, Any]

    @property
    def context(self) -> dict[str, str | Sequence[str]]:
        """The condition keys of a trust policy: ``ISSUER:sub``, ``ISSUER:aud``, one for every plain claim."""
        issuer = self.provider.partition(":oidc-provider/")[2]
        spellings = Counter(key.lower() for key in self.claims)  # to conditions ``sub`` and ``SUB`` are one key
        found = {
            key: _condition_value(value)
            for key, value in self.claims.items()
            if key not in _NO_CONDITION_KEYS and (key.islower() or spellings[key.lower()] == 1)
        }
        found["aud"], found["oaud"] = self.audience, _audiences(self.claims)
        keys = {f"{issuer}:{key}": value for key, value in found.items() if value is not None}
        return {"aws:FederatedProvider": self.provider, **keys}


def read_token(text: str) -> UnverifiedToken:
    """Read a token without believing it; raises InvalidIdentityToken for what is none."""
    try:
        signature = jws.extract_compact(text.encode(), registry=_registry())
    except (JoseError, ValueError, TypeError, RecursionError):
        raise InvalidIdentityToken(_NOT_A_TOKEN) from None
    header = cast("object", signature.protected)  # any JSON that has "alg" in it
    if not isinstance(header, dict):
        raise InvalidIdentityToken(_NOT_A_TOKEN)
    header = cast("dict[str, object]", header)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or "crit" in header or not isinstance(key_id, str | None):
        raise InvalidIdentityToken(f"The ID Token must be signed with one of {', '.join(ALGORITHMS)}")
    issuer = _claims(signature).get("iss")
    if not isinstance(issuer, str) or not is_trustworthy(issuer):
        raise InvalidIdentityToken("The issuer of the ID Token must be a URL with https")
    return UnverifiedToken(signature, issuer, str(algorithm), key_id)


def parse_keys(document: str | bytes) -> list[Key]:
    """The keys of a JSON Web Key Set (RFC 7517) that can be used here; raises ValueError for anything else."""
    try:
        keys = msgspec.json.decode(document, type=_KeySet).keys
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("This is not a JSON Web Key Set") from error
    return [key for key in map(_key, keys[:MAX_KEYS]) if key is not None]


def choose_key(keys: Sequence[Key], token: UnverifiedToken) -> Key | None:
    """The key that a token says it is signed with; one that does not say it can only mean a single key."""
    fitting = [key for key in keys if _fits(key, token.algorithm)]
    if token.key_id is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((key for key in fitting if key.kid == token.key_id), None)


def verify(token: UnverifiedToken, key: Key, provider: OIDCProviderRow, now: int) -> WebIdentity:
    """Believe a token that one of the provider's keys has signed, for one of its audiences, and for now.

    ``now`` is in microseconds. Raises InvalidIdentityToken and IdentityTokenExpired.
    """
    try:
        is_signed = jws.validate_compact(token.signature, key, registry=_registry())
    except (JoseError, ValueError, TypeError):
        is_signed = False
    if not is_signed:
        raise InvalidIdentityToken("The signature of the ID Token is not valid")
    claims = _claims(token.signature)
    if not is_issued_by(token, provider):
        raise InvalidIdentityToken("The ID Token is from another issuer")
    _check_times(claims, now // SECOND)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise InvalidIdentityToken(f"The ID Token must have a subject of at most {MAX_SUBJECT} characters")
    return WebIdentity(provider.arn, subject, _audience(claims, provider.client_ids), claims)


def provider_of(issuer: str) -> str:
    """The URL of the provider that stands for an issuer: without the scheme."""
    return issuer.partition("://")[2].rstrip("/")


def is_issued_by(token: UnverifiedToken, provider: OIDCProviderRow) -> bool:
    """True when the token's issuer is the provider to the letter, but for one slash that ends the URLs of some."""
    return token.issuer.removesuffix("/") in {f"https://{provider.url}", f"http://{provider.url}"}


def is_trustworthy(url: str) -> bool:
    """True for a plain URL that nobody on the way can answer for: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _registry() -> JWSRegistry:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = MAX_HEADER
    return registry


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _key(described: dict[str, Any]) -> Key | None:
    """A key that can be used; sets hold others too (RFC 7517, section 5)."""
    try:
        match described.get("kty"):
            case "RSA":
                if not RSA_DIGITS.start <= len(described["n"]) < RSA_DIGITS.stop:
                    return None
                return RSAKey.import_key(described)
            case "EC":
                return ECKey.import_key(described)
            case _:
                return None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _fits(key: Key, algorithm: str) -> bool:
    described = key.as_dict(private=False)
    wanted = {"use": "sig", "alg": algorithm}
    if any(described.get(name, value) != value for name, value in wanted.items()):
        return False
    if isinstance(key, RSAKey):
        return algorithm.startswith("RS")
    return _CURVES.get(algorithm) == key.curve_name


def _claims(signature: CompactSignature) -> dict[str, Any]:
    try:
        return msgspec.json.decode(signature.payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidIdentityToken(_NOT_A_TOKEN) from None


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    """Times are in seconds since the epoch, with fractions or without (RFC 7519, "NumericDate")."""
    expires_at = _time(claims, "exp")
    if expires_at is None:
        raise InvalidIdentityToken("The ID Token must say when it expires")
    if now >= expires_at:
        raise IdentityTokenExpired(now, int(expires_at))
    for name in ("nbf", "iat"):
        begin = _time(claims, name)
        if begin is not None and now < begin - SKEW // SECOND:
            raise InvalidIdentityToken(f"The ID Token is not valid yet: its {name} is {int(begin)}, now is {now}")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidIdentityToken(f"The {name} of the ID Token is not a number")
    return value


def _audience(claims: Mapping[str, Any], client_ids: Sequence[str]) -> str:
    """Whom the token was made for, who has to be a client of the provider's."""
    party = claims.get("azp")
    meant = [party] if isinstance(party, str) else _audiences(claims)
    audience = next((one for one in meant if one in client_ids), None)
    if audience is None:
        raise InvalidIdentityToken("Incorrect token audience")
    return audience


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    value = claims.get("aud")
    values = cast("list[object]", value if isinstance(value, list) else [value])
    return [one for one in values if isinstance(one, str)]


def _condition_value(value: object) -> str | list[str] | None:
    """A claim as conditions compare it; None for one that has structure."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list():
            texts = [_condition_value(one) for one in cast("list[object]", value)]
            return [text for text in texts if isinstance(text, str)]
        case _:
            return None
