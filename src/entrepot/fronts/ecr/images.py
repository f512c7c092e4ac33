"""Image operations on the wire."""

from collections.abc import Sequence

from entrepot.features.images.image import ImageFailure, ImageId
from entrepot.fronts.ecr.call import Call, Handler, read_page, refuse_page_with, seconds
from entrepot.operations.images import (
    ImageDetail,
    ReferrerDescriptor,
    StoredImage,
    batch_delete_image,
    batch_get_image,
    describe_images,
    list_image_referrers,
    list_images,
    put_image,
)
from entrepot.protocol.ecr import shapes


async def _put(call: Call, request: shapes.PutImageRequest) -> shapes.PutImageResponse:
    stored = await put_image(
        call.services,
        call.caller,
        repository=request.repository_name,
        content=request.image_manifest.encode(),
        media_type=request.image_manifest_media_type,
        tags=[request.image_tag] if request.image_tag is not None else [],
        digest=request.image_digest,
        algorithms=("sha256",),
        repeat="refused",
    )
    return shapes.PutImageResponse(image=_image(call, request.repository_name, stored))


async def _get(call: Call, request: shapes.BatchGetImageRequest) -> shapes.BatchGetImageResponse:
    found, failures = await batch_get_image(
        call.services,
        call.caller,
        repository=request.repository_name,
        image_ids=_image_ids(request.image_ids),
        accepted=request.accepted_media_types or (),
    )
    return shapes.BatchGetImageResponse(
        images=[_image(call, request.repository_name, one) for one in found],
        failures=[_failure(one) for one in failures],
    )


async def _delete(call: Call, request: shapes.BatchDeleteImageRequest) -> shapes.BatchDeleteImageResponse:
    removed, failures = await batch_delete_image(
        call.services,
        call.caller,
        repository=request.repository_name,
        image_ids=_image_ids(request.image_ids),
    )
    return shapes.BatchDeleteImageResponse(
        image_ids=[_identifier(one) for one in removed], failures=[_failure(one) for one in failures]
    )


async def _describe(call: Call, request: shapes.DescribeImagesRequest) -> shapes.DescribeImagesResponse:
    image_ids = _image_ids(request.image_ids or ())
    if image_ids:
        refuse_page_with("imageIds", request.next_token, request.max_results)
    tag_status, image_status = _filters(request.filter)
    page = read_page(
        call,
        "DescribeImages",
        (request.repository_name, tag_status, image_status),
        request.next_token,
        request.max_results,
    )
    found = await describe_images(
        call.services,
        call.caller,
        repository=request.repository_name,
        image_ids=image_ids,
        tag_status=tag_status,
        after=int(page.after[0] or 0) if page.after else 0,
        limit=page.limit + 1,
    )
    shown = found if image_ids else found[: page.limit]
    more = len(found) > len(shown)
    if image_status not in _WITH_ACTIVE:
        shown = []
    return shapes.DescribeImagesResponse(
        image_details=[_detail(call, request.repository_name, one) for one in shown],
        next_token=page.next_token(call, more and bool(shown), (shown[-1].image.id,) if shown else ()),
    )


async def _list(call: Call, request: shapes.ListImagesRequest) -> shapes.ListImagesResponse:
    tag_status, image_status = _filters(request.filter)
    page = read_page(
        call,
        "ListImages",
        (request.repository_name, tag_status, image_status),
        request.next_token,
        request.max_results,
    )
    found = await list_images(
        call.services,
        call.caller,
        repository=request.repository_name,
        tag_status=tag_status,
        after=(int(page.after[0] or 0), str(page.after[1])) if page.after else (0, ""),
        limit=page.limit + 1,
    )
    shown = found[: page.limit] if image_status in _WITH_ACTIVE else []
    more = len(found) > len(shown) and bool(shown)
    last = (shown[-1].image_id, shown[-1].tag or "") if shown else ()
    return shapes.ListImagesResponse(
        image_ids=[_identifier(ImageId(one.digest, one.tag)) for one in shown],
        next_token=page.next_token(call, more, last),
    )


