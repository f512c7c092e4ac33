"""What requests that no client should send are sent to, and what has to be as before after each of them."""

import json
from dataclasses import dataclass
from typing import Any

from tests.live.images import Image, digest_of
from tests.live.oci import Repository
from tests.live.server import Server
from tests.live.wire import Answer, call, request_head


@dataclass(frozen=True, slots=True)
class Stage:
    """The server, and what is in it: one repository with one image under one tag."""

    server: Server
    repository: Repository
    image: Image
    authorization: str

    def state(self) -> list[object]:
        """Everything that a bad request must not change."""
        ecr = self.server.ecr()
        name = self.repository.name
        return [
            [each.get("repositoryName") for each in ecr.describe_repositories()["repositories"]],
            ecr.list_images(repositoryName=name)["imageIds"],
            self.repository.manifest("v1").content,
            [digest_of(self.repository.blob(digest_of(data)).content) for data in self.image.blobs],
        ]

    def send(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        """A request to `/v2/` with the right Host, password and length, unless a header says otherwise."""
        all_headers: dict[str, str | None] = {
            "Host": self.server.host,
            "Authorization": f"Basic {self.authorization}",
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = request_head(
            method, path, {name: value for name, value in all_headers.items() if value is not None}
        )
        return call(self.server, head, body, method)


def assert_oci_error(answer: Answer, status: int, code: str) -> None:
    """The OCI error envelope: a list of errors, each with a code and a message."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/json")
    (error,) = json.loads(answer.body)["errors"]
    assert error["code"] == code
    assert error["message"]


def assert_ecr_error(answer: Answer, code: str, status: int = 400) -> dict[str, Any]:
    """The error of an AWS JSON 1.1 service: `__type`, and a request id; the body."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"]
    body = json.loads(answer.body)
    assert body["__type"].rpartition("#")[2] == code, body
    return body
