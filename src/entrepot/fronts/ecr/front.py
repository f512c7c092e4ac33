"""Every request to ``POST /``: prove the signature, decode, call the handler, encode.

What can be refused without the body is refused before it is read.
"""

import asyncio
import hashlib

import msgspec

from entrepot.core.errors import EntrepotError
from entrepot.core.partitions import RegistryId, registry_of_host
from entrepot.fronts.asgi import Answer, Request, Response
from entrepot.fronts.ecr import (
    identity,
    images,
    layers,
    lifecycle,
    policies,
    pull_through,
    registry,
    repositories,
    scanning,
    signing,
    tags,
    templates,
)
from entrepot.fronts.ecr.body_budget import BodyBudget, Throttled
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.fronts.ecr.errors import CONTENT_TYPE, answer_with, error_answer
from entrepot.operations.identity import root_principal
from entrepot.operations.services import Caller, Services
from entrepot.protocol.ecr import codec
from entrepot.protocol.ecr.operation import Operation
from entrepot.protocol.ecr.shapes import OPERATIONS
from entrepot.protocol.sigv4 import (
    Authorization,
    SignedRequest,
    UnrecognizedClient,
    check_scope,
    read_authorization,
    verify,
)

TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921."

#: The operations that are built, by name.
HANDLERS: dict[str, Handler] = {
    **repositories.HANDLERS,
    **layers.HANDLERS,
    **images.HANDLERS,
    **identity.HANDLERS,
    **tags.HANDLERS,
    **policies.HANDLERS,
    **registry.HANDLERS,
    **templates.HANDLERS,
    **pull_through.HANDLERS,
    **lifecycle.HANDLERS,
    **scanning.HANDLERS,
    **signing.HANDLERS,
}

MIB = 1024 * 1024
#: The largest bodies in bytes. A part is 20 MiB in base64; a manifest is 4 MiB of JSON within JSON.
BODY_LIMIT = 256 * 1024
BODY_LIMITS = {"UploadLayerPart": 29 * MIB, "PutImage": 12 * MIB}
#: Bodies larger than this are hashed and decoded in a thread, so that other requests go on meanwhile.
INLINE = MIB
#: For all bodies over 64 KiB of a worker at once.
BUDGET = 4 * BODY_LIMITS["UploadLayerPart"]
BUDGET_FREE = 64 * 1024
PATIENCE = 15.0


class ECRFront:
    """The API, for one event loop."""

    def __init__(self, services: Services, secret_access_key: str) -> None:
        self._services = services
        self._secret_access_key = secret_access_key
        self._budget = BodyBudget(BUDGET, PATIENCE)

    def __repr__(self) -> str:
        return "ECRFront()"

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; raises BodyBrokeOff, when nobody is there to be answered."""
        try:
            result = await self._answer(request)
        except Throttled as error:
            result = answer_with("ThrottlingException", error.message)
        except EntrepotError as error:
            result = error_answer(error)
        result.headers["x-amzn-requestid"] = request.id
        return result

    async def _answer(self, request: Request) -> Response:
        signed = SignedRequest(
            method=request.method,
            path=request.raw_path,
            query=request.query_string,
            headers=request.headers,
        )
        authorization = read_authorization(signed)
        if authorization.access_key_id != self._services.root_access_key_id:
            raise UnrecognizedClient
        addressed = registry_of_host(request.header(b"host") or "")
        region = addressed.region if addressed else None
        check_scope(signed, authorization, now=self._services.clock(), region=region)
        operation = _operation(request)
        if operation is None:
            return answer_with("UnknownOperationException", None)
        limit = BODY_LIMITS.get(operation.name, BODY_LIMIT)
        expected = request.content_length if request.content_length is not None else limit
        if expected <= BUDGET_FREE:
            return await self._handle(request, signed, authorization, operation, limit)
        async with self._budget.share(min(expected, limit)):
            return await self._handle(request, signed, authorization, operation, limit)

    async def _handle(
        self,
        request: Request,
        signed: SignedRequest,
        authorization: Authorization,
        operation: Operation,
        limit: int,
    ) -> Response:
        asked = await self._read(request, signed, authorization, operation, limit)
        principal = root_principal(self._services, authorization.region)
        registry = RegistryId(getattr(asked, "registry_id", None) or principal.account, authorization.region)
        host = request.header(b"host") or ""
        call = Call(
            self._services,
            Caller(principal, registry, request.id),
            f"{self._services.public_url.scheme}://{host}",
        )
        result = await HANDLERS[operation.name](call, asked)
        return Response(200, {"content-type": CONTENT_TYPE}, codec.encode(result))

    async def _read(
        self,
        request: Request,
        signed: SignedRequest,
        authorization: Authorization,
        operation: Operation,
        limit: int,
    ) -> msgspec.Struct:
        """The decoded input of a request whose signature is good."""
        body = await request.body(limit)

        def prove_and_decode() -> msgspec.Struct:
            verify(
                signed,
                authorization,
                secret_key=self._secret_access_key,
                body_sha256=hashlib.sha256(body).hexdigest(),
                now=self._services.clock(),
            )
            return codec.decode(operation, body)

        return await asyncio.to_thread(prove_and_decode) if len(body) > INLINE else prove_and_decode()


def _operation(request: Request) -> Operation | None:
    """The operation that X-Amz-Target names, if it is built."""
    target = request.header(b"x-amz-target") or ""
    name = target.removeprefix(TARGET_PREFIX)
    return OPERATIONS[name] if target.startswith(TARGET_PREFIX) and name in HANDLERS else None
