"""A docker engine logs in, pushes, pulls and runs; the server's own counters say what went over the wire."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.live.clients import Client
from tests.live.images import busybox_layer, image, index
from tests.live.oci import Repository, password_of
from tests.live.server import Server


@pytest.fixture
def logged_in(docker: Client, server: Server) -> Iterator[Client]:
    """The docker client, logged in to the server."""
    docker("login", "--username", "AWS", "--password-stdin", server.host, stdin=password_of(server).encode())
    yield docker
    docker("logout", server.host)


@pytest.fixture
def greeting() -> str:
    """A text that no other image has."""
    return uuid4().hex


@pytest.fixture
def reference(logged_in: Client, server: Server, repository: Repository, greeting: str) -> str:
    """An image that the engine has and the registry has not yet."""
    reference = f"{server.host}/{repository.name}:first"
    logged_in("import", "--change", 'CMD ["/bin/cat", "/greeting"]', "-", reference, stdin=busybox_layer(greeting))
    return reference


def test_login_with_a_wrong_password_is_refused(docker: Client, server: Server) -> None:
    """`docker login` says unauthorised, and stores nothing."""
    refused = docker.run("login", "--username", "AWS", "--password-stdin", server.host, stdin=b"wrong")

    assert refused.returncode != 0
    assert b"401" in refused.stderr or b"unauthorized" in refused.stderr.lower()


def test_pushed_image_is_pulled_again_and_runs(logged_in: Client, reference: str, greeting: str) -> None:
    """What was pushed comes back after every local copy is gone, and runs."""
    logged_in("push", reference)
    logged_in("rmi", reference)

    logged_in("pull", reference)

    assert logged_in("run", "--rm", "--network", "none", reference) == greeting


def test_second_push_sends_no_layer(logged_in: Client, reference: str, server: Server) -> None:
    """A push of the same image under a new tag puts a manifest and not one byte of a layer."""
    logged_in("push", reference)
    operations, layer_bytes = server.operations(), server.layer_bytes()
    again = reference.replace(":first", ":second")
    logged_in("tag", reference, again)

    logged_in("push", again)

    done = server.operations() - operations
    assert done["PutImage"] == 1
    assert done["UploadLayerPart"] == done["InitiateLayerUpload"] == done["CompleteLayerUpload"] == 0
    assert server.layer_bytes() == layer_bytes


def test_a_push_becomes_the_calls_of_an_sdk(logged_in: Client, reference: str, server: Server) -> None:
    """A first push counts as the ECR operations that an SDK would have called for two blobs and an image."""
    operations = server.operations()

    logged_in("push", reference)

    done = server.operations() - operations
    assert done["InitiateLayerUpload"] == done["CompleteLayerUpload"] == 2
    assert done["UploadLayerPart"] >= 2
    assert done["BatchCheckLayerAvailability"] >= 2
    assert done["PutImage"] == 1


def test_unknown_tag_is_named_in_the_refusal(logged_in: Client, server: Server, repository: Repository) -> None:
    """`docker pull` of a tag that is not there fails, and tells that it was not found."""
    refused = logged_in.run("pull", f"{server.host}/{repository.name}:nowhere")

    assert refused.returncode != 0
    assert b"not found" in refused.stderr


def test_image_of_this_platform_is_taken_from_an_index(
    logged_in: Client, server: Server, repository: Repository, greeting: str
) -> None:
    """A pull of a multi-architecture index brings the image of the engine's own platform, which runs."""
    arm64, amd64 = (image(busybox_layer(greeting + each), architecture=each) for each in ("arm64", "amd64"))
    repository.push("both", index({"arm64": arm64, "amd64": amd64}))
    reference = f"{server.host}/{repository.name}:both"

    logged_in("pull", "--platform", "linux/amd64", reference)

    assert json.loads(logged_in("image", "inspect", reference))[0]["Architecture"] == "amd64"
    assert logged_in("run", "--rm", "--network", "none", reference) == greeting + "amd64"
