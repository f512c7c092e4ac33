"""The life of a request, from the socket to the answer, as one list of steps."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from random import Random
from typing import Any

import structlog

from entrepot.core.errors import EntrepotError
from entrepot.fronts import layer_download
from entrepot.fronts.asgi import Answer, BadRequest, Receive, Request, Response, Scope, Send, Streamed
from entrepot.fronts.ecr import downloads
from entrepot.fronts.ecr.errors import answer_with as ecr_answer_with
from entrepot.fronts.ecr.front import ECRFront
from entrepot.fronts.iam.front import iam_front
from entrepot.fronts.oci import front as oci
from entrepot.fronts.oci.authentication import TOKEN_PATH
from entrepot.fronts.oci.errors import answer_with as oci_answer_with
from entrepot.fronts.oci.errors import error_answer as oci_error_answer
from entrepot.fronts.oci.profile import Profile
from entrepot.fronts.ops import front as ops
from entrepot.fronts.query import QueryFront, is_query, is_signed_for
from entrepot.fronts.sts.front import sts_front
from entrepot.operations.denials import write_denials_for_ever
from entrepot.operations.layers import BodyBrokeOff
from entrepot.operations.services import Services
from entrepot.server.pacing import TakesNothing
from entrepot.server.requests import Requests

log = structlog.get_logger()

#: RFC 9110, section 7.2: a name or an address, and perhaps a port.
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class Application:
    """The registry as an ASGI application."""

    def __init__(
        self,
        services: Services,
        *,
        profile: Profile,
        render_metrics: Callable[[], bytes],
        close: Callable[[], Awaitable[None]],
        log_every_request: bool,
        beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
        pace: Callable[[Scope, Send], AbstractContextManager[Send]] = lambda _scope, send: nullcontext(send),
        requests: Requests | None = None,
    ) -> None:
        self._services = services
        self._profile = profile
        self._ecr = ECRFront(services)
        self._iam = iam_front(services)
        self._sts = sts_front(services)
        self._render_metrics = render_metrics
        self._close = close
        self._log_every_request = log_every_request
        self._random = Random()  # noqa: S311 (it numbers requests, and guards nothing)
        #: What runs beside the requests until the server ends.
        self._beside = (partial(write_denials_for_ever, services), *beside)
        #: Around the ``send`` of each download.
        self._pace = pace
        self._requests = requests or Requests()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's own start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        client = scope.get("client")
        self._requests.begin(client)
        try:
            await self._serve(scope, receive, send)
        finally:
            self._requests.end(client)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = Request(scope, receive, _request_id(self._random))
        try:
            result = await self._answer(request)
            if isinstance(result, Streamed):
                with self._pace(scope, send) as paced:
                    await result.send(request, paced)
            else:
                await result.send(request, send)
        except BodyBrokeOff:
            log.info("a body broke off", **_described(request))
            result = self._cut_short(request)  # for a client that only stopped sending, and still listens
            await result.send(request, send)
        except TakesNothing:
            log.info("an answer was ended whose client took nothing", **_described(request))
            return
        except EntrepotError as error:
            if request.is_answered:
                log.exception("an answer broke off", **_described(request))
                raise
            log.warning("an answer could not be begun", reason=error.message, **_described(request))
            result = self._refusal(request, error)
            await result.send(request, send)
        except Exception:
            if request.is_answered:  # the headers are out: only ending the connection tells the client
                log.exception("an answer broke off", **_described(request))
                raise
            log.exception("a request failed", **_described(request))
            result = self._failure(request)
            await result.send(request, send)
        if self._log_every_request:
            spent = round((time.perf_counter() - started) * 1000, 1)
            log.info("request", status=result.status, milliseconds=spent, **_described(request))

    async def _answer(self, request: Request) -> Answer:
        path = request.path
        fault = _fault_of_head(request)
        if fault is not None:
            return oci_answer_with(400, "UNSUPPORTED", fault) if path.startswith("/v2/") else _plain(400, fault)
        if path.startswith("/v2/") or path in {"/v2", TOKEN_PATH}:
            return await oci.answer(self._services, self._profile, request)
        if path.startswith(layer_download.PREFIX):
            return await downloads.answer(self._services, request)
        if path.startswith("/-/"):
            return await ops.answer(self._services, self._render_metrics, request)
        if path == "/" and request.method == "POST":
            return await self._api(request).answer(request)
        return _plain(404, "This is a container registry: /v2/ for clients like docker, POST / for the ECR API.")

    def _api(self, request: Request) -> ECRFront | QueryFront:
        """The API of AWS that a request is for."""
        if not is_query(request):
            return self._ecr
        return self._iam if is_signed_for(request, "iam") else self._sts

    def _cut_short(self, request: Request) -> Response:
        words = "The request body ended before its announced length"
        if request.path.startswith("/v2/"):
            return oci_answer_with(400, "SIZE_INVALID", words)
        api = self._api(request)
        if isinstance(api, QueryFront):
            return api.refusal(request, "MalformedQueryString", words)
        return ecr_answer_with("SerializationException", words)

    def _refusal(self, request: Request, error: EntrepotError) -> Response:
        """What the client of a layer is told whose first bytes cannot be read: nobody else finds out so late."""
        if request.path.startswith("/v2/"):
            return oci_error_answer(error, self._profile)
        return downloads.error_answer(error)

    def _failure(self, request: Request) -> Response:
        """What the client is told when the fault is ours; the log has the rest under the request's id."""
        words = f"The registry failed to answer; request id {request.id}"
        if request.path.startswith("/v2/"):
            return oci_answer_with(500, "UNKNOWN", words)
        api = self._api(request)
        if isinstance(api, QueryFront):
            return api.refusal(request, "ServiceFailure", words)
        answer = ecr_answer_with("ServerException", words, status=500)
        answer.headers["x-amzn-requestid"] = request.id
        return answer

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._tasks.update(asyncio.create_task(run()) for run in self._beside)
                await send({"type": "lifespan.startup.complete"})
            else:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self._close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _fault_of_head(request: Request) -> str | None:
    """What has no meaning in any front: above all anything but one Host (RFC 9112, section 3.2)."""
    try:
        host = request.header(b"host")
        request.header(b"authorization")
        _ = request.content_length
    except BadRequest as error:
        return error.message
    if host is None or not _is_host(host):
        return "The header 'host' is missing, or is not a host name"
    return None


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def _request_id(random: Random) -> str:
    """A random UUID (RFC 9562, version 4), in a third of the time that the library takes."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _plain(status: int, words: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8"}, f"{words}\n".encode())


def _described(request: Request) -> dict[str, str]:
    """The request for the log. Never its query: a download ticket is in it."""
    return {"method": request.method, "path": request.path, "request_id": request.id}
