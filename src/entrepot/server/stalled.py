"""Clients that stop taking what they are sent.

The server below the application holds some MB of an answer for such a client, and would do so for ever: it has no
time-out for writing, and ending the answer in the application does not end the connection. So this looks at the
connections themselves, as the kernel tells of them (tcp(7), TCP_INFO).
"""

import asyncio
import socket
import struct
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ

import structlog

from entrepot.server.connections import Address, connections

#: Seconds between two looks. A client that takes nothing is gone after two at the latest; a link so slow that it
#: passes nothing in the time between them is down.
PATIENCE = 60.0

#: tcpi_bytes_acked in struct tcp_info of linux/tcp.h.
_BYTES_ACKED = struct.Struct("=120xQ")
_INT = struct.Struct("=i")
#: When the server closes the connection, what waits in the kernel is thrown away.
_NO_LINGER = struct.pack("=ii", 1, 0)

log = structlog.get_logger()


class StalledConnections:
    """Ends connections to a local port of this process whose clients take nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._taken: dict[Address, int] = {}

    def end(self) -> int:
        """End those where bytes have been waiting since the last call, and none was taken; gives how many."""
        before, self._taken, ended = self._taken, {}, 0
        for connection in connections(self._port):
            with connection, suppress(OSError):  # it may end by itself at any moment
                client, taken = connection.getpeername()[:2], _bytes_taken(connection)
                if _bytes_waiting(connection) == 0:
                    continue
                if before.get(client) == taken:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    connection.shutdown(socket.SHUT_RDWR)
                    ended += 1
                else:
                    self._taken[client] = taken
        return ended


async def end_stalled_for_ever(port: int) -> None:
    """Look again and again, until cancelled."""
    stalled = StalledConnections(port)
    while True:
        await asyncio.sleep(PATIENCE)
        ended = stalled.end()
        if ended:
            log.info("connections were ended whose clients took nothing", number=ended, seconds=PATIENCE)


def _bytes_taken(connection: socket.socket) -> int:
    """How many bytes the client's side has acknowledged so far."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    return _BYTES_ACKED.unpack(info)[0]


def _bytes_waiting(connection: socket.socket) -> int:
    """How many bytes the kernel still has for the client."""
    return _INT.unpack(ioctl(connection, TIOCOUTQ, bytes(_INT.size)))[0]
