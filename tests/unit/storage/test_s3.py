"""What is special about a bucket: parts and tails, replicas, writers that come late, what is left behind."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from tests.s3 import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server, free_port, refuse_bodies
from types_boto3_s3.client import S3Client

from entrepot.core.digest import hasher
from entrepot.server.wiring import STORAGE_THREADS
from entrepot.storage.port import BlobDamaged, Fenced, StorageFull, StorageUnavailable
from entrepot.storage.s3 import Redirects, S3Storage
from entrepot.storage.s3_bucket import Bucket, Location, connect
from entrepot.storage.s3_writer import BufferBudget
from entrepot.storage.threads import in_thread
from entrepot.testing.blob_contract import KEY, MIB, OTHER_KEY, fetch, store, upload
from entrepot.testing.part_ledger import MemoryPartLedger


@dataclass
class Replicas:
    """Storages of several replicas over one bucket and one ledger."""

    server: S3Server
    bucket: str
    threads: Executor
    ledger: MemoryPartLedger

    def start(self, client: S3Client | None = None, **options: Any) -> S3Storage:
        """One more."""
        bucket = Bucket(client or self.server.client(), Location(self.bucket, "some/prefix/"), self.threads)
        return S3Storage(bucket, self.ledger, threads=self.threads, **options)

    def path(self, key: str = KEY) -> Path:
        """The file in which the server keeps a sealed blob."""
        return self.server.folder / self.bucket / "some/prefix" / key[:2] / key

    def left(self) -> list[str]:
        """What the bucket has: objects, and uploads that go on."""
        return [*self.server.objects(self.bucket), *self.server.multiparts(self.bucket)]


@pytest.fixture
def replicas(s3: S3Server) -> Iterator[Replicas]:
    """None is started yet."""
    with ThreadPoolExecutor(8) as threads:
        yield Replicas(s3, s3.create_bucket(), threads, MemoryPartLedger())


def content_of(size: int) -> bytes:
    """Bytes that differ from place to place."""
    return Random(size).randbytes(size)


async def push(storages: Sequence[S3Storage], content: bytes, sizes: Sequence[int]) -> None:
    """Upload the content in requests of these sizes, each to the next replica, and seal it at the one after."""
    offset = 0
    for number, size in enumerate(sizes):
        storage = storages[number % len(storages)]
        await upload(storage, content[offset : offset + size], offset=offset, epoch=number + 1)
        offset += size
    await storages[len(sizes) % len(storages)].seal(KEY, size=offset, epoch=len(sizes) + 1)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([MIB] * 20, id="chunks"),
        pytest.param([10 * MIB] * 3, id="parts"),
        pytest.param([10 * MIB, 10 * MIB, 3], id="parts and a rest"),
        pytest.param([5 * MIB] * 4, id="small parts"),
        pytest.param([3, 20 * MIB, 1, 8 * MIB - 4, 7], id="anything"),
        pytest.param([6 * MIB - 1], id="less than a part"),
        pytest.param([6 * MIB], id="one part"),
        pytest.param([10 * MIB + 1], id="a part and a tail"),
        pytest.param([24 * MIB], id="whole parts"),
    ],
)
async def test_any_replica_goes_on(replicas: Replicas, sizes: list[int]) -> None:
    """However a layer is cut into requests, and whichever replica gets them, it comes out whole and nothing else stays."""
    content = content_of(sum(sizes))
    storages = [replicas.start() for _ in range(3)]

    await push(storages, content, sizes)

    assert await fetch(storages[0], len(content)) == content
    assert replicas.left() == [f"some/prefix/{KEY[:2]}/{KEY}"]
    assert await replicas.ledger.find(KEY) is None


@pytest.mark.parametrize(
    "sizes", [[MIB] * 20, [10 * MIB] * 3, [10 * MIB, 13 * MIB, 1], [30 * MIB], [7 * MIB, MIB]]
)
async def test_all_parts_but_the_last_have_one_size(replicas: Replicas, sizes: list[int]) -> None:
    """R2 completes no other upload; and S3 none with a part under 5 MiB that is not the last."""
    content = content_of(sum(sizes))
    client = replicas.server.client()
    sent: dict[int, int] = {}
    completed: list[int] = []

    def see(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "UploadPart":
            sent[params["PartNumber"]] = len(params["Body"])
        if model.name == "CompleteMultipartUpload":
            completed.extend(sent[part["PartNumber"]] for part in params["MultipartUpload"]["Parts"])

    client.meta.events.register("provide-client-params.s3", see)

    await push([replicas.start(client)], content, sizes)

    *others, last = completed
    assert sum(completed) == len(content)
    assert set(others) <= {completed[0]}
    assert last <= completed[0]
    assert all(size >= 5 * MIB for size in others)


async def test_an_older_tail_counts_until_the_offset_has_moved(replicas: Replicas) -> None:
    """A process may die after its bytes are stored and before the upload's row says so: the next one goes on before them."""
    storage, content = replicas.start(), content_of(30 * MIB)
    await upload(storage, content[: 10 * MIB + 5], epoch=1)
    await upload(storage, content[10 * MIB + 5 :], offset=10 * MIB + 5, epoch=2)  # and its process dies here

    await upload(storage, content[10 * MIB + 5 : 25 * MIB], offset=10 * MIB + 5, epoch=3)
    await upload(storage, content[25 * MIB :], offset=25 * MIB, epoch=4)
    await storage.seal(KEY, size=30 * MIB, epoch=5)

    assert await fetch(storage, 30 * MIB) == content


