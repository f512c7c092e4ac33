"""Health, readiness and metrics."""

from collections.abc import Callable

import msgspec

from entrepot.fronts.asgi import Answer, Request, Response
from entrepot.operations.readiness import check_parts
from entrepot.operations.services import Services

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def answer(services: Services, render_metrics: Callable[[], bytes], request: Request) -> Answer:
    """The answer to a request under ``/-/`` that is none for a layer."""
    if request.method not in {"GET", "HEAD"}:
        return _status(405, {"status": "method not allowed"})
    match request.path:
        case "/-/health":
            return _status(200, {"status": "ok"})
        case "/-/ready":
            return await _ready(services)
        case "/-/metrics":
            return Response(200, {"content-type": METRICS_TYPE}, render_metrics())
        case _:
            return _status(404, {"status": "not found"})


async def _ready(services: Services) -> Response:
    """200 once database and storage answer, with what is full, if anything is; else 503 with what does not."""
    found = await check_parts(services)
    if found.failures:
        return _status(503, {"status": "not ready", "failures": [error.message for error in found.failures]})
    if found.full:
        return _status(200, {"status": "full", "failures": [error.message for error in found.full]})
    return _status(200, {"status": "ready"})


def _status(status: int, body: dict[str, object]) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(body))
