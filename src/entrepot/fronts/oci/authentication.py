"""Who is calling ``/v2/``: Basic credentials whose password is the token of GetAuthorizationToken."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Denied
from entrepot.core.partitions import RegistryId, registry_of_host
from entrepot.fronts.asgi import Request, Response
from entrepot.operations.identity import principal_of_token
from entrepot.operations.services import Caller, Services
from entrepot.protocol.basic import parse_basic
from entrepot.protocol.tokens import InvalidToken

USER = "AWS"


@dataclass(eq=False)
class NotAuthenticated(Denied):
    """No credentials, or none that we know: the client is challenged."""

    template: ClassVar[str] = "Not Authorized"


@dataclass(eq=False)
class WrongRegion(Denied):
    """The token was made for another region than the one that the host names."""

    token_region: str
    host_region: str

    template: ClassVar[str] = (
        "Your authorization token is for the region {token_region}, this registry is in {host_region}."
    )


def authenticate(services: Services, request: Request) -> Caller:
    """The caller and the registry it addresses: that of an ECR-shaped host, else the token's.

    Raises NotAuthenticated, TokenExpired, WrongRegion.
    """
    credentials = parse_basic(request.header(b"authorization") or "")
    if credentials is None or credentials[0] != USER:
        raise NotAuthenticated
    try:
        principal, registry = principal_of_token(services, credentials[1])
    except InvalidToken:
        raise NotAuthenticated from None
    addressed = registry_of_host(request.header(b"host") or "")
    if addressed is not None and addressed.region != registry.region:
        raise WrongRegion(registry.region, addressed.region)
    return Caller(principal, addressed or RegistryId(registry.account, registry.region), request.id)


def challenge(request: Request, scheme: str) -> Response:
    """ECR's challenge, to the letter."""
    host = request.header(b"host") or ""
    return Response(
        401,
        {
            "www-authenticate": f'Basic realm="{scheme}://{host}/",service="ecr.amazonaws.com"',
            "content-type": "text/plain; charset=utf-8",
        },
        b"Not Authorized\n",
    )
