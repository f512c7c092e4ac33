"""A signed request, as every front of an AWS protocol takes it: first the claim, then the proof.

The claim is read from the headers alone, so what can be refused without the body is refused before it is read.
"""

from dataclasses import dataclass

from entrepot.core.partitions import registry_of_host
from entrepot.fronts.asgi import Request
from entrepot.fronts.origin import origin_of
from entrepot.operations.authorities import Credentials
from entrepot.operations.caller import Origin
from entrepot.operations.services import Services
from entrepot.protocol.sigv4 import (
    Authorization,
    InvalidSignature,
    SignedRequest,
    UnrecognizedClient,
    check_scope,
    check_signature,
    read_authorization,
)

SESSION_TOKEN = b"x-amz-security-token"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of who has signed it, and what it has to be signed with if that is so."""

    request: SignedRequest
    authorization: Authorization
    credentials: Credentials
    origin: Origin

    @property
    def region(self) -> str:
        """The region that the request is signed for."""
        return self.authorization.region

    def prove(self, body_sha256: str) -> None:
        """Check the signature over a body with this hash, in hex; raises InvalidSignature."""
        check_signature(
            self.request,
            self.authorization,
            secret_key=self.credentials.secret_access_key,
            session_token=self.credentials.session_token,
            body_sha256=body_sha256,
        )


async def read_claim(services: Services, request: Request, *, service: str) -> Claim:
    """Read the headers of a signed request.

    Raises MissingAuthenticationToken, IncompleteSignature, UnrecognizedClient, SessionExpired, InvalidSignature
    for a scope that is not this ``service``'s or not the host's, and TooManyFailures.
    """
    signed = SignedRequest(
        method=request.method,
        path=request.raw_path,
        query=request.query_string,
        headers=request.headers,
    )
    authorization = read_authorization(signed)
    origin = origin_of(request, services.trusted_proxies)
    with FailuresCounted(services, origin, authorization.access_key_id):
        token = signed.value(SESSION_TOKEN)
        credentials = await services.authorities.credentials(
            authorization.access_key_id,
            None if token is None else token.decode("latin-1"),
            authorization.region,
        )
        addressed = registry_of_host(request.header(b"host") or "")
        region = addressed.region if addressed else None
        check_scope(signed, authorization, now=services.clock(), service=service, region=region)
    return Claim(signed, authorization, credentials, origin)


class FailuresCounted:
    """Counts what fails to prove itself in the block, and answers too many of it with TooManyFailures.

    Who proves himself is never held back: key ids are no secret, and behind one address may be a whole office.
    """

    __slots__ = ("_access_key_id", "_services", "_source")

    def __init__(self, services: Services, origin: Origin, access_key_id: str) -> None:
        self._services = services
        self._source = origin.source_ip
        self._access_key_id = access_key_id

    def __enter__(self) -> None:
        """Nothing has failed yet."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, UnrecognizedClient | InvalidSignature):
            failed, now = self._services.failed_logins, self._services.clock()
            failed.add(self._source, self._access_key_id, now)
            failed.check(self._source, self._access_key_id, now)
