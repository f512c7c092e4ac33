"""Clients of the two faces that hide nothing: raw JSON and raw HTTP, in process."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from entrepot.core.clock import SECOND
from entrepot.fronts.asgi import Message
from entrepot.testing.registry import RunningRegistry, SettableClock

HOST = "localhost:5000"
REGION = "us-east-1"
TARGET = "AmazonEC2ContainerRegistry_V20150921."
CONTENT_TYPE = "application/x-amz-json-1.1"

Body = dict[str, Any]


class Signature(SigV4Auth):
    """botocore's signer, by the registry's clock."""

    def __init__(self, credentials: Credentials, service: str, region: str, clock: SettableClock) -> None:
        super().__init__(credentials, service, region)
        self._clock = clock

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        now = datetime.fromtimestamp(self._clock() // SECOND, UTC)
        request.context["timestamp"] = f"{now:%Y%m%dT%H%M%SZ}"
        super()._modify_request_before_signing(request)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] (the stubs leave it out)


class ECR:
    """The ECR API. Each call is one signed request; ``errors`` are all (operation, error code) pairs answered."""

    def __init__(
        self,
        registry: RunningRegistry,
        *,
        region: str = REGION,
        host: str = HOST,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        service: str = "ecr",
    ) -> None:
        credentials = Credentials(
            access_key_id or registry.access_key_id,
            secret_access_key or registry.secret_access_key,
            session_token,
        )
        self._signature = Signature(credentials, service, region, registry.clock)
        self._url = f"http://{host}/"
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(registry.application))
        self.errors: set[tuple[str, str]] = set()

    def signed(self, operation: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Request:
        """A signed request, ready to be sent; ``headers`` are signed too."""
        request = AWSRequest(
            "POST",
            self._url,
            headers={"content-type": CONTENT_TYPE, "x-amz-target": TARGET + operation, **(headers or {})},
            data=body,
        )
        self._signature.add_auth(request)
        return self._client.build_request("POST", self._url, content=body, headers=dict(request.headers.items()))

    async def send(self, operation: str, body: bytes) -> httpx.Response:
        """Whatever is answered to a body."""
        return await self._client.send(self.signed(operation, body))

    async def __call__(self, operation: str, **members: object) -> Body:
        """The answer of an operation that succeeds."""
        answer = await self.send(operation, json.dumps(members).encode())
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == CONTENT_TYPE
        return answer.json()

    async def error(self, operation: str, **members: object) -> Body:
        """The whole body of an answer that refuses."""
        answer = await self.send(operation, json.dumps(members).encode())
        assert answer.status_code == (503 if b"ServerException" in answer.content else 400), answer.text
        assert answer.headers["content-type"] == CONTENT_TYPE
        refused = answer.json()
        self.errors.add((operation, refused["__type"]))
        return refused

    async def pages(self, operation: str, member: str, **members: object) -> list[list[Any]]:
        """The lists under ``member`` of every page."""
        pages: list[list[Any]] = []
        token: dict[str, object] = {}
        while True:
            answer = await self(operation, **members, **token)
            pages.append(answer[member])
            if "nextToken" not in answer:
                return pages
            token = {"nextToken": answer["nextToken"]}


async def password(ecr: ECR) -> str:
    """What ``docker login`` is given: the password in a token of GetAuthorizationToken."""
    answer = await ecr("GetAuthorizationToken")
    return b64decode(answer["authorizationData"][0]["authorizationToken"]).decode().removeprefix("AWS:")


def oci_client(registry: RunningRegistry, password: str | None, *, host: str = HOST) -> httpx.AsyncClient:
    """A client of ``/v2/``, logged in unless there is no password."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(registry.application),
        base_url=f"http://{host}",
        auth=None if password is None else ("AWS", password),
    )


def authorized(client: httpx.AsyncClient, **headers: str) -> httpx.Headers:
    """The headers of the client's requests, with its credentials and others."""
    request = client.build_request("GET", "/", headers=headers)
    assert client.auth is not None
    return next(client.auth.auth_flow(request)).headers


def errors_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an answer of ``/v2/`` that refuses; its body is checked as a whole."""
    (error,) = answer.json()["errors"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"errors": [{"code": error["code"], "message": error["message"]}]}
    return answer.status_code, error["code"], error["message"]


async def break_off(
    registry: RunningRegistry,
    method: str,
    path: str,
    chunks: Iterable[bytes],
    headers: httpx.Headers,
    query: str = "",
) -> int:
    """Send the beginning of a body, then no more; gives the status that a client would see if it still listened."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"})
    arriving, sent = iter(messages), list[Message]()

    async def receive() -> Message:
        return next(arriving)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(key.lower(), value) for key, value in headers.raw],
    }
    await registry.application(scope, receive, send)
    return sent[0]["status"]
