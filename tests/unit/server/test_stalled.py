"""Which connections are ended because their clients make no use of them."""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress

import pytest
from structlog.testing import capture_logs
from tests.descriptors import no_descriptor_left

from entrepot.server.requests import Requests
from entrepot.server.stalled import ON_ITS_WAY, USE, StalledConnections, end_stalled_for_ever

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


def exchange(client: socket.socket, server: socket.socket, said: bytes, answered: bytes) -> None:
    """Both sides have got what the other says."""
    server.setblocking(True)
    client.sendall(said)
    while said:
        said = said[len(server.recv(len(said))) :]
    server.sendall(answered)
    take(client, len(answered))


def becomes_silent(client: socket.socket) -> None:
    """Return when what the client last sent is so long ago that no request is on its way."""
    client.settimeout(ON_ITS_WAY / 1000 + 0.1)
    with pytest.raises(TimeoutError):
        client.recv(1)


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
    connections = StalledConnections(listener.port, Requests())

    looks = [connections.end(), connections.end()]

    assert looks == [0, 1]
    assert not is_open(server)


def test_what_waits_for_a_client_that_is_ended_is_thrown_away(listener: Listener) -> None:
    """Once the server closes its end: else the kernel would keep some MB of it."""
    client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port, Requests())
    connections.end()
    connections.end()

    server.close()

    with pytest.raises(ConnectionResetError):
        drain(client)


def test_a_client_that_takes_little_is_left_alone(listener: Listener) -> None:
    """However long it lasts."""
    client, server = listener.connect()
    connections = StalledConnections(listener.port, Requests())

    for _ in range(5):
        sent = fill(server)
        assert connections.end() == 0
        take(client, sent)

    assert is_open(server)


def test_a_client_that_says_nothing_is_ended(listener: Listener) -> None:
    """At the second look: it takes the place of one that has something to ask."""
    client, _server = listener.connect()
    connections = StalledConnections(listener.port, Requests())
    connections.end()
    becomes_silent(client)

    assert connections.end() == 1
    assert client.recv(1) == b""


def test_a_client_that_asks_for_nothing_more_is_ended(listener: Listener) -> None:
    """It has had its answer, and only sends PINGs."""
    client, server = listener.connect()
    connections = StalledConnections(listener.port, Requests())
    exchange(client, server, b"a request", b"an answer")
    connections.end()
    exchange(client, server, b"a PING", bytes(17))
    becomes_silent(client)

    assert connections.end() == 1


def test_a_client_that_waits_for_its_answer_is_left_alone(listener: Listener) -> None:
    """However long that takes."""
    client, _server = listener.connect()
    requests = Requests()
    host, port = client.getsockname()
    requests.begin((host, str(port)))
    connections = StalledConnections(listener.port, requests)
    connections.end()
    becomes_silent(client)

    assert [connections.end(), connections.end()] == [0, 0]


def test_a_client_is_given_time_for_its_next_request(listener: Listener) -> None:
    """Its silence begins at the first look after the answer."""
    client, _server = listener.connect()
    requests = Requests()
    requests.begin(client.getsockname())
    connections = StalledConnections(listener.port, requests)
    connections.end()
    becomes_silent(client)
    requests.end(client.getsockname())

    assert [connections.end(), connections.end()] == [0, 1]


def test_a_client_whose_request_may_be_on_its_way_is_left_alone(listener: Listener) -> None:
    """What has just come may not have reached the application."""
    client, server = listener.connect()
    connections = StalledConnections(listener.port, Requests())
    connections.end()
    becomes_silent(client)
    client.send(b"a request")
    server.setblocking(True)
    server.recv(100)

    assert connections.end() == 0


def test_a_client_that_still_takes_an_answer_is_left_alone(listener: Listener) -> None:
    """The application has handed it over, and the server below sends it by and by."""
    client, server = listener.connect()
    connections = StalledConnections(listener.port, Requests())
    connections.end()
    becomes_silent(client)

    exchange(client, server, b"", bytes(USE))

    assert connections.end() == 0


def test_connections_to_other_ports_are_left_alone(listener: Listener) -> None:
    """Such as those to a database."""
    _client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port + 1, Requests())

    assert [connections.end(), connections.end()] == [0, 0]
    assert is_open(server)


def test_a_look_leaves_no_descriptor_open(listener: Listener) -> None:
    """It looks at duplicates."""
    client, server = listener.connect()
    fill(server)
    StalledConnections(listener.port, Requests()).end()

    server.close()

    drain(client)  # ends only if nobody else holds the other end


def test_a_connection_that_is_paced_counts_once(listener: Listener) -> None:
    """Pacing has a descriptor of its own for it."""
    _client, server = listener.connect()
    fill(server)
    connections = StalledConnections(listener.port, Requests())
    with server.dup():
        looks = [connections.end(), connections.end()]

    assert looks == [0, 1]


async def test_looks_go_on_after_one_that_failed(listener: Listener) -> None:
    """As without a descriptor left, which is when it matters most that connections are ended."""
    with capture_logs() as logs:
        with no_descriptor_left():
            looking = asyncio.create_task(end_stalled_for_ever(listener.port, Requests(), patience=0.01))
            await until_told(looking, logs, "connections could not be looked at")
        _client, server = listener.connect()
        fill(server)

        await until_told(looking, logs, "connections were ended that had no use")

    looking.cancel()
    assert not is_open(server)


async def until_told(looking: asyncio.Task[None], logs: Sequence[Mapping[str, object]], event: str) -> None:
    """Return once the log has it."""
    async with asyncio.timeout(5):
        while all(entry["event"] != event for entry in logs):
            await asyncio.wait([looking], timeout=0.01)
