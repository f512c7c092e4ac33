"""crane pushes, pulls, lists and copies; a copy inside the registry moves no byte."""

from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, image, read_layout, write_layout
from tests.live.oci import Repository
from tests.live.server import Server


@pytest.fixture
def crane(credentials: Path) -> Client:
    """Crane with the credentials of the server."""
    return Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})


def test_pushed_image_is_pulled_with_its_digest(
    crane: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """Push, digest, ls and pull agree on one image."""
    content = image(busybox_layer(uuid4().hex))
    layout = write_layout(tmp_path / "layout", content, "v1")
    reference = f"{server.host}/{repository.name}:v1"

    crane("push", layout, reference)

    assert crane("digest", reference) == content.digest
    assert crane("ls", f"{server.host}/{repository.name}") == "v1"
    crane("pull", "--format=oci", reference, tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(layout)


def test_all_tags_are_listed_over_many_pages(crane: Client, server: Server, repository: Repository) -> None:
    """`crane ls` follows the Link headers to the last tag."""
    content = image()
    tags = {f"v{number}" for number in range(230)}
    repository.push("v0", content)
    for tag in tags:
        assert repository.put_manifest(tag, content).status_code == 201

    listed = crane("ls", f"{server.host}/{repository.name}").split()

    assert len(listed) == len(tags)
    assert set(listed) == tags


def test_copy_to_another_repository_mounts_the_layers(
    crane: Client, server: Server, repository: Repository, other_repository: Repository
) -> None:
    """`crane copy` from repository to repository sends no layer: each is mounted."""
    content = image(busybox_layer(uuid4().hex))
    repository.push("v1", content)
    operations, layer_bytes = server.operations(), server.layer_bytes()

    crane("copy", f"{server.host}/{repository.name}:v1", f"{server.host}/{other_repository.name}:v1")

    assert (server.operations() - operations)["UploadLayerPart"] == 0
    assert server.layer_bytes()[0] == layer_bytes[0]
    assert other_repository.manifest("v1").content == content.manifest
    assert other_repository.blob(content.digest).status_code == 404
    assert all(
        other_repository.has_blob(layer["digest"]) for layer in other_repository.manifest("v1").json()["layers"]
    )


def test_multi_architecture_index_is_pushed_and_pulled(
    crane: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """`crane index append` joins two pushed images; the index is pulled whole, and by platform."""
    name = f"{server.host}/{repository.name}"
    images = {each: image(busybox_layer(each + uuid4().hex), architecture=each) for each in ("amd64", "arm64")}
    for each, content in images.items():
        crane("push", write_layout(tmp_path / each, content, each), f"{name}:{each}")

    crane("index", "append", "-m", f"{name}:amd64", "-m", f"{name}:arm64", "-t", f"{name}:both")

    crane("pull", "--format=oci", f"{name}:both", tmp_path / "pulled")
    digest, blobs = read_layout(tmp_path / "pulled")
    assert digest == crane("digest", f"{name}:both")
    assert {content.digest for content in images.values()} < blobs.keys()
    for each, content in images.items():
        assert crane("digest", "--platform", f"linux/{each}", f"{name}:both") == content.digest


def test_deleted_manifest_is_gone(crane: Client, server: Server, repository: Repository) -> None:
    """`crane delete` by digest removes the image."""
    digest = repository.push("v1", image(busybox_layer(uuid4().hex)))

    crane("delete", f"{server.host}/{repository.name}@{digest}")

    assert repository.manifest(digest).status_code == 404
    assert repository.tags() == []
