"""skopeo copies between OCI layouts and the registry, byte for byte."""

from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, digest_of, image, read_layout, write_layout
from tests.live.oci import Repository
from tests.live.server import Server


@pytest.fixture
def skopeo(credentials: Path) -> Client:
    """Skopeo with the credentials of the server."""
    return Client(
        program=program("skopeo"),
        options=("--insecure-policy",),
        environment={"REGISTRY_AUTH_FILE": str(credentials / "config.json"), "HOME": str(credentials)},
    )


def test_image_is_copied_there_and_back(
    skopeo: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """The layout that comes back has the same manifest and the same blobs."""
    content = image(busybox_layer(uuid4().hex))
    there = write_layout(tmp_path / "there", content, "v1")
    reference = f"docker://{server.host}/{repository.name}:v1"

    skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", f"oci:{there}:v1", reference)
    skopeo("copy", "--preserve-digests", "--src-tls-verify=false", reference, f"oci:{tmp_path / 'back'}:v1")

    digest, blobs = read_layout(tmp_path / "back")
    assert digest == content.digest
    assert blobs == {digest_of(data): data for data in (content.manifest, *content.blobs)}


def test_deleted_image_is_gone(skopeo: Client, server: Server, repository: Repository) -> None:
    """`skopeo delete` removes the manifest that the tag names."""
    repository.push("v1", image(busybox_layer(uuid4().hex)))
    reference = f"docker://{server.host}/{repository.name}:v1"

    skopeo("delete", "--tls-verify=false", reference)

    assert repository.manifest("v1").status_code == 404
