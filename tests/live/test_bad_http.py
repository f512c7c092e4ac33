"""Malformed HTTP on the socket: one 4xx or the end of the connection, never two answers; and nothing changes."""

import pytest
from tests.live.images import digest_of
from tests.live.stage import Stage
from tests.live.wire import call, connected, request_head

pytestmark = pytest.mark.usefixtures("nothing_changes")


@pytest.mark.parametrize(
    "hosts",
    [[], ["one", "two"], ["a b"], [""]],
    ids=["none", "two", "blank inside", "empty"],
)
@pytest.mark.parametrize("path", ["/v2/", "/"])
def test_bad_host(stage: Stage, path: str, hosts: list[str]) -> None:
    """HTTP/1.1 wants exactly one Host, and a valid one (RFC 9112, 3.2)."""
    lines = [f"Host: {host}" for host in hosts]
    head = "\r\n".join([f"GET {path} HTTP/1.1", f"Authorization: Basic {stage.authorization}", *lines, "", ""])

    assert call(stage.server, head.encode(), method="GET").status == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Content-Length: +5"],
        ["Content-Length: five"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Bad Header: x"],
        ["X-Null: a\0b"],
    ],
)
def test_malformed_framing_is_refused_once(stage: Stage, lines: list[str]) -> None:
    """A message whose end is in doubt gets one 4xx, or the end of the connection: never two answers."""
    location = f"/v2/{stage.repository.name}/blobs/uploads/"
    fixed = [
        f"POST {location} HTTP/1.1",
        f"Host: {stage.server.host}",
        f"Authorization: Basic {stage.authorization}",
    ]

    said = everything_said(stage, "\r\n".join([*fixed, *lines, "", "12345"]).encode())

    assert is_at_most_one_refusal(said)


def test_length_and_chunks_together_get_one_answer(stage: Stage) -> None:
    """Content-Length and Transfer-Encoding in one request never make a second request of its tail."""
    host = f"Host: {stage.server.host}"
    smuggled = f"GET /v2/ HTTP/1.1\r\n{host}\r\n\r\n"
    fixed = [f"POST /v2/{stage.repository.name}/blobs/uploads/ HTTP/1.1", host]
    lines = [
        *fixed,
        f"Content-Length: {5 + len(smuggled)}",
        "Transfer-Encoding: chunked",
        "",
        f"0\r\n\r\n{smuggled}",
    ]

    said = everything_said(stage, "\r\n".join(lines).encode())

    assert is_at_most_one_refusal(said)


def test_body_shorter_than_its_length_is_not_stored(stage: Stage) -> None:
    """A monolithic PUT that ends before its Content-Length makes no blob."""
    location = stage.repository.open_upload()
    data = b"complete only in its digest"
    path = location.removeprefix(stage.server.url)
    separator = "&" if "?" in path else "?"
    headers = {
        "Host": stage.server.host,
        "Authorization": f"Basic {stage.authorization}",
        "Content-Length": str(len(data) + 1),
    }

    said = everything_said(
        stage, request_head("PUT", f"{path}{separator}digest={digest_of(data)}", headers) + data
    )

    assert is_at_most_one_refusal(said)
    assert not stage.repository.has_blob(digest_of(data))


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "BREW", "DELETE"])
def test_method_that_is_not_offered(stage: Stage, method: str) -> None:
    """An unknown method on a known path is refused, not answered as another."""
    answer = stage.send(method, f"/v2/{stage.repository.name}/tags/list")

    assert answer.status in {400, 404, 405, 501}


def everything_said(stage: Stage, request: bytes) -> bytes:
    """All that the server says to a request on a connection of its own, after which nothing more is sent."""
    with connected(stage.server) as connection:
        connection.send(request)
        connection.finish_sending()
        return connection.everything()


def is_at_most_one_refusal(said: bytes) -> bool:
    """One 4xx, or no answer at all."""
    return said.count(b"HTTP/1.1 ") <= 1 and said[:10] in {b"HTTP/1.1 4", b""}
