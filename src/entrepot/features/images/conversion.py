"""Docker's image manifests as OCI's and the other way round (BatchGetImage by tag, with acceptedMediaTypes).

Sources: OCI image spec 1.1 ("Compatibility Matrix"), Docker image manifest schema 2, manifest list 2. The blobs
and the images of an index stay what they are, so only the manifest gets another digest.
"""

from collections.abc import Collection, Mapping

import msgspec

from entrepot.core.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST

#: Docker's type and OCI's for the same.
_PAIRS = [
    (DOCKER_MANIFEST, OCI_MANIFEST),
    (DOCKER_MANIFEST_LIST, OCI_INDEX),
    ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"),
    ("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+gzip"),
    ("application/vnd.docker.image.rootfs.diff.tar.zstd", "application/vnd.oci.image.layer.v1.tar+zstd"),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
    ),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ),
]
_TO_OCI = dict(_PAIRS)
_TO_DOCKER = {oci: docker for docker, oci in _PAIRS}


class _Platform(msgspec.Struct, omit_defaults=True):
    architecture: str
    os: str
    os_version: str | None = msgspec.field(default=None, name="os.version")
    os_features: list[str] | None = msgspec.field(default=None, name="os.features")
    variant: str | None = None
    features: list[str] | None = None


class _Descriptor(msgspec.Struct, rename="camel", omit_defaults=True):
    media_type: str
    size: int
    digest: str
    urls: list[str] | None = None
    platform: _Platform | None = None


class _Manifest(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    schema_version: int
    media_type: str | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None
    # What OCI's manifests may have and Docker's have no place for.
    subject: _Descriptor | None = None
    artifact_type: str | None = None


def convert_manifest(content: bytes, media_type: str, accepted: Collection[str]) -> tuple[bytes, str] | None:
    """A stored manifest in a type that is accepted, and that type; None where it is to be served as it is.

    That is when its own type is accepted, when the other one is not, and when it cannot be said in the other: an
    artifact, a subject, a layer of a type that has no counterpart, an image of an index without its platform.
    All blobs get the other's types, which some may have had before, for builders mix the two. Annotations are left
    out: Docker's manifests have none. The same bytes always give the same bytes.
    """
    types = _TO_OCI if media_type in _TO_OCI else _TO_DOCKER
    wanted = types.get(media_type)
    if media_type in accepted or wanted is None or wanted not in accepted:
        return None
    try:
        manifest = msgspec.json.decode(content, type=_Manifest)
    except msgspec.ValidationError:
        return None
    if not _is_convertible(manifest):
        return None
    converted = _Manifest(
        schema_version=2,
        media_type=wanted,
        config=manifest.config and _converted(manifest.config, types),
        layers=manifest.layers and [_converted(layer, types) for layer in manifest.layers],
        manifests=manifest.manifests,
    )
    return msgspec.json.encode(converted), wanted


def _is_convertible(manifest: _Manifest) -> bool:
    if manifest.subject is not None or manifest.artifact_type is not None:
        return False
    if manifest.manifests is not None:
        return all(child.platform for child in manifest.manifests)
    blobs = [manifest.config, *(manifest.layers or [])]
    return all(
        blob is not None and (blob.media_type in _TO_OCI or blob.media_type in _TO_DOCKER) for blob in blobs
    )


def _converted(blob: _Descriptor, types: Mapping[str, str]) -> _Descriptor:
    return msgspec.structs.replace(blob, media_type=types.get(blob.media_type, blob.media_type))
