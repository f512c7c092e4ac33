"""Real clients and repositories that are encrypted: they see no difference, and the data folder shows nothing.

The server is one of its own, for its data folder is searched.
"""

import json
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, digest_of, image, read_layout, write_layout
from tests.live.oci import Repository, password_of
from tests.live.server import Server, serving

#: In the clear in every layer, which is not compressed, and in every manifest.
IN_LAYER, IN_MANIFEST = "nobody-reads-this-layer", "nobody-reads-this-manifest"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of two workers that encrypts everything."""
    with serving("--workers", "2", "--encrypt-at-rest") as server:
        yield server


@pytest.fixture
def crane(credentials: Path) -> Client:
    """Crane with the credentials of the server."""
    return Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})


def kms(server: Server, *words: str) -> Any:
    """What `entrepot kms` says of the server's keys."""
    command = [server.command[0], "kms", *words, "--data", str(server.data), "--output", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def create(server: Server, authorization: str, kind: str) -> tuple[Repository, str]:
    """A repository of this encryption, under a key of its own; and the key's ARN, which AES256 has not."""
    name, ecr = f"encrypted-{uuid4().hex}", server.ecr()
    if kind == "AES256":
        ecr.create_repository(repositoryName=name)
        return Repository(server, name, authorization), ""
    arn = kms(server, "create-key")["Key"]["Arn"]
    made = ecr.create_repository(
        repositoryName=name,
        encryptionConfiguration={"encryptionType": "KMS" if kind == "KMS" else "KMS_DSSE", "kmsKey": arn},
    )
    assert made["repository"].get("encryptionConfiguration") == {"encryptionType": kind, "kmsKey": arn}
    return Repository(server, name, authorization), arn


def found_in(folder: Path, *words: str) -> set[str]:
    """Those of the words that some file of a folder has."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "metadata.db" for path in folder.iterdir())
    return {word for word in words if any(word.encode() in content for content in files)}


@pytest.mark.parametrize("kind", ["KMS", "KMS_DSSE", "AES256"])
def test_an_image_goes_in_and_comes_out_and_the_data_folder_shows_nothing(
    crane: Client, server: Server, authorization: str, tmp_path: Path, kind: str
) -> None:
    """Neither layer nor manifest is in a file of the server, its database and its log of changes among them."""
    repository, _ = create(server, authorization, kind)
    content = image(
        busybox_layer(f"{IN_LAYER} " * 100_000), annotations={"org.example.note": f"{IN_MANIFEST} {uuid4().hex}"}
    )
    layout = write_layout(tmp_path / "layout", content, "v1")
    reference = f"{server.host}/{repository.name}:v1"

    with repository:
        crane("push", layout, reference)
        crane("pull", "--format=oci", reference, tmp_path / "pulled")

    assert read_layout(tmp_path / "pulled") == read_layout(layout)
    assert found_in(server.data, IN_LAYER, IN_MANIFEST, repository.name) == {repository.name}


def test_docker_runs_what_docker_pushed(docker: Client, server: Server, authorization: str) -> None:
    """By way of an encrypted repository."""
    repository, _ = create(server, authorization, "KMS")
    reference, greeting = f"{server.host}/{repository.name}:v1", uuid4().hex
    docker("login", "--username", "AWS", "--password-stdin", server.host, stdin=password_of(server).encode())
    docker("import", "--change", "CMD cat /greeting", "-", reference, stdin=busybox_layer(greeting))

    with repository:
        docker("push", reference)
        docker("rmi", reference)

        assert docker("run", "--rm", reference) == greeting


def test_a_disabled_key_stops_a_running_server(server: Server, authorization: str) -> None:
    """On every worker: keys that it has not met at once, and what it had unwrapped within a minute."""
    repository, arn = create(server, authorization, "KMS")
    with repository:
        repository.push("v1", image())

        kms(server, "disable", arn)
        refused = repository.http.post(f"/v2/{repository.name}/blobs/uploads/")
        kms(server, "enable", arn)
        accepted = repository.http.post(f"/v2/{repository.name}/blobs/uploads/")

    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert refused.json()["errors"][0] == {"code": "DENIED", "message": f"{arn} is disabled."}
    assert accepted.status_code == HTTPStatus.ACCEPTED


def test_what_is_encrypted_outlives_a_restart(server: Server, authorization: str) -> None:
    """Keys, data keys and segments are all on the disk, and kill -9 loses none of them."""
    content = image(busybox_layer(uuid4().hex))
    made = [create(server, authorization, kind)[0] for kind in ("KMS", "KMS_DSSE", "AES256")]
    for repository in made:
        repository.push("v1", content)

    server.kill9()
    server.start()

    for repository in made:
        with repository:
            assert repository.http.get(f"/v2/{repository.name}/manifests/v1").content == content.manifest
            for blob in content.blobs:
                assert repository.http.get(f"/v2/{repository.name}/blobs/{digest_of(blob)}").content == blob
