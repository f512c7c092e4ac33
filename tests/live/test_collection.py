"""Collectors beside a registry whose leases last seconds, and kill -9 of both: nothing acknowledged is lost."""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from botocore.exceptions import BotoCoreError
from tests.live.conftest import new_repository
from tests.live.images import Image, digest_of, image
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, ShortLivedServer
from tests.live.short_lived import LEASE_SECONDS
from tests.live.waiting import eventually

WRITERS = 4
ROUNDS = 4
#: What every positive answer promises at least, less what the requests themselves may take.
PROMISE_SECONDS = LEASE_SECONDS / 2 - 0.2
#: Few layers, so that writers push, lose and push again the same ones all the time.
LAYERS = [f"layer {number} ".encode() * 100 for number in range(6)]
GONE = (httpx.TransportError, BotoCoreError)
"""What a client sees of a killed server; any other error is the server's own, and fails the test."""
#: Tables that are empty when everything is deleted and collected.
TABLES = (
    *("repositories", "repository_layers", "blobs", "tombstones", "uploads"),
    *("manifests", "images", "image_references", "image_tags"),
)


@dataclass(slots=True)
class Record:
    """What one writer knows. ``unsure`` are images whose deletion had no answer."""

    images: dict[str, Image] = field(default_factory=dict[str, Image])
    unsure: set[str] = field(default_factory=set[str])
    pushed: int = 0
    refused_late: int = 0


class Writer:
    """One client that pushes and deletes images until the server dies."""

    def __init__(self, repository: Repository, seed: int) -> None:
        self.record = Record()
        self._repository = repository
        self._name = f"writer-{seed:08x}"
        self._random = random.Random(seed)

    def work_until_killed(self, killed: threading.Event) -> None:
        """Image after image; an error that is not the server's death is raised."""
        try:
            while True:
                self._push()
                if len(self.record.images) > self._random.randrange(4):
                    self._delete()
                self._random.choice((self._pull, self._abandon_layer, self._abandon_upload))()
        except GONE:
            assert killed.is_set(), "the server went away before it was killed"

    def _push(self) -> None:
        content = image(*self._random.sample(LAYERS, 2), annotations={self._name: str(self._random.random())})
        begun = time.monotonic()
        for data in content.blobs:
            if not self._repository.has_blob(digest_of(data)):
                self._repository.push_blob(data)
        answer = self._repository.put_manifest(content.digest, content)
        if time.monotonic() - begun > PROMISE_SECONDS and answer.status_code == 400:
            self.record.refused_late += 1
            return
        assert answer.status_code == 201, f"after {time.monotonic() - begun} s: {answer.text}"
        self.record.images[content.digest] = content
        self.record.pushed += 1

    def _delete(self) -> None:
        digest = self._random.choice(list(self.record.images))
        self.record.unsure.add(digest)
        content = self.record.images.pop(digest)
        answer = self._repository.http.delete(f"/v2/{self._repository.name}/manifests/{content.digest}")
        assert answer.status_code == 202, answer.text
        self.record.unsure.discard(digest)

    def _pull(self) -> None:
        if self.record.images:
            assert_is_whole(self._repository, self._random.choice(list(self.record.images.values())))

    def _abandon_layer(self) -> None:
        self._repository.push_blob(self._random.randbytes(100))

    def _abandon_upload(self) -> None:
        location = self._repository.open_upload()
        assert self._repository.patch(location, self._random.randbytes(100)).status_code == 202


@pytest.fixture
def server() -> Iterator[ShortLivedServer]:
    """A registry of two workers that this test kills."""
    with TemporaryDirectory(prefix="entrepot-live-") as folder:
        server = ShortLivedServer(Path(folder), "--workers", "2")
        try:
            yield server.start()
        finally:
            server.close()
            sys.stdout.write(server.log())


@pytest.mark.timeout(300)
def test_collecting_loses_nothing_over_kill_9_and_leaves_nothing(server: ShortLivedServer) -> None:
    """Over several deaths of registry and collectors; when all is deleted in the end, all is gone."""
    seed = random.getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown by pytest on failure
    chance = random.Random(seed)
    kept: dict[str, Image] = {}
    pushed = 0
    with new_repository(server) as repository:
        for _ in range(ROUNDS):
            records = work_until_killed(server, repository.name, chance)
            server.start()
            for record in records:
                kept |= record.images
                pushed += record.pushed
            for content in kept.values():
                assert_is_whole(repository, content)
        assert pushed > 10 * ROUNDS, "the rounds were too short to prove anything"

        server.ecr().delete_repository(repositoryName=repository.name, force=True)
    with collector(server):
        eventually(
            lambda: not what_is_left(server.data), within=60, otherwise=lambda: f"{what_is_left(server.data)}"
        )


def work_until_killed(server: ShortLivedServer, repository: str, chance: random.Random) -> list[Record]:
    """One round: writers work, collectors come and go, and the server is killed at a random moment."""
    authorization = authorization_of(server)
    killed = threading.Event()
    repositories = [Repository(server, repository, authorization) for _ in range(WRITERS)]
    writers = [Writer(own, chance.getrandbits(32)) for own in repositories]
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.work_until_killed, killed) for writer in writers]
        end = time.monotonic() + chance.uniform(4, 6)
        while time.monotonic() < end:
            with collector(server):
                time.sleep(chance.uniform(1, 2))  # the random point, and no waiting for anything
        killed.set()
        server.kill9()
        for each in running:
            each.result()
    for own in repositories:
        own.http.close()
    return [writer.record for writer in writers]


@contextmanager
def collector(server: Server) -> Generator[None]:
    """A collector beside the server, killed by SIGKILL at the end of the block."""
    command = [sys.executable, "-m", "tests.live.short_lived", "collect", "--data", str(server.data)]
    with subprocess.Popen(command) as process:
        try:
            yield
            assert process.poll() is None, "the collector ended by itself"
        finally:
            process.kill()


def assert_is_whole(repository: Repository, content: Image) -> None:
    """An image is there with all its bytes."""
    answer = repository.manifest(content.digest)
    assert answer.status_code == 200, answer.text
    assert answer.content == content.manifest
    for data in content.blobs:
        assert repository.blob(digest_of(data)).content == data


def what_is_left(data: Path) -> dict[str, int]:
    """Rows by table and files of the data folder, those that are not zero."""
    stored = [path for path in (data / "blobs").rglob("*") if path.is_file()]
    left = {"files": sum(path.name not in {"check", "identity"} for path in stored)}
    with closing(sqlite3.connect(f"file:{data / 'metadata.db'}?mode=ro", uri=True)) as database:
        for table in TABLES:
            (left[table],) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    return {name: number for name, number in left.items() if number}
