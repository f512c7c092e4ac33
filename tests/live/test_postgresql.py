"""A registry whose rows are in PostgreSQL: its clients, its deaths, those of the database, and moving to it."""

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from alembic import command
from botocore.exceptions import ClientError
from tests.live import test_kill
from tests.live.clients import Client, program
from tests.live.conftest import new_repository
from tests.live.images import Image, busybox_layer, digest_of, image, read_layout, write_layout
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server, free_port, refusal_of, serving
from tests.live.test_start import assert_one_clear_line
from tests.live.waiting import eventually
from tests.postgresql import CRASH_SAFE, EMPTY, postgresql_server
from tests.postgresql import Server as PostgreSQL

from entrepot.metadata.migrations import config
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.schema import SCHEMA_VERSION

WRITERS = 4
#: Seconds within which a registry notices that its database is gone, or is back.
NOTICED = 20


def configured(folder: Path, url: str) -> tuple[str, str]:
    """Options for a registry with this database, in which nothing deleted is kept."""
    file = folder / "entrepot.toml"
    file.write_text(f'database = "{url}"\nundelete_days = 0\n')
    return "--config", str(file)


@pytest.fixture
def empty_database(postgresql: PostgreSQL) -> str:
    """The URL of a database without a table."""
    return postgresql.create_database(template=EMPTY)


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """The URL of a database that was empty when the server came to it."""
    return postgresql.create_database(template=EMPTY)


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers, for all tests of this file."""
    options = configured(tmp_path_factory.mktemp("settings"), database)
    with serving("--workers", "2", *options) as server:
        yield server


@pytest.fixture
def crane(credentials: Path) -> Client:
    """Crane with the credentials of the server."""
    return Client(program=program("crane"), environment={"DOCKER_CONFIG": str(credentials)})


def push_by_api(server: Server, repository: str, tag: str, content: Image) -> None:
    """Push an image as an SDK does."""
    ecr = server.ecr()
    for data in content.blobs:
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(data) - 1,
            layerPartBlob=data,
        )
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest_of(data)])
    ecr.put_image(repositoryName=repository, imageManifest=content.manifest.decode(), imageTag=tag)


def test_what_crane_pushes_boto3_reads(
    crane: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """A push through /v2/ is an image of the API."""
    content = image(busybox_layer(uuid4().hex))

    crane("push", write_layout(tmp_path / "layout", content, "v1"), f"{server.host}/{repository.name}:v1")

    (found,) = server.ecr().batch_get_image(repositoryName=repository.name, imageIds=[{"imageTag": "v1"}])[
        "images"
    ]
    assert found.get("imageManifest") == content.manifest.decode()
    (described,) = server.ecr().describe_images(repositoryName=repository.name)["imageDetails"]
    assert (described.get("imageDigest"), described.get("imageTags")) == (content.digest, ["v1"])


def test_what_boto3_pushes_crane_pulls(
    crane: Client, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """A push through the API is pulled byte for byte."""
    content = image(busybox_layer(uuid4().hex))

    push_by_api(server, repository.name, "v1", content)

    reference = f"{server.host}/{repository.name}:v1"
    assert crane("digest", reference) == content.digest
    crane("pull", "--format=oci", reference, tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(write_layout(tmp_path / "layout", content, "v1"))


def test_what_is_deleted_is_drained(
    server: Server, postgresql: PostgreSQL, database: str, repository: Repository
) -> None:
    """The background worker is at work on this database too: the rows of a deleted repository go."""
    digest = repository.push("v1", image(busybox_layer(uuid4().hex)))
    rows = f"SELECT count(*) FROM images WHERE digest = '{digest}'"
    assert postgresql.query(database, rows) == "1"

    server.ecr().delete_repository(repositoryName=repository.name, force=True)

    eventually(lambda: postgresql.query(database, rows) == "0", within=NOTICED)


def test_acknowledged_pushes_survive_kill_9(empty_database: str, tmp_path: Path) -> None:
    """As on SQLite: what was acknowledged is there, and nothing half-done shows."""
    with serving("--workers", "2", *configured(tmp_path, empty_database)) as own_server:
        test_kill.test_acknowledged_pushes_survive_kill_9(own_server, Server.kill9)


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A database server for one test alone, which stops it."""
    with postgresql_server(CRASH_SAFE) as own_postgresql:
        yield own_postgresql


