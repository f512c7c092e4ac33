"""The keys of an issuer are found by discovery, kept for a while, and never fetched more often than is good."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator

import pytest
from tests.issuer import DISCOVERY, JWKS, Issuer, ec_key, running_issuer

from entrepot.core.clock import MINUTE, SECOND
from entrepot.features.identity import issuers as module
from entrepot.features.identity.issuers import MAX_DOCUMENT, Issuers, fetch_document
from entrepot.features.identity.web_identity import (
    IDPCommunicationError,
    InvalidIdentityToken,
    UnverifiedToken,
    read_token,
)
from entrepot.testing.registry import SettableClock


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that answers."""
    with running_issuer([ec_key("first")]) as running:
        yield running


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands still."""
    return SettableClock()


@pytest.fixture
def issuers(clock: SettableClock) -> Issuers:
    """What is known of issuers: nothing yet."""
    return Issuers(fetch_document, clock)


def signed_by(issuer: Issuer, kid: str) -> UnverifiedToken:
    """A token that says it is signed with a key of this name."""
    return read_token(issuer.token({"sub": "me"}, kid=kid))


async def test_keys_are_found_by_discovery_and_kept(issuer: Issuer, issuers: Issuers) -> None:
    """For ten minutes, however many tokens come."""
    keys = await asyncio.gather(*(issuers.key_of(signed_by(issuer, "first")) for _ in range(20)))

    assert {key.kid for key in keys} == {"first"}
    assert issuer.asked == {DISCOVERY: 1, JWKS: 1}


async def test_keys_are_fetched_anew_after_ten_minutes(
    issuer: Issuer, issuers: Issuers, clock: SettableClock
) -> None:
    """So one that the issuer has withdrawn does not live on."""
    token = signed_by(issuer, "first")
    await issuers.key_of(token)

    clock.advance(10 * MINUTE - 1)
    await issuers.key_of(token)
    assert issuer.asked[JWKS] == 1
    issuer.keys[:] = [ec_key("second")]
    issuer.publish()
    clock.advance(1)

    with pytest.raises(InvalidIdentityToken):
        await issuers.key_of(token)


async def test_an_unknown_key_is_looked_for_once_a_minute(
    issuer: Issuer, issuers: Issuers, clock: SettableClock
) -> None:
    """A new key is found soon, and who invents names of keys costs the issuer little."""
    await issuers.key_of(signed_by(issuer, "first"))
    issuer.keys.append(ec_key("second"))
    issuer.publish()

    with pytest.raises(InvalidIdentityToken):
        await issuers.key_of(signed_by(issuer, "second"))
    clock.advance(MINUTE)
    found = await issuers.key_of(signed_by(issuer, "second"))
    for number in range(10):
        with pytest.raises(InvalidIdentityToken):
            await issuers.key_of(signed_by(issuer, f"invented{number}"))

    assert found.kid == "second"
    assert issuer.asked[JWKS] == 2


async def test_an_issuer_that_fails_is_left_alone_for_ten_seconds(
    issuer: Issuer, issuers: Issuers, clock: SettableClock
) -> None:
    """And asked again after that."""
    token = signed_by(issuer, "first")
    issuer.answers[JWKS] = 500, b""

    for _ in range(3):
        with pytest.raises(IDPCommunicationError):
            await issuers.key_of(token)
    assert issuer.asked[JWKS] == 1
    issuer.publish()
    clock.advance(10 * SECOND)

    assert (await issuers.key_of(token)).kid == "first"


async def test_known_keys_outlive_a_failure(issuer: Issuer, issuers: Issuers, clock: SettableClock) -> None:
    """When only an unknown one was looked for."""
    token = signed_by(issuer, "first")
    await issuers.key_of(token)
    issuer.answers[DISCOVERY] = 503, b""
    clock.advance(MINUTE)

    with pytest.raises(IDPCommunicationError):
        await issuers.key_of(signed_by(issuer, "second"))

    assert (await issuers.key_of(token)).kid == "first"


@pytest.mark.parametrize(
    "configuration",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"issuer": "ISSUER"}',
        b'{"issuer": "https://other.example.com", "jwks_uri": "ISSUER/keys"}',
        b'{"issuer": "ISSUER", "jwks_uri": "http://token.example.com/keys"}',
        b'{"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"}',
        b'{"issuer": "ISSUER", "jwks_uri": "ISSUER/configuration-is-no-key-set"}',
    ],
)
async def test_a_configuration_that_makes_no_sense_is_refused(
    issuer: Issuer, issuers: Issuers, configuration: bytes
) -> None:
    """Of another issuer, with keys across a network without https, or with none."""
    issuer.answers[DISCOVERY] = 200, configuration.replace(b"ISSUER", issuer.url.encode())
    issuer.answers["/configuration-is-no-key-set"] = 200, b"{}"

    with pytest.raises(InvalidIdentityToken, match="Couldn't retrieve verification key"):
        await issuers.key_of(signed_by(issuer, "first"))


async def test_only_an_issuer_on_this_machine_leads_to_plain_http(clock: SettableClock) -> None:
    """One across the network could make us ask our own machine."""
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return json.dumps({"issuer": "https://token.example.com", "jwks_uri": "http://127.0.0.1/keys"}).encode()

    token = read_token(Issuer("https://token.example.com", [ec_key("first")]).token({"sub": "me"}))
    with pytest.raises(InvalidIdentityToken):
        await Issuers(fetch, clock).key_of(token)

    assert asked == ["https://token.example.com/.well-known/openid-configuration"]


async def test_issuers_that_are_kept_are_bounded(clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first goes first."""
    monkeypatch.setattr(module, "CAPACITY", 2)
    sources = {
        url: Issuer(url, [ec_key("first")])
        for url in ("https://a.example", "https://b.example", "https://c.example")
    }
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        issuer = url.partition("/.well-known")[0].removesuffix("/keys")
        sources[issuer].publish()
        return sources[issuer].answers[url.removeprefix(issuer)][1]

    issuers = Issuers(fetch, clock)
    for url in (
        "https://a.example",
        "https://b.example",
        "https://c.example",
        "https://c.example",
        "https://a.example",
    ):
        await issuers.key_of(signed_by(sources[url], "first"))

    assert [url for url in asked if url.endswith("/keys")] == [
        "https://a.example/keys",
        "https://b.example/keys",
        "https://c.example/keys",
        "https://a.example/keys",
    ]


