"""A registry whose layers are in a bucket: its clients, its deaths, and what is left in the bucket."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.live import test_kill
from tests.live.clients import Client, program
from tests.live.conftest import new_repository
from tests.live.images import digest_of, image, read_layout, write_layout
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, refusal_of, serving
from tests.live.test_start import assert_one_clear_line
from tests.live.waiting import eventually
from tests.s3 import S3Server, free_port, s3_server

MIB = 1024 * 1024
PART = 10 * MIB


pytestmark = pytest.mark.timeout(300)


def options(s3: S3Server, bucket: str) -> list[str]:
    """Those of a registry with its layers in this bucket."""
    return ["--workers", "2", "--storage", f"s3://{bucket}/layers", "--s3-endpoint", s3.endpoint]


@pytest.fixture(scope="module", autouse=True)
def aws_credentials(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those of the S3 server, where boto3 looks for them."""
    home = tmp_path_factory.mktemp("home")
    s3.write_credentials(home)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        yield


@pytest.fixture(scope="module")
def bucket(s3: S3Server) -> str:
    """Where the server of this file keeps its layers."""
    return s3.create_bucket()


@pytest.fixture(scope="module")
def server(s3: S3Server, bucket: str) -> Iterator[Server]:
    """A server of two workers over a bucket."""
    with serving(*options(s3, bucket)) as server:
        yield server


def random_layer(size: int) -> bytes:
    """A layer that no other test has."""
    return random.randbytes(size)


