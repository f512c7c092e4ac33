"""Manifests for tests, and how to push them by the API."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from tests.api.clients import ECR

from entrepot.core.digest import Digest
from entrepot.core.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"

ABSENT = f"sha256:{'a' * 64}"
MIB = 1024 * 1024


def digest_of(content: bytes) -> str:
    """The sha256 digest of bytes."""
    return str(Digest.of(content))


def descriptor(media_type: str, content: bytes, **members: object) -> dict[str, Any]:
    """What a manifest says of bytes."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **members}


@dataclass(frozen=True)
class Image:
    """A manifest, and the blobs it needs."""

    media_type: str
    content: bytes
    blobs: tuple[bytes, ...] = ()

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest_of(self.content)

    @property
    def text(self) -> str:
        """The manifest as PutImage takes it."""
        return self.content.decode()


def image(name: str = "one", *, media_type: str = OCI_MANIFEST, **members: Any) -> Image:
    """An image with a config and one layer, all made from its name; ``members`` are added to the manifest."""
    config, layer = f'{{"config": "{name}"}}'.encode(), f"layer of {name}".encode()
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer)],
        **members,
    }
    return Image(media_type, json.dumps(document).encode(), (config, layer))


def docker_image(name: str = "one") -> Image:
    """As docker pushes it."""
    return image(name, media_type=DOCKER_MANIFEST)


def index(*children: Image, media_type: str = OCI_INDEX, **members: object) -> Image:
    """An index of images."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [descriptor(child.media_type, child.content) for child in children],
        **members,
    }
    return Image(media_type, json.dumps(document).encode())


def docker_list(*children: Image) -> Image:
    """A manifest list as docker makes it."""
    return index(*children, media_type=DOCKER_MANIFEST_LIST)


def artifact(name: str, subject: Image | None, artifact_type: str | None = None, **members: Any) -> Image:
    """Something that is attached to an image, such as a signature."""
    if subject is not None:
        members["subject"] = descriptor(subject.media_type, subject.content)
    if artifact_type is not None:
        members["artifactType"] = artifact_type
    return image(name, **members)


async def upload(ecr: ECR, repository: str, content: bytes, *, size: int = 10 * MIB) -> Any:
    """Upload bytes as parts of ``size``; gives the id of the upload, which is left open."""
    begun = await ecr("InitiateLayerUpload", repositoryName=repository)
    for start in range(0, len(content), size):
        await send_part(ecr, repository, begun["uploadId"], start, content[start : start + size])
    return begun["uploadId"]


async def send_part(ecr: ECR, repository: str, upload_id: str, start: int, content: bytes) -> dict[str, Any]:
    """One part."""
    return await ecr("UploadLayerPart", **part(repository, upload_id, start, content))


def part(repository: str, upload_id: str, start: int, content: bytes) -> dict[str, Any]:
    """The members of UploadLayerPart."""
    return {
        "repositoryName": repository,
        "uploadId": upload_id,
        "partFirstByte": start,
        "partLastByte": start + len(content) - 1,
        "layerPartBlob": b64encode(content).decode(),
    }


async def push_layer(ecr: ECR, repository: str, content: bytes) -> str:
    """Upload and complete a layer; gives its digest."""
    upload_id = await upload(ecr, repository, content)
    completed = await ecr(
        "CompleteLayerUpload",
        repositoryName=repository,
        uploadId=upload_id,
        layerDigests=[digest_of(content)],
    )
    return completed["layerDigest"]


async def push_layers(ecr: ECR, repository: str, pushed: Image) -> None:
    """Upload those layers of an image that the repository lacks."""
    for blob in pushed.blobs:
        checked = await ecr(
            "BatchCheckLayerAvailability", repositoryName=repository, layerDigests=[digest_of(blob)]
        )
        if checked["layers"][0]["layerAvailability"] != "AVAILABLE":
            await push_layer(ecr, repository, blob)


async def put(ecr: ECR, repository: str, pushed: Image, tag: str | None = None) -> dict[str, Any]:
    """PutImage of an image whose layers are there."""
    members = {} if tag is None else {"imageTag": tag}
    return await ecr(
        "PutImage",
        repositoryName=repository,
        imageManifest=pushed.text,
        imageManifestMediaType=pushed.media_type,
        **members,
    )


async def push(ecr: ECR, repository: str, pushed: Image, *tags: str) -> None:
    """Push an image with its layers under these tags, or under none."""
    await push_layers(ecr, repository, pushed)
    for tag in tags or (None,):
        await put(ecr, repository, pushed, tag)
