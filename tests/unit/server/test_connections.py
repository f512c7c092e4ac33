"""Finding the connections of a process among its descriptors."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from entrepot.server.connections import Connections, connections


class Descriptors:
    """A connection to a port of this process, with the server's end at a descriptor that a test chooses."""

    def __init__(self, stack: ExitStack) -> None:
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self.listener.getsockname()[1]
        self.client = stack.enter_context(socket.create_connection(self.listener.getsockname()))
        self.server = stack.enter_context(self.listener.accept()[0])


@pytest.fixture
def descriptors() -> Iterator[Descriptors]:
    """Closed with the test."""
    with ExitStack() as stack:
        yield Descriptors(stack)


def number_open() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_connection_is_found_by_its_client(descriptors: Descriptors) -> None:
    """As a descriptor of the caller's own."""
    found = await Connections(descriptors.port).find(descriptors.client.getsockname())

    assert found is not None
    with found:
        assert found.getpeername() == descriptors.client.getsockname()
        assert found.fileno() != descriptors.server.fileno()


async def test_a_connection_whose_descriptor_has_become_a_file_is_not_found(
    descriptors: Descriptors, tmp_path: Path
) -> None:
    """And the file stays with its owner: else what is deleted would keep its room."""
    known = Connections(descriptors.port)
    client = descriptors.client.getsockname()
    found = await known.find(client)
    assert found is not None
    found.close()
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        os.dup2(file.fileno(), descriptors.server.fileno())
        before = number_open()

        assert [await known.find(client) for _ in range(3)] == [None] * 3

        assert number_open() == before


def test_a_connection_with_duplicates_is_found_once(descriptors: Descriptors) -> None:
    """Those that pace a download have one each."""
    client = descriptors.client.getsockname()

    with descriptors.server.dup(), ExitStack() as stack:
        found = [stack.enter_context(connection) for connection in connections(descriptors.port)]

        assert [connection.getpeername() for connection in found].count(client) == 1