class Writer:
    """A client that pushes image after image, each until it is acknowledged."""

    def __init__(self, server: Server, repository: str, authorization: str, name: str) -> None:
        self.acknowledged: dict[str, Image] = {}
        self.refusals = 0
        self._server = server
        self._repository = Repository(server, repository, authorization)
        self._name = name

    def push_until(self, stopped: threading.Event) -> None:
        """Push; a refusal that does not say that the registry's database is to blame is raised."""
        with self._repository:
            while not stopped.is_set():
                tag = f"{self._name}-{len(self.acknowledged)}"
                content = image(os.urandom(50_000), annotations={"tag": tag})
                push = self._push_by_api if len(self.acknowledged) % 2 else self._push
                while not push(tag, content):
                    self.refusals += 1
                    time.sleep(0.05)
                    if stopped.is_set():
                        return
                self.acknowledged[tag] = content

    def _push(self, tag: str, content: Image) -> bool:
        for data in content.blobs:
            answer = self._repository.http.post(f"/v2/{self._repository.name}/blobs/uploads/")
            if not was_accepted(answer):
                return False
            if not was_accepted(self._repository.put_upload(answer.headers["Location"], digest_of(data), data)):
                return False
        return was_accepted(self._repository.put_manifest(tag, content))

    def _push_by_api(self, tag: str, content: Image) -> bool:
        try:
            push_by_api(self._server, self._repository.name, tag, content)
        except ClientError as error:
            if "AlreadyExistsException" in str(error):
                return self._push(tag, content)  # an answer was lost, what it was to say was not
            if "(ServerException)" not in str(error) or "database" not in str(error):
                raise
            return False
        return True


def was_accepted(answer: httpx.Response) -> bool:
    """Whether a step of a push was done; if it was not, the answer says that the database cannot answer."""
    if answer.status_code == 503:
        (error,) = answer.json()["errors"]
        assert error["code"] == "UNAVAILABLE"
        assert "database" in error["message"]
        return False
    assert answer.status_code in {201, 202}, answer.text
    return True


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_outage_of_the_database_loses_nothing(own_postgresql: PostgreSQL, tmp_path: Path, mode: str) -> None:
    """Pushes are refused while it lasts, and go on by themselves; all that was acknowledged is there."""
    options = configured(tmp_path, own_postgresql.create_database())
    with serving("--workers", "2", *options) as server, new_repository(server) as repository:
        processes = server.processes()
        authorization = authorization_of(server)
        writers = [Writer(server, repository.name, authorization, f"w{number}") for number in range(WRITERS)]
        stopped = threading.Event()
        with ThreadPoolExecutor(WRITERS) as pool:
            running = [pool.submit(writer.push_until, stopped) for writer in writers]
            try:
                eventually(lambda: all(len(writer.acknowledged) >= 3 for writer in writers), within=NOTICED)
                own_postgresql.stop(mode)
                eventually(lambda: all(writer.refusals >= 3 for writer in writers), within=NOTICED)
                not_ready = httpx.get(f"{server.url}/-/ready")
                assert server.is_alive()

                own_postgresql.start()
                eventually(lambda: readiness(server) == 200, within=NOTICED)
                before = {writer: len(writer.acknowledged) for writer in writers}
                eventually(lambda: all(len(w.acknowledged) > before[w] + 1 for w in writers), within=NOTICED)
            finally:
                stopped.set()
            for each in running:
                each.result()

        assert not_ready.status_code == 503
        assert "database" in not_ready.json()["failures"][0]
        assert server.processes() == processes
        for tag, content in {tag: content for w in writers for tag, content in w.acknowledged.items()}.items():
            assert repository.manifest(tag).content == content.manifest
            assert [repository.blob(digest_of(data)).content for data in content.blobs] == list(content.blobs)


