"""Our errors as ``/v2/`` says them: a status and a code of the OCI distribution spec, by class."""

from collections.abc import Callable, Iterable

from entrepot.core.digest import InvalidDigest
from entrepot.core.errors import (
    Conflict,
    Denied,
    EntrepotError,
    Invalid,
    InvalidParameter,
    LimitReached,
    NotFound,
    Unavailable,
)
from entrepot.core.manifest import ManifestInvalid
from entrepot.features.identity.errors import TooManyFailures
from entrepot.features.images.errors import (
    ImageDigestDoesNotMatch,
    ImageNotFound,
    ImageReferencedByManifestList,
    ImageTagAlreadyExists,
    ReferencedImagesNotFound,
    TooManyReferences,
)
from entrepot.features.layers.errors import (
    EmptyUpload,
    InvalidLayer,
    InvalidLayerPart,
    LayerInUse,
    LayerPartTooSmall,
    LayersNotFound,
    LayerTooLarge,
    RequiredLayersNotFound,
    UploadNotFound,
)
from entrepot.features.quotas.errors import Throttled
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.fronts.asgi import BodyTooLarge, Response
from entrepot.fronts.oci.profile import Profile
from entrepot.keys.port import KeyUnusable
from entrepot.protocol.byte_range import RangeNotSatisfiable
from entrepot.protocol.oci.content_range import InvalidContentRange
from entrepot.protocol.oci.errors import encode_error
from entrepot.storage.port import Fenced

#: The first class that an error is an instance of decides; the kinds at the end catch the rest.
STATUS_AND_CODE: dict[type[EntrepotError], tuple[int, str]] = {
    RepositoryNotFound: (404, "NAME_UNKNOWN"),
    ImageNotFound: (404, "MANIFEST_UNKNOWN"),
    UploadNotFound: (404, "BLOB_UPLOAD_UNKNOWN"),
    RequiredLayersNotFound: (400, "MANIFEST_BLOB_UNKNOWN"),
    ReferencedImagesNotFound: (400, "MANIFEST_BLOB_UNKNOWN"),
    LayersNotFound: (404, "BLOB_UNKNOWN"),
    InvalidDigest: (400, "DIGEST_INVALID"),
    InvalidLayerPart: (416, "BLOB_UPLOAD_INVALID"),
    InvalidContentRange: (416, "BLOB_UPLOAD_INVALID"),
    RangeNotSatisfiable: (416, "UNSUPPORTED"),
    InvalidLayer: (400, "BLOB_UPLOAD_INVALID"),
    EmptyUpload: (400, "BLOB_UPLOAD_INVALID"),
    LayerPartTooSmall: (400, "BLOB_UPLOAD_INVALID"),
    Fenced: (409, "BLOB_UPLOAD_INVALID"),
    LayerTooLarge: (413, "SIZE_INVALID"),
    BodyTooLarge: (413, "SIZE_INVALID"),
    TooManyReferences: (400, "MANIFEST_INVALID"),
    ManifestInvalid: (400, "MANIFEST_INVALID"),
    ImageDigestDoesNotMatch: (400, "MANIFEST_INVALID"),
    ImageTagAlreadyExists: (400, "TAG_INVALID"),
    ImageReferencedByManifestList: (405, "UNSUPPORTED"),
    LayerInUse: (405, "UNSUPPORTED"),
    KeyUnusable: (403, "DENIED"),
    NotFound: (404, "NAME_UNKNOWN"),
    Denied: (403, "DENIED"),
    TooManyFailures: (429, "TOOMANYREQUESTS"),
    Throttled: (429, "TOOMANYREQUESTS"),
    LimitReached: (403, "DENIED"),
    Conflict: (409, "DENIED"),
    Unavailable: (503, "UNAVAILABLE"),
    Invalid: (400, "UNSUPPORTED"),
}

#: Codes of a parameter that is wrong in itself, by its name.
PARAMETER_CODES = {"repositoryName": "NAME_INVALID", "imageTag": "TAG_INVALID", "n": "PAGINATION_NUMBER_INVALID"}

#: Where ``/v2/`` has words of its own.
_MESSAGES: dict[type[EntrepotError], Callable[[EntrepotError], str]] = {
    ImageNotFound: lambda _error: "Requested image not found",
}


def error_answer(error: EntrepotError, profile: Profile) -> Response:
    """The answer for an error."""
    status, code = next(said for kind, said in STATUS_AND_CODE.items() if isinstance(error, kind))
    if isinstance(error, InvalidParameter) and profile.invalid_parameter is not None:
        status, code = profile.invalid_parameter
    elif type(error) is InvalidParameter:
        code = PARAMETER_CODES.get(error.parameter, code)
    words = _MESSAGES.get(type(error))
    answer = answer_with(status, code, words(error) if words else error.message)
    if isinstance(error, RangeNotSatisfiable):
        answer.headers["content-range"] = f"bytes */{error.size}"
    return answer


def not_offered(method: str, offered: Iterable[str]) -> Response:
    """The answer to a method that the resource does not have (RFC 9110, section 15.5.6)."""
    refusal = answer_with(405, "UNSUPPORTED", f"{method} is not supported here")
    refusal.headers["allow"] = ", ".join(offered)
    return refusal


def coding_refused(coding: str) -> Response:
    """The answer to a body with a Content-Encoding: its digest would be that of other bytes.

    RFC 9110, section 15.5.16; Accept-Encoding says what is understood.
    """
    words = f"The request body has the Content-Encoding '{coding[:40]}': send it as it is"
    refusal = answer_with(415, "UNSUPPORTED", words)
    refusal.headers["accept-encoding"] = "identity"
    return refusal


def answer_with(status: int, code: str, message: str) -> Response:
    """An answer with an OCI error body."""
    return Response(status, {"content-type": "application/json; charset=utf-8"}, encode_error(code, message))
