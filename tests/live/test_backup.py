"""`entrepot backup` beside a busy registry, and `entrepot restore` into others, of the same kind and of the other."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.live import processes
from tests.live.cluster import shared_options
from tests.live.conftest import new_repository
from tests.live.images import Image, image
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, ShortLivedServer, serving
from tests.live.test_collection import assert_is_whole, collector
from tests.live.waiting import eventually
from tests.postgresql import EMPTY
from tests.postgresql import Server as PostgreSQL
from tests.s3 import S3Server

MIB = 1024 * 1024
COMMAND = str(Path(sys.executable).with_name("entrepot"))
COMMAND_SECONDS = 120

pytestmark = pytest.mark.timeout(300)


def entrepot(*words: object, status: int = 0) -> str:
    """What a command prints, which has to end with this status; of one that fails, also what it complains of."""
    done = subprocess.run(
        [COMMAND, *map(str, words)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}


def back_up(folder: Path, data: Path, *options: str) -> dict[str, Any]:
    """Make a snapshot; what the command tells of it."""
    return json.loads(entrepot("backup", "create", folder, "--data", data, *options, "--output", "json"))


def verify(folder: Path) -> dict[str, Any]:
    """Verify the newest snapshot, which has to be whole; what the command tells of it."""
    return json.loads(entrepot("backup", "verify", folder, "--output", "json"))


def snapshots(folder: Path) -> list[str]:
    """The names of the whole ones."""
    return [each["snapshot"] for each in json.loads(entrepot("backup", "list", folder, "--output", "json"))]


def some_images(count: int, *, size: int) -> list[Image]:
    """Images that nobody else has, each with a layer of this size."""
    return [image(random.randbytes(size), annotations={"number": str(number)}) for number in range(count)]


@contextmanager
def restored(folder: Path, backup: Path, *options: str) -> Generator[Server]:
    """A registry on a restored data folder."""
    folder.mkdir()
    server = Server(folder, *options)
    entrepot("restore", backup, "--data", server.data, *options)
    try:
        yield server.start()
    finally:
        server.close()
        sys.stdout.write(server.log())


def assert_has(server: Server, repository: str, content: Sequence[Image]) -> None:
    """A registry has these images byte for byte."""
    with Repository(server, repository, authorization_of(server)) as opened:
        for each in content:
            assert_is_whole(opened, each)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Server]:
    """A registry whose leases last seconds, with a collector that never rests."""
    server = ShortLivedServer(tmp_path / "busy", "--workers", "2")
    (tmp_path / "busy").mkdir()
    try:
        with collector(server.start()):
            yield server
    finally:
        server.close()
        sys.stdout.write(server.log())


def push_and_delete(server: Server, name: str, doomed: Sequence[Image], ended: threading.Event) -> int:
    """Delete images one after the other, and push others, until told to end; how many were pushed."""
    pushed, left = 0, list(doomed)
    with Repository(server, name, authorization_of(server)) as repository:
        while not ended.is_set():
            (new,) = some_images(1, size=10_000)
            repository.push(f"new-{pushed}", new)
            pushed += 1
            gone = left.pop() if left else new
            assert repository.http.delete(f"/v2/{name}/manifests/{gone.digest}").status_code == 202
    return pushed


def test_a_backup_beside_pushes_deletions_and_collection_is_whole(busy: Server, tmp_path: Path) -> None:
    """Every image acknowledged before it began is in it, though layers go all the time; a second one adds to it."""
    backup, kept, doomed = tmp_path / "backup", some_images(10, size=100_000), some_images(20, size=MIB)
    with new_repository(busy) as repository, ThreadPoolExecutor(1) as pool:
        for content in (*kept, *doomed):
            repository.push(content.digest.replace(":", "-"), content)
        ended = threading.Event()
        pushing = pool.submit(push_and_delete, busy, repository.name, doomed, ended)
        try:
            first = back_up(backup, busy.data)
            whole = verify(backup)
            second = back_up(backup, busy.data)
        finally:
            ended.set()
        pushed = pushing.result()

        assert pushed > 0
        assert whole["damaged"] == first["damaged"] == second["damaged"] == []
        assert whole["blobs"] == first["new_blobs"] >= 2 * len(kept)
        assert second["new_blobs"] < second["blobs"]
        assert verify(backup)["snapshot"] == second["snapshot"]
        with restored(tmp_path / "restored", backup) as server:
            assert_has(server, repository.name, kept)


def test_a_backup_that_is_killed_leaves_no_snapshot_and_its_bytes_are_used(tmp_path: Path) -> None:
    """The next one goes on; what has been copied whole is not copied again."""
    backup = tmp_path / "backup"
    with serving() as server, new_repository(server) as repository:
        pushed = some_images(12, size=8 * MIB)
        for number, content in enumerate(pushed):
            repository.push(f"v{number}", content)

        with subprocess.Popen([COMMAND, "backup", "create", backup, "--data", server.data]) as command:
            eventually(lambda: bool(complete(backup)), within=60)
            processes.kill(command.pid)
        copied = len(complete(backup))
        held = json.loads(entrepot("gc", "status", "--data", server.data, "--output", "json"))["pins"]
        none = snapshots(backup)
        finished = back_up(backup, server.data)

        assert (len(held), none) == (1, [])
        assert copied < finished["blobs"]
        assert finished["new_blobs"] <= finished["blobs"] - copied
        assert verify(backup)["blobs"] == finished["blobs"] == 24


def complete(backup: Path) -> list[Path]:
    """The layers of a backup that are sealed."""
    return [path for path in backup.glob("blobs/??/*") if not path.stat().st_mode & 0o200]


def test_a_damaged_layer_is_named_and_is_not_restored_unasked(tmp_path: Path) -> None:
    """No registry starts on what is half restored; the rest can be had all the same."""
    backup = tmp_path / "backup"
    whole, damaged = some_images(2, size=MIB)
    with serving() as server, new_repository(server) as repository:
        repository.push("whole", whole)
        repository.push("damaged", damaged)
        back_up(backup, server.data)
    layer = next(path for path in backup.glob("blobs/??/*") if path.read_bytes() == damaged.blobs[1])
    layer.chmod(0o600)
    layer.write_bytes(b"x" + damaged.blobs[1][1:])
    other = Server(tmp_path)

    complaints = [
        entrepot("backup", "verify", backup, status=1),
        entrepot("restore", backup, "--data", other.data, status=1),
        entrepot("serve", "--data", other.data, "--listen", other.host, status=1),
    ]
    entrepot("restore", backup, "--data", other.data, "--accept-damaged")
    try:
        other.start()
        assert_has(other, repository.name, [whole])
    finally:
        other.close()

    assert [layer.name in complaint for complaint in complaints] == [True, False, False]
    assert "--accept-damaged" in complaints[1]
    assert "half restored" in complaints[2]


def test_a_restore_that_is_killed_is_repeated(tmp_path: Path) -> None:
    """And comes to its end; a folder in use is refused."""
    backup = tmp_path / "backup"
    with serving() as server, new_repository(server) as repository:
        pushed = some_images(12, size=8 * MIB)
        for number, content in enumerate(pushed):
            repository.push(f"v{number}", content)
        back_up(backup, server.data)
    target = Server(tmp_path)

    with subprocess.Popen([COMMAND, "restore", backup, "--data", target.data]) as command:
        eventually(lambda: bool(complete(target.data)), within=60)
        processes.kill(command.pid)
    refused = entrepot("serve", "--data", target.data, "--listen", target.host, status=1)
    entrepot("restore", backup, "--data", target.data)
    again = entrepot("restore", backup, "--data", target.data, status=1)
    try:
        target.start()
        assert_has(target, repository.name, pushed)
    finally:
        target.close()

    assert "half restored" in refused
    assert "empty" in again


def test_a_registry_moves_from_disk_to_postgresql_and_s3_and_back(
    postgresql: PostgreSQL, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By way of two backups, what is encrypted included."""
    home = tmp_path / "home"
    home.mkdir()
    s3.write_credentials(home)
    monkeypatch.setenv("HOME", str(home))
    pushed = [*some_images(3, size=6 * MIB), *some_images(3, size=100)]
    with serving("--encrypt-at-rest") as server, new_repository(server) as repository:
        for number, content in enumerate(pushed):
            repository.push(f"v{number}", content)
        server.ecr().create_repository(
            repositoryName="of-kms", encryptionConfiguration={"encryptionType": "KMS_DSSE"}
        )
        with Repository(server, "of-kms", authorization_of(server)) as of_kms:
            of_kms.push("v1", pushed[0])
        back_up(tmp_path / "from-disk", server.data)
        master_key = (server.data / "master.key").read_bytes().hex()
    database, bucket = postgresql.create_database(template=EMPTY), s3.create_bucket()
    options = shared_options(tmp_path, s3, database, bucket, master_key)
    options += ["--kms-keyring", str(tmp_path / "keyring.json")]

    with restored(tmp_path / "shared", tmp_path / "from-disk", *options) as shared:
        assert_has(shared, repository.name, pushed)
        assert_has(shared, "of-kms", pushed[:1])
        with Repository(shared, repository.name, authorization_of(shared)) as opened:
            opened.push("later", image(b"pushed into the bucket"))
        told = back_up(tmp_path / "from-s3", shared.data, *options)
    whole = verify(tmp_path / "from-s3")

    assert told["settings"] == ["master_key"]
    assert (whole["unopened"], whole["damaged"]) == (0, [])
    assert s3.multiparts(bucket) == []
    with restored(tmp_path / "disk", tmp_path / "from-s3") as disk:
        assert_has(disk, repository.name, [*pushed, image(b"pushed into the bucket")])
        assert_has(disk, "of-kms", pushed[:1])
