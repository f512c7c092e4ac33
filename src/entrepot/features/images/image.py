"""Images as values: what names one, what is known of one, why one could not be served."""

from dataclasses import dataclass
from typing import Literal

import msgspec

#: The model's ImageFailureCode, as far as it can come up.
FailureCode = Literal[
    "InvalidImageDigest",
    "InvalidImageTag",
    "ImageTagDoesNotMatchDigest",
    "ImageNotFound",
    "MissingDigestAndTag",
    "ImageReferencedByManifestList",
    "KmsError",
]


class ImageId(msgspec.Struct, frozen=True):
    """How a client names an image: by digest, by tag, or by both, which must then agree."""

    digest: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFailure:
    """Why one image of a batch could not be served."""

    image: ImageId
    code: FailureCode
    reason: str


class Image(msgspec.Struct, frozen=True):
    """An image's row. ``size`` is imageSizeInBytes, ``manifest_size`` in bytes, times in microseconds."""

    id: int
    digest: str
    media_type: str
    artifact_type: str | None
    config_media_type: str | None
    subject_digest: str | None
    size: int
    manifest_size: int
    pushed_at: int
    pulled_at: int | None


class ManifestBytes(msgspec.Struct, frozen=True):
    """A manifest as it is stored: exactly as it was sent, or encrypted under data keys that are ``wrapped``."""

    content: bytes
    wrapped: bytes | None = None


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """One entry of ListImages: a digest with one of its tags, or without any."""

    image_id: int
    digest: str
    tag: str | None
