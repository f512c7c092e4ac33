"""What crane has pushed and somebody has deleted comes back by a command beside the running registry."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.conftest import new_repository
from tests.live.images import busybox_layer, image, read_layout, write_layout
from tests.live.oci import Repository
from tests.live.server import Server


@pytest.fixture
def crane(credentials: Path) -> Client:
    """Crane with the credentials of the server."""
    return Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})


def entrepot(server: Server, *words: str) -> str:
    """What a command on the server's database prints."""
    command = [str(Path(sys.executable).with_name("entrepot")), *words, "--data", str(server.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_deleted_image_is_pulled_again(
    crane: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """Deleted by crane, listed, brought back, and pulled byte by byte as it was."""
    content = image(busybox_layer(uuid4().hex))
    layout = write_layout(tmp_path / "layout", content, "v1")
    name = f"{server.host}/{repository.name}"
    crane("push", layout, f"{name}:v1")
    crane("delete", f"{name}@{content.digest}")
    assert crane.run("digest", f"{name}:v1").returncode != 0
    listed = json.loads(entrepot(server, "deleted", repository.name, "--output", "json"))["deleted"]

    entrepot(server, "undelete", f"{repository.name}@{content.digest}")

    assert [(each["digest"], each["tags"]) for each in listed] == [(content.digest, ["v1"])]
    crane("pull", "--format=oci", f"{name}:v1", tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(layout)


def test_a_tag_that_was_moved_by_mistake_goes_back(crane: Client, server: Server, repository: Repository) -> None:
    """And the history tells of both moves."""
    good, bad = image(busybox_layer(uuid4().hex)), image(busybox_layer(uuid4().hex))
    name = f"{server.host}/{repository.name}"
    repository.push("latest", good)
    repository.push("latest", bad)

    entrepot(server, "undelete", f"{repository.name}:latest")

    assert crane("digest", f"{name}:latest") == good.digest
    moves = json.loads(entrepot(server, "history", f"{repository.name}:latest", "--output", "json"))["moves"]
    assert [(move["from"], move["to"]) for move in moves] == [
        (bad.digest, good.digest),
        (good.digest, bad.digest),
        (None, good.digest),
    ]


def test_a_deleted_repository_is_pulled_from_again(crane: Client, server: Server, tmp_path: Path) -> None:
    """With its images; and once it is purged it is gone."""
    content = image(busybox_layer(uuid4().hex))
    layout = write_layout(tmp_path / "layout", content, "v1")
    with new_repository(server) as repository:
        name = f"{server.host}/{repository.name}"
        crane("push", layout, f"{name}:v1")
        server.ecr().delete_repository(repositoryName=repository.name, force=True)

        entrepot(server, "undelete", repository.name)

        crane("pull", "--format=oci", f"{name}:v1", tmp_path / "pulled")
        assert read_layout(tmp_path / "pulled") == read_layout(layout)
        server.ecr().delete_repository(repositoryName=repository.name, force=True)
        entrepot(server, "purge", repository.name)
        assert json.loads(entrepot(server, "deleted", repository.name, "--output", "json")) == {"deleted": []}
