"""A real S3 server for the tests: versitygw over a temporary folder, with strict signatures."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from types_boto3_s3.client import S3Client

ACCESS_KEY_ID = "AKIATESTSOFS3STORAGE"
SECRET_ACCESS_KEY = "secret of an S3 server that lives for one run"
REGION = "us-east-1"
START_SECONDS = 20

TOOLS = Path(os.environ.get("ENTREPOT_TOOLS", Path(__file__).parents[1] / ".cache" / "tools")).absolute()


@dataclass
class S3Server:
    """A server on a port and a ``folder``, in which it keeps its objects as files."""

    program: str
    folder: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, secret_access_key: str = SECRET_ACCESS_KEY) -> S3Client:
        """A client of its root user."""
        return boto3.client(  # pyright: ignore[reportUnknownMemberType] (other services have no stubs here)
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=secret_access_key,
            config=Config(
                signature_version="s3v4",
                connect_timeout=2,
                read_timeout=20,
                retries={"mode": "standard", "total_max_attempts": 2},
                max_pool_connections=16,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def write_credentials(self, home: Path) -> None:
        """Write those of its root user where boto3 looks for them in a home folder."""
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text(
            f"[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
        )

    def create_bucket(self) -> str:
        """A bucket of the caller's own; its name."""
        name = f"test-{next(self.numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> list[str]:
        """The keys of a bucket."""
        return [entry.get("Key", "") for entry in self.client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    def sizes(self, bucket: str) -> dict[str, int]:
        """The sizes of all objects of a bucket, by key."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry.get("Key", ""): entry.get("Size", 0) for page in pages for entry in page.get("Contents", [])}

    def parts(self, bucket: str) -> dict[str, int]:
        """How many parts each multipart upload has that is neither completed nor aborted, by its id."""
        client = self.client()
        found: dict[str, int] = {}
        for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            key, upload_id = upload.get("Key", ""), upload.get("UploadId", "")
            listed = client.list_parts(Bucket=bucket, Key=key, UploadId=upload_id)
            found[upload_id] = len(listed.get("Parts", []))
        return found

    def multiparts(self, bucket: str) -> list[str]:
        """The keys of the multipart uploads that are neither completed nor aborted."""
        uploads = self.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [upload.get("Key", "") for upload in uploads]

    def start(self) -> None:
        """Let it listen."""
        command = [
            self.program,
            "--port",
            f"127.0.0.1:{self.port}",
            "--keep-alive",
            "--quiet",
            "posix",
            self.folder,
        ]
        credentials = {"ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET_ACCESS_KEY}
        self.process = subprocess.Popen(
            command,
            env=credentials | {"VGW_REGION": REGION},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def stop(self) -> None:
        """End it; the objects stay."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    @contextmanager
    def stalled(self) -> Generator[None]:
        """It takes connections and answers nothing as long as the block lasts."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def gone(self) -> Generator[None]:
        """Nobody listens as long as the block lasts."""
        self.stop()
        yield
        self.start()


def refuse_bodies(client: S3Client, *, code: str, status: int) -> None:
    """Let every call of ``client`` that stores bytes be answered by S3 with an error."""

    def answer(request: Any, **_: object) -> Any:
        if request.method != "PUT" or not request.body:
            return None
        body = f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict({"content-type": "application/xml"}), _Raw(body)
        )

    client.meta.events.register("before-send.s3", answer)


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        """All of it."""
        yield self._body


@contextmanager
def s3_server() -> Generator[S3Server]:
    """Start a server, and stop it. Skips where it is not installed, outside CI."""
    program = shutil.which("versitygw", path=os.pathsep.join([str(TOOLS / "bin"), os.environ["PATH"]]))
    if program is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("versitygw is not installed")
    with tempfile.TemporaryDirectory(prefix="entrepot-s3-") as folder:
        server = S3Server(program, Path(folder), free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


def wait_for(port: int) -> None:
    """Return once somebody listens on a loopback port."""
    end = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            message = f"nobody listens on port {port}"
            raise TimeoutError(message)
        time.sleep(0.01)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
