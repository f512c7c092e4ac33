"""A call over a socket: what is sent is signed, and whatever comes back is an answer or one clear error."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import msgspec
import pytest

from entrepot.client.credentials import Credentials
from entrepot.client.endpoint import Endpoint
from entrepot.client.errors import (
    BadCredentials,
    BadEndpoint,
    CredentialsRefused,
    NotARegistry,
    Refused,
    Unreachable,
)
from entrepot.client.query import QueryClient, Service
from entrepot.core.clock import SECOND
from entrepot.protocol.query.form import parse_form
from entrepot.protocol.query.xml import encode_error, encode_result
from entrepot.protocol.sigv4 import SignedRequest, read_authorization, verify

NOW = 1_767_225_600 * SECOND
SECRET, TOKEN = "a-secret-of-no-value", "a-token-of-no-value"
CREDENTIALS = Credentials(
    access_key_id="AKIAEXAMPLEEXAMPLE00", secret_access_key=SECRET, session_token=TOKEN, source="a test"
)
IAM = Service("iam", "2010-05-08")
NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


class GetUser(msgspec.Struct, rename="pascal"):
    """An output."""

    name: str


@dataclass
class RecordingServer:
    """An HTTP server that gives one answer, and keeps what it was sent."""

    status: int = 200
    answer: bytes = b""
    location: str = ""
    requests: list[tuple[SignedRequest, bytes]] = field(default_factory=list[tuple[SignedRequest, bytes]])
    url: str = ""

    def received(self, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Keep a request as an ASGI server would hand it over."""
        sent = [(name.lower().encode(), value.encode()) for name, value in headers]
        self.requests.append((SignedRequest(method="POST", path=path.encode(), query=b"", headers=sent), body))


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """One on a free loopback port."""
    recording = RecordingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            recording.received(self.path, self.headers.items(), body)
            self.send_response(recording.status)
            if recording.location:
                self.send_header("location", recording.location)
            self.send_header("content-length", str(len(recording.answer)))
            self.end_headers()
            self.wfile.write(recording.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        recording.url = f"http://127.0.0.1:{listening.server_port}"
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield recording
        listening.shutdown()
        thread.join()


def call(url: str) -> GetUser:
    """Ask for a user."""
    client = QueryClient(
        endpoint=Endpoint.parse(url), credentials=CREDENTIALS, region="eu-west-1", clock=lambda: NOW
    )
    return client.call(IAM, "GetUser", {"UserName": "alice"}, GetUser)


def test_a_call_is_signed_and_answered(server: RecordingServer) -> None:
    """The registry's own verifying side believes it."""
    server.answer = encode_result(NAMESPACE, "GetUser", {"Name": "alice"}, "id")

    answered = call(server.url)

    [(request, body)] = server.requests
    assert answered == GetUser("alice")
    assert parse_form(body).members == {"Action": "GetUser", "Version": "2010-05-08", "UserName": "alice"}
    verify(
        request,
        read_authorization(request),
        secret_key=SECRET,
        body_sha256=sha256(body).hexdigest(),
        now=NOW,
        service="iam",
        region="eu-west-1",
        session_token=TOKEN,
    )


def test_a_refusal_names_operation_code_and_reason(server: RecordingServer) -> None:
    """In the registry's words."""
    server.status = 404
    server.answer = encode_error(NAMESPACE, "NoSuchEntity", "There is none.", is_senders=True, request_id="id")

    with pytest.raises(Refused) as refused:
        call(server.url)

    assert refused.value.message == "GetUser: There is none. (NoSuchEntity)"


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_refused_credentials_are_named_without_their_secrets(server: RecordingServer, code: str) -> None:
    """So one sees which of several was taken."""
    server.status = 403
    server.answer = encode_error(NAMESPACE, code, "No.", is_senders=True, request_id="id")

    with pytest.raises(CredentialsRefused) as refused:
        call(server.url)

    assert refused.value.message == f"GetUser: No. ({code}); the access key was AKIAEXAMPLEEXAMPLE00, from a test"


@pytest.mark.parametrize(
    ("status", "answer"), [(200, b"<html></html>"), (502, b"Bad Gateway"), (404, b"<a/>"), (500, b"")]
)
def test_what_is_no_registry_is_said_to_be_none(server: RecordingServer, status: int, answer: bytes) -> None:
    """With the status that it answered."""
    server.status, server.answer = status, answer

    with pytest.raises(NotARegistry, match=f"{server.url} answers with status {status}, and not as a registry: "):
        call(server.url)


def test_a_redirect_is_not_followed(server: RecordingServer) -> None:
    """A signed request goes where it was meant to go, and nowhere else."""
    server.status, server.location = 307, server.url

    with pytest.raises(NotARegistry, match="status 307"):
        call(server.url)

    assert len(server.requests) == 1


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """And is named."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"

        with pytest.raises(Unreachable, match=f"{url} cannot be reached: Connection refused"):
            call(url)


@pytest.mark.parametrize(
    "url", ["localhost:5000", "ftp://localhost", "http://", "http://localhost:many", "http://["]
)
def test_a_bad_endpoint_is_named(url: str) -> None:
    """With what is wrong."""
    with pytest.raises(BadEndpoint) as refused:
        Endpoint.parse(url)

    assert refused.value.message.startswith(f"the endpoint {url} is bad: ")


@pytest.mark.parametrize("url", ["http://me:hidden@localhost", "http://localhost/path", "http://localhost?hidden"])
def test_more_than_host_and_port_is_refused_and_not_repeated(url: str) -> None:
    """A password may be among it."""
    with pytest.raises(BadEndpoint) as refused:
        Endpoint.parse(url)

    assert refused.value.message == "the endpoint http://localhost is bad: it has more than a host and a port"


@pytest.mark.parametrize(
    ("url", "netloc"),
    [
        ("http://localhost:5000", "localhost:5000"),
        ("http://localhost:80/", "localhost"),
        ("https://registry.example", "registry.example"),
        ("https://registry.example:443", "registry.example"),
        ("http://[::1]:5000", "[::1]:5000"),
    ],
)
def test_the_host_is_written_as_clients_write_it(url: str, netloc: str) -> None:
    """Without the scheme's own port, and with the brackets of IPv6."""
    assert Endpoint.parse(url).netloc == netloc


def test_credentials_hide_their_secrets() -> None:
    """Nobody prints them by accident."""
    assert SECRET not in repr(CREDENTIALS)
    assert TOKEN not in repr(CREDENTIALS)


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_an_access_key_is_refused(missing: str) -> None:
    """It would be another one that is used without a word."""
    environment = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": SECRET}
    del environment[missing]

    with pytest.raises(BadCredentials, match="given together or not at all"):
        Credentials.of_environment(environment)


def test_a_token_that_no_header_can_carry_is_refused_unseen() -> None:
    """Whatever refuses it further on would print it."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": "line\nbreak",
    }

    with pytest.raises(BadCredentials) as refused:
        Credentials.of_environment(environment)

    assert refused.value.message == "the access key from AWS_ACCESS_KEY_ID has characters that no access key has"
