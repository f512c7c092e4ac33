"""HTTPS and HTTP/2 by the server itself, and a certificate that is replaced while it serves."""

import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import boto3
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import PrivateFormat
from tests.certificates import Authority
from tests.live.clients import Client, program
from tests.live.images import busybox_layer, digest_of, image, read_layout, write_layout
from tests.live.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Server, free_port, refusal_of
from tests.live.test_start import assert_one_clear_line
from tests.live.waiting import eventually
from tests.live.wire import request_head
from types_boto3_ecr.client import ECRClient

MIB = 1024 * 1024
#: New workers are there within some seconds, and old ones are gone some seconds later.
RELOADED = 30


class SecureServer(Server):
    """A server with a certificate, which lies in `folder` as `certificate.pem` and `key.pem`."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.serial = authority.issue(self.certificate, self.key)
        options = ("--tls-certificate", str(self.certificate), "--tls-key", str(self.key))
        super().__init__(folder, "--workers", "2", *options)
        self.url = f"https://{self.host}"
        self.authority = authority
        self.trust = ssl.create_default_context(cafile=str(authority.file))

    def http(self, *, http2: bool = False) -> httpx.Client:
        """A client that trusts the authority and nobody else."""
        return httpx.Client(base_url=self.url, verify=self.trust, http1=not http2, http2=http2, timeout=60)

    def secure_ecr(self) -> ECRClient:
        """A boto3 client that does so too."""
        session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
        # The stubs of the services that are not installed make the overloads of `client` partly unknown.
        return session.client("ecr", endpoint_url=self.url, verify=str(self.authority.file))  # pyright: ignore[reportUnknownMemberType]

    def connect(self, trust: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A connection by hand."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return (trust or self.trust).wrap_socket(plain, server_hostname="127.0.0.1")

    def served_serial(self) -> int:
        """The serial number of the certificate that a new connection sees."""
        with self.connect() as connection:
            certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return x509.load_der_x509_certificate(certificate).serial_number

    def reload(self) -> None:
        """SIGHUP to the first process."""
        os.kill(self.processes()[0], signal.SIGHUP)

    def _is_ready(self) -> bool:
        if (status := self._main().poll()) is not None:
            raise RuntimeError(f"entrepot serve ended with status {status}:\n{self.log()}")
        try:
            with self.http() as http:
                return http.get("/-/ready").status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who has signed every certificate of this file."""
    return Authority.made_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureServer]:
    """A server of two workers, for all tests of this file."""
    server = SecureServer(tmp_path_factory.mktemp("secure"), authority)
    try:
        yield server.start()
    finally:
        sys.stdout.write(server.log())
        server.close()


@pytest.fixture
def name(secure: SecureServer) -> str:
    """A new, empty repository."""
    name = f"live/{uuid4().hex[:12]}"
    secure.secure_ecr().create_repository(repositoryName=name)
    return name


@pytest.fixture
def authorization(secure: SecureServer) -> str:
    """A token, as Basic wants it."""
    (data,) = secure.secure_ecr().get_authorization_token()["authorizationData"]
    return data.get("authorizationToken", "")


def test_the_api_tells_where_it_is(secure: SecureServer) -> None:
    """The default public URL is https, so docker logs in there."""
    (data,) = secure.secure_ecr().get_authorization_token()["authorizationData"]

    assert data.get("proxyEndpoint") == f"https://localhost:{secure.port}"


@pytest.mark.parametrize("http2", [False, True], ids=["1.1", "2"])
def test_a_layer_goes_in_and_out(secure: SecureServer, name: str, authorization: str, http2: bool) -> None:
    """By either version of HTTP, chosen in the handshake; over many frames, and in parts."""
    content = os.urandom(20 * MIB + 7)
    headers = {"authorization": f"Basic {authorization}"}
    with secure.http(http2=http2) as http:
        location = http.post(f"/v2/{name}/blobs/uploads/", headers=headers).headers["location"]
        put = http.put(location, params={"digest": digest_of(content)}, content=content, headers=headers)
        whole = http.get(f"/v2/{name}/blobs/{digest_of(content)}", headers=headers)
        part = http.get(f"/v2/{name}/blobs/{digest_of(content)}", headers={**headers, "range": "bytes=-7"})

    assert put.status_code == 201
    assert whole.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert whole.content == content
    assert (part.status_code, part.content) == (206, content[-7:])


