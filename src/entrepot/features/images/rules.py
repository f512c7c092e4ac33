"""The rules of images: how they are asked for, what size they have, how many tags."""

import re

from entrepot.core.clock import DAY
from entrepot.features.images.image import ImageFailure, ImageId

#: ECR's quota of tags on one image.
MAX_TAGS = 1_000
#: References a manifest may have: one transaction writes a row for each and locks each layer's link, and no
#: transaction touches more than 500 rows. (Docker itself makes at most 127 layers.)
MAX_REFERENCES = 240
#: Tags that one transaction takes off an image: each is a row removed and a line of history.
TAGS_AT_ONCE = 200
#: Bytes of manifests in one answer of BatchGetImage: they are held in memory several times over.
MAX_ANSWER = 32 * 1024 * 1024
#: The last pull is recorded at most this often.
PULL_RECORDING_INTERVAL = DAY

_DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
_TAG = re.compile(r"[a-zA-Z0-9-_.]{1,300}")


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
