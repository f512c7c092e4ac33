"""GetAuthorizationToken, and what a token or an access key says about who is calling."""

from dataclasses import dataclass

from entrepot.core.clock import HOUR
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.rules import Principal, root_of
from entrepot.operations.operation import operation
from entrepot.operations.services import Caller, Services
from entrepot.protocol.tokens import AuthorizationToken, InvalidToken

#: How long a token works.
TOKEN_LIFE = 12 * HOUR


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A password for the user AWS; ``expires_at`` in microseconds."""

    password: str
    expires_at: int


@operation("GetAuthorizationToken")
async def get_authorization_token(services: Services, caller: Caller) -> IssuedToken:
    """A token of the caller, for every registry it may reach in this region."""
    expires_at = services.clock() + TOKEN_LIFE
    token = AuthorizationToken(
        principal=caller.principal.arn,
        account=caller.principal.account,
        region=caller.registry.region,
        access_key_id=caller.principal.access_key_id,
        expires_at=expires_at,
    )
    return IssuedToken(token.issue(services.signer), expires_at)


def root_principal(services: Services, region: str) -> Principal:
    """The one principal there is."""
    return root_of(services.default_registry.account, region, services.root_access_key_id)


def principal_of_token(services: Services, password: str) -> tuple[Principal, RegistryId]:
    """Who holds a token, and the registry it was made for.

    Raises InvalidToken, also for a token of an access key that is no longer the root's, and TokenExpired.
    """
    token = AuthorizationToken.parse(services.signer, password, now=services.clock())
    principal = root_principal(services, token.region)
    if token.access_key_id != principal.access_key_id or token.principal != principal.arn:
        raise InvalidToken
    return principal, RegistryId(token.account, token.region)
