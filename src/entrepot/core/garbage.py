"""Bytes that nobody can reach any more."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What made bytes garbage."""

    IMAGE = "image"  #: the images that named a layer were deleted
    PUSH = "push"  #: a layer was pushed or mounted, and no image came to name it
    UNLINK = "unlink"  #: a layer was deleted by its digest
    REPOSITORY = "repository"  #: a repository was deleted
    UPLOAD = "upload"  #: an upload expired, was cancelled, or brought what was there already
    MANIFEST = "manifest"  #: the images with a manifest were deleted


@dataclass(frozen=True, slots=True)
class Garbage:
    """What lies under a storage key, ``size`` in bytes, and why it is garbage."""

    storage_key: str
    size: int
    cause: Cause
