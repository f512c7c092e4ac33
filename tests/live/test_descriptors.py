"""A server that the system lets have few descriptors."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.live.conftest import new_repository
from tests.live.server import Server
from tests.live.waiting import eventually
from tests.live.wire import request_head

MIB = 1024 * 1024
#: What the system allows, and more clients than it allows for.
LIMIT, CLIENTS = 256, 200


class LimitedServer(Server):
    """A registry whose processes may have so many descriptors each."""

    command: Sequence[str] = ("sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh", *Server.command)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It ends with the test."""
    server = LimitedServer(tmp_path).start()
    yield server
    server.close()


def descriptors(server: Server) -> int:
    """How many the process has that has most: the one that answers."""
    return max(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in server.processes())


def begins(connection: socket.socket) -> bool:
    """Whether an answer has begun to come."""
    try:
        return connection.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
    except BlockingIOError:
        return False


def test_clients_beyond_the_descriptors_wait_and_break_nothing(server: Server) -> None:
    """Those that are served have enough for their answers; the next are when these have gone."""
    content = os.urandom(8 * MIB)
    with new_repository(server) as repository, ExitStack() as stack:
        path = f"/v2/{repository.name}/blobs/{repository.push_blob(content)}"
        headers = {"Host": server.host, "Authorization": repository.http.headers["authorization"]}
        waiting: list[socket.socket] = []
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(request_head("GET", path, headers))
            client.setblocking(False)
            waiting.append(client)

        while waiting:
            eventually(lambda: any(map(begins, waiting)), within=30)
            assert descriptors(server) < LIMIT
            for client in [client for client in waiting if begins(client)]:
                waiting.remove(client)
                client.close()

        assert httpx.get(f"{server.url}{path}", headers=headers, timeout=30).content == content
    assert "broke off" not in server.log()