def test_crane_pulls_what_it_pushed(
    server: Server, repository: Repository, credentials: Path, tmp_path: Path
) -> None:
    """Layers of one part, of many, and of less than one."""
    crane = Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})
    content = image(random_layer(25 * MIB + 3), random_layer(7 * MIB), random_layer(100))
    layout = write_layout(tmp_path / "layout", content, "v1")
    reference = f"{server.host}/{repository.name}:v1"

    crane("push", layout, reference)

    crane("pull", "--format=oci", reference, tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(layout)


@pytest.mark.parametrize("part", [PART, MIB], ids=["parts", "chunks"])
def test_a_layer_is_sent_in_pieces_to_any_worker(server: Server, repository: Repository, part: int) -> None:
    """Each piece over a connection of its own; completed by whoever gets that; read back whole and in a range."""
    content = random_layer(2 * PART + 5)
    pieces = [content[first : first + part] for first in range(0, len(content), part)]
    location, first = repository.open_upload(), 0
    for piece in pieces:
        with Repository(server, repository.name, authorization_of(server)) as own:
            assert own.patch(location, piece, first).status_code == 202
        first += len(piece)
    with Repository(server, repository.name, authorization_of(server)) as own:
        assert own.put_upload(location, digest_of(content)).status_code == 201

    assert repository.blob(digest_of(content)).content == content
    ranged = repository.http.get(
        f"/v2/{repository.name}/blobs/{digest_of(content)}", headers={"Range": f"bytes={PART}-{PART + 9}"}
    )
    assert ranged.status_code == 206
    assert ranged.content == content[PART : PART + 10]


def test_boto3_uploads_and_downloads(server: Server, repository: Repository) -> None:
    """InitiateLayerUpload, parts, CompleteLayerUpload, and the URL of GetDownloadUrlForLayer."""
    ecr, content = server.ecr(), random_layer(3 * PART - 1)
    digest = push_by_api(server, repository, content)
    layer = image(content)
    for data in layer.blobs:
        repository.push_blob(data)
    assert repository.put_manifest("v1", layer).status_code == 201

    url = ecr.get_download_url_for_layer(repositoryName=repository.name, layerDigest=digest)["downloadUrl"]

    assert httpx.get(url, follow_redirects=True).content == content


def push_by_api(server: Server, repository: Repository, content: bytes) -> str:
    """Upload a layer in parts; its digest."""
    ecr = server.ecr()
    upload = ecr.initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    for first in range(0, len(content), PART):
        part = content[first : first + PART]
        ecr.upload_layer_part(
            repositoryName=repository.name,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    done = ecr.complete_layer_upload(
        repositoryName=repository.name, uploadId=upload, layerDigests=[digest_of(content)]
    )
    return done["layerDigest"]


def test_two_that_push_the_same_layer_leave_one(
    s3: S3Server, server: Server, bucket: str, repository: Repository
) -> None:
    """Both succeed, and the bucket has it once."""
    content = random_layer(12 * MIB)
    before = set(s3.objects(bucket))

    with ThreadPoolExecutor(2) as pool:
        pushes = [pool.submit(push_by_own, server, repository.name, content) for _ in range(2)]

    assert [push.result() for push in pushes] == [digest_of(content)] * 2
    assert len(set(s3.objects(bucket)) - before) == 1
    assert s3.multiparts(bucket) == []


def push_by_own(server: Server, name: str, content: bytes) -> str:
    """Push over connections of its own."""
    with Repository(server, name, authorization_of(server)) as own:
        return own.push_blob(content)


def test_a_cancelled_upload_leaves_nothing(
    s3: S3Server, server: Server, bucket: str, repository: Repository
) -> None:
    """DELETE drops its parts and its tail."""
    before = s3.objects(bucket)
    location = repository.open_upload()
    repository.patch(location, random_layer(20 * MIB))
    repository.patch(location, b"tail", 20 * MIB)
    assert s3.objects(bucket) != before
    assert s3.multiparts(bucket) != []

    assert repository.http.delete(location).status_code == 204

    assert s3.objects(bucket) == before
    assert s3.multiparts(bucket) == []


def test_downloads_are_redirected_to_the_bucket(s3: S3Server, tmp_path: Path) -> None:
    """With s3_redirect a GET is 307 to a presigned URL, at the endpoint that clients are told; HEAD is not."""
    seen_by_clients = s3.endpoint.replace("127.0.0.1", "localhost")
    redirect = ["--s3-redirect", "--s3-redirect-endpoint", seen_by_clients, "--s3-redirect-seconds", "60"]
    with (
        serving(*options(s3, s3.create_bucket()), *redirect) as server,
        new_repository(server) as repository,
    ):
        content = image(random_layer(9 * MIB))
        repository.push("v1", content)
        digest = digest_of(content.blobs[-1])
        path = f"/v2/{repository.name}/blobs/{digest}"

        answer = repository.http.get(path)

        assert answer.status_code == 307
        assert answer.headers["location"].startswith(f"{seen_by_clients}/")
        assert httpx.get(answer.headers["location"], headers={"Range": "bytes=1-3"}).status_code == 206
        assert repository.http.head(path).status_code == 200
        assert digest_of(httpx.get(answer.headers["location"]).content) == digest
        (tmp_path / "config.json").write_text(
            f'{{"auths": {{"{server.host}": {{"auth": "{authorization_of(server)}"}}}}}}'
        )
        crane = Client(program=program("crane"), environment={"DOCKER_CONFIG": str(tmp_path)})
        crane("pull", f"{server.host}/{repository.name}:v1", tmp_path / "pulled.tar")


def test_acknowledged_pushes_survive_kill_9(s3: S3Server) -> None:
    """As on a disk: what was acknowledged is there, and nothing half-done shows."""
    with serving(*options(s3, s3.create_bucket())) as own_server:
        test_kill.test_acknowledged_pushes_survive_kill_9(own_server, Server.kill9)


def test_a_large_upload_goes_on_after_kill_9(s3: S3Server) -> None:
    """Killed in the middle of a request, after one of several parts: the client goes on at the offset it is told."""
    bucket, content = s3.create_bucket(), random_layer(60 * MIB)
    with serving(*options(s3, bucket)) as own_server, new_repository(own_server) as repository:
        location = repository.open_upload()
        assert repository.patch(location, content[: 21 * MIB], 0).status_code == 202

        def body() -> Iterator[bytes]:
            for first in range(21 * MIB, 51 * MIB, MIB):
                yield content[first : first + MIB]
            own_server.kill9()
            yield content[51 * MIB :]

        with pytest.raises(httpx.TransportError):
            repository.http.patch(location, content=body())
        own_server.start()

        assert repository.received(location) == 21 * MIB
        assert repository.patch(location, content[21 * MIB :], 21 * MIB).status_code == 202
        assert repository.put_upload(location, digest_of(content)).status_code == 201
        assert repository.blob(digest_of(content)).content == content
        assert s3.multiparts(bucket) == []
        assert [name.count("/") for name in sorted(s3.objects(bucket))] == [2, 1, 1]  # the blob; check, identity


def test_an_s3_server_that_goes_away_is_told() -> None:
    """Readiness says so, a pull is an error and no short body; when it is back, everything goes on by itself."""
    with (
        s3_server() as own_s3,
        serving(*options(own_s3, own_s3.create_bucket())) as server,
        new_repository(server) as repository,
    ):
        content = random_layer(MIB)
        digest = repository.push_blob(content)

        with own_s3.gone():
            ready = httpx.get(f"{server.url}/-/ready", timeout=60)
            pulled = repository.blob(digest)

        assert ready.status_code == 503
        assert "its endpoint cannot be reached" in ready.text
        assert pulled.status_code == 503
        assert pulled.json()["errors"][0]["code"] == "UNAVAILABLE"
        eventually(lambda: httpx.get(f"{server.url}/-/ready", timeout=60).status_code == 200, within=20)
        assert repository.blob(digest).content == content


def test_pushes_and_pulls_go_on_after_an_s3_server_was_away() -> None:
    """Meanwhile each is refused with 503 and can be repeated; what was acknowledged before and after is there."""
    with (
        s3_server() as own_s3,
        serving(*options(own_s3, own_s3.create_bucket())) as server,
        new_repository(server) as repository,
    ):
        kept = [repository.push_blob(random_layer(9 * MIB))]
        refusals: list[Refusal] = []
        is_over = threading.Event()

        def push_and_pull() -> list[str]:
            acknowledged: list[str] = []
            with Repository(server, repository.name, authorization_of(server)) as own:
                while not is_over.is_set():
                    content = random_layer(9 * MIB)
                    try:
                        acknowledged.append(push_or_refusal(own, content))
                        assert pull_or_refusal(own, kept[0]) == kept[0]
                    except Refusal as refusal:
                        refusals.append(refusal)
            return acknowledged

        with ThreadPoolExecutor(4) as pool:
            working = [pool.submit(push_and_pull) for _ in range(4)]
            eventually(lambda: len(own_s3.objects("test-0")) > 8, within=60)
            with own_s3.gone():
                eventually(lambda: len(refusals) > 8, within=120)
            known = len(own_s3.objects("test-0"))
            eventually(lambda: len(own_s3.objects("test-0")) > known + 8, within=60)
            is_over.set()
            kept += [digest for each in working for digest in each.result()]

        assert {(refusal.status, refusal.code) for refusal in refusals} == {(503, "UNAVAILABLE")}
        assert [digest_of(repository.blob(digest).content) for digest in kept] == kept


class Refusal(Exception):
    """An answer that refuses."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.code = answer.json()["errors"][0]["code"]
        super().__init__(answer.text)


def push_or_refusal(repository: Repository, content: bytes) -> str:
    """Push a layer by POST, PATCH and PUT; its digest. Raises Refusal."""
    location = repository.open_upload()
    for answer in (
        repository.patch(location, content, 0),
        repository.put_upload(location, digest_of(content)),
    ):
        if not answer.is_success:
            repository.http.delete(location)
            raise Refusal(answer)
    return digest_of(content)


def pull_or_refusal(repository: Repository, digest: str) -> str:
    """Pull a layer; the digest of its bytes. Raises Refusal."""
    answer = repository.blob(digest)
    if not answer.is_success:
        raise Refusal(answer)
    return digest_of(answer.content)


def test_the_api_tells_an_s3_server_that_is_away_as_a_fault() -> None:
    """ServerException with 503, with which SDKs try again; and the download URL is 503 as well."""
    with (
        s3_server() as own_s3,
        serving(*options(own_s3, own_s3.create_bucket())) as server,
        new_repository(server) as repository,
    ):
        ecr, layer = server.ecr(), image(random_layer(MIB))
        repository.push("v1", layer)
        digest = digest_of(layer.blobs[-1])
        upload = ecr.initiate_layer_upload(repositoryName=repository.name)["uploadId"]
        url = ecr.get_download_url_for_layer(repositoryName=repository.name, layerDigest=digest)["downloadUrl"]

        with own_s3.gone():
            pulled = httpx.get(url, timeout=60)
            with pytest.raises(ClientError) as refused:
                ecr.upload_layer_part(
                    repositoryName=repository.name,
                    uploadId=upload,
                    partFirstByte=0,
                    partLastByte=6,
                    layerPartBlob=b"content",
                )

        answer: Any = refused.value.response
        assert answer["Error"]["Code"] == "ServerException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert pulled.status_code == 503
        assert "its endpoint cannot be reached" in pulled.text


def test_an_s3_server_that_hangs_holds_up_nothing_else() -> None:
    """More pulls wait for it than there are threads: HEAD and manifests are answered; then the pulls go on."""
    with (
        s3_server() as own_s3,
        serving("--workers", "1", *options(own_s3, own_s3.create_bucket())[2:]) as server,
        new_repository(server) as repository,
    ):
        content = image(random_layer(MIB))
        repository.push("v1", content)
        digest = digest_of(content.blobs[-1])

        def pull() -> str:
            with Repository(server, repository.name, authorization_of(server)) as own:
                return digest_of(own.blob(digest).content)

        with ThreadPoolExecutor(24) as pool:
            with own_s3.stalled():
                pulls = [pool.submit(pull) for _ in range(24)]
                eventually(lambda: server.operations()["GetDownloadUrlForLayer"] >= len(pulls), within=30)
                answers = [
                    repository.http.head(f"/v2/{repository.name}/blobs/{digest}", timeout=5),
                    repository.http.get(f"/v2/{repository.name}/manifests/v1", timeout=5),
                ]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert [each.result() for each in pulls] == [digest] * len(pulls)


def test_layers_are_read_through_a_folder(tmp_path: Path) -> None:
    """With s3_cache the second pull needs no bucket: it is right while the S3 server is away."""
    cache = tmp_path / "cache"
    with (
        s3_server() as own_s3,
        serving(*options(own_s3, own_s3.create_bucket()), "--s3-cache", str(cache)) as server,
        new_repository(server) as repository,
    ):
        content = random_layer(20 * MIB + 3)
        digest = repository.push_blob(content)
        assert repository.blob(digest).content == content

        with own_s3.gone():
            pulled = [pull_or_refusal(repository, digest) for _ in range(4)]

        assert pulled == [digest] * 4
        assert len(list(cache.glob("??/*"))) == 3


@pytest.mark.parametrize(
    ("wrong", "naming"),
    [
        pytest.param(["--storage", "s3://absent-bucket"], "the bucket does not exist", id="no bucket"),
        pytest.param(["--storage", "bucket"], "storage", id="no URL"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_told_at_start(
    s3: S3Server, tmp_path: Path, wrong: list[str], naming: str
) -> None:
    """One line that says what is wrong."""
    folder = ["--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}"]

    said = refusal_of(*folder, *wrong, "--s3-endpoint", s3.endpoint)

    assert_one_clear_line(said, naming=naming)


def test_settings_of_s3_without_a_bucket_are_refused(tmp_path: Path) -> None:
    """Rather than to keep layers where nobody expects them."""
    said = refusal_of("--data", str(tmp_path / "data"), "--s3-endpoint", "http://127.0.0.1:1")

    assert_one_clear_line(said, naming="storage")
