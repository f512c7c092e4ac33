"""A layer of 10 GiB, made as it is sent: memory stays flat, whichever face takes it, and replicas complete it."""

import random
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.live.clients import full
from tests.live.cluster import cluster
from tests.live.conftest import new_repository
from tests.live.oci import authorization_of
from tests.live.server import Server, serving
from tests.postgresql import CRASH_SAFE, postgresql_server
from tests.s3 import s3_server

MIB = 1024 * 1024
LAYER = 10 * 1024 * MIB
PART = 10 * MIB
V2_LIMIT = 150 * MIB
API_LIMIT = 300 * MIB

#: Seconds in which replicas complete a layer of 10 GiB whose parts went to all of them. Clients wait 60.
COMPLETED = 30

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test alone: its peak memory is that of one layer."""
    with serving("--workers", "2") as server:
        yield server


def blocks(size: int, feed: Callable[[bytearray], None], layer: int = LAYER) -> Iterator[bytes]:
    """A layer in blocks of this size, no two alike, hashed as they pass."""
    noise = bytearray(random.randbytes(size))
    for number in range(layer // size):
        noise[:8] = number.to_bytes(8)
        feed(noise)
        yield bytes(noise)


@full
def test_layer_of_10_gib_through_v2(own_server: Server) -> None:
    """POST, one PATCH, PUT; then a GET: under 150 MiB a process, and the same bytes back."""
    authorization = authorization_of(own_server)
    digest = sha256()
    with new_repository(own_server) as repository:
        location = urlsplit(repository.open_upload())
        connection = HTTPConnection(own_server.host, timeout=600)
        headers = {"Authorization": f"Basic {authorization}", "Content-Length": str(LAYER)}
        connection.request("PATCH", f"{location.path}?{location.query}", blocks(MIB, digest.update), headers)
        accepted = connection.getresponse()
        accepted.read()
        assert accepted.status == 202
        name = f"sha256:{digest.hexdigest()}"
        assert repository.put_upload(location.geturl(), name).status_code == 201

        pulled = sha256()
        del headers["Content-Length"]
        connection.request("GET", f"/v2/{repository.name}/blobs/{name}", headers=headers)
        response = connection.getresponse()
        while block := response.read(MIB):
            pulled.update(block)
        connection.close()

    assert pulled.hexdigest() == digest.hexdigest()
    assert max(own_server.peak_memory().values()) < V2_LIMIT


@full
def test_layer_of_10_gib_as_api_parts(own_server: Server) -> None:
    """InitiateLayerUpload, parts of 10 MiB, CompleteLayerUpload: under 300 MiB a process."""
    push_by_api(own_server, LAYER)

    assert max(own_server.peak_memory().values()) < API_LIMIT


@pytest.mark.parametrize("size", [20 * PART, pytest.param(LAYER, marks=full)])
def test_parts_over_three_replicas_are_completed_in_time(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each goes on with the hash where another was: nothing is read back, and memory stays flat as well."""
    with s3_server() as s3, postgresql_server(CRASH_SAFE) as postgresql:
        s3.write_credentials(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        with cluster(postgresql, s3) as replicas:
            seconds = push_by_api(replicas.front, size)
            peaks = [max(replica.peak_memory().values()) for replica in replicas.replicas]

    assert seconds < COMPLETED
    assert max(peaks) < API_LIMIT


def push_by_api(server: Server, size: int) -> float:
    """Push a layer in parts of 10 MiB; gives how many seconds its completion takes."""
    ecr, digest, first = server.ecr(), sha256(), 0
    with new_repository(server) as repository:
        upload = ecr.initiate_layer_upload(repositoryName=repository.name)["uploadId"]
        for part in blocks(PART, digest.update, size):
            ecr.upload_layer_part(
                repositoryName=repository.name,
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)
        name, begun = f"sha256:{digest.hexdigest()}", time.monotonic()
        done = ecr.complete_layer_upload(repositoryName=repository.name, uploadId=upload, layerDigests=[name])

    assert done["layerDigest"] == name
    return time.monotonic() - begun
