"""An OpenID Connect issuer on this machine: discovery, keys and tokens."""

import json
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"

Answer = tuple[int, bytes]


@dataclass
class Issuer:
    """One issuer; ``answers`` are what its paths answer with, ``asked`` how often each was asked for."""

    url: str
    keys: list[RSAKey | ECKey]
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    asked: Counter[str] = field(default_factory=Counter[str])

    @property
    def provider(self) -> str:
        """The issuer without its scheme."""
        return self.url.partition("://")[2]

    @property
    def jwks(self) -> str:
        """Its public keys."""
        return json.dumps(KeySet(list(self.keys)).as_dict(private=False))

    def publish(self) -> None:
        """Answer as an issuer does, with the keys of now."""
        configuration = {"issuer": self.url, "jwks_uri": f"{self.url}{JWKS}"}
        self.answers[DISCOVERY] = 200, json.dumps(configuration).encode()
        self.answers[JWKS] = 200, self.jwks.encode()

    def token(self, claims: dict[str, Any], key: RSAKey | ECKey | None = None, **header: object) -> str:
        """A token with these claims, and the issuer's own where they do not say another; signed by its first key."""
        signer = key or self.keys[0]
        algorithm = "RS256" if isinstance(signer, RSAKey) else "ES256"
        named = {"kid": signer.kid} if signer.kid else {}
        described = {
            name: value for name, value in {"alg": algorithm, **named, **header}.items() if value is not None
        }
        signed_with = str(described["alg"])
        return jwt.encode(described, {"iss": self.url, **claims}, signer, algorithms=[signed_with])


def rsa_key(kid: str) -> RSAKey:
    """A new key of 2048 bits."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def ec_key(kid: str) -> ECKey:
    """A new key on P-256."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@contextmanager
def running_issuer(keys: list[RSAKey | ECKey]) -> Generator[Issuer]:
    """An issuer that answers on a port of its own, as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with what the issuer has for the path."""
            issuer.asked[self.path] += 1
            status, body = issuer.answers.get(self.path, (404, b""))
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("location", body.decode())
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the standard library)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}", keys)
    issuer.publish()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
