"""One request after the other on one connection, each with its time."""

import socket
import time
from types import TracebackType
from typing import Self

from benchmarks.load import content_length

TIMEOUT_SECONDS = 30


class Line:
    """A kept-alive connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """The body of the answer; raises RuntimeError unless it is 2xx."""
        self._socket.sendall(request)
        head, found, body = b"", b"", b""
        received = b""
        while not found or len(body) < content_length(head):
            arrived = self._socket.recv(1 << 20)
            received += arrived
            head, found, body = received.partition(b"\r\n\r\n")
            if not arrived:
                raise RuntimeError(f"the connection ended after {received[:300]!r}")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"unexpected answer: {received[:300]!r}")
        return body

    def time(self, request: bytes) -> float:
        """The milliseconds from the first byte sent to the last byte received."""
        begun = time.perf_counter()
        self.ask(request)
        return (time.perf_counter() - begun) * 1000
