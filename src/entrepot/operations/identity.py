"""GetAuthorizationToken, the token endpoint, and whom a token speaks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrepot.core.clock import HOUR
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.principal import ANONYMOUS, Principal
from entrepot.features.identity.tokens import AuthorizationToken, BearerToken, Scope
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.services import Services
from entrepot.protocol.tokens import InvalidToken

#: How long a token works, in microseconds.
TOKEN_LIFE = 12 * HOUR
BEARER_LIFE = HOUR


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A password for the user AWS; ``expires_at`` in microseconds."""

    password: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class IssuedBearer:
    """A bearer token; times in microseconds."""

    token: str = field(repr=False)
    issued_at: int
    expires_at: int


@operation("GetAuthorizationToken")
async def get_authorization_token(services: Services, caller: Caller) -> IssuedToken:
    """A token of the caller, for every registry it may reach in this region."""
    expires_at = services.clock() + TOKEN_LIFE
    token = AuthorizationToken(
        principal_id=caller.principal.id,
        account=caller.principal.account,
        region=caller.registry.region,
        access_key_id=caller.principal.access_key_id,
        session=caller.principal.session,
        expires_at=expires_at,
    )
    return IssuedToken(token.issue(services.signer), expires_at)


async def principal_of_token(services: Services, password: str) -> tuple[Principal, RegistryId]:
    """Who holds a token, and the registry it was made for; raises InvalidToken, TokenExpired."""
    token, principal = await services.authorities.principal_of_token(password)
    return principal, RegistryId(token.account, token.region)


async def principal_of_bearer(services: Services, text: str) -> tuple[Principal, RegistryId, Sequence[Scope]]:
    """Who holds a bearer token, the registry it was made for, and what for; raises InvalidToken, TokenExpired."""
    token = BearerToken.parse(services.signer, text, now=services.clock())
    if token.holder is None:
        if not services.anonymous_pull:
            raise InvalidToken
        return ANONYMOUS, services.default_registry, token.scopes
    principal = await services.authorities.principal_of(token.holder)
    return principal, RegistryId(token.holder.account, token.holder.region), token.scopes


async def issue_bearer(services: Services, password: str | None, scopes: Sequence[Scope]) -> IssuedBearer:
    """A bearer token for these scopes: of whoever has the password, of nobody without one.

    Raises InvalidToken, also where nothing is for nobody, and TokenExpired.
    """
    now = services.clock()
    holder = None
    if password is not None:
        holder = AuthorizationToken.parse(services.signer, password, now=now)
        await services.authorities.principal_of(holder)
    elif not services.anonymous_pull:
        raise InvalidToken
    expires_at = now + BEARER_LIFE if holder is None else min(now + BEARER_LIFE, holder.expires_at)
    token = BearerToken(holder=holder, scopes=tuple(scopes), expires_at=expires_at)
    return IssuedBearer(token.issue(services.signer), now, expires_at)
