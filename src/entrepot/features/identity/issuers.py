"""The keys of OpenID Connect issuers: found by discovery, and kept for a while.

After OpenID Connect Discovery 1.0, section 4: ``ISSUER/.well-known/openid-configuration`` names the ``jwks_uri``.

Anybody can send a token, so what one can make us do is bounded: an issuer that an account has registered is asked
once a minute at most, by one request at a time, in threads that nothing else needs.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from entrepot.core.clock import MINUTE, Clock
from entrepot.features.identity.web_identity import (
    IDPCommunicationError,
    InvalidIdentityToken,
    Key,
    UnverifiedToken,
    choose_key,
    is_trustworthy,
    parse_keys,
)

#: How long keys are kept, in microseconds.
KEPT_FOR = 10 * MINUTE
#: How soon an issuer is asked again, in microseconds: one that failed, or one whose keys lack what a token names.
ASKED_AGAIN_AFTER = MINUTE
#: The largest document in bytes, and how long it may take, in seconds.
MAX_DOCUMENT = 256 * 1024
TIMEOUT = 5.0
#: Documents that are read at the same time.
THREADS = 2
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
    """The keys of all issuers, for one event loop.

    An issuer is asked by one request at a time; the others wait for what it finds, and share it.
    """

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def key_of(self, token: UnverifiedToken) -> Key:
        """The key that a token says it is signed with; raises InvalidIdentityToken, IDPCommunicationError.

        Only for a token whose issuer is registered (``is_issued_by``): it decides who is asked.
        """
        issuer = token.issuer.rstrip("/")
        known = self._known.setdefault(issuer, _Known())
        while len(self._known) > CAPACITY:
            del self._known[next(iter(self._known))]
        key = self._kept_key(known, token)
        if key is None:
            async with known.lock:
                key = self._kept_key(known, token)  # which another request may have fetched by now
                if key is None and not self._is_younger(known.asked_at, ASKED_AGAIN_AFTER):
                    await self._ask(known, issuer)
                    key = self._kept_key(known, token)
        if key is not None:
            return key
        if self._is_younger(known.fetched_at, KEPT_FOR):
            raise InvalidIdentityToken(NO_KEY)
        raise IDPCommunicationError(issuer)

    def _kept_key(self, known: _Known, token: UnverifiedToken) -> Key | None:
        return choose_key(known.keys, token) if self._is_younger(known.fetched_at, KEPT_FOR) else None

    async def _ask(self, known: _Known, issuer: str) -> None:
        """Fetch the keys; when that fails, those that are kept stay.

        The error is the same whatever has failed: else it would tell strangers what there is in our network.
        """
        known.asked_at = self._clock()
        try:
            known.keys = await self._fetch_keys(issuer)
        except (OSError, ValueError) as error:
            raise IDPCommunicationError(issuer) from error
        known.fetched_at = known.asked_at

    def _is_younger(self, since: int | None, than: int) -> bool:
        return since is not None and 0 <= self._clock() - since < than

    async def _fetch_keys(self, issuer: str) -> list[Key]:
        """The keys of an issuer; raises OSError, and ValueError for documents that make no sense."""
        document = await self._fetch(f"{issuer}/.well-known/openid-configuration")
        try:
            configuration = msgspec.json.decode(document, type=_Configuration)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("This is not the configuration of an issuer") from error
        if configuration.issuer.rstrip("/") != issuer or not _may_name(issuer, configuration.jwks_uri):
            raise ValueError("The configuration is another issuer's, or leads to keys that anybody could give")
        return parse_keys(await self._fetch(configuration.jwks_uri))


class _Configuration(msgspec.Struct):
    issuer: str
    jwks_uri: str


def _may_name(issuer: str, jwks_uri: str) -> bool:
    """Only an issuer that is asked in plain http, on this machine, leads to plain http, and to itself alone."""
    if not is_trustworthy(jwks_uri):
        return False
    return urlsplit(jwks_uri).scheme == "https" or urlsplit(jwks_uri)[:2] == urlsplit(issuer)[:2]


async def fetch_document(url: str) -> bytes:
    """Read a document over HTTP: see Fetch. No proxy, no redirect, at most 256 KiB in at most five seconds."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=_tls())
    else:
        connection = HTTPConnection(host, parts.port, timeout=TIMEOUT)
    given_up = threading.Event()
    try:
        async with asyncio.timeout(TIMEOUT):
            reading = asyncio.get_running_loop().run_in_executor(
                _threads(), _get, connection, parts.path or "/", given_up
            )
            return await reading
    finally:
        given_up.set()
        _cut(connection)  # a thread that still waits for the issuer stops waiting


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads of their own: a slow name server cannot be cut off, and must not hold up who reads layers."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="issuers")


def _get(connection: HTTPConnection, path: str, given_up: threading.Event) -> bytes:
    try:
        connection.connect()
        if given_up.is_set():  # before there was a socket that could be cut
            raise TimeoutError
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