async def test_a_blob_is_sealed_at_an_offset_that_was_committed(replicas: Replicas) -> None:
    """Bytes that were stored beyond it are not in the blob."""
    storage, content = replicas.start(), content_of(30 * MIB)
    await upload(storage, content[: 10 * MIB + 5], epoch=1)
    await upload(storage, content[10 * MIB + 5 :], offset=10 * MIB + 5, epoch=2)

    await storage.seal(KEY, size=10 * MIB + 5, epoch=3)

    assert await fetch(storage, 10 * MIB + 5) == content[: 10 * MIB + 5]


def calls_of(client: S3Client) -> list[str]:
    """The names of the calls that the client makes from now on."""
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.s3", note)
    return calls


class Stalled:
    """Holds up the calls of one client that store bytes, as a stopped process would, until they are let go."""

    def __init__(self, client: S3Client, operation: str) -> None:
        self.arrived, self.may_go = threading.Event(), threading.Event()
        client.meta.events.register(f"before-send.s3.{operation}", self._hold)

    def _hold(self, **_: Any) -> None:
        self.arrived.set()
        assert self.may_go.wait(60)


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject", "CreateMultipartUpload"])
async def test_what_an_older_writer_sends_late_changes_nothing(replicas: Replicas, operation: str) -> None:
    """A writer is stopped in the middle of a call; a newer one takes over and goes on; then the call arrives."""
    client = replicas.server.client()
    older, newer = replicas.start(client), replicas.start()
    await upload(newer, b"first ", epoch=1)
    stalled = Stalled(client, operation)
    offset = 0 if operation == "CreateMultipartUpload" else 6
    late = asyncio.create_task(upload(older, b"late" * 4 * MIB, offset=offset, epoch=2))
    await asyncio.to_thread(stalled.arrived.wait)

    content = content_of(20 * MIB)
    await upload(newer, content[:MIB], offset=offset, epoch=3)
    await upload(newer, content[MIB:], offset=offset + MIB, epoch=4)
    stalled.may_go.set()
    with pytest.raises(Fenced):
        await late
    await newer.seal(KEY, size=offset + len(content), epoch=5)

    assert await fetch(newer, offset + len(content)) == b"first "[:offset] + content
    assert replicas.left() == [f"some/prefix/{KEY[:2]}/{KEY}"]


async def test_a_push_that_fails_gives_its_room_back(replicas: Replicas) -> None:
    """The parts of an upload that has nothing else are dropped at once."""
    storage = replicas.start()

    async def break_off() -> None:
        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([content_of(20 * MIB)])
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await break_off()

    assert replicas.left() == []


async def test_an_upload_that_begins_anew_drops_the_old_one(replicas: Replicas) -> None:
    """A process died after it had sent parts: the next writer's upload is the only one that stays."""
    storage, content = replicas.start(), content_of(20 * MIB)
    await upload(storage, content_of(25 * MIB), epoch=1)

    await upload(storage, content, offset=0, epoch=2)
    await storage.seal(KEY, size=len(content), epoch=3)

    assert await fetch(storage, len(content)) == content
    assert replicas.left() == [f"some/prefix/{KEY[:2]}/{KEY}"]


async def test_deleting_leaves_nothing(replicas: Replicas) -> None:
    """Uploads with parts and tails, sealed blobs, absent keys: after one call the bucket is empty."""
    storage = replicas.start()
    await upload(storage, content_of(20 * MIB), epoch=1)
    await upload(storage, b"tail", offset=20 * MIB, epoch=2)
    await store(storage, b"sealed", key=OTHER_KEY)

    await storage.delete_many([KEY, OTHER_KEY, "f" * 32])

    assert replicas.left() == []
    assert await replicas.ledger.find(KEY) is None


