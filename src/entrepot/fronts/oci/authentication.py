"""Who is calling ``/v2/``: Basic credentials with a token of GetAuthorizationToken, or a bearer token.

The challenge is ECR's, which is Basic. Where pulls without credentials are let in, it is that of the token
endpoint instead (distribution project, "Token Authentication Specification"): a client with no credentials gives
up at Basic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from entrepot.core.errors import Denied
from entrepot.core.partitions import RegistryId, registry_of_host
from entrepot.features.identity.principal import Principal
from entrepot.features.identity.tokens import Scope
from entrepot.fronts.asgi import Request, Response
from entrepot.fronts.origin import origin_of
from entrepot.operations.caller import Caller, Origin
from entrepot.operations.identity import principal_of_bearer, principal_of_token
from entrepot.operations.services import Services
from entrepot.protocol.basic import parse_basic
from entrepot.protocol.oci.paths import Base, Catalog, Path, Upload, Uploads
from entrepot.protocol.tokens import InvalidToken, TokenExpired

USER = "AWS"
TOKEN_PATH = "/token"  # noqa: S105 (a path)
#: The scope of the catalog, and what stands for a repository in it: no repository has such a name.
CATALOG = "registry:catalog:*"

#: What a bearer token needs for a method; the status of an upload is part of pushing it.
_ACTIONS = {"GET": "pull", "HEAD": "pull", "POST": "push", "PUT": "push", "PATCH": "push", "DELETE": "delete"}


@dataclass(eq=False)
class NotAuthenticated(Denied):
    """No credentials, or none that we know, or a bearer token for less than this: the client is challenged.

    ``scope`` is what a bearer token would need.
    """

    scope: str = ""
    is_insufficient: bool = False

    template: ClassVar[str] = "Not Authorized"


@dataclass(eq=False)
class WrongRegion(Denied):
    """The token was made for another region than the one that the host names."""

    token_region: str
    host_region: str

    template: ClassVar[str] = (
        "Your authorization token is for the region {token_region}, this registry is in {host_region}."
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """Basic credentials as they were sent."""

    user: str
    password: str = field(repr=False)


class Authenticated(msgspec.Struct, frozen=True):
    """Who is calling; ``scopes`` are those of a bearer token, None where nothing narrows the caller."""

    caller: Caller
    scopes: Sequence[Scope] | None = None

    def covers(self, repository: str, action: str) -> bool:
        """True unless the caller's bearer token is for something else."""
        return self.scopes is None or any(
            scope.repository == repository and (action in scope.actions or "*" in scope.actions)
            for scope in self.scopes
        )


async def authenticate(services: Services, request: Request) -> Authenticated:
    """The caller and the registry it addresses: that of an ECR-shaped host, else the token's.

    Raises NotAuthenticated, TokenExpired, WrongRegion, and TooManyFailures where a source sends no token that is
    any good, again and again.
    """
    origin = origin_of(request, services.trusted_proxies)
    header = request.header(b"authorization") or ""
    with TokensBelieved(services, origin):
        if header[:7].lower() == "bearer ":
            try:
                principal, registry, scopes = await principal_of_bearer(services, header[7:].strip())
            except TokenExpired:  # the token endpoint has another
                raise NotAuthenticated from None
            return Authenticated(_caller(request, origin, principal, registry), scopes)
        credentials = read_credentials(header)
        if credentials is None or credentials.user != USER:
            raise NotAuthenticated
        principal, registry = await principal_of_token(services, credentials.password)
        return Authenticated(_caller(request, origin, principal, registry))


class TokensBelieved:
    """Answers a token in the block that is no good with a challenge, and too many of them with TooManyFailures.

    A good token is never held back: to check one costs less than to find out whose it is.
    """

    __slots__ = ("_services", "_source")

    def __init__(self, services: Services, origin: Origin) -> None:
        self._services = services
        self._source = origin.source_ip

    def __enter__(self) -> None:
        """No token has failed yet."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, InvalidToken):
            failed, now = self._services.failed_logins, self._services.clock()
            failed.add(self._source, USER, now)
            failed.check(self._source, USER, now)
            raise NotAuthenticated from None


def read_credentials(header: str) -> Credentials | None:
    """The Basic credentials of a header Authorization; None where there are none, or none that can be read."""
    found = parse_basic(header)
    return None if found is None else Credentials(*found)


def _caller(request: Request, origin: Origin, principal: Principal, registry: RegistryId) -> Caller:
    addressed = registry_of_host(request.header(b"host") or "")
    if addressed is not None and addressed.region != registry.region:
        raise WrongRegion(registry.region, addressed.region)
    return Caller(principal, addressed or registry, request.id, origin)


def check_scope(authenticated: Authenticated, request: Request, path: Path) -> None:
    """Refuse what the caller's bearer token is not for; raises NotAuthenticated."""
    if authenticated.scopes is None or isinstance(path, Base):
        return
    if isinstance(path, Catalog):
        if not authenticated.covers(CATALOG, "*"):
            raise NotAuthenticated(CATALOG, is_insufficient=True)
        return
    action = "push" if isinstance(path, Upload | Uploads) else _ACTIONS.get(request.method, "pull")
    if not authenticated.covers(path.name, action):
        wanted = "pull,push" if action == "push" else action
        raise NotAuthenticated(f"repository:{path.name}:{wanted}", is_insufficient=True)


def challenge(services: Services, request: Request, refused: NotAuthenticated) -> Response:
    """ECR's challenge, to the letter; that of the token endpoint to whom it can help."""
    host = request.header(b"host") or ""
    base = f"{services.public_url.scheme}://{host}"
    if services.anonymous_pull or refused.is_insufficient:
        words = f'Bearer realm="{base}{TOKEN_PATH}",service="{host}"'
        if refused.scope:
            words += f',scope="{refused.scope}"'
        if refused.is_insufficient:
            words += ',error="insufficient_scope"'
    else:
        words = f'Basic realm="{base}/",service="ecr.amazonaws.com"'
    return Response(
        401,
        {"www-authenticate": words, "content-type": "text/plain; charset=utf-8"},
        b"Not Authorized\n",
    )
