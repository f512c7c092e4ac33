"""Blobs of ``/v2/``: HEAD, GET, DELETE (OCI distribution spec, "Pulling blobs", "Deleting Blobs")."""

from entrepot.fronts.asgi import Answer, Response
from entrepot.fronts.layer_download import download_url, layer_answer
from entrepot.fronts.oci.call import Call
from entrepot.fronts.oci.errors import not_offered
from entrepot.operations.layers import check_layer, get_download_url_for_layer, get_layer, unlink_layer
from entrepot.protocol.oci.paths import Blob


async def head_blob(call: Call, path: Blob) -> Answer:
    """Whether the repository has the blob: BatchCheckLayerAvailability."""
    call.check_digest(path.digest, "layerDigest")
    layer = await check_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return await layer_answer(call.services, call.request, layer)


async def get_blob(call: Call, path: Blob) -> Answer:
    """The blob's bytes, or where they are: GetDownloadUrlForLayer."""
    call.check_digest(path.digest, "layerDigest")
    if call.profile.redirects_blobs:
        digest, ticket = await get_download_url_for_layer(
            call.services, call.caller, repository=path.name, digest=path.digest, in_image=False
        )
        return Response(307, {"location": download_url(call.base_url, digest, ticket)})
    layer = await get_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return await layer_answer(call.services, call.request, layer)


async def delete_blob(call: Call, path: Blob) -> Answer:
    """Take the blob out of the repository."""
    call.check_digest(path.digest, "layerDigest")
    if not call.profile.deletes_blobs:
        return not_offered("DELETE", ["GET", "HEAD"])
    await unlink_layer(call.services, call.caller, repository=path.name, digest=path.digest)
    return Response(202)
