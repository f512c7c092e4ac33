"""Tags and referrers of ``/v2/`` (OCI distribution spec, "Content Discovery")."""

from urllib.parse import quote, urlencode

import msgspec

from entrepot.core.digest import Digest
from entrepot.core.errors import InvalidParameter
from entrepot.core.media_types import OCI_INDEX
from entrepot.fronts.asgi import Answer, Response
from entrepot.fronts.oci.call import Call
from entrepot.operations.images import ReferrerDescriptor, list_image_referrers, list_tags
from entrepot.protocol.oci.paths import Referrers, Tags

#: The page of a client that does not ask for a size, and the largest one it may ask for.
DEFAULT_TAGS = 100
MAX_TAGS = 1000
REFERRERS = 100


async def get_tags(call: Call, path: Tags) -> Answer:
    """The tags in byte order: ListImages."""
    asked = _page_size(call)
    limit = DEFAULT_TAGS if asked is None else asked
    after = call.request.parameter("last") or ""
    tags = await list_tags(call.services, call.caller, repository=path.name, after=after, limit=limit + 1)
    page, more = tags[:limit], len(tags) > limit > 0
    headers = {"content-type": "application/json"}
    if more:
        query = {"last": page[-1]} if asked is None else {"n": str(asked), "last": page[-1]}
        headers["link"] = f'</v2/{path.name}/tags/list?{urlencode(query)}>; rel="next"'
    return Response(200, headers, msgspec.json.encode({"name": path.name, "tags": page}))


def _page_size(call: Call) -> int | None:
    text = call.request.parameter("n")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 (any larger n is over the limit)
        raise InvalidParameter("n", "Member must be a number")
    if int(text) > MAX_TAGS:
        raise InvalidParameter("maxResults", f"Member must have value less than or equal to {MAX_TAGS}")
    return int(text)


async def get_referrers(call: Call, path: Referrers) -> Answer:
    """An index of the images whose subject is the digest: ListImageReferrers."""
    Digest.parse(path.digest)
    artifact_types = [value for key, value in call.request.query if key == "artifactType"]
    after = call.request.parameter("last") or "0"
    if not (after.isascii() and after.isdigit() and len(after) < 19):  # noqa: PLR2004 (a 64-bit integer)
        raise InvalidParameter("n", "The page does not exist")
    found = await list_image_referrers(
        call.services,
        call.caller,
        repository=path.name,
        subject=path.digest,
        artifact_types=artifact_types,
        after=int(after),
        limit=REFERRERS + 1,
    )
    page = found[:REFERRERS]
    headers = {"content-type": OCI_INDEX}
    if artifact_types:
        headers["oci-filters-applied"] = "artifactType"
    if len(found) > len(page):
        query = urlencode([*(("artifactType", kind) for kind in artifact_types), ("last", page[-1].image.id)])
        headers["link"] = f'</v2/{path.name}/referrers/{quote(path.digest)}?{query}>; rel="next"'
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(one) for one in page]}
    return Response(200, headers, msgspec.json.encode(index))


def _descriptor(referrer: ReferrerDescriptor) -> dict[str, object]:
    descriptor: dict[str, object] = {
        "mediaType": referrer.image.media_type,
        "digest": referrer.image.digest,
        "size": referrer.image.manifest_size,
    }
    if referrer.image.artifact_type is not None:
        descriptor["artifactType"] = referrer.image.artifact_type
    if referrer.annotations:
        descriptor["annotations"] = referrer.annotations
    return descriptor
