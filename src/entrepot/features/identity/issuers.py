"""The keys of OpenID Connect issuers: found by discovery, and kept for a while.

After OpenID Connect Discovery 1.0, section 4: ``ISSUER/.well-known/openid-configuration`` names the ``jwks_uri``.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from entrepot.core.clock import MINUTE, SECOND, Clock
from entrepot.features.identity.web_identity import (
    IDPCommunicationError,
    InvalidIdentityToken,
    Key,
    UnverifiedToken,
    choose_key,
    is_trustworthy,
    parse_keys,
)

#: How long keys are kept, and how soon they are fetched again for a token that names an unknown one; microseconds.
KEPT_FOR = 10 * MINUTE
FETCHED_AGAIN_AFTER = MINUTE
#: An issuer that failed to answer is asked again after so many microseconds.
ASKED_AGAIN_AFTER = 10 * SECOND
#: The largest document in bytes, and how long it may take, in seconds.
MAX_DOCUMENT = 256 * 1024
TIMEOUT = 5.0
#: Issuers that are kept; the one that was fetched first goes first.
CAPACITY = 1_000

NO_KEY = (
    "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity "
    "documentation for requirements"
)


class Fetch(Protocol):
    """Reads a document from an issuer."""

    async def __call__(self, url: str) -> bytes:
        """The body of a 200, without following anything; raises OSError for whatever else happens."""
        ...


@dataclass(slots=True)
class _Known:
    """What is known of one issuer: its keys, since when, and when it was last asked; both times None at first."""

    keys: Sequence[Key] = ()
    fetched_at: int | None = None
    asked_at: int | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Issuers:
    """The keys of all issuers, for one event loop. An issuer is asked by one request at a time."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def key_of(self, token: UnverifiedToken) -> Key:
        """The key that a token says it is signed with; raises InvalidIdentityToken, IDPCommunicationError."""
        known = self._known.setdefault(token.issuer, _Known())
        while len(self._known) > CAPACITY:
            del self._known[next(iter(self._known))]
        async with known.lock:
            if not self._is_younger(known.fetched_at, KEPT_FOR):
                await self._ask(known, token.issuer, not_again_for=ASKED_AGAIN_AFTER)
            key = choose_key(known.keys, token)
            if key is None and not self._is_younger(known.asked_at, FETCHED_AGAIN_AFTER):
                await self._ask(known, token.issuer, not_again_for=FETCHED_AGAIN_AFTER)
                key = choose_key(known.keys, token)
        if key is None:
            raise InvalidIdentityToken(NO_KEY)
        return key

    async def _ask(self, known: _Known, issuer: str, *, not_again_for: int) -> None:
        """Fetch the keys, unless the issuer has just failed to give any; those that are known stay till then."""
        if self._is_younger(known.asked_at, not_again_for):
            raise IDPCommunicationError(issuer)
        known.asked_at = self._clock()
        try:
            known.keys = await self._fetch_keys(issuer)
        except OSError as error:
            raise IDPCommunicationError(issuer) from error
        known.fetched_at = known.asked_at

    def _is_younger(self, since: int | None, than: int) -> bool:
        return since is not None and 0 <= self._clock() - since < than

    async def _fetch_keys(self, issuer: str) -> list[Key]:
        document = await self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            configuration = msgspec.json.decode(document, type=_Configuration)
            if configuration.issuer.rstrip("/") != issuer.rstrip("/") or not _may_name(
                issuer, configuration.jwks_uri
            ):
                raise InvalidIdentityToken(NO_KEY)
            return parse_keys(await self._fetch(configuration.jwks_uri))
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise InvalidIdentityToken(NO_KEY) from error


class _Configuration(msgspec.Struct):
    issuer: str
    jwks_uri: str


def _may_name(issuer: str, jwks_uri: str) -> bool:
    """Only an issuer on this machine may send us to plain http, on this machine."""
    return is_trustworthy(jwks_uri) and (jwks_uri.startswith("https:") or issuer.startswith("http:"))


async def fetch_document(url: str) -> bytes:
    """Read a document over HTTP: see Fetch. No proxy, no redirect, at most 256 KiB in at most five seconds."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=_tls())
    else:
        connection = HTTPConnection(host, parts.port, timeout=TIMEOUT)
    try:
        async with asyncio.timeout(TIMEOUT):
            return await asyncio.to_thread(_get, connection, parts.path or "/")
    finally:
        _cut(connection)  # a thread that still waits for the issuer stops waiting


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _get(connection: HTTPConnection, path: str) -> bytes:
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(MAX_DOCUMENT + 1)
    except (HTTPException, ValueError) as error:
        raise OSError("The issuer does not speak HTTP") from error
    if response.status != HTTPStatus.OK:
        raise OSError(f"The issuer answered with {response.status}")
    if len(body) > MAX_DOCUMENT:
        raise OSError(f"The issuer answered with more than {MAX_DOCUMENT} bytes")
    return body


def _cut(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
