"""Uploads of ``/v2/`` (OCI distribution spec, "Pushing blobs")."""

from collections.abc import AsyncIterator

from entrepot.core.digest import Digest
from entrepot.features.layers.layer import Upload as LayerUpload
from entrepot.fronts.asgi import Answer, Response
from entrepot.fronts.oci.call import Call
from entrepot.operations.layers import (
    cancel_upload,
    complete_layer_upload,
    get_upload,
    initiate_layer_upload,
    mount_layer,
    upload_layer_part,
)
from entrepot.protocol.oci.content_range import parse_content_range
from entrepot.protocol.oci.paths import Upload, Uploads


async def post_upload(call: Call, path: Uploads) -> Answer:
    """Begin an upload; with ``mount`` and ``from`` try to take the blob from there; with ``digest`` be done."""
    mount, source = call.request.parameter("mount"), call.request.parameter("from")
    if mount and source and call.authenticated.covers(source, "pull"):
        mounted = await mount_layer(
            call.services,
            call.caller,
            repository=path.name,
            source=source,
            digest=mount,
            as_ecr=call.profile.mounts_as_ecr,
        )
        if mounted is not None:
            return _created(call, path.name, mounted)
    digest = call.request.parameter("digest") if call.profile.completes_posts else None
    if digest:
        call.check_digest(digest, "layerDigests")
    upload = await initiate_layer_upload(call.services, call.caller, repository=path.name, create=True)
    if not digest:
        return _accepted(call, path.name, upload, 202)
    return await _receive_and_complete(call, path.name, upload.id, digest)


async def patch_upload(call: Call, path: Upload) -> Answer:
    """Append the body; Content-Range, where given, has to begin at the offset reached."""
    first, last = _content_range(call)
    upload = await upload_layer_part(
        call.services,
        call.caller,
        repository=path.name,
        upload_id=path.upload_id,
        source=call.request.chunks(),
        first_byte=first,
        last_byte=last,
    )
    return _accepted(call, path.name, upload, 202)


async def put_upload(call: Call, path: Upload) -> Answer:
    """Append the body, if there is one, and complete the upload as the blob ``digest``."""
    digest = call.check_digest(call.request.parameter("digest") or "", "layerDigests")
    return await _receive_and_complete(call, path.name, path.upload_id, digest)


async def get_upload_status(call: Call, path: Upload) -> Answer:
    """How many bytes have arrived."""
    upload = await get_upload(call.services, call.caller, repository=path.name, upload_id=path.upload_id)
    return _accepted(call, path.name, upload, 204)


async def delete_upload(call: Call, path: Upload) -> Answer:
    """Cancel the upload."""
    await cancel_upload(call.services, call.caller, repository=path.name, upload_id=path.upload_id)
    return Response(204)


async def _receive_and_complete(call: Call, name: str, upload_id: str, digest: str) -> Answer:
    chunks = call.request.chunks()
    body = chunks if call.request.content_length else await _unless_empty(chunks)
    if body is not None:
        first, last = _content_range(call)
        await upload_layer_part(
            call.services,
            call.caller,
            repository=name,
            upload_id=upload_id,
            source=body,
            first_byte=first,
            last_byte=last,
            completing=digest,
        )
    completed = await complete_layer_upload(
        call.services,
        call.caller,
        repository=name,
        upload_id=upload_id,
        digests=[digest],
        algorithms=call.profile.algorithms,
        any_size=call.profile.any_size,
        repeatable=True,
    )
    return _created(call, name, completed)


async def _unless_empty(body: AsyncIterator[bytes]) -> AsyncIterator[bytes] | None:
    """The body, which is waited for, for nobody has said whether there is one; None where there is none."""
    first = await anext(body, None)
    return None if first is None else _rejoin(first, body)


async def _rejoin(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _content_range(call: Call) -> tuple[int | None, int | None]:
    text = call.request.header(b"content-range")
    return parse_content_range(text) if text else (None, None)


def _created(call: Call, name: str, digest: Digest) -> Response:
    return Response(
        201,
        {"location": call.url(f"/v2/{name}/blobs/{digest}"), "docker-content-digest": str(digest)},
    )


def _accepted(call: Call, name: str, upload: LayerUpload, status: int) -> Response:
    return Response(
        status,
        {
            "location": call.url(f"/v2/{name}/blobs/uploads/{upload.id}"),
            "range": f"0-{max(upload.size - 1, 0)}",
            "docker-upload-uuid": upload.id,
        },
    )
