"""Many downloads at once, of which none may hold more memory than its client has use for.

The server below the application takes pieces of an answer until a pipeline of seven or so is full, and the kernel
takes some MB more. That makes one download fast, and a thousand clients that read slowly take gigabytes. So in a
crowd the next piece is made only when the client's connection can take it.
"""

import asyncio
import select
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

from entrepot.fronts.asgi import Message, Scope, Send
from entrepot.server.connections import Connections

#: Downloads that nobody waits for: what they hold is bounded by their number.
FREE = 8
#: Bytes that the kernel keeps for a client beyond those on their way to it (TCP_NOTSENT_LOWAT, tcp(7)). Those on
#: their way are as many as the link holds, so this slows down no link, however long it is.
UNSENT = 128 * 1024
#: Seconds in which a stream of HTTP/2 takes a piece, of 512 KiB at the most; one that needs longer stands still.
PATIENCE = 120.0


class TakesNothing(Exception):
    """A client has let its stream stand still, and is not to be sent the rest."""


class Pacing:
    """What the downloads of a process share: how many of them there are."""

    def __init__(self, port: int, patience: float = PATIENCE) -> None:
        self._connections = Connections(port)
        self._patience = patience
        self._downloads = 0

    @contextmanager
    def of_download(self, scope: Scope, send: Send) -> Generator[Send]:
        """``send`` for one answer, which in a crowd returns once the client can take more.

        Raises TakesNothing where a stream of HTTP/2 stands still. Of HTTP/1.1 the kernel knows (``stalled.py``).
        """
        self._downloads += 1
        patience = self._patience if scope["http_version"] == "2" else None
        connection: _Connection | None = None

        async def paced(message: Message) -> None:
            nonlocal connection
            try:
                async with asyncio.timeout(patience):
                    await send(message)
            except TimeoutError:
                raise TakesNothing from None
            if self._downloads > FREE and message.get("more_body"):
                connection = connection or _Connection(await self._find(scope))
                await connection.writable()

        try:
            yield paced
        finally:
            self._downloads -= 1
            if connection is not None:
                connection.close()

    async def _find(self, scope: Scope) -> socket.socket | None:
        if not scope["client"]:
            return None
        host, port = scope["client"]
        return await self._connections.find((host, int(port)))  # granian has the number as text


class _Connection:
    """The socket below an answer; none where it cannot be found, and then nothing is waited for."""

    def __init__(self, found: socket.socket | None) -> None:
        self._socket = found
        self._poll = select.poll()
        if self._socket is not None:
            self._poll.register(self._socket, select.POLLOUT)
            with suppress(OSError):  # it has ended
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    async def writable(self) -> None:
        """Return once the kernel has room for more, or the connection has ended."""
        if self._socket is None or self._poll.poll(0):
            return
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._socket, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._socket)

    def close(self) -> None:
        """Let go of it; the server has a descriptor of its own."""
        if self._socket is not None:
            self._socket.close()
