"""Blobs of ``/v2/``: HEAD, GET, DELETE (OCI distribution spec, "Pulling blobs", "Deleting Blobs")."""

from entrepot.core.digest import Digest
from entrepot.fronts.asgi import Answer, Response
from entrepot.fronts.layer_download import layer_answer
from entrepot.fronts.oci.call import Call
from entrepot.operations.layers import check_layer, get_layer, unlink_layer
from entrepot.protocol.oci.paths import Blob


async def head_blob(call: Call, path: Blob) -> Answer:
    """Whether the repository has the blob: BatchCheckLayerAvailability."""
    Digest.parse(path.digest)
    layer = await check_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return layer_answer(call.services, call.request, layer)


async def get_blob(call: Call, path: Blob) -> Answer:
    """The blob's bytes: GetDownloadUrlForLayer, streamed."""
    Digest.parse(path.digest)
    layer = await get_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return layer_answer(call.services, call.request, layer)


async def delete_blob(call: Call, path: Blob) -> Answer:
    """Take the blob out of the repository."""
    Digest.parse(path.digest)
    await unlink_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return Response(202)
