"""regctl copies images and indexes, and sends a blob of unknown length in chunks of 1 MiB with Content-Range."""

import random
from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, digest_of, image, index, read_layout, write_layout
from tests.live.oci import Repository
from tests.live.server import Server

MIB = 1024 * 1024


@pytest.fixture
def regctl(credentials: Path, server: Server) -> Client:
    """Regctl with the credentials of the server."""
    return Client(
        program=program("regctl"),
        options=("--host", f"reg={server.host},tls=disabled"),
        environment={"DOCKER_CONFIG": str(credentials), "HOME": str(credentials)},
    )


def test_blob_of_unknown_length_arrives_in_chunks(regctl: Client, server: Server, repository: Repository) -> None:
    """Five chunks and a rest become one blob."""
    data = random.randbytes(5 * MIB + 12_345)
    parts = server.operations()["UploadLayerPart"]

    printed = regctl("blob", "put", f"{server.host}/{repository.name}", stdin=data)

    assert printed.strip() == digest_of(data)
    assert repository.blob(digest_of(data)).content == data
    assert server.operations()["UploadLayerPart"] - parts >= 6


def test_index_is_copied_in_between_and_out(
    regctl: Client, server: Server, repository: Repository, other_repository: Repository, tmp_path: Path
) -> None:
    """From a layout to the registry, on to another repository and back to a layout, all stays byte for byte."""
    content = index(
        {name: image(busybox_layer(name + uuid4().hex), architecture=name) for name in ("amd64", "arm64")}
    )
    layout = write_layout(tmp_path / "layout", content, "v1")
    first, second = (f"{server.host}/{each.name}:v1" for each in (repository, other_repository))

    regctl("image", "copy", f"ocidir://{layout}:v1", first)
    regctl("image", "copy", first, second)
    regctl("image", "copy", second, f"ocidir://{tmp_path / 'back'}:v1")

    assert regctl("image", "digest", second) == content.digest
    assert read_layout(tmp_path / "back") == read_layout(layout)


def test_tags_are_listed_and_deleted(regctl: Client, server: Server, repository: Repository) -> None:
    """`regctl tag ls` shows what was pushed, and `tag rm` removes a tag and keeps the image's other one."""
    content = image(busybox_layer(uuid4().hex))
    repository.push("v1", content)
    repository.put_manifest("v2", content)
    name = f"{server.host}/{repository.name}"
    assert regctl("tag", "ls", name).split() == ["v1", "v2"]

    regctl("tag", "rm", f"{name}:v1")

    assert regctl("tag", "ls", name).split() == ["v2"]
    assert repository.manifest("v2").content == content.manifest
