"""Many clients that take, or send, next to nothing: others are served, and what is hopeless is ended."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

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
#: What all processes of the server may hold with all of them there.
HELD = 300 * MIB
#: Connections of each kind on which there is no request.
IDLE = 100
#: How a connection of HTTP/2 begins, with empty SETTINGS (RFC 9113, section 3.4); and a PING, with seconds between two.
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
BETWEEN_PINGS = 15.0
PING = bytes((0, 0, 8, 6, 0, 0, 0, 0, 0)) + bytes(8)
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


def connect_idle(stack: ExitStack, server: Server, said: bytes) -> socket.socket:
    """A connection on which there is no request."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
    connection.sendall(said)
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Whether the server has ended the connection; what waits in it is left there."""
    (state,) = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state != ESTABLISHED


def resident(server: Server) -> int:
    """Resident bytes of all processes.

    They are forks of one another, so most pages of each are those of the others, and a sum of their resident sets
    would count these four times. Here each page counts once.
    """
    return sum(processes.own_and_shared_memory(pid) for pid in server.processes())


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
        assert resident(alone) < HELD
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


def test_connections_without_a_request_are_ended(alone: Server, repository: Repository) -> None:
    """Those that say nothing and those that only PING; a request that takes long keeps its own."""
    content = os.urandom(MIB)
    location = f"{repository.open_upload()}?digest={digest_of(content)}"
    with ExitStack() as stack:
        silent = [connect_idle(stack, alone, b"") for _ in range(IDLE)]
        idle = [connect_idle(stack, alone, HTTP_2) for _ in range(IDLE)]
        upload = connect(stack, repository, "PUT", location, **{"Content-Length": str(len(content))})
        began, sent, pings = time.monotonic(), 0, 0

        def all_ended() -> bool:
            nonlocal sent, pings
            if time.monotonic() - began > pings * BETWEEN_PINGS:
                pings += 1
                sent += upload.send(content[sent : sent + 100])
                for connection in idle:
                    with suppress(OSError):  # it has been ended
                        connection.send(PING)
            return all(map(is_ended, [*silent, *idle]))

        eventually(all_ended, within=2 * PATIENCE + 30)
        upload.sendall(content[sent:])

        assert upload.recv(12) == b"HTTP/1.1 201"


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
        assert resident(alone) < HELD
        for upload, content in zip(uploads, contents, strict=True):
            upload.sendall(content[MIB:])

        answers = [upload.recv(12) for upload in uploads]

    assert answers == [b"HTTP/1.1 201"] * UPLOADS
    assert all(repository.has_blob(digest_of(content)) for content in contents)
