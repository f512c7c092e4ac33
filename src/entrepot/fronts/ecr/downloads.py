"""Download URLs: made by GetDownloadUrlForLayer, good for GET and HEAD of one layer for an hour."""

from entrepot.core.errors import Denied, EntrepotError, NotFound, Unavailable
from entrepot.fronts.asgi import Answer, Request, Response
from entrepot.fronts.layer_download import PREFIX, layer_answer
from entrepot.operations.layers import redeem_download
from entrepot.operations.services import Services
from entrepot.protocol.byte_range import RangeNotSatisfiable
from entrepot.protocol.tokens import DownloadTicket, InvalidToken, TokenExpired


async def answer(services: Services, request: Request) -> Answer:
    """The layer, whole or in part, to whoever has the URL. Errors are in plain text: people read them."""
    if request.method not in {"GET", "HEAD"}:
        return _refusal(405, "A download URL answers GET and HEAD only")
    try:
        ticket = DownloadTicket.parse(services.signer, request.parameter("ticket") or "", now=services.clock())
        if request.path != PREFIX + ticket.digest:
            raise InvalidToken
        return await layer_answer(services, request, await redeem_download(services, ticket))
    except EntrepotError as error:
        return error_answer(error)


def error_answer(error: EntrepotError) -> Response:
    """The answer for an error."""
    match error:
        case TokenExpired():
            return _refusal(403, "The download URL has expired")
        case Denied():
            return _refusal(403, "The download URL is not valid")
        case RangeNotSatisfiable():
            refusal = _refusal(416, error.message)
            refusal.headers["content-range"] = f"bytes */{error.size}"
            return refusal
        case Unavailable():
            return _refusal(503, error.message)
        case _:
            return _refusal(404 if isinstance(error, NotFound) else 400, error.message)


def _refusal(status: int, reason: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8"}, f"{reason}\n".encode())
