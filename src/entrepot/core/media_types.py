"""Media types of manifests and layers (OCI image spec, "Media Types"; Docker's before it)."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST_V1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_MANIFEST_V1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

IMAGE_MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
#: What is taken. The digest of a signed schema 1 manifest is that of the part that was signed, not of its bytes:
#: two contents can have one digest, so it is refused.
MANIFESTS = IMAGE_MANIFESTS | INDEXES | {DOCKER_MANIFEST_V1}

#: Layers that are fetched from where their descriptor says, and need not be in the registry.
_FOREIGN_LAYER_PREFIXES = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


def is_foreign_layer(media_type: str) -> bool:
    """True for non-distributable layers."""
    return media_type.startswith(_FOREIGN_LAYER_PREFIXES)