async def test_many_blobs_are_deleted_in_few_calls(replicas: Replicas) -> None:
    """A thousand keys are one call."""
    client = replicas.server.client()
    storage, calls = replicas.start(client), calls_of(client)

    await storage.delete_many([f"{number:032x}" for number in range(1500)])

    assert calls == ["DeleteObjects", "DeleteObjects"]


@pytest.mark.parametrize("size", [3, 20 * MIB])
async def test_sealing_that_broke_off_is_finished_by_another_replica(replicas: Replicas, size: int) -> None:
    """Once sealing is decided, whoever repeats it completes it, whether S3 had done so or not."""
    client, content = replicas.server.client(), content_of(size)
    storage = replicas.start()
    await upload(storage, content)
    client.meta.events.register("before-send.s3.CompleteMultipartUpload", break_off)
    with pytest.raises(ConnectionAbortedError):
        await replicas.start(client).seal(KEY, size=size, epoch=2)
    client = replicas.server.client()
    client.meta.events.register("after-call.s3.CompleteMultipartUpload", break_off)
    with pytest.raises(ConnectionAbortedError):
        await replicas.start(client).seal(KEY, size=size, epoch=2)

    await storage.seal(KEY, size=size, epoch=3)

    assert await fetch(storage, size) == content
    assert replicas.left() == [f"some/prefix/{KEY[:2]}/{KEY}"]


def break_off(**_: Any) -> None:
    """The process ends here."""
    raise ConnectionAbortedError


async def test_nothing_lists_the_bucket(replicas: Replicas) -> None:
    """The life of a blob, from the first check to its deletion, asks for no list of anything."""
    client = replicas.server.client()
    storage, calls = replicas.start(client), calls_of(client)

    await storage.check()
    await push([storage], content_of(12 * MIB), [MIB, 10 * MIB, MIB])
    await fetch(storage, 12 * MIB)
    await storage.delete(KEY)

    assert "CompleteMultipartUpload" in calls
    assert not [call for call in calls if call.startswith("List")]


async def test_a_blob_that_was_cut_is_not_served(replicas: Replicas) -> None:
    """Bytes that went away under the server are BlobDamaged before the first byte."""
    storage = replicas.start()
    await store(storage, content_of(MIB))

    with replicas.path().open("r+b") as file:
        file.truncate(1000)

    with pytest.raises(BlobDamaged):
        await fetch(storage, MIB)
    with pytest.raises(BlobDamaged):
        await fetch(storage, 10, start=2000)


@pytest.fixture
def broken_server() -> Iterator[str]:
    """Promises 1000 bytes, sends 500, and closes the connection."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(206)
            self.send_header("Content-Length", "1000")
            self.send_header("Content-Range", "bytes 0-999/1000")
            self.end_headers()
            self.wfile.write(b"x" * 500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def test_an_answer_that_ends_early_is_an_error(broken_server: str) -> None:
    """A connection that is lost in the middle of a blob raises, so that nobody takes a part for the whole."""
    client = client_of(broken_server)
    with ThreadPoolExecutor(2) as threads:
        storage = S3Storage(Bucket(client, Location("bucket"), threads), MemoryPartLedger(), threads=threads)

        with pytest.raises(BlobDamaged):
            await fetch(storage, 1000)


@pytest.fixture
def mute_server() -> Iterator[str]:
    """Takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_server_that_hangs_leaves_threads_to_others(mute_server: str) -> None:
    """However many calls wait for it, hashing and reading from a cache go on; and each call comes to an end."""
    client = boto3.client(  # pyright: ignore[reportUnknownMemberType] (other services have no stubs here)
        "s3",
        endpoint_url=mute_server,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=16),
    )
    with ThreadPoolExecutor(STORAGE_THREADS) as threads:
        storage = S3Storage(Bucket(client, Location("bucket"), threads), MemoryPartLedger(), threads=threads)
        waiting = [asyncio.create_task(fetch(storage, 1000)) for _ in range(STORAGE_THREADS + 8)]
        await asyncio.sleep(0)

        async with asyncio.timeout(0.5):
            assert await in_thread(threads, sum, [1, 2]) == 3

        assert not any(task.done() for task in waiting)
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(error) for error in found} == {StorageUnavailable}


