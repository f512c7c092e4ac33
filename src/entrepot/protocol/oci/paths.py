"""The paths of ``/v2/`` (OCI distribution spec 1.1, "Endpoints").

A repository's name may hold slashes and the protocol's own words, so a path is read from its end.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Base:
    """``/v2/``."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """``/v2/_catalog`` (distribution project, "Catalog")."""


@dataclass(frozen=True, slots=True)
class Blob:
    """``/v2/NAME/blobs/DIGEST``."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Uploads:
    """``/v2/NAME/blobs/uploads/``."""

    name: str


@dataclass(frozen=True, slots=True)
class Upload:
    """``/v2/NAME/blobs/uploads/ID``."""

    name: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``/v2/NAME/manifests/REFERENCE``; the reference is a digest if it has a colon, else a tag."""

    name: str
    reference: str


@dataclass(frozen=True, slots=True)
class Tags:
    """``/v2/NAME/tags/list``."""

    name: str


@dataclass(frozen=True, slots=True)
class Referrers:
    """``/v2/NAME/referrers/DIGEST``."""

    name: str
    digest: str


Path = Base | Catalog | Blob | Uploads | Upload | Manifest | Tags | Referrers


def parse_path(path: str) -> Path | None:
    """What a percent-decoded path names; None for one that the protocol does not have.

    Names, digests and references are not checked here.
    """
    if path in {"/v2", "/v2/"}:
        return Base()
    if path == "/v2/_catalog":
        return Catalog()
    segments = path.removeprefix("/v2/").split("/")
    if not path.startswith("/v2/") or "\0" in segments[-1]:
        return None
    match segments:
        case [*name, "blobs", "uploads"] | [*name, "blobs", "uploads", ""]:
            found = Uploads("/".join(name))
        case [*name, "blobs", "uploads", upload_id]:
            found = Upload("/".join(name), upload_id)
        case [*name, "blobs", digest]:
            found = Blob("/".join(name), digest)
        case [*name, "manifests", reference]:
            found = Manifest("/".join(name), reference)
        case [*name, "tags", "list"]:
            found = Tags("/".join(name))
        case [*name, "referrers", digest]:
            found = Referrers("/".join(name), digest)
        case _:
            return None
    return found
