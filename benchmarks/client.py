"""A client that pushes and pulls with as little CPU as it can, for it shares the machine with the server."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.live.images import IMAGE, Image, digest_of
from tests.live.wire import request_head

from benchmarks.subjects import Subject

MIB = 1024 * 1024
OK = 200
CREATED = 201
ACCEPTED = 202
PARTIAL_CONTENT = 206
#: How containerd 2 fetches a large layer: its `concurrent_layer_fetch_buffer` and `max_concurrent_downloads`.
RANGE = 8 * MIB
RANGE_CONNECTIONS = 3
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
        started = self._ask(connection, "POST", self.uploads, expected=ACCEPTED)
        location = path_of(started.headers["Location"])
        with file.open("rb") as content:
            if chunk is None:
                self._send(connection, "PUT", with_digest(location, digest), content, 0, size, CREATED)
            else:
                for first in range(0, size, chunk):
                    length = min(chunk, size - first)
                    answer = self._send(connection, "PATCH", location, content, first, length, ACCEPTED)
                    location = path_of(answer.headers["Location"])
                self._ask(connection, "PUT", with_digest(location, digest), expected=CREATED)
        connection.close()

    def pull(self, digest: str) -> int:
        """Read a blob and drop it; its length."""
        connection = self._connect()
        length = self._read(connection, digest, {}, OK)
        connection.close()
        return length

    def pull_in_ranges(self, digest: str, size: int) -> int:
        """Read a blob as containerd 2 does, in ranges over several connections; its length."""
        firsts = range(0, size, RANGE)
        turns = [firsts[turn::RANGE_CONNECTIONS] for turn in range(RANGE_CONNECTIONS)]
        with ThreadPoolExecutor(RANGE_CONNECTIONS) as pool:
            return sum(pool.map(partial(self._pull_some, digest, size), turns))

    def _pull_some(self, digest: str, size: int, firsts: Sequence[int]) -> int:
        connection = self._connect()
        length = 0
        for first in firsts:
            wanted = {"Range": f"bytes={first}-{min(first + RANGE, size) - 1}"}
            length += self._read(connection, digest, wanted, PARTIAL_CONTENT)
        connection.close()
        return length

    def push_image(self, content: Image, tag: str = "first") -> None:
        """Push an image that fits into memory."""
        connection = self._connect()
        for data in content.blobs:
            started = self._ask(connection, "POST", self.uploads, expected=ACCEPTED)
            location = with_digest(path_of(started.headers["Location"]), digest_of(data))
            self._ask(connection, "PUT", location, data, expected=CREATED)
        self._ask(connection, "PUT", self.manifest(tag), content.manifest, IMAGE, expected=CREATED)
        connection.close()

    def put_manifests(self, manifests: Mapping[str, bytes]) -> None:
        """Put manifests alone, by reference."""
        connection = self._connect()
        for reference, manifest in manifests.items():
            self._ask(connection, "PUT", self.manifest(reference), manifest, IMAGE, expected=CREATED)
        connection.close()

    @property
    def uploads(self) -> str:
        """The path that begins an upload."""
        return f"/v2/{self.repository}/blobs/uploads/"

    def blob(self, digest: str) -> str:
        """The path of a blob."""
        return f"/v2/{self.repository}/blobs/{digest}"

    def manifest(self, reference: str) -> str:
        """The path of a manifest."""
        return f"/v2/{self.repository}/manifests/{reference}"

    def request(self, method: str, path: str, body: bytes = b"", media_type: str = IMAGE) -> bytes:
        """A whole request as bytes."""
        headers = {"Host": self.subject.host, "Accept": IMAGE, **self.subject.headers}
        if method in {"POST", "PUT"}:
            headers |= {"Content-Type": media_type, "Content-Length": str(len(body))}
        return request_head(method, path, headers) + body

    def _read(self, connection: HTTPConnection, digest: str, headers: Mapping[str, str], expected: int) -> int:
        """GET a blob and drop it; its length."""
        connection.request("GET", self.blob(digest), headers={**self.subject.headers, **headers})
        answer = connection.getresponse()
        if answer.status != expected:
            raise RuntimeError(f"{answer.status} {answer.read()[:300]!r}")
        buffer = memoryview(bytearray(MIB))
        length = 0
        while received := answer.readinto(buffer):
            length += received
        return length

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


def path_of(location: str) -> str:
    """What to ask for, of a Location with or without a host."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def with_digest(location: str, digest: str) -> str:
    """The location of an upload, with the digest that completes it."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"