async def _list_referrers(
    call: Call, request: shapes.ListImageReferrersRequest
) -> shapes.ListImageReferrersResponse:
    asked = request.filter or shapes.ListImageReferrersFilter()
    subject, artifact_types = request.subject_id.image_digest, list(asked.artifact_types or ())
    artifact_status = asked.artifact_status or "ACTIVE"
    page = read_page(
        call,
        "ListImageReferrers",
        (request.repository_name, subject, artifact_types, artifact_status),
        request.next_token,
        request.max_results or REFERRERS_PAGE,
    )
    found, more = await list_image_referrers(
        call.services,
        call.caller,
        repository=request.repository_name,
        subject=subject,
        artifact_types=artifact_types,
        after=int(page.after[0] or 0) if page.after else 0,
        limit=page.limit,
    )
    shown = found if artifact_status in _WITH_ACTIVE else []
    return shapes.ListImageReferrersResponse(
        referrers=[_referrer(one) for one in shown],
        next_token=page.next_token(call, more and bool(shown), (shown[-1].image.id,) if shown else ()),
    )


#: The page of ListImageReferrers where the client does not ask for a size (service model).
REFERRERS_PAGE = 20
#: The values of the imageStatus filter that take in active images. All images are active: there is no archive.
_WITH_ACTIVE = frozenset({"ACTIVE", "ANY"})


def _filters(asked: shapes.DescribeImagesFilter | shapes.ListImagesFilter | None) -> tuple[str, str]:
    if asked is None:
        return "ANY", "ACTIVE"
    return asked.tag_status or "ANY", asked.image_status or "ACTIVE"


def _image_ids(asked: Sequence[shapes.ImageIdentifier]) -> list[ImageId]:
    return [ImageId(one.image_digest, one.image_tag) for one in asked]


def _identifier(image_id: ImageId) -> shapes.ImageIdentifier:
    return shapes.ImageIdentifier(image_digest=image_id.digest, image_tag=image_id.tag)


def _failure(failure: ImageFailure) -> shapes.ImageFailure:
    return shapes.ImageFailure(
        image_id=_identifier(failure.image), failure_code=failure.code, failure_reason=failure.reason
    )


def _image(call: Call, repository: str, stored: StoredImage) -> shapes.Image:
    return shapes.Image(
        registry_id=call.caller.registry.account,
        repository_name=repository,
        image_id=_identifier(ImageId(stored.image.digest, stored.tag)),
        image_manifest=stored.content.decode(),
        image_manifest_media_type=stored.image.media_type,
    )


def _detail(call: Call, repository: str, detail: ImageDetail) -> shapes.ImageDetail:
    image = detail.image
    return shapes.ImageDetail(
        registry_id=call.caller.registry.account,
        repository_name=repository,
        image_digest=image.digest,
        image_tags=detail.tags or None,
        image_size_in_bytes=image.size,
        image_pushed_at=seconds(image.pushed_at),
        image_manifest_media_type=image.media_type,
        artifact_media_type=image.artifact_type,
        last_recorded_pull_time=seconds(image.pulled_at) if image.pulled_at is not None else None,
        subject_manifest_digest=image.subject_digest,
        image_status="ACTIVE",
    )


def _referrer(referrer: ReferrerDescriptor) -> shapes.ImageReferrer:
    image = referrer.image
    return shapes.ImageReferrer(
        digest=image.digest,
        media_type=image.media_type,
        artifact_type=image.artifact_type,
        size=image.manifest_size,
        annotations=referrer.annotations or None,
        artifact_status="ACTIVE",
    )


HANDLERS: dict[str, Handler] = {
    "PutImage": _put,
    "BatchGetImage": _get,
    "BatchDeleteImage": _delete,
    "DescribeImages": _describe,
    "ListImages": _list,
    "ListImageReferrers": _list_referrers,
}
