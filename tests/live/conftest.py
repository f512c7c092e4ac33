"""What every live test starts from: a server, a repository in it, credentials, and the engines."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.live.clients import Client
from tests.live.engines import containerd_engine, docker_engine
from tests.live.images import busybox_layer, image
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, serving
from tests.live.stage import Stage


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of two workers, for all tests of one file."""
    with serving("--workers", "2") as server:
        yield server


@pytest.fixture
def repository(server: Server) -> Iterator[Repository]:
    """A new, empty repository."""
    with new_repository(server) as repository:
        yield repository


@pytest.fixture
def other_repository(server: Server) -> Iterator[Repository]:
    """A second repository of the same server."""
    with new_repository(server) as repository:
        yield repository


@pytest.fixture(scope="module")
def authorization(server: Server) -> str:
    """An authorizationToken of the server."""
    return authorization_of(server)


@pytest.fixture(scope="module")
def credentials(server: Server, authorization: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for DOCKER_CONFIG, as a `docker login` leaves it: most clients read it."""
    folder = tmp_path_factory.mktemp("credentials")
    (folder / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": authorization}}}))
    return folder


@pytest.fixture(scope="session")
def docker() -> Iterator[Client]:
    """A docker client of a running engine."""
    with docker_engine() as docker:
        yield docker


@pytest.fixture(scope="session")
def ctr() -> Iterator[Client]:
    """A ctr client of a running containerd."""
    with containerd_engine() as ctr:
        yield ctr


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A server with one image in one repository, for all tests of one file."""
    with serving() as server, new_repository(server) as repository:
        content = image(busybox_layer(uuid4().hex))
        repository.push("v1", content)
        yield Stage(server, repository, content, authorization_of(server))


@pytest.fixture
def nothing_changes(stage: Stage) -> Iterator[None]:
    """After the test the server is alive, and what was in it is there, and nothing else."""
    before = stage.state()
    yield
    assert stage.server.is_alive()
    assert stage.state() == before


def new_repository(server: Server) -> Repository:
    """A repository of a name that no other test uses."""
    name = f"live/{uuid4().hex[:12]}"
    server.ecr().create_repository(repositoryName=name)
    return Repository(server, name, authorization_of(server))