def readiness(server: Server) -> int:
    """The status of `/-/ready`."""
    return httpx.get(f"{server.url}/-/ready", timeout=30).status_code


def entrepot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return subprocess.run(
        [str(Path(sys.executable).with_name("entrepot")), *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(*arguments: str, **environment: str) -> str:
    """The one line that a command ends with that could not do its work."""
    done = entrepot(*arguments, **environment)
    assert done.returncode == 1, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def start_options(folder: Path) -> tuple[str, ...]:
    """Options of a start that is going to be refused."""
    return "--listen", f"127.0.0.1:{free_port()}", "--data", str(folder / "data")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:hunter22@127.0.0.1:1/entrepot", "cannot be reached"),
        ("postgresql://u:hunter22@{address}/absent?sslmode=hunter33", "sslmode"),
        ("postgresql://postgres:hunter22@{address}/absent", "no such database"),
        ("postgresql://nobody:hunter22@{address}/postgres", "refuses the user"),
        ("postgresql://u:hunter22/33@{address}/entrepot", "setting database is bad"),
        ("postgresql://u:hunter22#3@{address}/entrepot", "setting database is bad"),
        ("mysql://u:hunter22@{address}/entrepot", "setting database is bad"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(
    postgresql: PostgreSQL, tmp_path: Path, url: str, said: str
) -> None:
    """In one line without the password, before anything is served."""
    url = url.format(address=f"127.0.0.1:{postgresql.port}")

    line = refusal_of(*start_options(tmp_path), ENTREPOT_DATABASE=url)

    assert_one_clear_line(line, naming=said)
    assert "hunter22" not in line


def test_a_user_that_may_make_no_tables_is_refused(
    postgresql: PostgreSQL, empty_database: str, tmp_path: Path
) -> None:
    """Since PostgreSQL 15 only the owner of a database may, unless he lets others."""
    postgresql.query(empty_database, "CREATE ROLE guest LOGIN")

    line = refusal_of(*start_options(tmp_path), ENTREPOT_DATABASE=empty_database.replace("postgres@", "guest@"))

    assert_one_clear_line(line, naming="does not let the user do this")


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    """And how to install it: it is an extra."""
    (tmp_path / "asyncpg.py").write_text('raise ModuleNotFoundError("No module", name="asyncpg")\n')

    line = refusal_of(
        *start_options(tmp_path), ENTREPOT_DATABASE="postgresql://u:p@127.0.0.1:1/x", PYTHONPATH=str(tmp_path)
    )

    assert_one_clear_line(line, naming="needs asyncpg, which 'pip install entrepot[postgresql]' installs")


async def make_first_release(url: str) -> None:
    """The tables as they were when there was one migration."""
    metadata = PostgreSQLMetadata(url, random=random.Random(0))
    await metadata.write(lambda connection: command.upgrade(config(connection), "0001"))
    await metadata.close()


def test_an_old_schema_is_not_upgraded_by_a_start(empty_database: str, tmp_path: Path) -> None:
    """Others may be at work on it: `entrepot migrate` does it, when the operator says so."""
    asyncio.run(make_first_release(empty_database))

    line = refusal_of(*start_options(tmp_path), ENTREPOT_DATABASE=empty_database)

    assert_one_clear_line(line, naming=f"version 1 and {SCHEMA_VERSION} is needed: run 'entrepot migrate'")
    migrated = entrepot("migrate", "--output", "json", ENTREPOT_DATABASE=empty_database)
    assert json.loads(migrated.stdout) == {"schema_version": SCHEMA_VERSION, "copied": {}}
    with serving(*configured(tmp_path, empty_database)) as server:
        assert server.is_alive()


def test_another_master_key_is_refused(database: str, server: Server, tmp_path: Path) -> None:
    """A replica whose tokens the others refuse, and that cannot read access keys, does not start."""
    line = refusal_of(*start_options(tmp_path), ENTREPOT_DATABASE=database)

    assert_one_clear_line(line, naming="master.key")
    assert server.is_alive()


def test_a_new_master_key_can_be_accepted(tmp_path: Path) -> None:
    """A lost master key is not the end of the registry, whose images are as they were."""
    content = image(busybox_layer(uuid4().hex))
    server = Server(tmp_path)
    try:
        with new_repository(server.start()) as repository:
            repository.push("v1", content)
            server.stop()
            (server.data / "master.key").unlink()
            assert "master.key" in refusal_of("--listen", server.host, "--data", str(server.data))

            assert entrepot("migrate", "--accept-master-key", "--data", str(server.data)).returncode == 0

            server.start()
            assert repository.manifest("v1").status_code == 401
            with Repository(server, repository.name, authorization_of(server)) as again:
                assert again.manifest("v1").content == content.manifest
    finally:
        server.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Server]:
    """A server on SQLite that goes where the test goes."""
    server = Server(tmp_path)
    yield server
    server.close()


@pytest.fixture
def on_postgresql(on_sqlite: Server, tmp_path: Path, empty_database: str) -> Iterator[Server]:
    """The same server, port and data folder, with its rows in PostgreSQL; it is not started."""
    server = Server(tmp_path, *configured(tmp_path, empty_database))
    server.port, server.host, server.url = on_sqlite.port, on_sqlite.host, on_sqlite.url
    yield server
    server.close()


def test_an_installation_is_moved_from_sqlite(
    on_sqlite: Server, on_postgresql: Server, empty_database: str, tmp_path: Path
) -> None:
    """Images, tags and an open upload are there afterwards, and new ones come beside them."""
    old, new, half = image(busybox_layer("old")), image(busybox_layer("new")), os.urandom(1000)
    data = on_sqlite.data
    move = ("migrate", "--from", "sqlite", "--to", "postgresql", "--data", str(data))
    with new_repository(on_sqlite.start()) as repository:
        repository.push("old", old)
        location = repository.open_upload()
        repository.patch(location, half)
        assert "in use by another registry" in refusal(*move, ENTREPOT_DATABASE=empty_database)
        on_sqlite.stop()

        moved = entrepot(*move, "--output", "json", ENTREPOT_DATABASE=empty_database)

        assert moved.returncode == 0, moved.stderr
        copied = json.loads(moved.stdout)["copied"]
        assert {name: copied[name]["rows"] for name in ("repositories", "images", "uploads")} == {
            "repositories": 1,
            "images": 1,
            "uploads": len(old.blobs) + 1,
        }
        assert "images: 1 of 1 rows\n" in moved.stderr
        assert [path.name for path in data.glob("metadata.db*")] == ["metadata.db.moved"]
        assert "moved to PostgreSQL" in refusal_of(*start_options(tmp_path))
        on_postgresql.start()
        assert repository.manifest("old").content == old.manifest
        assert [repository.blob(digest_of(data)).content for data in old.blobs] == list(old.blobs)
        assert repository.put_upload(location, digest_of(half)).status_code == 201
        repository.push("new", new)
        assert sorted(repository.tags()) == ["new", "old"]


def test_a_database_in_use_is_not_moved_into(database: str, server: Server, tmp_path: Path) -> None:
    """Two installations never become one; the data folder stays as it was."""
    assert entrepot("migrate", "--data", str(tmp_path)).returncode == 0

    line = refusal(
        "migrate", "--from", "sqlite", "--to", "postgresql", "--data", str(tmp_path), ENTREPOT_DATABASE=database
    )

    assert "empty one only" in line
    assert (tmp_path / "metadata.db").exists()
    assert server.is_alive()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "sqlite"], "--from and --to are given together"),
        (["--to", "postgresql"], "--from and --to are given together"),
        (["--from", "sqlite", "--to", "postgresql"], "setting database"),
        (["--from", "sqlite", "--to", "postgresql", "--accept-master-key"], "does not go with --from"),
    ],
)
def test_half_a_move_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Before anything is opened."""
    done = entrepot("migrate", "--data", str(tmp_path / "data"), *arguments, COLUMNS="200")

    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "data").exists()
