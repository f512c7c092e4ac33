"""What the processes of one registry share."""

import pytest

from entrepot.server.wiring import CONNECTIONS, FEWEST_CONNECTIONS, connections_of_a_process


@pytest.mark.parametrize("workers", range(1, 8))
def test_all_processes_share_their_connections(workers: int) -> None:
    """Three registries fit into the hundred connections that PostgreSQL allows unless it is told otherwise."""
    to_write_and_to_read = 2 * connections_of_a_process(workers)

    assert (workers + 1) * to_write_and_to_read <= CONNECTIONS
    assert 3 * CONNECTIONS <= 100 - 3  # three are kept for superusers


def test_no_process_is_without_connections() -> None:
    """With very many workers each still has enough to go on while one transaction waits."""
    assert connections_of_a_process(64) == FEWEST_CONNECTIONS