def test_refusals_over_http2_have_a_body(secure: SecureServer, name: str, authorization: str) -> None:
    """As over HTTP/1.1: errors, challenges, and what is not modified."""
    with secure.http(http2=True) as http:
        challenged = http.get("/v2/")
        headers = {"authorization": f"Basic {authorization}"}
        absent = http.get(f"/v2/{name}/manifests/absent", headers=headers)
        refused = http.delete(f"/v2/{name}/tags/list", headers=headers)

    assert challenged.headers["www-authenticate"].startswith(f'Basic realm="https://{secure.host}/"')
    assert (absent.status_code, absent.json()["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


def test_crane_pushes_and_pulls(secure: SecureServer, name: str, authorization: str, tmp_path: Path) -> None:
    """With the authority as one that it trusts."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {secure.host: {"auth": authorization}}}))
    trust = {"SSL_CERT_FILE": str(secure.authority.file), "DOCKER_CONFIG": str(tmp_path)}
    crane = Client(program=program("crane"), environment=trust)
    layout = write_layout(tmp_path / "layout", image(busybox_layer(uuid4().hex)), "v1")

    crane("push", layout, f"{secure.host}/{name}:v1")

    crane("pull", "--format=oci", f"{secure.host}/{name}:v1", tmp_path / "pulled")
    assert read_layout(tmp_path / "pulled") == read_layout(layout)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_two_versions(secure: SecureServer, version: ssl.TLSVersion) -> None:
    """As ECR: 1.2 for clients that have no newer one."""
    trust = ssl.create_default_context(cafile=str(secure.authority.file))
    trust.minimum_version = trust.maximum_version = version

    with secure.connect(trust) as connection:
        assert connection.version() == version.name.replace("_", ".")


def test_plain_http_is_no_answer(secure: SecureServer) -> None:
    """Whoever forgets the s is not served in the clear."""
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{secure.host}/v2/")


def test_a_new_certificate_is_served_and_no_request_is_lost(
    secure: SecureServer, name: str, authorization: str
) -> None:
    """At SIGHUP: an upload that has begun is finished by the worker that began it."""
    with secure.http() as http:
        begun = http.post(f"/v2/{name}/blobs/uploads/", headers={"authorization": f"Basic {authorization}"})
    headers = {"Host": secure.host, "Authorization": f"Basic {authorization}", "Content-Length": "8"}
    with secure.connect() as connection:
        connection.sendall(request_head("PATCH", begun.headers["location"], headers) + b"1234")
        old = secure.processes()
        secure.serial = secure.authority.issue(secure.certificate, secure.key)

        secure.reload()

        eventually(lambda: secure.served_serial() == secure.serial, within=RELOADED)
        connection.sendall(b"5678")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"range: 0-7\r\n" in answer
    eventually(lambda: len(set(old) & set(secure.processes())) == len(old) - 2, within=RELOADED)
    assert {secure.served_serial() for _ in range(10)} == {secure.serial}


def test_a_new_certificate_may_be_behind_a_link(authority: Authority, tmp_path: Path) -> None:
    """As ACME clients leave it: the name stays, and leads elsewhere."""
    server = SecureServer(tmp_path, authority)
    for path in (server.certificate, server.key):
        path.rename(path.with_suffix(".1"))
        path.symlink_to(path.with_suffix(".1"))
    try:
        server.start()
        serial = authority.issue(server.certificate.with_suffix(".2"), server.key.with_suffix(".2"))
        for path in (server.certificate, server.key):
            path.unlink()
            path.symlink_to(path.with_suffix(".2"))

        server.reload()

        eventually(lambda: server.served_serial() == serial, within=RELOADED)
    finally:
        server.close()


def test_a_bad_certificate_changes_nothing(secure: SecureServer) -> None:
    """It is told in the log, and the one before is served on."""
    served, workers = secure.served_serial(), secure.processes()
    good = secure.certificate.read_bytes()
    secure.certificate.write_bytes(good[: len(good) // 2])
    try:
        secure.reload()

        eventually(lambda: "the certificate stays as it is" in secure.log(), within=RELOADED)
        assert secure.served_serial() == served
        assert secure.processes() == workers
    finally:
        secure.certificate.write_bytes(good)


def test_a_bad_certificate_is_refused_at_the_start(authority: Authority, tmp_path: Path) -> None:
    """In one line, before anything is served."""
    authority.issue(tmp_path / "certificate.pem", tmp_path / "unused.pem")
    authority.issue(tmp_path / "unused.pem", tmp_path / "key.pem")
    listen = ("--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path / "data"))

    said = refusal_of(
        *listen, "--tls-certificate", str(tmp_path / "certificate.pem"), "--tls-key", str(tmp_path / "key.pem")
    )

    assert_one_clear_line(said, naming=str(tmp_path / "key.pem"))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_come_in_two_forms(authority: Authority, tmp_path: Path, form: PrivateFormat) -> None:
    """Older tools write the second."""
    server = SecureServer(tmp_path, authority)
    serial = authority.issue(server.certificate, server.key, form)
    try:
        assert server.start().served_serial() == serial
    finally:
        server.close()
