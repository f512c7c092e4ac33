"""A real KMS server for the tests: moto's, which speaks the API and keeps its keys in memory."""

import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from tests.s3 import TOOLS, free_port, wait_for

REGION = "us-east-1"


@dataclass
class KMSServer:
    """A server on a port."""

    port: int

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        """A client of its API; there are no stubs of KMS here."""
        session: Any = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
        once = Config(retries={"mode": "standard", "total_max_attempts": 1})
        return session.client("kms", endpoint_url=self.endpoint, region_name=REGION, config=once)


def answer_with(client: Any, *, code: str, status: int) -> None:
    """Let every call of ``client`` be answered by KMS with an error."""

    def answer(request: Any, **_: object) -> AWSResponse:
        body = f'{{"__type": "{code}", "message": "refused"}}'.encode()
        headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.1"})
        return AWSResponse(request.url, status, headers, _Raw(body))

    client.meta.events.register("before-send.kms", answer)


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        """All of it."""
        yield self._body


@contextmanager
def kms_server() -> Generator[KMSServer]:
    """Start a server, and stop it. Skips where it is not installed, outside CI."""
    program = shutil.which("moto_server", path=os.pathsep.join([str(TOOLS / "bin"), os.environ["PATH"]]))
    if program is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("moto_server is not installed")
    port = free_port()
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield KMSServer(port)
    finally:
        process.terminate()
        process.wait()
