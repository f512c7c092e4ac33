"""What an OpenID Connect identity provider may say of itself."""

import re
from collections.abc import Sequence

from entrepot.features.identity.errors import InvalidInput, QuotaExceeded
from entrepot.features.identity.rules import check_length
from entrepot.features.identity.web_identity import is_trustworthy, parse_keys, provider_of

MAX_OIDC_PROVIDERS = 100
MAX_CLIENT_IDS = 100
MAX_THUMBPRINTS = 5
#: Characters of a JSON Web Key Set.
MAX_JWKS = 65_536

_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")


def issuer_of(url: str) -> str:
    """The issuer of a provider's URL, without its scheme; raises ValidationError, InvalidInput."""
    check_length("url", url, 1, 255)
    if not is_trustworthy(url):
        raise InvalidInput("Invalid Open ID Connect Provider URL")
    return provider_of(url)


def check_client_ids(client_ids: Sequence[str]) -> None:
    """Refuse audiences that are too long or too many; raises ValidationError, QuotaExceeded."""
    for client_id in client_ids:
        check_length("clientID", client_id, 1, 255)
    if len(client_ids) > MAX_CLIENT_IDS:
        raise QuotaExceeded("ClientIdsPerOpenIdConnectProvider", MAX_CLIENT_IDS)


def check_thumbprints(thumbprints: Sequence[str]) -> None:
    """Refuse what is no SHA-1 of a certificate, in hex, and more than five; raises InvalidInput."""
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise InvalidInput(f"Thumbprint list must contain at most {MAX_THUMBPRINTS} entries.")
    for thumbprint in thumbprints:
        if _THUMBPRINT.fullmatch(thumbprint) is None:
            raise InvalidInput(f"The thumbprint {thumbprint} is not a SHA-1 digest of 40 hexadecimal digits.")


def check_jwks(jwks: str) -> None:
    """Refuse what holds no key that a token could be signed with; raises InvalidInput."""
    if len(jwks) > MAX_JWKS:
        raise InvalidInput(f"The JSON Web Key Set has more than {MAX_JWKS} characters.")
    try:
        keys = parse_keys(jwks)
    except ValueError as error:
        raise InvalidInput(f"{error}.") from error
    if not keys:
        raise InvalidInput("The JSON Web Key Set holds no key that can be used.")
