"""Manifests of ``/v2/`` (OCI distribution spec, "Pulling", "Pushing Manifests", "Content Management")."""

from entrepot.core.errors import InvalidParameter
from entrepot.core.manifest import MAX_MANIFEST_BYTES
from entrepot.core.names import OCI_TAG, is_oci_tag
from entrepot.features.images.image import Image, ImageId
from entrepot.fronts.asgi import Answer, BadRequest, Response, not_modified
from entrepot.fronts.oci.call import Call
from entrepot.operations.images import delete_image, get_image, head_image, put_image
from entrepot.protocol.oci.paths import Manifest

#: Tags in the query of one PUT: each takes three changes of rows, and no transaction makes more than 500.
MAX_TAGS_AT_ONCE = 80


async def get_manifest(call: Call, path: Manifest) -> Answer:
    """The manifest's bytes as they were sent: BatchGetImage."""
    found = await get_image(call.services, call.caller, repository=path.name, image_id=_image_id(path.reference))
    headers = _headers(found.image)
    return not_modified(call.request, headers) or Response(200, headers, found.content)


async def head_manifest(call: Call, path: Manifest) -> Answer:
    """The manifest's digest, type and size."""
    image = await head_image(call.services, call.caller, repository=path.name, image_id=_image_id(path.reference))
    headers = _headers(image)
    return not_modified(call.request, headers) or Response(
        200, {**headers, "content-length": str(image.manifest_size)}
    )


async def put_manifest(call: Call, path: Manifest) -> Answer:
    """Store a manifest by digest or under a tag, and under each ``tag`` of the query: PutImage."""
    image_id = _image_id(path.reference)
    if image_id.digest is not None:
        call.check_digest(image_id.digest, "imageDigest")
        tags = [value for key, value in call.request.query if key == "tag"]
        if len(tags) > MAX_TAGS_AT_ONCE:
            raise BadRequest(f"A push sets at most {MAX_TAGS_AT_ONCE} tags")
    else:
        tags = [path.reference]
    for tag in tags:
        if call.profile.oci_grammar and not is_oci_tag(tag):
            raise InvalidParameter("imageTag", f"must satisfy regular expression '{OCI_TAG}'")
    content = await call.request.body(MAX_MANIFEST_BYTES)
    content_type = call.request.header(b"content-type")
    stored = await put_image(
        call.services,
        call.caller,
        repository=path.name,
        content=content,
        media_type=content_type.partition(";")[0].strip() if content_type else None,
        tags=tags,
        digest=image_id.digest or call.request.parameter("digest"),
        algorithms=call.profile.algorithms,
        repeat=call.profile.repeat,
        create=True,
    )
    headers = {
        "location": call.url(f"/v2/{path.name}/manifests/{stored.image.digest}"),
        "docker-content-digest": stored.image.digest,
    }
    if stored.image.subject_digest is not None:
        headers["oci-subject"] = stored.image.subject_digest
    if image_id.digest is not None and tags:
        headers["oci-tag"] = ", ".join(tags)
    return Response(201, headers)


async def delete_manifest(call: Call, path: Manifest) -> Answer:
    """Remove a tag, or an image with all its tags: BatchDeleteImage."""
    await delete_image(
        call.services,
        call.caller,
        repository=path.name,
        image_id=_image_id(path.reference),
        strict=call.profile.strict_deletion,
    )
    return Response(202)


def _image_id(reference: str) -> ImageId:
    return ImageId(digest=reference) if ":" in reference else ImageId(tag=reference)


def _headers(image: Image) -> dict[str, str]:
    return {
        "content-type": image.media_type,
        "docker-content-digest": image.digest,
        "etag": f'"{image.digest}"',
    }
