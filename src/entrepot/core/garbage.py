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
    AUDIT = "audit"  #: the auditor took a blob away that no repository has, or whose bytes are damaged


@dataclass(frozen=True, slots=True)
class Garbage:
    """What lies under a storage key, ``size`` in bytes, and why it is garbage."""

    storage_key: str
    size: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Detached:
    """What is deleted and still has rows: how many are kept to be had back, and how many are to be drained now.

    ``oldest_kept`` is when the first of those that are kept was deleted.
    """

    kept: int
    oldest_kept: int | None
    due: int
