"""What is signed here is what botocore signs, and what the verifying side believes."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from string import ascii_lowercase

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.clock import SECOND
from entrepot.protocol.sigv4 import InvalidSignature, SignedRequest, read_authorization, sign, verify

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = 1_767_225_600 * SECOND

HEADER_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
HEADERS = st.dictionaries(
    st.text(ascii_lowercase, min_size=1, max_size=8).map("x-".__add__), HEADER_VALUES, max_size=4
)
SECRET_KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
TOKENS = st.none() | st.text(ascii_lowercase, min_size=1)


def unsigned(headers: dict[str, str], query: bytes = b"") -> SignedRequest:
    """A request that nobody has signed yet."""
    sent = [(b"host", b"localhost:5000"), *((name.encode(), value.encode()) for name, value in headers.items())]
    return SignedRequest(method="POST", path=b"/", query=query, headers=sent)


def signed(
    request: SignedRequest, body: bytes, secret_key: str = SECRET_KEY, token: str | None = None, now: int = NOW
) -> SignedRequest:
    """The request, signed for IAM."""
    return sign(
        request,
        access_key_id=ACCESS_KEY,
        secret_key=secret_key,
        body_sha256=sha256(body).hexdigest(),
        now=now,
        region="us-east-1",
        service="iam",
        session_token=token,
    )


@given(body=st.binary(max_size=200), headers=HEADERS, secret_key=SECRET_KEYS, token=TOKENS)
def test_the_signature_is_botocores(
    body: bytes, headers: dict[str, str], secret_key: str, token: str | None
) -> None:
    """The same headers are signed, and come to the same Authorization."""
    theirs = AWSRequest("POST", "http://localhost:5000/", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, secret_key, token), "iam", "us-east-1").add_auth(theirs)
    at = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    ours = signed(unsigned(headers), body, secret_key, token, now=int(at.timestamp()) * SECOND)

    assert ours.value(b"authorization") == theirs.headers["Authorization"].encode()


@given(body=st.binary(max_size=200), headers=HEADERS, secret_key=SECRET_KEYS, token=TOKENS)
def test_what_is_signed_verifies(body: bytes, headers: dict[str, str], secret_key: str, token: str | None) -> None:
    """Any body, any headers, any secret key, with a session token and without."""
    request = signed(unsigned(headers, b"b=2&a=1"), body, secret_key, token)

    verify(
        request,
        read_authorization(request),
        secret_key=secret_key,
        body_sha256=sha256(body).hexdigest(),
        now=NOW,
        service="iam",
        session_token=token,
    )


def test_every_header_is_signed() -> None:
    """So that none can be changed on the way."""
    request = signed(unsigned({"x-notes": "1"}), b"", token="session")

    assert read_authorization(request).signed_headers == ("host", "x-amz-date", "x-amz-security-token", "x-notes")
    with pytest.raises(InvalidSignature):
        verify(
            replace(
                request, headers=[(name, b"2" if name == b"x-notes" else value) for name, value in request.headers]
            ),
            read_authorization(request),
            secret_key=SECRET_KEY,
            body_sha256=sha256(b"").hexdigest(),
            now=NOW,
            service="iam",
            session_token="session",
        )
