"""Signed calls of the AWS Query protocol."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec

from entrepot.client.credentials import Credentials
from entrepot.client.endpoint import Endpoint
from entrepot.client.errors import CredentialsRefused, NotARegistry, Refused
from entrepot.core.clock import Clock
from entrepot.protocol.query.calling import Member, UnreadableAnswer, read_error, read_result, write_form
from entrepot.protocol.query.form import CONTENT_TYPE
from entrepot.protocol.sigv4 import SignedRequest, sign

T = TypeVar("T", bound=msgspec.Struct)

#: The codes that speak of the credentials, and not of what was asked.
_OF_CREDENTIALS = frozenset({"ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"})


@dataclass(frozen=True, slots=True)
class Service:
    """A service of AWS: the name it is signed for, and the version of its API."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryClient:
    """Whoever holds the credentials, calling the registry at the endpoint."""

    endpoint: Endpoint
    credentials: Credentials
    region: str
    clock: Clock

    def call(self, service: Service, action: str, members: Mapping[str, Member], shape: type[T]) -> T:
        """The output of an operation.

        Raises Refused, CredentialsRefused, Unreachable, NotARegistry.
        """
        body = write_form(action, service.version, members)
        status, content = self.endpoint.post(self._headers(service, body), body)
        try:
            if status == HTTPStatus.OK:
                return read_result(content, action, shape)
            code, reason = read_error(content)
        except UnreadableAnswer as error:
            raise NotARegistry(str(self.endpoint), status, error.reason) from error
        if code in _OF_CREDENTIALS:
            held = self.credentials
            raise CredentialsRefused(action, code, reason, held.access_key_id, held.source)
        raise Refused(action, code, reason)

    def _headers(self, service: Service, body: bytes) -> dict[str, str]:
        unsigned = SignedRequest(
            method="POST",
            path=b"/",
            query=b"",
            headers=[(b"host", self.endpoint.netloc.encode()), (b"content-type", CONTENT_TYPE.encode())],
        )
        signed = sign(
            unsigned,
            access_key_id=self.credentials.access_key_id,
            secret_key=self.credentials.secret_access_key,
            session_token=self.credentials.session_token,
            body_sha256=hashlib.sha256(body).hexdigest(),
            now=self.clock(),
            region=self.region,
            service=service.name,
        )
        return {name.decode(): value.decode() for name, value in signed.headers}
