"""Many clients that take, or send, next to nothing: others are served, and what is hopeless is ended."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from tests.live import processes
from tests.live.clients import full
from tests.live.conftest import new_repository
from tests.live.images import digest_of
from tests.live.oci import Repository
from tests.live.server import Server, serving
from tests.live.waiting import eventually
from tests.live.wire import request_head

from entrepot.server.stalled import PATIENCE

MIB = 1024 * 1024
DOWNLOADS, UPLOADS = 1000, 200
#: What the process that answers may hold for all of them, beyond what it has when nobody is there.
HELD = 200 * MIB
#: TCP_ESTABLISHED of netinet/tcp.h.
ESTABLISHED = 1
#: Seconds within which anybody else is answered meanwhile.
PROMPT = 5.0

pytestmark = [full, pytest.mark.timeout(400)]


@pytest.fixture
def alone() -> Iterator[Server]:
    """A server whose memory is this test's alone."""
    with serving() as server:
        yield server


@pytest.fixture
def repository(alone: Server) -> Iterator[Repository]:
    """A repository of that server."""
    with new_repository(alone) as repository:
        yield repository


def connect(stack: ExitStack, repository: Repository, method: str, path: str, **headers: str) -> socket.socket:
    """A request on a connection of its own; nothing is read from it."""
    server = httpx.URL(str(repository.http.base_url))
    connection = stack.enter_context(socket.create_connection((server.host, server.port or 80), timeout=60))
    head = {"Host": server.netloc.decode(), "Authorization": repository.http.headers["authorization"]}
    connection.sendall(request_head(method, path, {**head, **headers}))
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Whether the server has ended the connection; what waits in it is left there."""
    (state,) = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state != ESTABLISHED


def resident(server: Server) -> int:
    """Resident bytes of the process that answers, which is the largest."""
    return max(processes.memory(pid) for pid in server.processes())


def test_stalled_downloads_are_ended_and_slow_ones_are_not(alone: Server, repository: Repository) -> None:
    """Meanwhile what each holds is bounded, and everybody else is served."""
    content = os.urandom(32 * MIB)
    path = f"/v2/{repository.name}/blobs/{repository.push_blob(content)}"
    before = resident(alone)
    with ExitStack() as stack:
        stalled = [connect(stack, repository, "GET", path) for _ in range(DOWNLOADS)]
        slow = connect(stack, repository, "GET", path)
        assert repository.blob(digest_of(content)).content == content
        began = time.monotonic()
        assert repository.http.get("/v2/").status_code == 200
        assert time.monotonic() - began < PROMPT
        sys.stdout.write(f"{DOWNLOADS} stalled downloads: {before // MIB} -> {resident(alone) // MIB} MiB\n")
        assert resident(alone) - before < HELD
        taken = 0

        def all_ended() -> bool:
            nonlocal taken
            taken += len(slow.recv(4096))
            return all(map(is_ended, stalled))

        eventually(all_ended, within=2 * PATIENCE + 30)

        slow.settimeout(10)
        while taken < len(content):
            received = slow.recv(MIB)
            assert received, "the slow download was ended too"
            taken += len(received)
    sys.stdout.write(f"ended {time.monotonic() - began:.0f} s later: {resident(alone) // MIB} MiB\n")
    assert f'"number": {DOWNLOADS}' in alone.log()
    assert repository.blob(digest_of(content)).content == content


def test_uploads_that_stand_still_are_finished(alone: Server, repository: Repository) -> None:
    """Beside a thousand stalled downloads; others are served; then each is what it should be."""
    layer = f"/v2/{repository.name}/blobs/{repository.push_blob(os.urandom(32 * MIB))}"
    before = resident(alone)
    contents = [os.urandom(2 * MIB) for _ in range(UPLOADS)]
    with ExitStack() as stack:
        for _ in range(DOWNLOADS):
            connect(stack, repository, "GET", layer)
        uploads: list[socket.socket] = []
        for content in contents:
            location = f"{repository.open_upload()}?digest={digest_of(content)}"
            uploads.append(connect(stack, repository, "PUT", location, **{"Content-Length": str(len(content))}))
            uploads[-1].sendall(content[:MIB])
        began = time.monotonic()
        assert repository.http.get("/v2/").status_code == 200
        assert time.monotonic() - began < PROMPT
        sys.stdout.write(f"{UPLOADS} uploads: {before // MIB} -> {resident(alone) // MIB} MiB\n")
        assert resident(alone) - before < HELD
        for upload, content in zip(uploads, contents, strict=True):
            upload.sendall(content[MIB:])

        answers = [upload.recv(12) for upload in uploads]

    assert answers == [b"HTTP/1.1 201"] * UPLOADS
    assert all(repository.has_blob(digest_of(content)) for content in contents)