async def test_a_document_is_bounded(issuer: Issuer) -> None:
    """256 KiB are enough for any issuer's keys."""
    issuer.answers["/large"] = 200, b"x" * MAX_DOCUMENT
    issuer.answers["/larger"] = 200, b"x" * (MAX_DOCUMENT + 1)

    assert len(await fetch_document(f"{issuer.url}/large")) == MAX_DOCUMENT
    with pytest.raises(OSError, match="more than"):
        await fetch_document(f"{issuer.url}/larger")


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 308, 401, 404, 500])
async def test_nothing_but_200_is_an_answer(issuer: Issuer, status: int) -> None:
    """Above all no redirect, which could lead anywhere."""
    issuer.answers["/moved"] = status, f"{issuer.url}{JWKS}".encode()

    with pytest.raises(OSError, match=str(status)):
        await fetch_document(f"{issuer.url}/moved")

    assert issuer.asked[JWKS] == 0


async def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that accepts the connection and says nothing."""
    monkeypatch.setattr(module, "TIMEOUT", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TimeoutError):
            await fetch_document(f"http://127.0.0.1:{port}/keys")


async def test_who_is_not_there_is_an_error(issuer: Issuer) -> None:
    """As is one that speaks plain http where https was meant."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(ConnectionRefusedError):
        await fetch_document(f"http://127.0.0.1:{port}/keys")
    with pytest.raises(ssl.SSLError):
        await fetch_document(f"https://{issuer.provider}/keys")
