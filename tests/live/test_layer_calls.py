"""One image through both faces: pushed by docker and read by boto3, pushed by boto3 and run by docker."""

import json
from http import HTTPStatus
from uuid import uuid4

import httpx
import pytest
from tests.live.clients import Client
from tests.live.images import busybox_layer, digest_of, image
from tests.live.oci import Repository, password_of
from tests.live.server import Server

PART = 5 * 1024 * 1024


@pytest.fixture
def logged_in(docker: Client, server: Server) -> Client:
    """The docker client, logged in to the server."""
    docker("login", "--username", "AWS", "--password-stdin", server.host, stdin=password_of(server).encode())
    return docker


def test_image_pushed_by_docker_is_read_by_boto3(
    logged_in: Client, server: Server, repository: Repository
) -> None:
    """BatchGetImage has the manifest byte for byte; URLs give each layer, whole and by range, to anyone."""
    reference = f"{server.host}/{repository.name}:docker"
    layer = busybox_layer(uuid4().hex)
    logged_in("import", "-", reference, stdin=layer)
    logged_in("push", reference)
    ecr = server.ecr()

    (found,) = ecr.batch_get_image(repositoryName=repository.name, imageIds=[{"imageTag": "docker"}])["images"]

    manifest = found["imageManifest"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    assert digest_of(manifest.encode()) == found["imageId"]["imageDigest"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    for named in json.loads(manifest)["layers"]:
        url = ecr.get_download_url_for_layer(repositoryName=repository.name, layerDigest=named["digest"])[
            "downloadUrl"
        ]
        whole = httpx.get(url)
        assert len(whole.content) == named["size"]
        assert digest_of(whole.content) == named["digest"]
        middle = httpx.get(url, headers={"Range": "bytes=100-299"})
        assert middle.status_code == HTTPStatus.PARTIAL_CONTENT
        assert middle.content == whole.content[100:300]
        assert middle.headers["Content-Range"] == f"bytes 100-299/{named['size']}"


def test_image_pushed_by_boto3_runs_in_docker(logged_in: Client, server: Server, repository: Repository) -> None:
    """A layer of several parts and a config, sent by the layer calls, and PutImage make an image that runs."""
    greeting = uuid4().hex
    content = image(busybox_layer(greeting + " " * PART))
    for data in content.blobs:
        assert push_by_parts(server, repository.name, data) == digest_of(data)

    server.ecr().put_image(
        repositoryName=repository.name,
        imageManifest=content.manifest.decode(),
        imageManifestMediaType=content.media_type,
        imageTag="boto3",
    )

    reference = f"{server.host}/{repository.name}:boto3"
    logged_in("pull", reference)
    assert logged_in("run", "--rm", "--network", "none", reference).startswith(greeting)


def test_layer_pushed_by_one_face_is_known_to_the_other(server: Server, repository: Repository) -> None:
    """BatchCheckLayerAvailability knows a blob of `/v2/`, and HEAD knows a layer of the API."""
    by_oci, by_api = uuid4().bytes, uuid4().bytes
    repository.push_blob(by_oci)
    push_by_parts(server, repository.name, by_api)

    answer = server.ecr().batch_check_layer_availability(
        repositoryName=repository.name, layerDigests=[digest_of(by_oci), digest_of(by_api)]
    )

    assert [layer.get("layerAvailability") for layer in answer["layers"]] == ["AVAILABLE", "AVAILABLE"]
    assert repository.has_blob(digest_of(by_oci))
    assert repository.has_blob(digest_of(by_api))


def push_by_parts(server: Server, repository: str, data: bytes) -> str:
    """A layer by InitiateLayerUpload, UploadLayerPart in order and CompleteLayerUpload; the digest it answers."""
    ecr = server.ecr()
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in range(0, len(data), PART):
        part = data[first : first + PART]
        answer = ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
        assert answer["lastByteReceived"] == first + len(part) - 1
    done = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest_of(data)])
    return done["layerDigest"]
