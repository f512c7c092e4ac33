"""Three registries and a worker over one database and one bucket, behind a proxy that shares out the requests."""

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.live.clients import Client, program
from tests.live.cluster import ANSWERED_BY, Cluster, Worker, cluster, shared_options
from tests.live.conftest import new_repository
from tests.live.images import Image, busybox_layer, digest_of, image, read_layout, write_layout
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, free_port, refusal_of
from tests.live.test_start import assert_one_clear_line
from tests.live.waiting import eventually
from tests.postgresql import CRASH_SAFE, EMPTY, postgresql_server
from tests.s3 import S3Server
from types_boto3_ecr.client import ECRClient

MIB = 1024 * 1024
PART = 10 * MIB
WRITERS = 4
#: Seconds within which a worker has gone round, or a proxy has noticed.
NOTICED = 30

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def aws_credentials(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those of the S3 server, where boto3 looks for them."""
    home = tmp_path_factory.mktemp("home")
    s3.write_credentials(home)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        yield


@pytest.fixture(scope="module")
def replicas(aws_credentials: None, s3: S3Server) -> Iterator[Cluster]:
    """Three replicas, for all tests of this file; the database keeps what it commits."""
    with postgresql_server(CRASH_SAFE) as postgresql, cluster(postgresql, s3) as replicas:
        yield replicas


@pytest.fixture(scope="module")
def server(replicas: Cluster) -> Server:
    """The proxy: what other files call the server."""
    return replicas.front


@pytest.fixture
def at_each(replicas: Cluster, repository: Repository, authorization: str) -> Iterator[list[Repository]]:
    """The repository as each replica has it, one after the other."""
    found = [Repository(replica, repository.name, authorization) for replica in replicas.replicas]
    yield found
    for each in found:
        each.http.close()


def push_by_api(server: Server, repository: str, data: bytes, part: int = PART) -> str:
    """Upload a layer in parts; its digest."""
    ecr = server.ecr()
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in range(0, len(data), part):
        piece = data[first : first + part]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(piece) - 1,
            layerPartBlob=piece,
        )
    done = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest_of(data)])
    return done["layerDigest"]


def test_the_requests_of_one_push_reach_three_replicas(
    repository: Repository, at_each: list[Repository], s3: S3Server, replicas: Cluster
) -> None:
    """POST, PATCH and PUT are answered by three replicas, and each of them has the layer then."""
    data = random.randbytes(12 * MIB + 7)
    opened = repository.http.post(f"/v2/{repository.name}/blobs/uploads/")

    sent = repository.patch(opened.headers["Location"], data, 0)
    put = repository.put_upload(sent.headers["Location"], digest_of(data))

    assert [opened.status_code, sent.status_code, put.status_code] == [202, 202, 201]
    assert len({answer.headers[ANSWERED_BY] for answer in (opened, sent, put)}) == 3
    assert [each.blob(digest_of(data)).content == data for each in at_each] == [True] * 3
    assert s3.multiparts(replicas.bucket) == []


def test_parts_of_one_layer_are_spread_over_the_replicas(
    server: Server, repository: Repository, at_each: list[Repository]
) -> None:
    """UploadLayerPart and CompleteLayerUpload through the proxy: the layer is whole, byte for byte."""
    data = random.randbytes(5 * PART + 1)

    assert push_by_api(server, repository.name, data) == digest_of(data)

    assert [each.blob(digest_of(data)).content == data for each in at_each] == [True] * 3


def test_wrong_bytes_over_several_replicas_are_refused(server: Server, repository: Repository) -> None:
    """A digest that the bytes do not have is found out by a replica that has received none of them."""
    ecr, data = server.ecr(), random.randbytes(PART)
    upload = ecr.initiate_layer_upload(repositoryName=repository.name)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository.name,
        uploadId=upload,
        partFirstByte=0,
        partLastByte=PART - 1,
        layerPartBlob=data,
    )

    with pytest.raises(ClientError, match="InvalidLayerException"):
        ecr.complete_layer_upload(
            repositoryName=repository.name, uploadId=upload, layerDigests=[digest_of(data[1:])]
        )

    assert not repository.has_blob(digest_of(data))


def test_chunks_smaller_than_a_part_may_go_to_any_replica(repository: Repository) -> None:
    """As regctl sends them: each is an object of its own until there are enough for a part."""
    data = random.randbytes(9 * MIB + 5)
    location = repository.open_upload()

    for first in range(0, len(data), MIB):
        answer = repository.patch(location, data[first : first + MIB], first)
        assert answer.status_code == 202, answer.text
        location = answer.headers["Location"]

    assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.blob(digest_of(data)).content == data


def test_two_that_finish_the_same_digest_at_once_leave_one_copy(
    repository: Repository, at_each: list[Repository], s3: S3Server, replicas: Cluster
) -> None:
    """Each at a replica of its own, in the same moment: both succeed, and the bucket has the layer once."""
    data = random.randbytes(2 * PART)
    before, uploads = set(s3.objects(replicas.bucket)), s3.multiparts(replicas.bucket)
    both = threading.Barrier(2)

    def push(own: Repository) -> int:
        location = own.open_upload()
        assert own.patch(location, data, 0).status_code == 202
        both.wait()
        return own.put_upload(location, digest_of(data)).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(push, at_each[:2])) == [201, 201]

    assert at_each[2].blob(digest_of(data)).content == data
    assert len(set(s3.objects(replicas.bucket)) - before) == 1
    assert s3.multiparts(replicas.bucket) == uploads


def test_a_push_that_one_acknowledged_is_seen_by_all_at_once(
    at_each: list[Repository],
) -> None:
    """Tag by tag, moved and deleted again: what one replica has answered is what the others say next."""
    for round_ in range(6):
        writer, *others = at_each[round_ % 3 :] + at_each[: round_ % 3]
        content = image(busybox_layer(uuid4().hex))

        writer.push("moving", content)
        writer.push(f"v{round_}", content)

        for other in others:
            assert other.manifest("moving").content == content.manifest
            assert f"v{round_}" in other.tags()
            assert all(other.has_blob(digest_of(data)) for data in content.blobs)
        assert others[0].http.delete(f"/v2/{writer.name}/manifests/{content.digest}").status_code == 202
        assert [each.manifest("moving").status_code for each in at_each] == [404] * 3


def test_what_one_replica_signs_the_others_believe(
    replicas: Cluster, server: Server, repository: Repository
) -> None:
    """Tokens of docker, download URLs, and the tokens by which a list goes on."""
    data = random.randbytes(1000)
    content = image(data)
    repository.push("v1", content)
    for name in ("a", "b"):
        server.ecr().create_repository(repositoryName=f"{repository.name}/{name}")
    one, *others = replicas.replicas
    token = authorization_of(one)

    url = one.ecr().get_download_url_for_layer(repositoryName=repository.name, layerDigest=digest_of(data))[
        "downloadUrl"
    ]
    page = one.ecr().describe_repositories(maxResults=1)

    for other in others:
        with Repository(other, repository.name, token) as elsewhere:
            assert elsewhere.manifest("v1").content == content.manifest
        assert httpx.get(url.replace(server.url, other.url)).content == data
        second = other.ecr().describe_repositories(maxResults=1, nextToken=page.get("nextToken", ""))
        assert second["repositories"] != page["repositories"]


def test_a_policy_that_one_replica_took_holds_at_all_within_a_second(
    replicas: Cluster, repository: Repository
) -> None:
    """A key that was made inactive at one is refused by the others."""
    one, *others = replicas.replicas
    name = f"u{uuid4().hex}"
    iam = one.iam()
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    clients = [other.ecr_of(key) for other in others]
    eventually(lambda: all(may_describe(client, repository.name) for client in clients), within=1)

    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")

    eventually(lambda: not any(may_describe(client, repository.name) for client in clients), within=1)


def may_describe(client: ECRClient, repository: str) -> bool:
    """Whether a client of ECR is let in."""
    try:
        client.describe_repositories(repositoryNames=[repository])
    except ClientError:
        return False
    return True


def test_crane_pulls_what_it_pushed(
    server: Server, repository: Repository, credentials: Path, tmp_path: Path
) -> None:
    """A client that knows nothing of replicas."""
    crane = Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})
    content = image(random.randbytes(25 * MIB), random.randbytes(7 * MIB), random.randbytes(100))
    layout = write_layout(tmp_path / "layout", content, "v1")
    reference = f"{server.host}/{repository.name}:v1"

    crane("push", layout, reference)

    crane("pull", "--format=oci", reference, tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(layout)


class Writer:
    """Pushes image after image through the proxy, each again and again until it is acknowledged."""

    def __init__(self, server: Server, repository: str, authorization: str, name: str) -> None:
        self.acknowledged: dict[str, Image] = {}
        self._repository = Repository(server, repository, authorization)
        self._name = name

    def push_until(self, stopped: threading.Event) -> None:
        """Push; whatever is not acknowledged is pushed again."""
        with self._repository:
            while not stopped.is_set():
                tag = f"{self._name}-{len(self.acknowledged)}"
                content = image(os.urandom(200_000), annotations={"tag": tag})
                while not self._push(tag, content):
                    if stopped.is_set():
                        return
                self.acknowledged[tag] = content

    def _push(self, tag: str, content: Image) -> bool:
        """Whether every step was done; a replica that dies is allowed to answer nothing, or the proxy for it."""
        try:
            for data in content.blobs:
                opened = self._repository.http.post(f"/v2/{self._repository.name}/blobs/uploads/")
                if not opened.is_success:
                    return False
                if not self._repository.put_upload(opened.headers["Location"], digest_of(data), data).is_success:
                    return False
            return self._repository.put_manifest(tag, content).status_code == 201
        except httpx.TransportError:
            return False


def test_replicas_that_are_killed_lose_nothing_that_was_acknowledged(
    replicas: Cluster, server: Server, repository: Repository, authorization: str, at_each: list[Repository]
) -> None:
    """Kill -9 of one after the other, while clients push through the others: all that was answered is there."""
    writers = [Writer(server, repository.name, authorization, f"w{number}") for number in range(WRITERS)]
    stopped = threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.push_until, stopped) for writer in writers]
        try:
            for replica in replicas.replicas[:2]:
                pushed_on(writers)
                replica.kill9()
                pushed_on(writers)
                replica.start()
                eventually(replicas.all_are_up, within=NOTICED)
        finally:
            stopped.set()
        for each in running:
            each.result()

    for writer in writers:
        for tag, content in writer.acknowledged.items():
            for each in at_each:
                assert each.manifest(tag).content == content.manifest
            assert [repository.blob(digest_of(data)).content for data in content.blobs] == list(content.blobs)


def pushed_on(writers: list[Writer]) -> None:
    """Wait until each writer has had two more images acknowledged, the second of which was begun meanwhile."""
    before = [len(writer.acknowledged) for writer in writers]
    eventually(
        lambda: all(len(w.acknowledged) > old + 1 for w, old in zip(writers, before, strict=True)),
        within=2 * NOTICED,
    )


def test_an_upload_goes_on_at_another_replica_after_kill_9(replicas: Cluster, at_each: list[Repository]) -> None:
    """In the middle of a request, after one that was acknowledged: another replica tells the offset, and goes on."""
    data = random.randbytes(40 * MIB)
    first, second, _ = at_each
    location = first.open_upload()
    assert first.patch(location, data[: 12 * MIB], 0).status_code == 202

    def body() -> Iterator[bytes]:
        for start in range(12 * MIB, 30 * MIB, MIB):
            yield data[start : start + MIB]
        replicas.replicas[0].kill9()
        yield data[30 * MIB :]

    with pytest.raises(httpx.TransportError):
        first.http.patch(location, content=body())

    assert second.received(location) == 12 * MIB
    assert second.patch(location, data[12 * MIB :], 12 * MIB).status_code == 202
    assert second.put_upload(location, digest_of(data)).status_code == 201
    replicas.replicas[0].start()
    eventually(replicas.all_are_up, within=NOTICED)
    with Repository(replicas.replicas[0], first.name, authorization_of(replicas.front)) as again:
        assert again.blob(digest_of(data)).content == data


def test_several_workers_tidy_up_beside_the_replicas(replicas: Cluster, server: Server, tmp_path: Path) -> None:
    """The rows of deleted repositories go, once; each worker ends with status 0 at SIGTERM."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    more = [Worker(tmp_path / name, *replicas.options).start() for name in ("a", "b")]
    try:
        deleted = [new_repository(server) for _ in range(3)]
        for each in deleted:
            with each:
                each.push("v1", image(busybox_layer(uuid4().hex)))
            server.ecr().delete_repository(repositoryName=each.name, force=True)

        left = "SELECT count(*) FROM repositories WHERE name IS NULL"
        eventually(lambda: replicas.postgresql.query(replicas.database, left) == "0", within=NOTICED)

        assert [worker.stop() for worker in more] == [0, 0]
        assert all("failed" not in worker.log() for worker in (*more, replicas.worker))
    finally:
        for worker in more:
            worker.close()


def start_options(folder: Path) -> list[str]:
    """Options of a start that is going to be refused."""
    return ["--listen", f"127.0.0.1:{free_port()}", "--data", str(folder / "data")]


def test_a_replica_with_another_master_key_is_refused(replicas: Cluster, s3: S3Server, tmp_path: Path) -> None:
    """The others would refuse its tokens."""
    options = shared_options(tmp_path, s3, replicas.database, replicas.bucket, master_key="00" * 32)

    said = refusal_of(*start_options(tmp_path), *options)

    assert_one_clear_line(said, naming="goes with the master key")


def test_a_replica_over_another_bucket_is_refused(replicas: Cluster, s3: S3Server, tmp_path: Path) -> None:
    """It would find none of the layers. A worker that would take them for removed is refused too."""
    options = shared_options(tmp_path, s3, replicas.database, s3.create_bucket())

    said = refusal_of(*start_options(tmp_path), *options)

    assert_one_clear_line(said, naming="goes with the storage")
    with pytest.raises(RuntimeError, match="status 1:\nentrepot: The database goes with the storage"):
        Worker(tmp_path, *options).start()


def test_another_database_over_the_same_bucket_is_refused(replicas: Cluster, s3: S3Server, tmp_path: Path) -> None:
    """Two registries never keep their layers under one prefix."""
    options = shared_options(tmp_path, s3, replicas.postgresql.create_database(template=EMPTY), replicas.bucket)

    said = refusal_of(*start_options(tmp_path), *options)

    assert_one_clear_line(said, naming="goes with another database")


def test_a_master_key_that_no_other_replica_would_have_is_not_made(
    replicas: Cluster, s3: S3Server, tmp_path: Path
) -> None:
    """Where others may share database and bucket, a start asks for the key rather than to make one."""
    said = refusal_of(
        *start_options(tmp_path),
        *("--storage", f"s3://{replicas.bucket}/layers", "--s3-endpoint", s3.endpoint),
        ENTREPOT_DATABASE=replicas.database,
    )

    assert_one_clear_line(said, naming="give all of them the setting master_key")
