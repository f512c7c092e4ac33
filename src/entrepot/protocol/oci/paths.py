"""The paths of ``/v2/`` (OCI distribution spec 1.1, "Endpoints").

A repository's name may hold slashes and the protocol's own words, so a path is read from its end.
"""

import msgspec


class Base(msgspec.Struct, frozen=True):
    """``/v2/``."""


class Catalog(msgspec.Struct, frozen=True):
    """``/v2/_catalog`` (distribution project, "Catalog")."""


class Blob(msgspec.Struct, frozen=True):
    """``/v2/NAME/blobs/DIGEST``."""

    name: str
    digest: str


class Uploads(msgspec.Struct, frozen=True):
    """``/v2/NAME/blobs/uploads/``."""

    name: str


class Upload(msgspec.Struct, frozen=True):
    """``/v2/NAME/blobs/uploads/ID``."""

    name: str
    upload_id: str


class Manifest(msgspec.Struct, frozen=True):
    """``/v2/NAME/manifests/REFERENCE``; the reference is a digest if it has a colon, else a tag."""

    name: str
    reference: str


class Tags(msgspec.Struct, frozen=True):
    """``/v2/NAME/tags/list``."""

    name: str


class Referrers(msgspec.Struct, frozen=True):
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
    before, _, last = path.removeprefix("/v2/").rpartition("/")
    if not path.startswith("/v2/") or "\0" in last:
        return None
    name, _, kind = before.rpartition("/")
    match kind, last:
        case "manifests", reference:
            found = Manifest(name, reference)
        case "blobs", "uploads":
            found = Uploads(name)
        case "blobs", digest:
            found = Blob(name, digest)
        case "uploads", upload_id if name == "blobs" or name.endswith("/blobs"):
            repository = name.removesuffix("blobs").removesuffix("/")
            found = Upload(repository, upload_id) if upload_id else Uploads(repository)
        case "tags", "list":
            found = Tags(name)
        case "referrers", digest:
            found = Referrers(name, digest)
        case _:
            return None
    return found
