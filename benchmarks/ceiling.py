"""What could be had: two applications that `scripts/bench api` measures beside Entrepot.

`nothing` answers 1 KB to whatever is asked. `floor` answers BatchGetImage with all that a right answer needs and
no more: the body within its time, the signature, decoding, one statement by key, encoding, and the count.
"""

import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from tests.live.server import SECRET_ACCESS_KEY, free_port

from benchmarks.subjects import Subject, launched
from entrepot.fronts.asgi import Receive, Request, Response, Scope, Send
from entrepot.protocol import sigv4
from entrepot.protocol.ecr import codec, shapes
from entrepot.protocol.ecr.shapes import OPERATIONS

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_LIMIT = 256 * 1024
HEADERS = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0" * 36}


@contextmanager
def ceiling(name: str) -> Generator[Subject]:
    """One of the two under granian, with one worker as `entrepot serve` has it."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="entrepot-ceiling-", dir=_memory()) as folder:
        command = [sys.executable, "-m", "benchmarks.ceiling", name, str(port), folder]
        with launched(name, command, port, {"PROMETHEUS_MULTIPROC_DIR": folder}) as subject:
            yield subject


def _memory() -> Path | None:
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is the owner's alone
    return memory if memory.is_dir() else None


def _nothing(_folder: Path) -> Application:
    answer = Response(200, HEADERS, b"x" * 1000)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer.send(Request(scope, receive, ""), send)

    return application


def _floor(folder: Path) -> Application:
    from entrepot.server.metrics import make_metrics  # noqa: PLC0415 (where it counts is decided at its import)

    counters, _ = make_metrics()
    connection = _database(folder / "images.sqlite")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, "")
        if request.method != "POST":
            await Response(200).send(request, send)
            return
        signed = sigv4.SignedRequest(
            method=request.method, path=request.raw_path, query=request.query_string, headers=request.headers
        )
        authorization = sigv4.read_authorization(signed)
        body = await request.body(BODY_LIMIT)
        sigv4.verify(
            signed,
            authorization,
            secret_key=SECRET_ACCESS_KEY,
            body_sha256=hashlib.sha256(body).hexdigest(),
            now=time.time_ns() // 1000,
        )
        asked: Any = codec.decode(OPERATIONS["BatchGetImage"], body)
        tag = asked.image_ids[0].image_tag
        digest, content = connection.execute(
            "SELECT digest, content FROM images JOIN manifests USING (digest) WHERE repository = ? AND tag = ?",
            (asked.repository_name, tag),
        ).fetchone()
        image = shapes.Image(
            registry_id="0" * 12,
            repository_name=asked.repository_name,
            image_id=shapes.ImageIdentifier(image_digest=digest, image_tag=tag),
            image_manifest=content.decode(),
            image_manifest_media_type="x",
        )
        answer = codec.encode(shapes.BatchGetImageResponse(images=[image], failures=[]))
        counters.operation("BatchGetImage", "ok")
        await Response(200, HEADERS, answer).send(request, send)

    return application


def _database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.executescript(
        """
        PRAGMA journal_mode = WAL;
        CREATE TABLE images (repository TEXT, tag TEXT, digest TEXT, PRIMARY KEY (repository, tag));
        CREATE TABLE manifests (digest TEXT PRIMARY KEY, content BLOB);
        INSERT INTO images VALUES ('bench/api', 'first', 'sha256:' || hex(zeroblob(32)));
        """
    )
    connection.execute("INSERT INTO manifests SELECT digest, ? FROM images", (b"x" * 700,))
    return connection


APPLICATIONS: Mapping[str, Callable[[Path], Application]] = {"nothing": _nothing, "floor": _floor}


def _serve(name: str, port: int, folder: Path) -> None:
    server = Granian(
        "benchmarks.ceiling",
        port=port,
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        websockets=False,
        log_level=LogLevels.warning,
    )

    def load(_target: str) -> Application:
        return APPLICATIONS[name](folder)

    server.serve(target_loader=load)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
