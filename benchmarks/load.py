"""Requests as fast as a server answers them, over a few connections and for a bounded time."""

import selectors
import socket
import time
from collections.abc import Callable

CONNECTIONS = 8
TIMEOUT_SECONDS = 10


def request_rate(host: str, port: int, next_request: Callable[[], bytes], seconds: float) -> tuple[int, float]:
    """How many requests were answered with 2xx, and in how many seconds; raises RuntimeError at any other answer.

    Each connection has one request under way, and is made anew where the server ends it. The client is one thread
    on one core: beyond some 20,000 answers a second it is the client that is measured, and the rate per second of
    server CPU is the one to compare.
    """
    with selectors.DefaultSelector() as selector:
        exchanges = [_Exchange(selector, host, port, next_request) for _ in range(CONNECTIONS)]
        for exchange in exchanges:
            exchange.send()
        start = time.perf_counter()
        answered = 0
        while (elapsed := time.perf_counter() - start) < seconds:
            for key, _ in selector.select(TIMEOUT_SECONDS):
                answered += key.data.read()
        for exchange in exchanges:
            exchange.close()
    return answered, elapsed


class _Exchange:
    """One connection, kept alive where the server lets it, and the answer that is coming in on it."""

    def __init__(
        self, selector: selectors.BaseSelector, host: str, port: int, next_request: Callable[[], bytes]
    ) -> None:
        self._selector = selector
        self._address = (host, port)
        self._next_request = next_request
        self._without_body = False
        self._received = b""
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, self)
        return connection

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()

    def send(self) -> None:
        request = self._next_request()
        self._without_body = request.startswith(b"HEAD ")
        self._socket.sendall(request)

    def read(self) -> int:
        """Take what has arrived; 1 and the next request under way when it ended an answer, else 0."""
        arrived = self._socket.recv(65536)
        self._received += arrived
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not arrived or not head.startswith(b"HTTP/1.1 2"[: len(head)]):
            raise RuntimeError(f"unexpected answer: {self._received[:300]!r}")
        if not found or (not self._without_body and len(body) < content_length(head)):
            return 0
        self._received = b""
        if b"\r\nconnection: close" in head.lower():
            self.close()
            self._socket = self._connect()
        self.send()
        return 1


def content_length(head: bytes) -> int:
    """What the head of an answer announces, in bytes; 0 if nothing."""
    lower = head.lower()
    start = lower.find(b"content-length:")
    if start < 0:
        return 0
    return int(lower[start + len(b"content-length:") :].split(b"\r\n", 1)[0])
