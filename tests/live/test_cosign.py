"""cosign keeps signatures beside the images they are for."""

from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client, full, program
from tests.live.images import busybox_layer, image
from tests.live.oci import Repository
from tests.live.server import Server

pytestmark = full


@pytest.fixture
def cosign(credentials: Path, tmp_path: Path) -> Client:
    """Cosign with the credentials of the server, and a key pair with an empty password in `tmp_path`."""
    environment = {"DOCKER_CONFIG": str(credentials), "HOME": str(tmp_path), "COSIGN_PASSWORD": ""}
    cosign = Client(program=program("cosign"), environment=environment)
    cosign("generate-key-pair", folder=tmp_path)
    return cosign


def test_signed_image_is_verified(cosign: Client, server: Server, repository: Repository, tmp_path: Path) -> None:
    """A signature by a key, without a transparency log, is stored and found; an unsigned image is not verified."""
    signed = repository.push("signed", image(busybox_layer(uuid4().hex)))
    unsigned = repository.push("unsigned", image(busybox_layer(uuid4().hex)))
    name = f"{server.host}/{repository.name}"
    insecure = ("--allow-insecure-registry", "--allow-http-registry")

    cosign(
        "sign",
        *insecure,
        "--yes",
        "--tlog-upload=false",
        "--key",
        "cosign.key",
        f"{name}@{signed}",
        folder=tmp_path,
    )

    verify = ("verify", *insecure, "--insecure-ignore-tlog", "--key", "cosign.pub")
    assert signed in cosign(*verify, f"{name}@{signed}", folder=tmp_path)
    assert cosign.run(*verify, f"{name}@{unsigned}", folder=tmp_path).returncode != 0
