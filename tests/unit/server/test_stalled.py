"""Which connections are ended for taking nothing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from entrepot.server.stalled import StalledConnections

PIECE = bytes(65536)


class Listener:
    """A port with connections to it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._socket = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._socket.getsockname()[1]

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a new connection, the client's first."""
        client = self._stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        server, _ = self._socket.accept()
        server.setblocking(False)
        return client, self._stack.enter_context(server)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A listener whose connections end with the test."""
    with ExitStack() as stack:
        yield Listener(stack)


def fill(server: socket.socket) -> int:
    """Send until the kernel takes no more; gives how many bytes it took."""
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += server.send(PIECE)
    return sent


def take(client: socket.socket, count: int) -> None:
    """Take so many bytes, which have been sent."""
    taken = 0
    while taken < count:
        taken += len(client.recv(min(1024 * 1024, count - taken)))


def drain(client: socket.socket) -> None:
    """Take all that comes until the other side ends."""
    while client.recv(1024 * 1024):
        pass


def is_open(server: socket.socket) -> bool:
    """Whether it can still be written to, now or later."""
    try:
        server.send(b"x")
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def test_a_client_that_takes_nothing_is_ended(listener: Listener) -> None:
    """At the second look, when nothing has moved since the first."""
    _client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port)

    looks = [connections.end(), connections.end()]

    assert looks == [0, 1]
    assert not is_open(server)


def test_what_waits_for_a_client_that_is_ended_is_thrown_away(listener: Listener) -> None:
    """Once the server closes its end: else the kernel would keep some MB of it."""
    client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port)
    connections.end()
    connections.end()

    server.close()

    with pytest.raises(ConnectionResetError):
        drain(client)


def test_a_client_that_takes_little_is_left_alone(listener: Listener) -> None:
    """However long it lasts."""
    client, server = listener.connect()
    connections = StalledConnections(listener.port)

    for _ in range(5):
        sent = fill(server)
        assert connections.end() == 0
        take(client, sent)

    assert is_open(server)


def test_a_connection_that_has_nothing_to_take_is_left_alone(listener: Listener) -> None:
    """One that is kept alive, or whose client is sending."""
    client, server = listener.connect()
    server.send(b"an answer")
    client.recv(100)
    connections = StalledConnections(listener.port)

    looks = [connections.end() for _ in range(3)]

    assert looks == [0, 0, 0]
    assert is_open(server)


def test_connections_to_other_ports_are_left_alone(listener: Listener) -> None:
    """Such as those to a database."""
    _client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port + 1)

    assert [connections.end(), connections.end()] == [0, 0]
    assert is_open(server)


def test_a_look_leaves_no_descriptor_open(listener: Listener) -> None:
    """It looks at duplicates."""
    client, server = listener.connect()
    fill(server)
    StalledConnections(listener.port).end()

    server.close()

    drain(client)  # ends only if nobody else holds the other end


def test_a_connection_that_is_paced_counts_once(listener: Listener) -> None:
    """Pacing has a descriptor of its own for it."""
    _client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port)
    with server.dup():
        looks = [connections.end(), connections.end()]

    assert looks == [0, 1]
