"""Connections that their clients make no use of: they stop taking what they are sent, or ask for nothing.

The server below the application holds some MB of an answer for a client that takes nothing, and would do so for
ever: it has no time-out for writing, and ending the answer in the application does not end the connection. It has
none either for a client that connects and says nothing, or asks for nothing more by HTTP/2; and it serves only
so many at once. So this looks at the connections themselves, as the kernel tells of them (tcp(7), TCP_INFO).
"""

import asyncio
import socket
import struct
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import NamedTuple

import structlog

from entrepot.server.connections import Address, client_of, connections
from entrepot.server.requests import Requests

#: Seconds between two looks. A client that takes nothing is gone after two at the latest; a link so slow that it
#: passes nothing in the time between them is down.
PATIENCE = 60.0
#: Bytes that a client without a request takes between two looks, if the server below still has some of an answer
#: for it. That answers PINGs of HTTP/2 with 17 bytes each, and these are no use of a connection.
USE = 1024
#: Milliseconds within which what has been received may be a request that has not reached the application.
ON_ITS_WAY = 1000

#: tcpi_last_data_recv and tcpi_bytes_acked in struct tcp_info of linux/tcp.h.
_TCP_INFO = struct.Struct("=52xI64xQ")
_INT = struct.Struct("=i")
#: When the server closes the connection, what waits in the kernel is thrown away.
_NO_LINGER = struct.pack("=ii", 1, 0)

log = structlog.get_logger()


class _State(NamedTuple):
    """What the kernel tells of a connection."""

    #: Milliseconds since the client has sent anything, or has connected.
    silent: int
    #: Bytes that the client's side has acknowledged so far.
    taken: int
    #: Bytes that the kernel still has for the client.
    waiting: int


class StalledConnections:
    """Ends connections to a local port of this process whose clients take nothing, or ask for nothing."""

    def __init__(self, port: int, requests: Requests) -> None:
        self._port = port
        self._requests = requests
        #: The bytes taken at the last look, of those that had something to take, and of those that had not.
        self._taking: dict[Address, int] = {}
        self._idle: dict[Address, int] = {}

    def end(self) -> int:
        """End those of which their clients have made no use since the last call; gives how many.

        Raises OSError where the process has no descriptor left.
        """
        ended = 0
        taking, self._taking = self._taking, {}
        idle, self._idle = self._idle, {}
        serving = self._requests.clients()
        for connection in connections(self._port):
            with connection, suppress(OSError):  # it may end by itself at any moment
                client, state = client_of(connection), _state(connection)
                if client is None:
                    continue
                if state.waiting:
                    is_over = taking.get(client) == state.taken
                    self._taking[client] = state.taken
                elif client not in serving:
                    is_over = client in idle and state.taken - idle[client] < USE and state.silent > ON_ITS_WAY
                    self._idle[client] = state.taken
                else:
                    continue
                if is_over:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    connection.shutdown(socket.SHUT_RDWR)
                    ended += 1
        return ended


async def end_stalled_for_ever(port: int, requests: Requests, patience: float = PATIENCE) -> None:
    """Look again and again, until cancelled; what fails at one look may do better at the next."""
    stalled = StalledConnections(port, requests)
    while True:
        await asyncio.sleep(patience)
        try:
            ended = stalled.end()
        except Exception:
            log.exception("connections could not be looked at")
            continue
        if ended:
            log.info("connections were ended that had no use", number=ended, seconds=patience)


def _state(connection: socket.socket) -> _State:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    silent, taken = _TCP_INFO.unpack(info)
    return _State(silent, taken, _INT.unpack(ioctl(connection, TIOCOUTQ, bytes(_INT.size)))[0])
