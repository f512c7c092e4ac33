"""kill -9 at random points of concurrent pushes: what was acknowledged stays, and nothing half-done shows."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from botocore.exceptions import BotoCoreError
from tests.live.conftest import new_repository
from tests.live.images import Image, digest_of, image
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, serving

KIB = 1024
WRITERS = 6
ROUNDS = 3
GONE = (httpx.TransportError, BotoCoreError)
"""What a client sees of a killed server; any other error is the server's own, and fails the test."""


@dataclass(slots=True)
class Record:
    """What one writer knows: what the server acknowledged to it, and what it was about when the server died."""

    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    manifests: dict[str, bytes] = field(default_factory=dict[str, bytes])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    tried_tags: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    tried_blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    upload: tuple[str, bytes, int] | None = None
    """The open upload: its location, the whole blob, and how many bytes were acknowledged."""


class Writer:
    """One client that pushes random images into a repository until the server dies."""

    def __init__(self, server: Server, repository: Repository, seed: int) -> None:
        self.record = Record()
        self._repository = repository
        self._ecr = server.ecr()
        self._name = f"writer-{seed:08x}"
        self._random = random.Random(seed)

    def push_until_killed(self, killed: threading.Event) -> None:
        """Push image after image; an error that is not the server's death is raised."""
        try:
            while True:
                self._push_image()
        except GONE:
            assert killed.is_set(), "the server went away before it was killed"

    def _push_image(self) -> None:
        content = image(
            *(self._random.randbytes(self._random.randrange(1, 512 * KIB)) for _ in range(2)),
            annotations={"writer": self._name, "number": str(self._random.random())},
        )
        for data in content.blobs:
            self.record.tried_blobs[digest_of(data)] = data
            self._random.choice((self._put_at_once, self._put_by_chunks, self._put_by_parts))(data)
            self.record.blobs[digest_of(data)] = data
        tag = f"{self._name}-{self._random.randrange(3)}"
        self.record.tried_tags.setdefault(tag, set()).add(content.digest)
        self._random.choice((self._put_manifest, self._put_image))(tag, content)
        self.record.manifests[content.digest] = content.manifest
        self.record.tags[tag] = content.digest
        self.record.tried_tags[tag] = {content.digest}

    def _put_at_once(self, data: bytes) -> None:
        self._repository.push_blob(data)

    def _put_by_chunks(self, data: bytes) -> None:
        location = self._repository.open_upload()
        self.record.upload = (location, data, 0)
        for first in range(0, len(data), 100 * KIB):
            answer = self._repository.patch(location, data[first : first + 100 * KIB], first)
            assert answer.status_code == 202, answer.text
            location = answer.headers["Location"]
            self.record.upload = (location, data, min(first + 100 * KIB, len(data)))
        answer = self._repository.put_upload(location, digest_of(data))
        assert answer.status_code == 201, answer.text
        self.record.upload = None

    def _put_by_parts(self, data: bytes) -> None:
        name = self._repository.name
        upload = self._ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        self._ecr.upload_layer_part(
            repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=len(data) - 1, layerPartBlob=data
        )
        self._ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest_of(data)])

    def _put_manifest(self, tag: str, content: Image) -> None:
        answer = self._repository.put_manifest(tag, content)
        assert answer.status_code == 201, answer.text

    def _put_image(self, tag: str, content: Image) -> None:
        self._ecr.put_image(
            repositoryName=self._repository.name, imageManifest=content.manifest.decode(), imageTag=tag
        )


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for one test alone, which kills it."""
    with serving("--workers", request.param) as server:
        yield server


@pytest.mark.parametrize("kill", [Server.kill9, Server.kill9_main], ids=["every process", "first process"])
def test_acknowledged_pushes_survive_kill_9(own_server: Server, kill: Callable[[Server], None]) -> None:
    """Over several deaths: all that was acknowledged is there byte for byte, and nothing half-done is visible."""
    seed = random.getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown by pytest on failure
    chance = random.Random(seed)
    with new_repository(own_server) as repository:
        acknowledged = Record()
        for _ in range(ROUNDS):
            records = push_until_killed(own_server, repository.name, kill, chance)
            own_server.start()
            for record in records:
                finish_open_upload(repository, record)
                acknowledged.blobs |= record.blobs
                acknowledged.manifests |= record.manifests
                assert_tags_are_as_acknowledged(repository, record)
                assert_no_half_blob_is_visible(repository, record)
            assert_everything_is_there(repository, acknowledged)
        assert acknowledged.manifests, "the rounds were too short to prove anything"


def push_until_killed(
    server: Server, repository: str, kill: Callable[[Server], None], chance: random.Random
) -> list[Record]:
    """One round: writers push, the server is killed at a random moment; what each writer knows then."""
    authorization = authorization_of(server)
    killed = threading.Event()
    repositories = [Repository(server, repository, authorization) for _ in range(WRITERS)]
    writers = [Writer(server, own, chance.getrandbits(32)) for own in repositories]
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.push_until_killed, killed) for writer in writers]
        time.sleep(chance.uniform(0.2, 1.5))  # the random point, and no waiting for anything
        killed.set()
        try:
            kill(server)
        finally:
            server.kill9()  # or the writers would never end
        for each in running:
            each.result()
    for own in repositories:
        own.http.close()
    return [writer.record for writer in writers]


def finish_open_upload(repository: Repository, record: Record) -> None:
    """An upload that was open goes on after the death: no acknowledged byte of it is lost."""
    if record.upload is None:
        return
    location, data, acknowledged = record.upload
    received = repository.received(location)
    if received is None:  # its completion was under way
        assert acknowledged == len(data)
        assert repository.put_upload(location, digest_of(data)).status_code == 201
    else:
        assert acknowledged <= received <= len(data)
        if received < len(data):
            assert repository.patch(location, data[received:], received).status_code == 202
        assert repository.put_upload(location, digest_of(data)).status_code == 201
    record.blobs[digest_of(data)] = data


def assert_tags_are_as_acknowledged(repository: Repository, record: Record) -> None:
    """A tag is at its last acknowledged image, or at the one whose push had no answer yet; its parts are there."""
    for tag, digests in record.tried_tags.items():
        answer = repository.manifest(tag)
        if answer.status_code == 404:
            assert tag not in record.tags
            continue
        assert answer.status_code == 200, answer.text
        assert digest_of(answer.content) in digests | {record.tags.get(tag, "")}
        for named in (answer.json()["config"], *answer.json()["layers"]):
            assert digest_of(repository.blob(named["digest"]).content) == named["digest"]


def assert_no_half_blob_is_visible(repository: Repository, record: Record) -> None:
    """A blob whose push had no answer is either absent or whole."""
    for digest, data in record.tried_blobs.items():
        if digest not in record.blobs and repository.has_blob(digest):
            assert repository.blob(digest).content == data


def assert_everything_is_there(repository: Repository, acknowledged: Record) -> None:
    """Every acknowledged blob and manifest, byte for byte; every tag that is listed can be pulled."""
    for digest, data in acknowledged.blobs.items():
        assert repository.blob(digest).content == data
    for digest, data in acknowledged.manifests.items():
        assert repository.manifest(digest).content == data
    for tag in repository.tags():
        assert repository.manifest(tag).status_code == 200
