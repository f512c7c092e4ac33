"""Where a registry is, and one request to it."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from entrepot.client.errors import BadEndpoint, NotARegistry, Unreachable

TIMEOUT_SECONDS = 60
#: The largest answer in bytes that is read.
ANSWER_LIMIT = 64 * 1024 * 1024

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A scheme, a host (without the brackets of IPv6) and a port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``http://HOST:PORT`` or ``https://HOST:PORT``; raises BadEndpoint."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadEndpoint(url, str(error)) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BadEndpoint(url, "it is not of the form http://HOST:PORT or https://HOST:PORT")
        if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise BadEndpoint(f"{parts.scheme}://{parts.hostname}", "it has more than a host and a port")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme])

    @property
    def netloc(self) -> str:
        """The host as the Host header has it: with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to ``POST /``; raises Unreachable, NotARegistry.

        A connection serves one request, and no request is sent twice: whether it was carried out cannot be known.
        """
        connection = self._connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            content = answer.read(ANSWER_LIMIT + 1)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(str(self), reason) from error
        finally:
            connection.close()
        if len(content) > ANSWER_LIMIT:
            raise NotARegistry(str(self), answer.status, f"the answer is longer than {ANSWER_LIMIT} bytes")
        return answer.status, content

    def _connection(self) -> http.client.HTTPConnection:
        if self.scheme == "http":
            return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
