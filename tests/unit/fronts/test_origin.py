"""Where a request comes from."""

from ipaddress import ip_network

import pytest

from entrepot.fronts.asgi import Message, Request
from entrepot.fronts.origin import origin_of
from entrepot.operations.caller import Origin


async def nothing() -> Message:
    """No body."""
    return {"type": "http.disconnect"}


def request(peer: str, *headers: tuple[bytes, bytes], scheme: str = "http") -> Request:
    """A request from a peer."""
    scope = {
        "method": "GET",
        "path": "/v2/",
        "query_string": b"",
        "headers": list(headers),
        "client": (peer, 1),
        "scheme": scheme,
    }
    return Request(scope, nothing, "id")


def test_nobody_is_believed_by_default() -> None:
    """A client that says where it is from says so in vain."""
    asked = request("10.0.0.9", (b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https"))

    assert origin_of(asked, []) == Origin("10.0.0.9", is_secure=False)


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b"6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1, 10.0.0.7", "192.0.2.1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"10.0.0.7", "10.0.0.9"),
        (b"", "10.0.0.9"),
    ],
)
def test_a_trusted_proxy_names_the_client_before_it(forwarded: bytes, source: str) -> None:
    """The last hop that is no proxy of ours: what the client wrote before it does not count."""
    asked = request("10.0.0.9", (b"x-forwarded-for", forwarded), (b"x-forwarded-proto", b"https"))

    assert origin_of(asked, [ip_network("10.0.0.0/8"), ip_network("127.0.0.1")]) == Origin(source, is_secure=True)


def test_headers_of_a_peer_that_is_not_trusted_do_not_count() -> None:
    """Trust is in an address."""
    asked = request("192.0.2.7", (b"x-forwarded-for", b"10.0.0.1"), scheme="https")

    assert origin_of(asked, [ip_network("10.0.0.0/8")]) == Origin("192.0.2.7", is_secure=True)


def test_the_user_agent_is_part_of_it() -> None:
    """Policies may ask for it."""
    assert origin_of(request("::1", (b"user-agent", b"docker/28")), []).user_agent == "docker/28"
