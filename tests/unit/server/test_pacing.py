"""How far a download runs ahead of its client."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress

import pytest
from tests.descriptors import no_descriptor_left

from entrepot.fronts.asgi import Message, Scope
from entrepot.server.pacing import FREE, Pacing, TakesNothing

PIECE = bytes(65536)
#: Far more than the kernel takes for a client that reads nothing.
MANY = 1000
#: What it takes at the most where a download is paced: what is on its way, what is unsent, and a piece.
HELD = 20


class Connection:
    """Both ends of a connection to a port of this process, and a download over it."""

    def __init__(self, stack: ExitStack, listener: socket.socket) -> None:
        self.client = stack.enter_context(socket.create_connection(listener.getsockname()))
        self.client.setblocking(False)
        self._server = stack.enter_context(listener.accept()[0])
        self._server.setblocking(False)
        self._host, self._port = self.client.getsockname()
        self.http_version = "1.1"
        self.sent = 0
        self._sent_another = asyncio.Event()

    async def another(self) -> None:
        """Return when the next piece has been sent."""
        self._sent_another.clear()
        await self._sent_another.wait()

    @property
    def scope(self) -> Scope:
        """As the server gives it, with the port as text."""
        return {"client": (self._host, str(self._port)), "http_version": self.http_version}

    async def send(self, message: Message) -> None:
        """What the server below does: it holds what the kernel does not take."""
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(self._server, message["body"]), 5)
        self.sent += 1
        self._sent_another.set()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def connection(listener: socket.socket) -> Iterator[Connection]:
    """A connection to that port."""
    with ExitStack() as stack:
        yield Connection(stack, listener)


@pytest.fixture
def pacing_without_patience(listener: socket.socket) -> Pacing:
    """It gives a stream up sooner than `comes_to_rest` returns."""
    return Pacing(listener.getsockname()[1], patience=0.1)


@pytest.fixture
def pacing(listener: socket.socket) -> Pacing:
    """The pacing of downloads from that port."""
    return Pacing(listener.getsockname()[1])


async def download(pacing: Pacing, connection: Connection, pieces: int = MANY) -> None:
    """Send so many pieces."""
    with pacing.of_download(connection.scope, connection.send) as send:
        for _ in range(pieces):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})


@asynccontextmanager
async def crowd(pacing: Pacing, connection: Connection) -> AsyncGenerator[None]:
    """As many other downloads as are let run free."""
    with ExitStack() as stack:
        for _ in range(FREE):
            stack.enter_context(pacing.of_download(connection.scope, connection.send))
        yield


async def take(connection: Connection, pieces: int) -> None:
    """Read so many pieces as the client."""
    left = pieces * len(PIECE)
    while left:
        left -= len(await asyncio.get_running_loop().sock_recv(connection.client, min(left, len(PIECE))))


async def comes_to_rest(connection: Connection) -> int:
    """How many pieces have been sent, once no more are for a while."""
    while True:
        before = connection.sent
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.another(), 0.2)
        if connection.sent == before:
            return before


async def test_in_a_crowd_a_client_that_takes_nothing_is_sent_little(
    pacing: Pacing, connection: Connection
) -> None:
    """No more than the kernel holds for it."""
    async with crowd(pacing, connection):
        stalled = asyncio.create_task(download(pacing, connection))

        sent = await comes_to_rest(connection)

        assert 0 < sent < HELD
        assert not stalled.done()
        stalled.cancel()


async def test_in_a_crowd_a_client_that_reads_gets_everything(pacing: Pacing, connection: Connection) -> None:
    """Each piece follows when the one before has gone."""
    async with crowd(pacing, connection):
        await asyncio.gather(download(pacing, connection), take(connection, MANY))

    assert connection.sent == MANY


async def test_a_download_goes_on_when_its_client_reads_on(pacing: Pacing, connection: Connection) -> None:
    """However long it has read nothing."""
    async with crowd(pacing, connection):
        downloading = asyncio.create_task(download(pacing, connection))
        await comes_to_rest(connection)

        await take(connection, MANY)
        await downloading

    assert connection.sent == MANY


async def test_a_few_downloads_do_not_wait_for_their_clients(pacing: Pacing, connection: Connection) -> None:
    """They run ahead as far as the server lets them, which is faster."""
    downloading = asyncio.create_task(download(pacing, connection))

    sent = await comes_to_rest(connection)

    assert sent > HELD
    downloading.cancel()


async def test_a_download_ends_when_its_client_is_gone(pacing: Pacing, connection: Connection) -> None:
    """Nobody waits for a connection that has ended."""
    async with crowd(pacing, connection):
        downloading = asyncio.create_task(download(pacing, connection))
        await comes_to_rest(connection)

        connection.client.close()

        with pytest.raises(ConnectionError):  # of the send: it was asked to go on
            await asyncio.wait_for(downloading, 5)


async def test_a_download_whose_connection_is_not_found_is_not_held_up(
    listener: socket.socket, connection: Connection
) -> None:
    """As behind a socket of another kind."""
    pacing = Pacing(listener.getsockname()[1] + 1)
    async with crowd(pacing, connection):
        await asyncio.gather(download(pacing, connection), take(connection, MANY))

    assert connection.sent == MANY


async def stand_still(_message: Message) -> None:
    """What the server below does for a stream whose client has shut its window."""
    await asyncio.Event().wait()


async def test_a_stream_of_http_2_that_stands_still_is_given_up(pacing_without_patience: Pacing) -> None:
    """The kernel does not see it: the connection is alive, and other streams of it may move."""
    scope = {"client": ("127.0.0.1", "1"), "http_version": "2"}

    with pacing_without_patience.of_download(scope, stand_still) as send, pytest.raises(TakesNothing):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})


async def test_a_stream_of_http_2_that_moves_is_not_given_up(
    pacing_without_patience: Pacing, connection: Connection
) -> None:
    """Each piece has a time of its own."""
    connection.http_version = "2"

    await asyncio.gather(download(pacing_without_patience, connection), take(connection, MANY))

    assert connection.sent == MANY


async def test_a_download_of_http_1_is_not_given_up(
    pacing_without_patience: Pacing, connection: Connection
) -> None:
    """The kernel tells whether its client is gone or slow."""
    downloading = asyncio.create_task(download(pacing_without_patience, connection))
    await comes_to_rest(connection)

    await take(connection, MANY)
    await downloading

    assert connection.sent == MANY


async def test_without_a_descriptor_left_downloads_go_on_unpaced(pacing: Pacing, connection: Connection) -> None:
    """To find their connections takes some; those that are under way are none the worse."""
    async with crowd(pacing, connection):
        with no_descriptor_left():
            await asyncio.gather(download(pacing, connection, 2), take(connection, 2))

    assert connection.sent == 2
