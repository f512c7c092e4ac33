"""Small images made without a network: busybox in one layer, as OCI images and indexes."""

import io
import json
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.live.clients import program

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(data: bytes) -> str:
    """The sha256 digest of some bytes, as registries write it."""
    return f"sha256:{sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A manifest and the blobs that it names."""

    manifest: bytes
    media_type: str
    blobs: tuple[bytes, ...]
    children: tuple["Image", ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return digest_of(self.manifest)


def busybox_layer(greeting: str) -> bytes:
    """A layer (an uncompressed tar) with busybox as /bin/sh and a file /greeting, by which each layer differs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("bin/busybox", "bin/sh", "bin/cat"):
            _add(tar, name, _busybox(), 0o755)
        _add(tar, "greeting", greeting.encode(), 0o644)
    return stream.getvalue()


def image(*layers: bytes, architecture: str = "amd64", annotations: dict[str, str] | None = None) -> Image:
    """An OCI image of these layers that prints /greeting when it runs."""
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/bin/cat", "/greeting"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer) for layer in layers],
    }
    if annotations:
        manifest["annotations"] = annotations
    return Image(manifest=_json(manifest), media_type=IMAGE, blobs=(config, *layers))


def index(images: dict[str, Image]) -> Image:
    """An OCI index of images by architecture."""
    manifests = [
        {**descriptor(IMAGE, child.manifest), "platform": {"architecture": architecture, "os": "linux"}}
        for architecture, child in images.items()
    ]
    manifest = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    return Image(manifest=manifest, media_type=INDEX, blobs=(), children=tuple(images.values()))


def descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    """How a manifest names some bytes."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def write_layout(folder: Path, content: Image, tag: str) -> Path:
    """The image as an OCI layout folder, under this tag; the folder."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for part in (content, *content.children):
        for data in (part.manifest, *part.blobs):
            (blobs / sha256(data).hexdigest()).write_bytes(data)
    named = descriptor(content.media_type, content.manifest)
    named["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return folder


def read_layout(folder: Path) -> tuple[str, dict[str, bytes]]:
    """The digest of the one image of an OCI layout folder, and all its blobs by digest."""
    blobs = {f"sha256:{file.name}": file.read_bytes() for file in (folder / "blobs" / "sha256").iterdir()}
    (named,) = json.loads((folder / "index.json").read_bytes())["manifests"]
    return named["digest"], blobs


def _busybox() -> bytes:
    return program("busybox").read_bytes()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
