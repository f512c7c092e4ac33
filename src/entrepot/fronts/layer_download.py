"""A layer as an HTTP answer, whole or in part, and the URL of one; ``/v2/`` and download URLs give the same."""

from collections.abc import AsyncGenerator

from entrepot.core.digest import Digest
from entrepot.features.layers.layer import Layer
from entrepot.fronts.asgi import Answer, Request, Response, Streamed, not_modified
from entrepot.operations.layers import check_readable, direct_url, read_layer
from entrepot.operations.services import Services
from entrepot.protocol.byte_range import ByteRange, parse_range

#: Below it are the download URLs.
PREFIX = "/-/layers/"
#: Up to so many bytes a body is read before it is sent, in one piece: to stream it costs as much as all the rest.
SMALL = 64 * 1024


def download_url(base_url: str, digest: Digest, ticket: str) -> str:
    """The URL of a layer; the ticket is in the query, which is never logged."""
    return f"{base_url}{PREFIX}{digest}?ticket={ticket}"


async def layer_answer(services: Services, request: Request, layer: Layer) -> Answer:
    """200 with the layer, or 206 with the part of it that Range asks for; 304 where the client has it.

    307 for a GET where the storage gives the bytes itself. Raises RangeNotSatisfiable, KeyUnusable, BlobDamaged: a
    small layer is read at once.
    """
    headers = {
        "content-type": "application/octet-stream",
        "docker-content-digest": layer.digest,
        "etag": f'"{layer.digest}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    if request.method == "GET" and layer.size and (url := await direct_url(services, layer)) is not None:
        return Response(307, {"location": url, "cache-control": "no-store"})
    if request.method == "HEAD":
        headers["content-length"] = str(layer.size)
        return Response(200, headers)
    validator = request.header(b"if-range")
    asked = request.header(b"range") if validator in {None, headers["etag"]} else None
    part = parse_range(asked, layer.size) if asked else None
    if part is not None:
        headers["content-range"] = part.content_range(layer.size)
    where = part or ByteRange(0, layer.size)
    await check_readable(services, layer)

    def chunks() -> AsyncGenerator[bytes]:
        return read_layer(services, layer, start=where.start, length=where.length)

    status, sent = 206 if part else 200, services.counters.layer_bytes_sent
    if where.length > SMALL:
        return Streamed(status, headers, where.length, chunks, sent)
    body = b"".join([chunk async for chunk in chunks()]) if where.length else b""
    sent(len(body))
    return Response(status, headers, body)
