"""Filled stores with servers on them, on either database."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from random import SystemRandom

from sqlalchemy import Select, create_engine, func, select
from tests.live.images import IMAGE
from tests.live.oci import authorization_of
from tests.live.server import Server
from tests.live.wire import api_request, request_head
from tests.postgresql import FAST, postgresql_server

from benchmarks.filling import FILLED, Contents, fill_postgresql, fill_sqlite
from benchmarks.latency import Line
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.tables import images
from entrepot.server.wiring import database_path

DATABASES = ("sqlite", "postgresql")
#: PostgreSQL's settings while stores are filled, and then. The rest are its own.
FILLING = FAST | {"max_wal_size": "8GB", "shared_buffers": "1GB", "max_connections": "200"}
SERVING = {"shared_buffers": "1GB", "max_connections": "200"}


class Store:
    """A filled store with a server on it; ``url`` is that of its database, None for SQLite in its data folder."""

    def __init__(self, contents: Contents, folder: Path, url: str | None, *options: str) -> None:
        self.contents, self.url = contents, url
        settings = folder / "entrepot.toml"
        self.server = Server(folder, "--config", str(settings), "--undelete-days", "0", *options)
        folder.mkdir()
        if url is None:
            settings.touch()
            fill_sqlite(self.server.data, contents)
        else:
            settings.write_text(f'database = "{url}"\n')
            asyncio.run(fill_postgresql(url, contents))

    def start(self, stack: ExitStack) -> None:
        """Let it serve until the stack is unwound."""
        stack.callback(self.server.close)
        self.server.start()
        self.line = stack.enter_context(Line(self.server.port))
        self.authorization = authorization_of(self.server)
        self._numbers = count()

    def call(self, operation: str, **members: object) -> bytes:
        """A signed request."""
        return b"".join(api_request(self.server, operation, members))

    def get(self, path: str) -> bytes:
        """A request to `/v2/`."""
        headers = {"Host": self.server.host, "Authorization": f"Basic {self.authorization}", "Accept": IMAGE}
        return request_head("GET", path, headers)

    def images_left(self) -> int:
        """How many of the images that it was filled with have a row."""
        query = select(func.count()).where(images.c.id <= self.contents.images)
        if self.url is not None:
            return asyncio.run(_count(PostgreSQLMetadata(self.url, random=SystemRandom()), query))
        engine = create_engine(f"sqlite:///file:{database_path(self.server.data)}?mode=ro&uri=true")
        with engine.connect() as connection:
            left = connection.scalar(query) or 0
        engine.dispose()
        return left

    def put_image(self, repository: str = FILLED) -> bytes:
        """A signed PutImage of an image that is not there yet, of layers that are."""
        number = next(self._numbers)
        content = self.contents.manifest(1)[:-1] + f',"annotations":{{"n":"{number}"}}}}'.encode()
        return self.call(
            "PutImage", repositoryName=repository, imageManifest=content.decode(), imageTag=f"new-{number}"
        )

    def deep_token(self, operation: str, **members: object) -> str | None:
        """The token of a page in the middle of a long list, None where there is one page."""
        token: str | None = None
        for _ in range(self.contents.images // 1000 // 2):
            more = {"nextToken": token} if token else {}
            answer = json.loads(self.line.ask(self.call(operation, maxResults=1000, **members, **more)))
            token = answer.get("nextToken")
        return token


async def _count(metadata: PostgreSQLMetadata, query: Select[int]) -> int:
    try:
        return await metadata.read(lambda connection: connection.scalar(query)) or 0
    finally:
        await metadata.close()


def filled(
    stack: ExitStack, database: str, folder: Path, contents: Mapping[str, Contents], *options: str
) -> list[Store]:
    """A store for each of the contents, by name; the servers get the options and are not started.

    On PostgreSQL they share a server, which runs until the stack is unwound and syncs once they are filled.
    """
    if database == "sqlite":
        return [Store(each, folder / name, None, *options) for name, each in contents.items()]
    server = stack.enter_context(postgresql_server(FILLING))
    stores = [Store(each, folder / name, server.create_database(), *options) for name, each in contents.items()]
    server.stop()
    server.options = SERVING
    server.start()
    return stores
