"""The layer protocol on the wire."""

from collections.abc import AsyncIterator

from entrepot.core.errors import InvalidParameter
from entrepot.features.layers.layer import PART_SIZE
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.fronts.layer_download import download_url
from entrepot.operations.batches import BATCH
from entrepot.operations.layers import (
    batch_check_layer_availability,
    complete_layer_upload,
    get_download_url_for_layer,
    initiate_layer_upload,
    upload_layer_part,
)
from entrepot.protocol.ecr import shapes


async def _check(
    call: Call, request: shapes.BatchCheckLayerAvailabilityRequest
) -> shapes.BatchCheckLayerAvailabilityResponse:
    found, failures = await batch_check_layer_availability(
        call.services, call.caller, repository=request.repository_name, digests=request.layer_digests
    )
    return shapes.BatchCheckLayerAvailabilityResponse(
        layers=[
            shapes.Layer(
                layer_digest=one.digest,
                layer_availability="AVAILABLE" if one.layer else "UNAVAILABLE",
                layer_size=one.layer.size if one.layer else None,
            )
            for one in found
        ],
        failures=[
            shapes.LayerFailure(layer_digest=one.digest or None, failure_code=one.code, failure_reason=one.reason)
            for one in failures
        ],
    )


async def _initiate(call: Call, request: shapes.InitiateLayerUploadRequest) -> shapes.InitiateLayerUploadResponse:
    upload = await initiate_layer_upload(call.services, call.caller, repository=request.repository_name)
    return shapes.InitiateLayerUploadResponse(upload_id=upload.id, part_size=PART_SIZE)


async def _upload(call: Call, request: shapes.UploadLayerPartRequest) -> shapes.UploadLayerPartResponse:
    if request.part_last_byte < request.part_first_byte:
        raise InvalidParameter("partLastByte", "Member must have value greater than or equal to partFirstByte")
    upload = await upload_layer_part(
        call.services,
        call.caller,
        repository=request.repository_name,
        upload_id=request.upload_id,
        source=_slices(request.layer_part_blob),
        first_byte=request.part_first_byte,
        last_byte=request.part_last_byte,
        strict=True,
    )
    return shapes.UploadLayerPartResponse(
        registry_id=call.caller.registry.account,
        repository_name=request.repository_name,
        upload_id=request.upload_id,
        last_byte_received=upload.size - 1,
    )


async def _slices(blob: bytes) -> AsyncIterator[bytes]:
    """The part in batches, so that hashing one and writing it does not hold up other requests."""
    for start in range(0, len(blob), BATCH):
        yield blob[start : start + BATCH]


async def _complete(call: Call, request: shapes.CompleteLayerUploadRequest) -> shapes.CompleteLayerUploadResponse:
    digest = await complete_layer_upload(
        call.services,
        call.caller,
        repository=request.repository_name,
        upload_id=request.upload_id,
        digests=request.layer_digests,
        algorithms=("sha256",),
        any_size=False,
        repeatable=False,
    )
    return shapes.CompleteLayerUploadResponse(
        registry_id=call.caller.registry.account,
        repository_name=request.repository_name,
        upload_id=request.upload_id,
        layer_digest=str(digest),
    )


async def _download(
    call: Call, request: shapes.GetDownloadUrlForLayerRequest
) -> shapes.GetDownloadUrlForLayerResponse:
    digest, ticket = await get_download_url_for_layer(
        call.services,
        call.caller,
        repository=request.repository_name,
        digest=request.layer_digest,
        in_image=True,
    )
    return shapes.GetDownloadUrlForLayerResponse(
        download_url=download_url(call.base_url, digest, ticket), layer_digest=str(digest)
    )


HANDLERS: dict[str, Handler] = {
    "BatchCheckLayerAvailability": _check,
    "InitiateLayerUpload": _initiate,
    "UploadLayerPart": _upload,
    "CompleteLayerUpload": _complete,
    "GetDownloadUrlForLayer": _download,
}
