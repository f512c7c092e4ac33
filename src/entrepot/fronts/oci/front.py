"""Every request to ``/v2/``: authenticate, find the handler, translate what goes wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

from entrepot.core.errors import EntrepotError
from entrepot.core.names import check_repository_name
from entrepot.features.identity.errors import AccessDenied
from entrepot.features.identity.principal import ANONYMOUS
from entrepot.fronts.asgi import Answer, Request, Response
from entrepot.fronts.oci import token
from entrepot.fronts.oci.authentication import (
    TOKEN_PATH,
    NotAuthenticated,
    authenticate,
    challenge,
    check_scope,
)
from entrepot.fronts.oci.blobs import delete_blob, get_blob, head_blob
from entrepot.fronts.oci.call import Call
from entrepot.fronts.oci.errors import answer_with, coding_refused, error_answer, not_offered
from entrepot.fronts.oci.listings import get_catalog, get_referrers, get_tags
from entrepot.fronts.oci.manifests import delete_manifest, get_manifest, head_manifest, put_manifest
from entrepot.fronts.oci.profile import Profile
from entrepot.fronts.oci.uploads import (
    delete_upload,
    get_upload_status,
    patch_upload,
    post_upload,
    put_upload,
)
from entrepot.operations.services import Services
from entrepot.protocol.oci.paths import (
    Base,
    Blob,
    Catalog,
    Manifest,
    Path,
    Referrers,
    Tags,
    Upload,
    Uploads,
    parse_path,
)


async def get_base(_call: Call, _path: Base) -> Answer:
    """``GET /v2/``: the credentials are good and the protocol is spoken here."""
    return Response(200, {"content-type": "application/json"}, b"{}")


#: What there is, by resource and method. A handler takes the call and the parsed path.
HANDLERS: dict[type[Path], dict[str, Callable[[Call, Any], Awaitable[Answer]]]] = {
    Base: {"GET": get_base, "HEAD": get_base},
    Catalog: {"GET": get_catalog},
    Blob: {"GET": get_blob, "HEAD": head_blob, "DELETE": delete_blob},
    Uploads: {"POST": post_upload},
    Upload: {
        "GET": get_upload_status,
        "PATCH": patch_upload,
        "PUT": put_upload,
        "DELETE": delete_upload,
    },
    Manifest: {
        "GET": get_manifest,
        "HEAD": head_manifest,
        "PUT": put_manifest,
        "DELETE": delete_manifest,
    },
    Tags: {"GET": get_tags},
    Referrers: {"GET": get_referrers},
}


async def answer(services: Services, profile: Profile, request: Request) -> Answer:
    """The answer to a request under ``/v2/``, or to the token endpoint.

    Raises BodyBrokeOff, when nobody is there to be answered.
    """
    try:
        if request.path == TOKEN_PATH and request.method not in token.METHODS:
            result = not_offered(request.method, token.METHODS)
        elif request.path == TOKEN_PATH:
            result = await token.answer(services, request)
        else:
            result = await _answer(services, profile, request)
    except NotAuthenticated as refused:
        result = challenge(services, request, refused)
    except EntrepotError as error:
        result = error_answer(error, profile)
    result.headers["docker-distribution-api-version"] = "registry/2.0"
    return result


async def _answer(services: Services, profile: Profile, request: Request) -> Answer:
    authenticated = await authenticate(services, request)
    path = parse_path(request.path)
    if path is None or (isinstance(path, Catalog) and not services.catalog):
        return answer_with(404, "NAME_UNKNOWN", "The path is not one of the OCI distribution protocol")
    methods = HANDLERS[type(path)]
    handler = methods.get(request.method)
    if handler is None:
        return not_offered(request.method, methods)
    coding = request.header(b"content-encoding") or "identity"
    if coding.lower() != "identity":
        return coding_refused(coding)
    if not isinstance(path, Base | Catalog):
        check_repository_name(path.name)
    check_scope(authenticated, request, path)
    try:
        return await handler(Call(services, profile, authenticated, request), path)
    except AccessDenied:
        if authenticated.caller.principal is ANONYMOUS:  # with credentials it may be another matter
            raise NotAuthenticated from None
        raise
