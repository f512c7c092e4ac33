"""Every request to ``POST /``: prove the signature, decode, call the handler, encode.

What can be refused without the body is refused before it is read.
"""

import asyncio
import gzip
import hashlib

import msgspec

from entrepot.core.errors import EntrepotError
from entrepot.core.partitions import RegistryId
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
from entrepot.fronts.ecr.body_budget import BodyBudget, Take
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.fronts.ecr.errors import CONTENT_TYPE, answer_with, error_answer
from entrepot.fronts.signature import Claim, FailuresCounted, read_claim
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services
from entrepot.protocol.content_coding import accepts_gzip
from entrepot.protocol.ecr import codec
from entrepot.protocol.ecr.errors import SerializationError
from entrepot.protocol.ecr.operation import Operation
from entrepot.protocol.ecr.shapes import OPERATIONS

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
#: Answers of this size and larger are compressed for clients that ask for it; smaller ones fit into one packet.
GZIP_FROM = 1024
#: For all bodies of a worker at once.
BUDGET = 4 * BODY_LIMITS["UploadLayerPart"]
PATIENCE = 15.0


class ECRFront:
    """The API, for one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._budget = BodyBudget(BUDGET, PATIENCE)

    def __repr__(self) -> str:
        return "ECRFront()"

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; raises BodyBrokeOff, when nobody is there to be answered."""
        try:
            result = await self._answer(request)
        except EntrepotError as error:
            result = error_answer(error)
        result.headers["x-amzn-requestid"] = request.id
        return result

    async def _answer(self, request: Request) -> Response:
        claim = await read_claim(self._services, request, service="ecr")
        operation = _operation(request)
        if operation is None:
            return answer_with("UnknownOperationException", None)
        coding = request.header(b"content-encoding") or "identity"
        if coding != "identity":
            raise SerializationError(
                f"The request body has the Content-Encoding '{coding[:40]}': send it as it is"
            )
        with self._budget.share() as take:
            asked = await self._read(request, claim, operation, take)
            return await self._handle(request, claim, operation, asked)

    async def _handle(
        self,
        request: Request,
        claim: Claim,
        operation: Operation,
        asked: msgspec.Struct,
    ) -> Response:
        principal = claim.credentials.principal
        await self._services.authorities.used(principal, "ecr", claim.region)
        registry = RegistryId(getattr(asked, "registry_id", None) or principal.account, claim.region)
        host = request.header(b"host") or ""
        call = Call(
            self._services,
            Caller(principal, registry, request.id, claim.origin),
            f"{self._services.public_url.scheme}://{host}",
        )
        result = await HANDLERS[operation.name](call, asked)
        return await _encode(request, result)

    async def _read(self, request: Request, claim: Claim, operation: Operation, take: Take) -> msgspec.Struct:
        """The decoded input of a request whose signature is good."""
        body = await request.body(BODY_LIMITS.get(operation.name, BODY_LIMIT), take)

        def prove_and_decode() -> msgspec.Struct:
            claim.prove(hashlib.sha256(body).hexdigest())
            return codec.decode(operation, body)

        with FailuresCounted(self._services, claim.origin, claim.authorization.access_key_id):
            return await asyncio.to_thread(prove_and_decode) if len(body) > INLINE else prove_and_decode()


async def _encode(request: Request, result: msgspec.Struct) -> Response:
    """The answer with a result, compressed where that is worth it and the client understands it."""
    body, headers = codec.encode(result), {"content-type": CONTENT_TYPE}
    if len(body) < GZIP_FROM:
        return Response(200, headers, body)
    accepted = b",".join(value for name, value in request.headers if name == b"accept-encoding")
    if not accepts_gzip(accepted.decode("latin-1")):
        return Response(200, headers, body)

    def compress() -> bytes:
        return gzip.compress(body, compresslevel=1, mtime=0)

    compressed = await asyncio.to_thread(compress) if len(body) > INLINE else compress()
    return Response(200, {**headers, "content-encoding": "gzip"}, compressed)


def _operation(request: Request) -> Operation | None:
    """The operation that X-Amz-Target names, if it is built."""
    target = request.header(b"x-amz-target") or ""
    name = target.removeprefix(TARGET_PREFIX)
    return OPERATIONS[name] if target.startswith(TARGET_PREFIX) and name in HANDLERS else None
