"""The keys of an issuer are found by discovery, kept for a while, and never fetched more often than is good."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from tests.issuer import DISCOVERY, JWKS, Issuer, ec_key, running_issuer

from entrepot.core.clock import MINUTE
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


async def test_an_issuer_that_fails_is_left_alone_for_a_minute(
    issuer: Issuer, issuers: Issuers, clock: SettableClock
) -> None:
    """And asked again after that."""
    token = signed_by(issuer, "first")
    issuer.answers[JWKS] = 500, b""

    answers = await asyncio.gather(*(issuers.key_of(token) for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {IDPCommunicationError}
    assert issuer.asked[JWKS] == 1
    issuer.publish()
    clock.advance(MINUTE - 1)
    with pytest.raises(IDPCommunicationError):
        await issuers.key_of(token)
    clock.advance(1)

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
        b'{"issuer": "ISSUER", "jwks_uri": "http://127.0.0.1:1/keys"}',
        b'{"issuer": "ISSUER", "jwks_uri": "http://localhost/keys"}',
        b'{"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"}',
        b'{"issuer": "ISSUER", "jwks_uri": "ISSUER/configuration-is-no-key-set"}',
    ],
)
async def test_a_configuration_that_makes_no_sense_is_refused(
    issuer: Issuer, issuers: Issuers, configuration: bytes
) -> None:
    """Of another issuer, with keys across a network without https, at another port of this machine, or with none.

    The answer is that to an issuer which is not there: it tells nobody what there is.
    """
    issuer.answers[DISCOVERY] = 200, configuration.replace(b"ISSUER", issuer.url.encode())
    issuer.answers["/configuration-is-no-key-set"] = 200, b"{}"

    with pytest.raises(IDPCommunicationError) as refusal:
        await issuers.key_of(signed_by(issuer, "first"))

    assert refusal.value.message == (
        f"The identity provider {issuer.url} could not be reached, or does not tell its keys"
    )
    assert set(issuer.asked) <= {DISCOVERY, "/configuration-is-no-key-set"}


@pytest.mark.parametrize("issuer_url", ["https://token.example.com", "https://127.0.0.1"])
async def test_only_an_issuer_that_is_asked_in_plain_http_leads_to_it(
    clock: SettableClock, issuer_url: str
) -> None:
    """One across the network could make us ask our own machine."""
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return json.dumps({"issuer": issuer_url, "jwks_uri": "http://127.0.0.1/keys"}).encode()

    token = read_token(Issuer(issuer_url, [ec_key("first")]).token({"sub": "me"}))
    with pytest.raises(IDPCommunicationError):
        await Issuers(fetch, clock).key_of(token)

    assert asked == [f"{issuer_url}/.well-known/openid-configuration"]


async def test_who_names_a_known_key_does_not_wait_for_who_invents_one(clock: SettableClock) -> None:
    """However slow the issuer is then."""
    issuer = Issuer("https://token.example.com", [ec_key("first")])
    issuer.publish()
    may_answer = asyncio.Event()
    may_answer.set()

    async def fetch(url: str) -> bytes:
        await may_answer.wait()
        return issuer.answers[url.removeprefix(issuer.url)][1]

    issuers = Issuers(fetch, clock)
    await issuers.key_of(signed_by(issuer, "first"))
    clock.advance(MINUTE)
    may_answer.clear()
    invented = asyncio.create_task(issuers.key_of(signed_by(issuer, "invented")))
    await asyncio.sleep(0)
    found = await asyncio.wait_for(issuers.key_of(signed_by(issuer, "first")), 5)
    was_waiting = not invented.done()
    may_answer.set()

    assert found.kid == "first"
    assert was_waiting
    with pytest.raises(InvalidIdentityToken):
        await invented


async def test_keys_may_be_at_another_host_across_https(clock: SettableClock) -> None:
    """As those of Google are."""
    issuer = Issuer("https://accounts.example.com", [ec_key("first")])

    async def fetch(url: str) -> bytes:
        if url == "https://keys.example.net/all":
            return issuer.jwks.encode()
        return json.dumps({"issuer": issuer.url, "jwks_uri": "https://keys.example.net/all"}).encode()

    assert (await Issuers(fetch, clock).key_of(signed_by(issuer, "first"))).kid == "first"


async def test_an_issuer_with_a_slash_at_its_end_is_the_same_one(issuer: Issuer, issuers: Issuers) -> None:
    """Some write it, some do not: it is asked once."""
    await issuers.key_of(signed_by(issuer, "first"))
    with_slash = read_token(issuer.token({"sub": "me", "iss": f"{issuer.url}/"}, kid="first"))

    assert (await issuers.key_of(with_slash)).kid == "first"
    assert issuer.asked == {DISCOVERY: 1, JWKS: 1}


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


async def test_slow_issuers_hold_up_no_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are waited for in threads of their own."""
    monkeypatch.setattr(module, "TIMEOUT", 1.0)

    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        port = silent.getsockname()[1]
        fetches = [asyncio.create_task(fetch_document(f"http://127.0.0.1:{port}/keys")) for _ in range(60)]
        await asyncio.sleep(0)
        others = await asyncio.gather(*(asyncio.to_thread(threading.get_ident) for _ in range(60)))
        is_any_over = any(fetch.done() for fetch in fetches)
        answers = await asyncio.gather(*fetches, return_exceptions=True)

    assert len(others) == 60
    assert not is_any_over
    assert {type(answer) for answer in answers} == {TimeoutError}


async def test_who_is_not_there_is_an_error(issuer: Issuer) -> None:
    """As is one that speaks plain http where https was meant."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(ConnectionRefusedError):
        await fetch_document(f"http://127.0.0.1:{port}/keys")
    with pytest.raises(ssl.SSLError):
        await fetch_document(f"https://{issuer.provider}/keys")
