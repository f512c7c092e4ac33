"""The TCP connections to a local port of this process, as the kernel knows them.

The server below the application does not hand out its sockets. Where a system does not list the descriptors of a
process there are none.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress

import structlog

#: Host and port, of IPv4 and IPv6 alike.
Address = tuple[str, int]

#: Seconds between two looks at all descriptors, each of which takes some 5 µs.
_PAUSE = 0.05

log = structlog.get_logger()


class Connections:
    """Finds the connection that a client has to the port, without looking at all of them for each."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._descriptors: dict[Address, int] = {}
        self._look: asyncio.Task[None] | None = None
        self._is_blind = False

    async def find(self, client: Address) -> socket.socket | None:
        """The connection, as a descriptor of the caller's own; a new one is found after a moment.

        None also where the process has no descriptor left: a download that is not paced is better than none.
        """
        found = self._known(client)
        if found is None:
            await self._look_again()
            found = self._known(client)
        return found

    def _known(self, client: Address) -> socket.socket | None:
        descriptor = self._descriptors.get(client)
        found = None if descriptor is None else _connection_at(descriptor, self._port)
        if found is not None and client_of(found) != client:  # the descriptor has become another's
            found.close()
            return None
        return found

    async def _look_again(self) -> None:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_at_all())
        await asyncio.shield(self._look)  # of others, too

    async def _look_at_all(self) -> None:
        await asyncio.sleep(_PAUSE)  # so many find theirs by one look
        try:
            self._descriptors = _clients()
        except OSError as error:  # to look takes a descriptor, too
            if not self._is_blind:
                log.warning("the connections of downloads cannot be found", reason=error.strerror)
            self._is_blind = True
        else:
            self._is_blind = False


def connections(port: int) -> Iterator[socket.socket]:
    """Every connection to the port once, as a descriptor of the caller's own.

    Raises OSError where the process has no descriptor left.
    """
    for descriptor in _clients().values():
        found = _connection_at(descriptor, port)
        if found is not None:
            yield found


def _clients() -> dict[Address, int]:
    """The lowest descriptor of each connection, by its other end; the others are mostly those of callers."""
    found = ((_client_at(descriptor), descriptor) for descriptor in sorted(_descriptors(), reverse=True))
    return {client: descriptor for client, descriptor in found if client is not None}


def _descriptors() -> list[int]:
    with suppress(FileNotFoundError), os.scandir("/proc/self/fd") as entries:
        return [int(entry.name) for entry in entries]
    return []


def _client_at(descriptor: int) -> Address | None:
    """The other end of what has the descriptor, if it has one."""
    with suppress(OSError):  # no socket, or closed since it was listed
        seen = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)  # spares asking what it is
        try:
            return client_of(seen)
        finally:
            seen.detach()
    return None


def _connection_at(descriptor: int, port: int) -> socket.socket | None:
    with suppress(OSError):  # closed since it was listed
        duplicate = os.dup(descriptor)
        try:
            found = socket.socket(fileno=duplicate)
        except OSError:  # it is a file by now
            os.close(duplicate)
            return None
        if client_of(found) is not None and found.getsockname()[1] == port:
            return found
        found.close()
    return None


def client_of(connection: socket.socket) -> Address | None:
    """The other end of a connection, as granian names it, but for the port's being a number."""
    with suppress(OSError, ValueError):  # it listens, has ended, or has a path in place of an address
        host, port = connection.getpeername()[:2]
        return host.partition("%")[0], port  # without the interface of a link-local address
    return None
