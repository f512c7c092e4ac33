"""AWS's published test suite of Signature Version 4, every vector of it, against what verifies requests here.

The suite is not part of this project: `scripts/install-clients` takes it from botocore's source distribution. A vector
is a folder with a request (.sreq), its canonical request (.creq), string to sign (.sts) and header (.authz).
"""

import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tests.live.clients import TOOLS, missing

from entrepot.core.clock import SECOND
from entrepot.protocol.sigv4 import (
    InvalidSignature,
    SignedRequest,
    canonical_request,
    read_authorization,
    string_to_sign,
    verify,
)

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#: The time of every vector, 20150830T123600Z.
NOW = 1_440_938_160 * SECOND

VECTORS = [
    "get-header-key-duplicate",
    "get-header-value-multiline",
    "get-header-value-order",
    "get-header-value-trim",
    "get-unreserved",
    "get-utf8",
    "get-vanilla",
    "get-vanilla-empty-query-key",
    "get-vanilla-query",
    "get-vanilla-query-order-encoded",
    "get-vanilla-query-order-key",
    "get-vanilla-query-order-key-case",
    "get-vanilla-query-order-value",
    "get-vanilla-query-unreserved",
    "get-vanilla-utf8-query",
    "get-vanilla-with-session-token",
    "normalize-path/get-relative",
    "normalize-path/get-relative-relative",
    "normalize-path/get-slash",
    "normalize-path/get-slash-dot-slash",
    "normalize-path/get-slash-pointless-dot",
    "normalize-path/get-slashes",
    "normalize-path/get-space",
    "normalize-path/get-special-character",
    "post-header-key-case",
    "post-header-key-sort",
    "post-header-value-case",
    "post-sts-token/post-sts-header-after",
    "post-sts-token/post-sts-header-before",
    "post-vanilla",
    "post-vanilla-empty-query-value",
    "post-vanilla-query",
    "post-x-www-form-urlencoded",
    "post-x-www-form-urlencoded-parameters",
]


@pytest.fixture(scope="module")
def suite() -> Path:
    """The newest suite that is installed."""
    found = sorted(TOOLS.glob("aws4_testsuite-*"))
    if not found:
        missing("AWS's test suite of SigV4 is not installed (scripts/install-clients installs it)")
    return found[-1]


@pytest.fixture(params=VECTORS)
def vector(suite: Path, request: pytest.FixtureRequest) -> Path:
    """The files of a vector, but for their suffix."""
    folder = suite / request.param
    return folder / folder.name


def text_of(vector: Path, suffix: str) -> bytes:
    """One file of a vector; what is canonical ends its lines with a line feed."""
    return vector.with_suffix(suffix).read_bytes().replace(b"\r\n", b"\n")


def received(vector: Path) -> tuple[SignedRequest, bytes]:
    """The signed request as a server hands it over, folded lines unfolded (RFC 9112, 5.2), and its body.

    The header with the signature comes from .authz: one vector's .sreq has that of another.
    """
    head, _, body = text_of(vector, ".sreq").partition(b"\n\n")
    first, *lines = re.sub(rb"\n[ \t]+", b" ", head).split(b"\n")
    method, target = first.removesuffix(b" HTTP/1.1").split(b" ", 1)  # one vector has a space in its path
    path, _, query = target.partition(b"?")
    headers = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]
    unsigned = [header for header in headers if header[0] != b"authorization"]
    return SignedRequest(
        method=method.decode(),
        path=path,
        query=query,
        headers=[*unsigned, (b"authorization", text_of(vector, ".authz").strip())],
    ), body


def check(request: SignedRequest, body: bytes) -> None:
    """Verify a request as a server for the suite's service would."""
    token = request.value(b"x-amz-security-token")
    verify(
        request,
        read_authorization(request),
        secret_key=SECRET_KEY,
        body_sha256=sha256(body).hexdigest(),
        now=NOW,
        service="service",
        region="us-east-1",
        session_token=None if token is None else token.decode(),
    )


def test_the_list_of_vectors_is_the_suites(suite: Path) -> None:
    """None is left out, and none that a later suite adds goes unnoticed."""
    found = {str(path.parent.relative_to(suite)) for path in suite.rglob("*.req")}

    assert found == set(VECTORS)


def test_the_canonical_request_is_that_of_the_suite(vector: Path) -> None:
    """Byte for byte."""
    request, body = received(vector)

    names = read_authorization(request).signed_headers

    assert canonical_request(request, names, sha256(body).hexdigest()) == text_of(vector, ".creq")


def test_the_string_to_sign_is_that_of_the_suite(vector: Path) -> None:
    """Byte for byte."""
    request, body = received(vector)

    signed = string_to_sign(request, read_authorization(request), sha256(body).hexdigest())

    assert signed == text_of(vector, ".sts")


def test_a_vector_verifies(vector: Path) -> None:
    """Also those whose session token came after the signature: the secret of a session is bound to its token."""
    check(*received(vector))


def test_a_vector_with_another_body_does_not_verify(vector: Path) -> None:
    """The suite's signatures are really looked at."""
    request, body = received(vector)

    with pytest.raises(InvalidSignature, match="does not match"):
        check(request, body + b" ")


def test_a_vector_sent_with_another_method_does_not_verify(vector: Path) -> None:
    """Nor with anything else that its signature is not for."""
    request, body = received(vector)

    with pytest.raises(InvalidSignature, match="does not match"):
        check(replace(request, method="PUT"), body)
