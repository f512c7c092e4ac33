"""Requests as bytes on a socket: what no client library would send, or not that slowly, or not to its end."""

import json
import socket
import struct
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.live.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Server

TARGET = "AmazonEC2ContainerRegistry_V20150921"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, written and read by hand."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS)

    def send(self, data: bytes) -> None:
        """Send bytes; a server that has already closed makes this a no-op, for its answer may still be read."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self, method: str = "POST") -> Answer:
        """Read one answer; raises ConnectionError when the server closed without one."""
        response = HTTPResponse(self._socket, method=method)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            response.close()

    def everything(self) -> bytes:
        """All that comes until the server ends the connection."""
        data = b""
        try:
            while received := self._socket.recv(65536):
                data += received
        except ConnectionResetError:
            return data
        return data

    def wait_for_continue(self) -> None:
        """Read `100 Continue`: the application has asked for the body."""
        line = b""
        while not line.endswith(b"\r\n\r\n"):
            byte = self._socket.recv(1)
            assert byte, f"closed after {line!r}"
            line += byte
        assert line.startswith(b"HTTP/1.1 100 "), line

    def finish_sending(self) -> None:
        """Close the sending half: the server sees the end of the request, unless it has already closed."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST, as a client that crashes."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """End the connection with FIN."""
        self._socket.close()


@contextmanager
def connected(server: Server) -> Generator[Connection]:
    """A connection that is closed in the end."""
    connection = Connection(server)
    try:
        yield connection
    finally:
        connection.close()


def request_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a request up to its body."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def api_request(
    server: Server,
    operation: str,
    body: bytes | Mapping[str, object],
    *,
    secret: str = SECRET_ACCESS_KEY,
    access_key_id: str = ACCESS_KEY_ID,
    region: str = REGION,
    expecting_continue: bool = False,
) -> tuple[bytes, bytes]:
    """Head and body of a signed call of the ECR API, to be sent as a test likes."""
    return signed_request(
        server.host,
        operation,
        body,
        secret=secret,
        access_key_id=access_key_id,
        region=region,
        expecting_continue=expecting_continue,
    )


def signed_request(
    host: str,
    operation: str,
    body: bytes | Mapping[str, object],
    *,
    secret: str = SECRET_ACCESS_KEY,
    access_key_id: str = ACCESS_KEY_ID,
    region: str = REGION,
    expecting_continue: bool = False,
) -> tuple[bytes, bytes]:
    """As ``api_request``, for whoever listens at `host`."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = AWSRequest(
        method="POST",
        url=f"http://{host}/",
        data=data,
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{TARGET}.{operation}",
            "Host": host,
        },
    )
    SigV4Auth(Credentials(access_key_id, secret), "ecr", region).add_auth(request)
    headers = {**dict(request.headers), "Content-Length": str(len(data))}
    if expecting_continue:
        headers["Expect"] = "100-continue"
    return request_head("POST", "/", headers), data


def call(server: Server, head: bytes, body: bytes = b"", method: str = "POST") -> Answer:
    """Send one request on a connection of its own, and read the answer."""
    with connected(server) as connection:
        connection.send(head + body)
        return connection.answer(method)
