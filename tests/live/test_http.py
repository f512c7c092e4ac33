"""HTTP on the socket, as RFC 9110 and 9112 have it: where a message ends, who waits for whom, and what is too much."""

import pytest
from tests.live.images import IMAGE, digest_of, image
from tests.live.stage import Stage, assert_oci_error
from tests.live.test_bad_http import everything_said, is_at_most_one_refusal
from tests.live.wire import Connection, call, connected, request_head

ABSENT = digest_of(b"absent")
MIB = 1024 * 1024


def head_of(stage: Stage, method: str, path: str, *lines: str) -> bytes:
    """A request's head, with the right Host and password, and these lines as they stand."""
    fixed = [
        f"{method} {path} HTTP/1.1",
        f"Host: {stage.server.host}",
        f"Authorization: Basic {stage.authorization}",
    ]
    return "\r\n".join([*fixed, *lines, "", ""]).encode("latin-1")


def answers_in(said: bytes) -> int:
    """How many answers there are."""
    return said.count(b"HTTP/1.1 ")


def until_closed(stage: Stage, request: bytes) -> bytes:
    """All that the server says on a connection that it has to close by itself."""
    with connected(stage.server) as connection:
        connection.send(request)
        return connection.everything()


# Where a message ends


@pytest.mark.parametrize("first", ["Content-Length: 6", "Transfer-Encoding: chunked"])
def test_a_message_with_two_lengths_is_the_last_of_its_connection(stage: Stage, first: str) -> None:
    """RFC 9112, section 6.1: the chunks count, one answer is given, and the tail is nobody's request."""
    second = "Transfer-Encoding: chunked" if first.startswith("Content") else "Content-Length: 6"
    smuggled = head_of(stage, "GET", "/v2/")
    path = f"/v2/{stage.repository.name}/blobs/uploads/"

    said = until_closed(stage, head_of(stage, "POST", path, first, second) + b"0\r\n\r\n" + smuggled)

    assert answers_in(said) == 1, said
    assert said.startswith((b"HTTP/1.1 202 ", b"HTTP/1.1 400 ")), said


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_bare_line_ends_in_a_head_hide_no_second_request(stage: Stage, end: str) -> None:
    """Whoever stands in front may take the lines for one: there is one answer at most."""
    head = head_of(stage, "GET", "/v2/").decode().replace("\r\n", end)

    assert answers_in(everything_said(stage, head.encode())) <= 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\n12345\r\n0\r\n\r\n",
        b"5\r\n12345\n0\r\n\r\n",
        b"5;a=b\n\r\n12345\r\n0\r\n\r\n",
        b"5 \r\n12345\r\n0\r\n\r\n",
        b"0x5\r\n12345\r\n0\r\n\r\n",
        b"-5\r\n12345\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n12345\r\n0\r\n\r\n",
        b"4\r\n12345\r\n0\r\n\r\n",
    ],
)
def test_doubtful_chunks_hide_no_second_request(stage: Stage, chunks: bytes) -> None:
    """One answer at most, whatever comes behind; and none that says that other bytes were stored."""
    smuggled = head_of(stage, "DELETE", f"/v2/{stage.repository.name}/manifests/v1")
    head = head_of(stage, "PATCH", stage.repository.open_upload(), "Transfer-Encoding: chunked")

    said = everything_said(stage, head + chunks + smuggled)

    assert b"HTTP/1.1 202 " not in said[1:]
    assert answers_in(said) <= 2, (
        said
    )  # the chunks were understood, and what followed was a request in its own right
    assert stage.repository.manifest("v1").status_code in {200, 404}


def test_requests_in_one_write_are_answered_in_their_order(stage: Stage) -> None:
    """Pipelining (RFC 9112, section 9.3.2)."""
    with connected(stage.server) as connection:
        connection.send(head_of(stage, "GET", f"/v2/{stage.repository.name}/tags/list"))
        connection.send(
            head_of(stage, "GET", f"/v2/{stage.repository.name}/manifests/absent", "Connection: close")
        )

        said = connection.everything()

    assert said.index(b"HTTP/1.1 200 ") < said.index(b"HTTP/1.1 404 ")
    assert answers_in(said) == 2


def test_an_authorization_that_is_sent_twice_is_refused(stage: Stage) -> None:
    """Another reader might believe the other one."""
    head = head_of(stage, "GET", "/v2/", "Authorization: Basic QVdTOng=")

    assert call(stage.server, head, method="GET").status == 400


# Who waits for whom


def test_a_client_that_asks_is_told_to_go_on(stage: Stage) -> None:
    """RFC 9110, section 10.1.1: 100 once the upload is known, then the answer."""
    location = stage.repository.open_upload()
    with connected(stage.server) as connection:
        connection.send(head_of(stage, "PATCH", location, "Content-Length: 5", "Expect: 100-continue"))
        connection.wait_for_continue()
        connection.send(b"12345")

        assert connection.answer("PATCH").status == 202


