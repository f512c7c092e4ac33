"""containerd, which sends a blob in one PUT, and asks for a mount first."""

import tarfile
from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client
from tests.live.images import busybox_layer, image, write_layout
from tests.live.oci import Repository, password_of
from tests.live.server import Server


@pytest.fixture
def access(server: Server) -> tuple[str, ...]:
    """The options of `ctr images push` and `pull`."""
    return "--plain-http", "--user", f"AWS:{password_of(server)}"


def test_image_pushed_by_containerd_is_pulled_again(
    ctr: Client, access: tuple[str, ...], server: Server, repository: Repository, tmp_path: Path
) -> None:
    """An imported image is pushed, forgotten and pulled; its digest stays what it was."""
    content = image(busybox_layer(uuid4().hex))
    layout = write_layout(tmp_path / "layout", content, "v1")
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        tar.add(layout, arcname=".")
    reference = f"{server.host}/{repository.name}:v1"
    ctr(
        "images",
        "import",
        "--no-unpack",
        "--base-name",
        f"{server.host}/{repository.name}",
        tmp_path / "image.tar",
    )

    ctr("images", "push", *access, reference)
    ctr("images", "rm", "--sync", reference)
    ctr("images", "pull", "--snapshotter", "native", *access, reference)

    (listed,) = ctr("images", "ls", f"name=={reference}").splitlines()[1:]
    assert content.digest in listed
    assert repository.manifest("v1").content == content.manifest


def test_wrong_password_is_refused(ctr: Client, server: Server, repository: Repository) -> None:
    """A pull with a wrong password fails, and names the authorisation."""
    refused = ctr.run(
        "images", "pull", "--plain-http", "--user", "AWS:wrong", f"{server.host}/{repository.name}:v1"
    )

    assert refused.returncode != 0
    assert b"40" in refused.stderr
