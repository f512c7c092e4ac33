"""A layer as an HTTP answer, whole or in part; ``/v2/`` and download URLs give the same."""

from collections.abc import AsyncGenerator

from entrepot.features.layers.layer import Layer
from entrepot.fronts.asgi import Request, Streamed
from entrepot.operations.layers import read_layer
from entrepot.operations.services import Services
from entrepot.protocol.byte_range import ByteRange, parse_range


def layer_answer(services: Services, request: Request, layer: Layer) -> Streamed:
    """200 with the layer, or 206 with the part of it that Range asks for; raises RangeNotSatisfiable."""
    headers = {
        "content-type": "application/octet-stream",
        "docker-content-digest": layer.digest,
        "etag": f'"{layer.digest}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }
    asked = request.header(b"range")
    part = parse_range(asked, layer.size) if asked and request.method == "GET" else None
    if part is not None:
        headers["content-range"] = part.content_range(layer.size)
    where = part or ByteRange(0, layer.size)

    def chunks() -> AsyncGenerator[bytes]:
        return read_layer(services, layer, start=where.start, length=where.length)

    return Streamed(206 if part else 200, headers, where.length, chunks, services.counters.layer_bytes_sent)