@pytest.mark.parametrize(
    ("method", "path", "lines", "status", "code"),
    [
        ("PATCH", "blobs/uploads/absent", ["Content-Length: 5"], 404, "BLOB_UPLOAD_UNKNOWN"),
        ("PUT", f"blobs/uploads/absent?digest={ABSENT}", ["Content-Length: 5"], 404, "BLOB_UPLOAD_UNKNOWN"),
        ("PUT", "manifests/v2", [f"Content-Length: {5 * MIB}", f"Content-Type: {IMAGE}"], 413, "SIZE_INVALID"),
        ("PUT", "manifests/v2", ["Content-Length: 5", "Content-Encoding: gzip"], 415, "UNSUPPORTED"),
        ("PUT", "tags/list", ["Content-Length: 5"], 405, "UNSUPPORTED"),
    ],
)
def test_a_client_that_asks_in_vain_sends_nothing(
    stage: Stage, method: str, path: str, lines: list[str], status: int, code: str
) -> None:
    """The refusal comes instead of 100; a layer of some GB stays where it is."""
    head = head_of(stage, method, f"/v2/{stage.repository.name}/{path}", *lines, "Expect: 100-continue")
    with connected(stage.server) as connection:
        connection.send(head)

        assert_oci_error(connection.answer(method), status, code)


def test_a_client_that_does_not_ask_is_refused_while_it_sends(stage: Stage) -> None:
    """The answer is there before the body is: nothing of it is waited for."""
    head = head_of(stage, "PATCH", f"/v2/{stage.repository.name}/blobs/uploads/absent", f"Content-Length: {MIB}")
    with connected(stage.server) as connection:
        connection.send(head + b"the first bytes")

        assert_oci_error(connection.answer("PATCH"), 404, "BLOB_UPLOAD_UNKNOWN")


# What is too much


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-Long: {'a' * MIB}"],
        [f"X-{number}: a" for number in range(150)],
        [f"{'X' * MIB}: a"],
    ],
    ids=["long value", "many", "long name"],
)
def test_large_heads_are_refused(stage: Stage, lines: list[str]) -> None:
    """With 431 (RFC 6585), and nothing more is read."""
    said = until_closed(stage, head_of(stage, "GET", "/v2/", *lines))

    assert answers_in(said) <= 1
    assert said[:13] in {b"HTTP/1.1 431 ", b"HTTP/1.1 400 ", b""}, said[:100]


def test_a_long_target_is_refused(stage: Stage) -> None:
    """It cannot be the path of anything."""
    said = until_closed(stage, head_of(stage, "GET", f"/v2/{'a' * 100_000}/tags/list"))

    assert is_at_most_one_refusal(said)
    assert b"HTTP/1.1 414 " in said


@pytest.mark.parametrize("length", [10 * 1024 * MIB * 1024, 2**63, 2**64])
def test_a_manifest_that_is_announced_too_long_is_refused(stage: Stage, length: int) -> None:
    """Before a byte of it."""
    path = f"/v2/{stage.repository.name}/manifests/v2"
    said = everything_said(stage, head_of(stage, "PUT", path, f"Content-Length: {length}"))

    assert is_at_most_one_refusal(said)


def test_a_manifest_that_grows_too_long_is_refused(stage: Stage) -> None:
    """In chunks nobody knows beforehand."""
    path = f"/v2/{stage.repository.name}/manifests/v2"
    head = head_of(stage, "PUT", path, "Transfer-Encoding: chunked", f"Content-Type: {IMAGE}")
    with connected(stage.server) as connection:
        connection.send(head)
        send_chunks(connection, 5)

        assert_oci_error(connection.answer("PUT"), 413, "SIZE_INVALID")


def send_chunks(connection: Connection, number: int) -> None:
    """So many chunks of 1 MiB, and no end."""
    for _ in range(number):
        connection.send(b"100000\r\n" + bytes(MIB) + b"\r\n")


# Validators and ranges over a socket


def test_what_is_not_modified_leaves_the_connection_usable(stage: Stage) -> None:
    """304 has no body, and the next answer begins right behind it."""
    content = image(b"another layer")
    stage.repository.push("v2", content)
    path = f"/v2/{stage.repository.name}/manifests/v2"
    with connected(stage.server) as connection:
        connection.send(head_of(stage, "GET", path, f'If-None-Match: "{content.digest}"'))
        first = connection.answer("GET")
        connection.send(head_of(stage, "GET", path))
        second = connection.answer("GET")

    assert (first.status, first.body, first.headers["etag"]) == (304, b"", f'"{content.digest}"')
    assert (second.status, second.body) == (200, content.manifest)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_head_of_a_blob_has_its_length_and_no_body(stage: Stage, method: str) -> None:
    """And with GET the body has it."""
    data = stage.image.blobs[0]
    answer = stage.send(method, f"/v2/{stage.repository.name}/blobs/{digest_of(data)}")

    assert answer.headers["content-length"] == str(len(data))
    assert answer.body == (data if method == "GET" else b"")


def test_a_range_beyond_the_end_is_told_the_size(stage: Stage) -> None:
    """RFC 9110, section 15.5.17, with OCI's body."""
    data = stage.image.blobs[0]
    answer = stage.send("GET", f"/v2/{stage.repository.name}/blobs/{digest_of(data)}", Range=f"bytes={len(data)}-")

    assert_oci_error(answer, 416, "UNSUPPORTED")
    assert answer.headers["content-range"] == f"bytes */{len(data)}"


def test_http_1_0_is_answered_once(stage: Stage) -> None:
    """And its connection ends."""
    head = request_head("GET", "/v2/", {"Host": stage.server.host}).replace(b"HTTP/1.1", b"HTTP/1.0")

    said = until_closed(stage, head)

    assert said.startswith(b"HTTP/1.0 401 ")
    assert said.count(b"HTTP/1.0 ") == 1
