"""A client that pushes and pulls with as little CPU as it can, for it shares the machine with the server."""

from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.live.images import IMAGE, Image, digest_of

from benchmarks.subjects import Subject

MIB = 1024 * 1024
OK = 200
CREATED = 201
ACCEPTED = 202
OCTETS = "application/octet-stream"


class Client:
    """One registry, and one repository in it for one round."""

    def __init__(self, subject: Subject, repository: str) -> None:
        self.subject = subject
        self.repository = repository

    def push(self, file: Path, digest: str, chunk: int | None = None) -> None:
        """Push a file as a blob: in one PUT, or in PATCHes of `chunk` bytes."""
        size = file.stat().st_size
        connection = self._connect()
        started = self._ask(connection, "POST", f"/v2/{self.repository}/blobs/uploads/", expected=ACCEPTED)
        location = _path(started)
        with file.open("rb") as content:
            if chunk is None:
                self._send(connection, "PUT", _with_digest(location, digest), content, 0, size, CREATED)
            else:
                for first in range(0, size, chunk):
                    length = min(chunk, size - first)
                    answer = self._send(connection, "PATCH", location, content, first, length, ACCEPTED)
                    location = _path(answer)
                self._ask(connection, "PUT", _with_digest(location, digest), expected=CREATED)
        connection.close()

    def pull(self, digest: str) -> int:
        """Read a blob and drop it; its length."""
        connection = self._connect()
        connection.request("GET", f"/v2/{self.repository}/blobs/{digest}", headers=self.subject.headers)
        answer = connection.getresponse()
        assert answer.status == OK, answer.read()
        buffer = memoryview(bytearray(MIB))
        length = 0
        while received := answer.readinto(buffer):
            length += received
        connection.close()
        return length

    def push_image(self, content: Image) -> None:
        """Push a small image under the tag `first`."""
        connection = self._connect()
        for data in content.blobs:
            started = self._ask(connection, "POST", f"/v2/{self.repository}/blobs/uploads/", expected=ACCEPTED)
            self._ask(connection, "PUT", _with_digest(_path(started), digest_of(data)), data, expected=CREATED)
        self._ask(connection, "PUT", self.manifest("first"), content.manifest, IMAGE, expected=CREATED)
        connection.close()

    def manifest(self, reference: str) -> str:
        """The path of a manifest."""
        return f"/v2/{self.repository}/manifests/{reference}"

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request as bytes."""
        headers = {"Host": f"127.0.0.1:{self.subject.port}", "Accept": IMAGE, **self.subject.headers}
        if body:
            headers |= {"Content-Type": IMAGE, "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + body

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.subject.port, timeout=300)

    def _ask(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: bytes = b"",
        media_type: str = OCTETS,
        *,
        expected: int,
    ) -> HTTPResponse:
        headers = {**self.subject.headers, "Content-Type": media_type, "Content-Length": str(len(body))}
        connection.request(method, path, body, headers)
        return _answer(connection, expected)

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        content: BinaryIO,
        first: int,
        length: int,
        expected: int,
    ) -> HTTPResponse:
        connection.putrequest(method, path)
        headers = {
            **self.subject.headers,
            "Content-Type": OCTETS,
            "Content-Length": str(length),
        }
        if method == "PATCH":
            headers["Content-Range"] = f"{first}-{first + length - 1}"
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.sock.sendfile(content, first, length)
        return _answer(connection, expected)


def _answer(connection: HTTPConnection, expected: int) -> HTTPResponse:
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != expected:
        raise RuntimeError(f"{answer.status} {said[:300]!r}")
    return answer


def _path(answer: HTTPResponse) -> str:
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"
