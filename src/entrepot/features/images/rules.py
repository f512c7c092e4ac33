"""The rules of images: how they are asked for, what size they have, how many tags."""

import re
from dataclasses import dataclass
from typing import Literal

from entrepot.core.clock import DAY

#: ECR's quota of tags on one image.
MAX_TAGS = 1_000
#: References a manifest may have: one transaction writes a row for each and locks each layer's link, and no
#: transaction touches more than 500 rows. (Docker itself makes at most 127 layers.)
MAX_REFERENCES = 240
#: The last pull is recorded at most this often.
PULL_RECORDING_INTERVAL = DAY

#: The model's ImageFailureCode, as far as it can come up.
FailureCode = Literal[
    "InvalidImageDigest",
    "InvalidImageTag",
    "ImageTagDoesNotMatchDigest",
    "ImageNotFound",
    "MissingDigestAndTag",
    "ImageReferencedByManifestList",
]

_DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
_TAG = re.compile(r"[a-zA-Z0-9-_.]{1,300}")


@dataclass(frozen=True, slots=True)
class ImageId:
    """How a client names an image: by digest, by tag, or by both, which must then agree."""

    digest: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFailure:
    """Why one image of a batch could not be served."""

    image: ImageId
    code: FailureCode
    reason: str


def check_image_id(image: ImageId) -> ImageFailure | None:
    """What is wrong with an image id in itself, if anything."""
    if image.digest is None and image.tag is None:
        return ImageFailure(
            image,
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        )
    if image.digest is not None and _DIGEST.fullmatch(image.digest) is None:
        return ImageFailure(
            image,
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        )
    if image.tag is not None and _TAG.fullmatch(image.tag) is None:
        return ImageFailure(
            image,
            "InvalidImageTag",
            "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'",
        )
    return None


def not_found(image: ImageId) -> ImageFailure:
    """The failure entry of an image that is not there."""
    return ImageFailure(image, "ImageNotFound", "Requested image not found")


def is_pull_due(pulled_at: int | None, now: int) -> bool:
    """True when a pull is to be recorded."""
    return pulled_at is None or now - pulled_at >= PULL_RECORDING_INTERVAL