@pytest.fixture
def strange_server() -> Iterator[str]:
    """Answers everything with success, and not as S3 does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"<no XML at all"[:9])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def test_an_answer_that_is_none_of_s3_is_an_error(strange_server: str) -> None:
    """Of a proxy, say: the storage is unavailable, which clients are told as that."""
    with ThreadPoolExecutor(2) as threads:
        bucket = Bucket(client_of(strange_server), Location("bucket"), threads)

        with pytest.raises(StorageUnavailable):
            await bucket.begin("name")


def client_of(endpoint: str, secret_access_key: str = SECRET_ACCESS_KEY, region: str = "us-east-1") -> S3Client:
    """A client with credentials of its own, and settings as the registry has them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        environment.setenv("AWS_SECRET_ACCESS_KEY", secret_access_key)
        boto3.setup_default_session()
        return connect(Location("", endpoint=endpoint, region=region), connections=4)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("bucket", "the bucket does not exist"),
        ("secret", "the secret access key is wrong"),
        ("endpoint", "its endpoint cannot be reached"),
    ],
)
async def test_a_check_says_what_is_wrong(replicas: Replicas, what: str, reason: str) -> None:
    """Each mistake in the settings has a sentence of its own."""
    endpoint = f"http://127.0.0.1:{free_port()}" if what == "endpoint" else replicas.server.endpoint
    secret = "wrong" if what == "secret" else SECRET_ACCESS_KEY
    client = client_of(endpoint, secret)
    location = Location("absent" if what == "bucket" else replicas.bucket)
    storage = S3Storage(Bucket(client, location, replicas.threads), replicas.ledger, threads=replicas.threads)

    with pytest.raises(StorageUnavailable) as raised:
        await storage.check()

    assert raised.value.reason == reason


async def test_a_wrong_region_is_set_right(replicas: Replicas) -> None:
    """Where the server says which region it is, that one is used from then on."""
    client = client_of(replicas.server.endpoint, region="eu-west-1")
    location = Location(replicas.bucket)
    storage = S3Storage(Bucket(client, location, replicas.threads), replicas.ledger, threads=replicas.threads)

    await storage.check()


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("SlowDown", 503, StorageUnavailable),
        ("RequestTimeTooSkewed", 403, StorageUnavailable),
        ("InternalError", 500, StorageUnavailable),
        ("AccessDenied", 403, StorageUnavailable),
        ("XMinioStorageFull", 507, StorageFull),
        ("InsufficientStorage", 507, StorageFull),
        ("Unheard", 507, StorageFull),
    ],
)
async def test_what_s3_refuses_is_told_by_its_kind(
    replicas: Replicas, code: str, status: int, error: type[Exception]
) -> None:
    """No room is StorageFull, for the check and for a push; everything else may be tried again."""
    client = replicas.server.client()
    refuse_bodies(client, code=code, status=status)
    storage = replicas.start(client)

    with pytest.raises(error):
        await storage.check()
    with pytest.raises(error):
        await upload(storage, b"content")


async def test_a_url_gives_the_blob_to_anybody(replicas: Replicas) -> None:
    """The URL needs no credentials, and answers Range; without redirects there is none."""
    storage = replicas.start(redirects=Redirects(replicas.server.client(), 60))
    await store(storage, b"content")

    url = await storage.direct_url(KEY)

    assert url is not None
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).content == b"content"
        assert (await client.get(url, headers={"range": "bytes=3-"})).content == b"tent"
        assert (await client.get(url.replace("Signature=", "Signature=0"))).status_code == 403
    assert await replicas.start().direct_url(KEY) is None


async def test_writers_share_a_budget() -> None:
    """Who finds the buffers used up waits for the others, and is told to come back if they take too long."""
    budget = BufferBudget(10, patience=0.05)
    await budget.take(8)

    with pytest.raises(StorageUnavailable):
        await budget.take(3)
    waiting = asyncio.create_task(budget.take(3))
    await asyncio.sleep(0)
    budget.give_back(1)

    await waiting


async def test_a_writer_holds_few_parts(replicas: Replicas) -> None:
    """However long a request is, what is in memory is the part that is sent and the one that is filled."""
    client = replicas.server.client()
    stalled = Stalled(client, "UploadPart")
    storage, written = replicas.start(client), 0

    async def receive(note: Callable[[int], None]) -> None:
        async with storage.writer(KEY, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            for _ in range(64):
                await writer.write([bytes(MIB)])
                note(MIB)
            await writer.sync()

    def note(size: int) -> None:
        nonlocal written
        written += size

    receiving = asyncio.create_task(receive(note))
    await asyncio.to_thread(stalled.arrived.wait)
    done, _ = await asyncio.wait([receiving], timeout=1)

    assert not done
    assert written <= 20 * MIB
    stalled.may_go.set()
    await receiving
    assert written == 64 * MIB
