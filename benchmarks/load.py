"""Requests as fast as a server answers them, over a few connections and for a bounded time."""

import selectors
import socket
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack

CONNECTIONS = 8
TIMEOUT_SECONDS = 60
RECEIVE = 1024 * 1024
END_OF_CHUNKS = b"0\r\n\r\n"

#: Requests without end, each of which may depend on the answer before: it is sent the head of each answer.
Dialogue = Generator[bytes, bytes]


def request_rate(host: str, port: int, next_request: Callable[[], bytes], seconds: float) -> tuple[int, float]:
    """How many requests were answered with 2xx, in how many seconds; raises RuntimeError at any other answer."""
    return dialogue_rate(host, port, [_repeated(next_request) for _ in range(CONNECTIONS)], seconds)


def dialogue_rate(host: str, port: int, dialogues: Sequence[Dialogue], seconds: float) -> tuple[int, float]:
    """How many requests were answered, at least one, in how many seconds; each dialogue has its own connection.

    A connection has one request under way, and is made anew where the server ends it. The client is one thread
    on one core: beyond some 20,000 answers a second it is the client that is measured, and the rate per second of
    server CPU is the one to compare.
    """
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        exchanges: list[_Exchange] = []
        for dialogue in dialogues:
            exchanges.append(_Exchange(selector, host, port, dialogue))
            stack.callback(exchanges[-1].close)
        start = time.perf_counter()
        for exchange in exchanges:
            exchange.begin()
        answered = 0
        while (elapsed := time.perf_counter() - start) < seconds or not answered:
            for key, _ in selector.select(TIMEOUT_SECONDS):
                answered += key.data.read()
    return answered, elapsed


def expect(head: bytes, *statuses: int) -> bytes:
    """The head of an answer; raises RuntimeError if its status is none of these."""
    if int(head[9:12]) not in statuses:
        raise RuntimeError(f"unexpected answer: {_status_line(head)}")
    return head


def _status_line(head: bytes) -> str:
    return head.split(b"\r\n", 1)[0].decode("latin-1")


def _repeated(next_request: Callable[[], bytes]) -> Dialogue:
    while True:
        head = yield next_request()
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"unexpected answer: {_status_line(head)}")


class _Exchange:
    """One connection, kept alive where the server lets it, and the answer that is coming in on it."""

    def __init__(self, selector: selectors.BaseSelector, host: str, port: int, dialogue: Dialogue) -> None:
        self._selector = selector
        self._address = (host, port)
        self._dialogue = dialogue
        self._request = b""
        self._head: bytes | None = None
        self._received = b""
        self._left = 0
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, self)
        return connection

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()

    def begin(self) -> None:
        """Send the first request."""
        self._send(next(self._dialogue))

    def read(self) -> int:
        """Take what has arrived; 1 and the next request under way when it ended an answer, else 0."""
        arrived = self._socket.recv(RECEIVE)
        if not arrived:
            raise RuntimeError(f"the connection ended after {self._received[:300]!r}")
        if not self._is_whole_with(arrived):
            return 0
        head = self._head or b""
        if b"\r\nconnection: close" in head.lower():
            self.close()
            self._socket = self._connect()
        self._send(self._dialogue.send(head))
        return 1

    def _send(self, request: bytes) -> None:
        self._request = request
        self._head, self._received = None, b""
        self._socket.sendall(request)

    def _is_whole_with(self, arrived: bytes) -> bool:
        """Count a body and drop it: only the last bytes are kept, to see the last chunk of a chunked one."""
        if self._head is None:
            self._received += arrived
            head, found, body = self._received.partition(b"\r\n\r\n")
            if not found:
                return False
            self._head, self._received = head, body
            self._left = 0 if self._request.startswith(b"HEAD ") else content_length(head)
            arrived = body
        else:
            self._received = self._received[-len(END_OF_CHUNKS) :] + arrived
        self._left -= len(arrived)
        if b"\r\ntransfer-encoding: chunked" in self._head.lower():
            return self._received.endswith(END_OF_CHUNKS)
        return self._left <= 0


def content_length(head: bytes) -> int:
    """What the head of an answer announces, in bytes; 0 if nothing."""
    lower = head.lower()
    start = lower.find(b"content-length:")
    if start < 0:
        return 0
    return int(lower[start + len(b"content-length:") :].split(b"\r\n", 1)[0])
