"""The client that asks as fast as a server answers, against one that answers by heart."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pytest
from benchmarks.load import Dialogue, dialogue_rate, expect, request_rate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HEAD_OF_FIVE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(*pieces: bytes) -> Generator[int]:
    """The port of a server that answers each request with these pieces, one write each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # a client that has seen enough resets
                while connection.recv(65536):
                    for piece in pieces:
                        connection.sendall(piece)
                    if pieces[0] is CLOSING:
                        return

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()


@pytest.mark.parametrize(
    ("request_line", "pieces"),
    [
        (b"GET", [OK]),
        (b"GET", [OK[:30], OK[30:50], OK[50:]]),
        (b"GET", [CHUNKED]),
        (b"GET", [CHUNKED[:-4], CHUNKED[-4:]]),
        (b"GET", [CLOSING]),
        (b"HEAD", [HEAD_OF_FIVE]),
    ],
)
def test_an_answer_is_counted_once_it_is_whole(request_line: bytes, pieces: list[bytes]) -> None:
    """However it is framed, and wherever the network cuts it."""
    with answering(*pieces) as port:
        answered, seconds = request_rate("127.0.0.1", port, lambda: request_line + b" / HTTP/1.1\r\n\r\n", 0.1)

    assert answered > 1
    assert seconds >= 0.1


def test_an_answer_that_is_no_success_ends_the_measurement() -> None:
    """Errors are fast: counted, they would win."""
    with answering(MISSING) as port, pytest.raises(RuntimeError, match="404 Not Found"):
        request_rate("127.0.0.1", port, lambda: b"GET / HTTP/1.1\r\n\r\n", 5)


def test_a_request_may_depend_on_the_answer_before() -> None:
    """As the PUT of an upload on the Location of its POST."""
    heads: list[bytes] = []

    def dialogue() -> Dialogue:
        while True:
            heads.append(expect((yield b"GET / HTTP/1.1\r\n\r\n"), 404))

    with answering(MISSING) as port:
        answered, _ = dialogue_rate("127.0.0.1", port, [dialogue()], 0.1)

    assert len(heads) == answered
    assert set(heads) == {MISSING.removesuffix(b"\r\n\r\n")}
