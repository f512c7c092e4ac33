"""Tags and referrers of ``/v2/`` (OCI distribution spec, "Content Discovery"), and the catalog."""

import re
from urllib.parse import quote, urlencode

import msgspec

from entrepot.core.errors import InvalidParameter
from entrepot.core.media_types import OCI_INDEX
from entrepot.features.identity.principal import ANONYMOUS
from entrepot.fronts.asgi import Answer, Response
from entrepot.fronts.oci.authentication import CATALOG, NotAuthenticated
from entrepot.fronts.oci.call import Call
from entrepot.operations.images import ReferrerDescriptor, list_image_referrers, list_tags
from entrepot.operations.repositories import list_repositories
from entrepot.protocol.oci.paths import Catalog, Referrers, Tags
from entrepot.protocol.tokens import PageToken

#: The page of a client that does not ask for a size, and the largest one it may ask for.
DEFAULT_TAGS = 100
MAX_TAGS = 1000
DEFAULT_CATALOG = 100
REFERRERS = 100

#: Bounded, for the time that it takes to read digits grows with their square.
_NUMBER = re.compile(r"-?[0-9]{1,100}")


async def get_tags(call: Call, path: Tags) -> Answer:
    """The tags in byte order: ListImages."""
    asked = _page_size(call)
    limit = DEFAULT_TAGS if asked is None else asked
    after = _last(call, "ListImages", path.name) or ""
    tags = await list_tags(call.services, call.caller, repository=path.name, after=after, limit=limit + 1)
    page, more = tags[:limit], len(tags) > limit > 0
    headers = {"content-type": call.profile.tags_content_type}
    if more:
        last = _next_last(call, "ListImages", path.name, page[-1])
        headers["link"] = _link(call, f"/v2/{path.name}/tags/list", asked, last)
    return Response(200, headers, msgspec.json.encode({"name": path.name, "tags": page}))


async def get_catalog(call: Call, _path: Catalog) -> Answer:
    """The repositories that the caller may describe, in byte order: DescribeRepositories.

    Only with the setting ``catalog``. Pages of one size, but for a short one where many are hidden.
    """
    if call.caller.principal is ANONYMOUS:
        raise NotAuthenticated(CATALOG)
    asked = _page_size(call)
    names, more = await list_repositories(
        call.services,
        call.caller,
        after=_last(call, "DescribeRepositories", "") or "",
        limit=DEFAULT_CATALOG if asked is None else asked,
    )
    headers = {"content-type": "application/json"}
    if more:
        last = _next_last(call, "DescribeRepositories", "", names[-1])
        headers["link"] = _link(call, "/v2/_catalog", asked, last)
    return Response(200, headers, msgspec.json.encode({"repositories": names}))


def _link(call: Call, path: str, asked: int | None, last: str) -> str:
    """The Link to the next page, of the size that was asked for."""
    query = {"last": last} if asked is None else {"n": str(asked), "last": last}
    return f'<{call.url(path)}?{urlencode(query)}>; rel="next"'


def _page_size(call: Call) -> int | None:
    """The ``n`` of the query; raises InvalidParameter for none that the profile allows."""
    text = call.request.parameter("n")
    if text is None:
        return None
    parameter, smallest = call.profile.page_parameter, call.profile.min_page
    if _NUMBER.fullmatch(text) is None:
        raise InvalidParameter(parameter, "Member must be a number")
    size = int(text)
    if size > MAX_TAGS:
        raise InvalidParameter(parameter, f"Member must have value less than or equal to {MAX_TAGS}")
    if size < smallest:
        raise InvalidParameter(parameter, f"Member must have value greater than or equal to {smallest}")
    return size


def _last(call: Call, operation: str, filters: object) -> str | None:
    """The ``last`` of the query: after which entry the page begins; raises InvalidParameter for a forged one."""
    last = call.request.parameter("last")
    if not last or not call.profile.signed_pages:
        return last
    bound = (call.caller.registry.account, call.caller.registry.region, filters)
    return str(PageToken.parse(call.services.signer, last, operation, bound).after[0])


def _next_last(call: Call, operation: str, filters: object, entry: str) -> str:
    """The ``last`` of the Link behind a page that ends with the entry."""
    if not call.profile.signed_pages:
        return entry
    bound = (call.caller.registry.account, call.caller.registry.region, filters)
    return PageToken.of(operation, bound, (entry,)).issue(call.services.signer)


async def get_referrers(call: Call, path: Referrers) -> Answer:
    """An index of the images whose subject is the digest: ListImageReferrers."""
    call.check_digest(path.digest, "subjectId.imageDigest")
    artifact_types = [value for key, value in call.request.query if key == "artifactType"]
    filters = (path.name, path.digest, artifact_types)
    after = _last(call, "ListImageReferrers", filters) or "0"
    if not (after.isascii() and after.isdigit() and len(after) < 19):  # noqa: PLR2004 (a 64-bit integer)
        raise InvalidParameter("n", "The page does not exist")
    page, more = await list_image_referrers(
        call.services,
        call.caller,
        repository=path.name,
        subject=path.digest,
        artifact_types=artifact_types,
        after=int(after),
        limit=REFERRERS,
    )
    headers = {"content-type": OCI_INDEX}
    if artifact_types:
        headers["oci-filters-applied"] = "artifactType"
    if more:
        last = _next_last(call, "ListImageReferrers", filters, str(page[-1].image.id))
        query = urlencode([*(("artifactType", kind) for kind in artifact_types), ("last", last)])
        url = call.url(f"/v2/{path.name}/referrers/{quote(path.digest)}")
        headers["link"] = f'<{url}?{query}>; rel="next"'
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
