"""A repository over plain `/v2/` requests: one call, one request; nothing hidden, nothing retried."""

import base64
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx
from tests.live.images import DOCKER_IMAGE, DOCKER_LIST, IMAGE, INDEX, Image, digest_of
from tests.live.server import Server

MANIFESTS = f"{IMAGE}, {INDEX}, {DOCKER_IMAGE}, {DOCKER_LIST}"
OCTETS = {"Content-Type": "application/octet-stream"}


def authorization_of(server: Server) -> str:
    """A fresh authorizationToken: base64 of `AWS:password`, the parameter of a Basic header."""
    (data,) = server.ecr().get_authorization_token()["authorizationData"]
    token = data.get("authorizationToken")
    assert token is not None
    return token


def password_of(server: Server) -> str:
    """A fresh password of the user AWS, as `aws ecr get-login-password` prints it."""
    return base64.b64decode(authorization_of(server)).decode().partition(":")[2]


class Repository:
    """One repository of a server, over a connection pool of its own (one a thread)."""

    def __init__(self, server: Server, name: str, authorization: str) -> None:
        self.name = name
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Basic {authorization}"}, timeout=60
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def open_upload(self) -> str:
        """The Location of a new upload."""
        answer = self.http.post(f"/v2/{self.name}/blobs/uploads/")
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        return answer.headers["Location"]

    def patch(self, location: str, data: bytes, first: int | None = None) -> httpx.Response:
        """Send bytes on, with a Content-Range when the first byte's offset is given."""
        where = {} if first is None else {"Content-Range": f"{first}-{first + len(data) - 1}"}
        return self.http.patch(location, content=data, headers={**OCTETS, **where})

    def put_upload(self, location: str, digest: str, data: bytes = b"") -> httpx.Response:
        """Complete an upload, with the last (or all) of its bytes."""
        return self.http.put(location, params=_with(location, digest), content=data, headers=OCTETS)

    def received(self, location: str) -> int | None:
        """How many bytes of an upload the server has; None when it does not know the upload."""
        answer = self.http.get(location)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        assert answer.status_code == HTTPStatus.NO_CONTENT, answer.text
        return received_in(answer)

    def push_blob(self, data: bytes) -> str:
        """Push a blob in one PUT; its digest."""
        digest = digest_of(data)
        answer = self.put_upload(self.open_upload(), digest, data)
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        return digest

    def put_manifest(self, reference: str, content: Image) -> httpx.Response:
        """Put the manifest alone."""
        return self.http.put(
            f"/v2/{self.name}/manifests/{reference}",
            content=content.manifest,
            headers={"Content-Type": content.media_type},
        )

    def push(self, reference: str, content: Image) -> str:
        """Push an image with all it names; its digest."""
        for child in content.children:
            self.push(child.digest, child)
        for data in content.blobs:
            self.push_blob(data)
        answer = self.put_manifest(reference, content)
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        return content.digest

    def blob(self, digest: str) -> httpx.Response:
        """GET a blob, redirects followed."""
        return self.http.get(f"/v2/{self.name}/blobs/{digest}", follow_redirects=True)

    def has_blob(self, digest: str) -> bool:
        """Whether HEAD says that the blob is there."""
        answer = self.http.head(f"/v2/{self.name}/blobs/{digest}", follow_redirects=True)
        assert answer.status_code in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}, answer
        return answer.status_code == HTTPStatus.OK

    def manifest(self, reference: str) -> httpx.Response:
        """GET a manifest by tag or digest, of any type."""
        return self.http.get(f"/v2/{self.name}/manifests/{reference}", headers={"Accept": MANIFESTS})

    def tags(self) -> list[str]:
        """All tags, page after page."""
        names: list[str] = []
        url: str | None = f"/v2/{self.name}/tags/list?n=1000"
        while url:
            answer = self.http.get(url).raise_for_status()
            names += answer.json()["tags"] or []
            url = answer.links.get("next", {}).get("url")
        return names


def received_in(answer: httpx.Response) -> int:
    """The number of bytes that a Range header `0-N` of an upload tells; `0-0` and none at all mean nothing."""
    last = int(answer.headers.get("Range", "0-0").partition("-")[2])
    return last + 1 if last else 0


def _with(location: str, digest: str) -> httpx.QueryParams:
    return httpx.URL(location).params.set("digest", digest)
