"""Image manifests and indexes: bytes in, what they refer to out.

Sources: OCI image spec 1.1 (image manifest, image index, descriptor), Docker image manifest schema 2,
manifest list 2, and schema 1. The bytes are kept exactly as sent; nothing here writes a manifest.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from entrepot.core.digest import Digest, InvalidDigest
from entrepot.core.errors import InvalidParameter
from entrepot.core.media_types import DOCKER_MANIFEST_V1, INDEXES, MANIFESTS, is_foreign_layer

#: PutImage's bound on imageManifest (service model), in bytes here.
MAX_MANIFEST_BYTES = 4 * 1024 * 1024


@dataclass(eq=False)
class ManifestInvalid(InvalidParameter):
    """A manifest that breaks its specification; on ECR's side a parameter error, on OCI's MANIFEST_INVALID."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One descriptor of a manifest. ``kind`` is config, layer, foreign or child; ``size`` in bytes."""

    kind: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says. ``artifact_type`` is effective: the config's media type where none is given."""

    digest: Digest
    media_type: str
    references: tuple[Reference, ...]
    subject: Digest | None
    artifact_type: str | None
    config_media_type: str | None

    def digests(self, *kinds: str) -> list[Digest]:
        """The digests of the references of these kinds, each once, in order."""
        return list(dict.fromkeys(ref.digest for ref in self.references if ref.kind in kinds))


_Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: RFC 6838 allows a type and a subtype of 127 characters each; what is stored beside an image stays small.
_MediaType = Annotated[str, msgspec.Meta(max_length=255, pattern=r"\A[ -~]*\Z")]


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    media_type: _MediaType = ""
    size: _Size = 0


class _Layer(msgspec.Struct, rename="camel"):
    blob_sum: str


class _Document(msgspec.Struct, rename="camel"):
    schema_version: int | None = None
    media_type: str | None = None
    artifact_type: _MediaType | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None
    subject: _Descriptor | None = None
    fs_layers: list[_Layer] | None = None
    annotations: dict[str, str] | None = None


def parse_manifest(content: bytes, media_type: str | None, algorithm: str = "sha256") -> Manifest:
    """Read a manifest.

    ``media_type`` is what the client declared beside it, if anything; ``algorithm`` is that of the digest
    the image is to be known by. Raises ManifestInvalid, which names what is wrong.
    """
    document = _decode(content)
    actual = _media_type(document, media_type)
    references = _schema_1(document) if actual == DOCKER_MANIFEST_V1 else _references(document, actual)
    config_media_type = document.config.media_type if document.config else None
    return Manifest(
        digest=Digest.of(content, algorithm),
        media_type=actual,
        references=references,
        subject=_digest(document.subject.digest) if document.subject else None,
        artifact_type=document.artifact_type or config_media_type,
        config_media_type=config_media_type,
    )


def annotations_of(content: bytes) -> dict[str, str]:
    """The annotations of a manifest that was accepted before."""
    return _decode(content).annotations or {}


def _decode(content: bytes) -> _Document:
    try:
        content.decode()  # msgspec does not look into the strings that it skips
        return msgspec.json.decode(content, type=_Document)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _invalid("Invalid JSON syntax") from None


def _invalid(constraint: str) -> ManifestInvalid:
    return ManifestInvalid("ImageManifest", constraint)


def _media_type(document: _Document, declared: str | None) -> str:
    inner = document.media_type
    if declared and inner and declared != inner:
        raise _invalid(f"The media type '{declared[:200]}' differs from the manifest's own '{inner[:200]}'")
    actual = declared or inner
    if not actual:
        raise _invalid("image manifest mediatype not provided in manifest or parameter")
    if actual not in MANIFESTS:
        raise _invalid(f"Unsupported manifest media type '{actual[:200]}'")
    return actual


def _references(document: _Document, media_type: str) -> tuple[Reference, ...]:
    if document.schema_version != 2:  # noqa: PLR2004 (the schema's own number)
        raise _invalid("schemaVersion must be 2")
    if media_type in INDEXES:
        if document.manifests is None or document.config is not None or document.layers is not None:
            raise _invalid("An index has manifests, and neither config nor layers")
        return tuple(_reference("child", child) for child in document.manifests)
    if document.config is None or document.layers is None or document.manifests is not None:
        raise _invalid("An image manifest has config and layers, and no manifests")
    return (
        _reference("config", document.config),
        *(
            _reference("foreign" if is_foreign_layer(layer.media_type) else "layer", layer)
            for layer in document.layers
        ),
    )


def _reference(kind: str, descriptor: _Descriptor) -> Reference:
    if not descriptor.media_type:
        raise _invalid(f"The {kind} descriptor '{descriptor.digest[:200]}' has no mediaType")
    return Reference(kind, _digest(descriptor.digest), descriptor.size)


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise _invalid(error.message) from None


def _schema_1(document: _Document) -> tuple[Reference, ...]:
    if document.schema_version != 1 or not document.fs_layers:
        raise _invalid("A schema 1 manifest has schemaVersion 1 and fsLayers")
    return tuple(Reference("layer", _digest(layer.blob_sum), 0) for layer in document.fs_layers)
