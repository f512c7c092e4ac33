"""Our errors as the API says them: an exception of the service model and its own members, by class."""

from collections.abc import Callable, Mapping
from typing import Any

from entrepot.core.errors import EntrepotError, Invalid, InvalidParameter, LimitReached, Unavailable
from entrepot.features.identity.errors import AccessDenied, TooManyFailures
from entrepot.features.images.errors import (
    ImageAlreadyExists,
    ImageDigestDoesNotMatch,
    ImageNotFound,
    ImageTagAlreadyExists,
    ReferencedImagesNotFound,
)
from entrepot.features.layers.errors import (
    EmptyUpload,
    InvalidLayer,
    InvalidLayerPart,
    LayerAlreadyExists,
    LayerInaccessible,
    LayerPartTooSmall,
    LayersNotFound,
    UploadNotFound,
)
from entrepot.features.lifecycle.errors import LifecyclePolicyNotFound
from entrepot.features.policies.errors import RegistryPolicyNotFound, RepositoryPolicyNotFound
from entrepot.features.pull_through.errors import (
    PullThroughCacheRuleAlreadyExists,
    PullThroughCacheRuleNotFound,
    UnsupportedUpstreamRegistry,
)
from entrepot.features.quotas.errors import Throttled
from entrepot.features.registry.errors import ExclusionAlreadyExists, ExclusionNotFound, UnknownSetting
from entrepot.features.repositories.errors import (
    InvalidTag,
    RepositoryAlreadyExists,
    RepositoryNotEmpty,
    RepositoryNotFound,
    TooManyTags,
)
from entrepot.features.signing.errors import SigningConfigurationNotFound
from entrepot.features.templates.errors import TemplateAlreadyExists, TemplateNotFound
from entrepot.fronts.asgi import BodyTooLarge, Response
from entrepot.keys.port import KeyServiceUnavailable, KeyUnusable
from entrepot.protocol.ecr.codec import encode_error
from entrepot.protocol.ecr.errors import SerializationError, ValidationError
from entrepot.protocol.sigv4 import (
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    SessionExpired,
    UnrecognizedClient,
)
from entrepot.storage.port import Fenced

CONTENT_TYPE = "application/x-amz-json-1.1"

#: The first class that an error is an instance of decides; the kinds at the end catch the rest.
CODES: dict[type[EntrepotError], str] = {
    RepositoryNotFound: "RepositoryNotFoundException",
    RepositoryAlreadyExists: "RepositoryAlreadyExistsException",
    RepositoryNotEmpty: "RepositoryNotEmptyException",
    TooManyTags: "TooManyTagsException",
    InvalidTag: "InvalidTagParameterException",
    KeyUnusable: "KmsException",
    KeyServiceUnavailable: "KmsException",
    UploadNotFound: "UploadNotFoundException",
    InvalidLayerPart: "InvalidLayerPartException",
    LayerPartTooSmall: "LayerPartTooSmallException",
    EmptyUpload: "EmptyUploadException",
    InvalidLayer: "InvalidLayerException",
    LayerAlreadyExists: "LayerAlreadyExistsException",
    LayersNotFound: "LayersNotFoundException",
    LayerInaccessible: "LayerInaccessibleException",
    ImageNotFound: "ImageNotFoundException",
    ImageAlreadyExists: "ImageAlreadyExistsException",
    ImageTagAlreadyExists: "ImageTagAlreadyExistsException",
    ImageDigestDoesNotMatch: "ImageDigestDoesNotMatchException",
    ReferencedImagesNotFound: "ReferencedImagesNotFoundException",
    Fenced: "UploadNotFoundException",
    RepositoryPolicyNotFound: "RepositoryPolicyNotFoundException",
    RegistryPolicyNotFound: "RegistryPolicyNotFoundException",
    LifecyclePolicyNotFound: "LifecyclePolicyNotFoundException",
    SigningConfigurationNotFound: "SigningConfigurationNotFoundException",
    ExclusionAlreadyExists: "ExclusionAlreadyExistsException",
    ExclusionNotFound: "ExclusionNotFoundException",
    UnknownSetting: "ValidationException",
    TemplateAlreadyExists: "TemplateAlreadyExistsException",
    TemplateNotFound: "TemplateNotFoundException",
    PullThroughCacheRuleAlreadyExists: "PullThroughCacheRuleAlreadyExistsException",
    PullThroughCacheRuleNotFound: "PullThroughCacheRuleNotFoundException",
    UnsupportedUpstreamRegistry: "UnsupportedUpstreamRegistryException",
    AccessDenied: "AccessDeniedException",
    MissingAuthenticationToken: "MissingAuthenticationTokenException",
    IncompleteSignature: "IncompleteSignatureException",
    UnrecognizedClient: "UnrecognizedClientException",
    SessionExpired: "ExpiredTokenException",
    InvalidSignature: "InvalidSignatureException",
    SerializationError: "SerializationException",
    ValidationError: "ValidationException",
    BodyTooLarge: "RequestEntityTooLargeException",
    InvalidParameter: "InvalidParameterException",
    TooManyFailures: "ThrottlingException",
    Throttled: "ThrottlingException",
    LimitReached: "LimitExceededException",
    Unavailable: "ServerException",
    Invalid: "InvalidParameterException",
}

#: The statuses of the others are 400. A ServerException of the tables is a part that does not answer: 503, as
#: AWS's services have it, and SDKs try again. One that is a fault of ours is 500.
STATUS = {"ServerException": 503, "RequestEntityTooLargeException": 413}

#: Members beside the message, by their names on the wire.
_MEMBERS: dict[type[EntrepotError], Callable[[Any], Mapping[str, object]]] = {
    KeyUnusable: lambda error: {"kmsError": error.kms_error},
    KeyServiceUnavailable: lambda error: {"kmsError": error.kms_error},
    InvalidLayerPart: lambda error: {
        "registryId": error.registry_id,
        "repositoryName": error.repository,
        "uploadId": error.upload_id,
        "lastValidByteReceived": error.last_valid_byte,
    },
}


def error_answer(error: EntrepotError) -> Response:
    """The answer for an error."""
    code = next(name for kind, name in CODES.items() if isinstance(error, kind))
    members = next((of(error) for kind, of in _MEMBERS.items() if isinstance(error, kind)), None)
    return answer_with(code, error.message, members, STATUS.get(code, 400))


def answer_with(
    code: str, message: str | None, members: Mapping[str, object] | None = None, status: int = 400
) -> Response:
    """An answer with an error body of AWS JSON."""
    return Response(status, {"content-type": CONTENT_TYPE}, encode_error(code, message, members or {}))
