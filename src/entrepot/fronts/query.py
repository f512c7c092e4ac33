"""Every request of the AWS Query protocol: prove the signature, read the form, call the handler, write XML.

``POST /`` is for STS and IAM as well as for ECR: they come as forms, and the signature names the service.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from entrepot.core.errors import (
    Denied,
    EntrepotError,
    Invalid,
    InvalidParameter,
    LimitReached,
    NotFound,
    Unavailable,
)
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.errors import AccessDenied, TooManyFailures
from entrepot.features.identity.principal import ANONYMOUS, PrincipalKind
from entrepot.features.quotas.errors import Throttled
from entrepot.fronts.asgi import Answer, BodyTooLarge, Request, Response
from entrepot.fronts.origin import origin_of
from entrepot.fronts.signature import FailuresCounted, read_claim
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services
from entrepot.protocol.query.errors import InvalidAction, MalformedQueryString
from entrepot.protocol.query.form import CONTENT_TYPE as FORM
from entrepot.protocol.query.form import Form, parse_form, read_input
from entrepot.protocol.query.xml import CONTENT_TYPE as XML
from entrepot.protocol.query.xml import Result, encode_error, encode_result
from entrepot.protocol.sigv4 import (
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    SessionExpired,
    UnrecognizedClient,
)
from entrepot.protocol.tokens import InvalidToken

#: The largest bodies in bytes: a policy of 128 KiB, every character encoded in three; a web identity token.
BODY_LIMIT = 512 * 1024
UNSIGNED_BODY_LIMIT = 64 * 1024

#: The first class that an error is an instance of decides, then the code of the error itself, then the kinds.
CODES: dict[type[EntrepotError], str] = {
    AccessDenied: "AccessDenied",
    MissingAuthenticationToken: "MissingAuthenticationToken",
    IncompleteSignature: "IncompleteSignature",
    UnrecognizedClient: "InvalidClientTokenId",
    InvalidSignature: "SignatureDoesNotMatch",
    SessionExpired: "ExpiredToken",
    InvalidToken: "InvalidClientTokenId",
    BodyTooLarge: "RequestEntityTooLarge",
    InvalidParameter: "ValidationError",
    Throttled: "Throttling",
    TooManyFailures: "Throttling",
}
KINDS: dict[type[EntrepotError], str] = {
    Invalid: "ValidationError",
    NotFound: "NoSuchEntity",
    Denied: "AccessDenied",
    LimitReached: "LimitExceeded",
    Unavailable: "ServiceUnavailable",
}
#: The statuses of the others are 400.
STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "IDPRejectedClaim": 403,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "SignatureDoesNotMatch": 403,
    "NoSuchEntity": 404,
    "ConcurrentModification": 409,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "LimitExceeded": 409,
    "RequestEntityTooLarge": 413,
    "ServiceFailure": 500,
    "ServiceUnavailable": 503,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose sender is known."""

    services: Services
    caller: Caller


#: Takes the call and its input, an instance of the action's input shape; gives the members of the output, or None.
Handler = Callable[[Call, Any], Awaitable[Result | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class API:
    """What one service is: the name it is signed for, its version, its namespace, and its actions.

    ``unsigned`` are the actions that need no signature. With ``needs_mfa`` temporary credentials of users and
    roots are refused: AWS wants a second factor for them, and there is none here.
    """

    service: str
    version: str
    namespace: str
    inputs: Mapping[str, type[msgspec.Struct]]
    handlers: Mapping[str, Handler]
    unsigned: frozenset[str] = frozenset()
    needs_mfa: bool = False


def is_query(request: Request) -> bool:
    """True for a request to ``POST /`` that is a form."""
    return request.first(b"content-type").partition(b";")[0].strip().lower() == FORM.encode()


def is_signed_for(request: Request, service: str) -> bool:
    """True when the request claims to be signed for a service; nothing is proved."""
    credential = request.first(b"authorization").partition(b"Credential=")[2].split(b"/", 4)
    return len(credential) == 5 and credential[3] == service.encode()  # noqa: PLR2004 (id, date, region, service, end)


class QueryFront:
    """One service, for one event loop."""

    def __init__(self, services: Services, api: API) -> None:
        self._services = services
        self._api = api

    def __repr__(self) -> str:
        return f"QueryFront({self._api.service!r})"

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; raises BodyBrokeOff, when nobody is there to be answered."""
        try:
            return await self._answer(request)
        except EntrepotError as error:
            return self.refusal(request, code_of(error), error.message)

    def refusal(self, request: Request, code: str, message: str) -> Response:
        """An answer with an error."""
        status = STATUS.get(code, 400)
        body = encode_error(
            self._api.namespace,
            code,
            message,
            is_senders=status < HTTPStatus.INTERNAL_SERVER_ERROR,
            request_id=request.id,
        )
        return _response(request, status, body)

    async def _answer(self, request: Request) -> Response:
        coding = request.header(b"content-encoding") or "identity"
        if coding != "identity":
            raise MalformedQueryString(f"The body has the Content-Encoding '{coding[:40]}': send it as it is")
        caller, form = await (self._anonymous(request) if _is_unsigned(request) else self._signed(request))
        handler = self._api.handlers.get(form.action)
        if handler is None or form.version != self._api.version:
            raise InvalidAction(form.action[:128], form.version[:128])
        result = await handler(Call(self._services, caller), read_input(self._api.inputs[form.action], form))
        body = encode_result(self._api.namespace, form.action, result, request.id)
        return _response(request, 200, body)

    async def _signed(self, request: Request) -> tuple[Caller, Form]:
        """Who has signed the request, and what is asked for."""
        service = self._api.service
        claim = await read_claim(self._services, request, service=service)
        if not self._services.authorities.is_at_home(claim.region):
            raise UnrecognizedClient
        body = await request.body(BODY_LIMIT)
        with FailuresCounted(self._services, claim.origin, claim.authorization.access_key_id):
            claim.prove(hashlib.sha256(body).hexdigest())
        principal = claim.credentials.principal
        if self._api.needs_mfa and principal.session is not None and principal.kind is not PrincipalKind.ROLE:
            raise UnrecognizedClient
        await self._services.authorities.used(principal, service, claim.region)
        registry = RegistryId(principal.account, claim.region)
        return Caller(principal, registry, request.id, claim.origin), parse_form(body)

    async def _anonymous(self, request: Request) -> tuple[Caller, Form]:
        """What is asked for without a signature; raises MissingAuthenticationToken where that will not do."""
        if not self._api.unsigned:
            raise MissingAuthenticationToken
        form = parse_form(await request.body(UNSIGNED_BODY_LIMIT))
        if form.action not in self._api.unsigned:
            raise MissingAuthenticationToken
        origin = origin_of(request, self._services.trusted_proxies)
        return Caller(ANONYMOUS, self._services.default_registry, request.id, origin), form


def _response(request: Request, status: int, body: bytes) -> Response:
    return Response(status, {"content-type": XML, "x-amzn-requestid": request.id}, body)


def code_of(error: EntrepotError) -> str:
    """The code of an error."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    own = getattr(error, "code", None)
    if isinstance(own, str):
        return own
    return next((code for kind, code in KINDS.items() if isinstance(error, kind)), "ServiceFailure")


def _is_unsigned(request: Request) -> bool:
    return request.header(b"authorization") is None
