"""What a worker takes on."""

import pytest

from entrepot.server.serve import CONNECTIONS, DESCRIPTORS, FEWEST, FOR_EACH, FOR_THE_REST, connections_within


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(0, FEWEST), (FOR_THE_REST + 100 * FOR_EACH, 100), (DESCRIPTORS, CONNECTIONS), (1_000_000, CONNECTIONS)],
)
def test_connections_are_as_many_as_have_descriptors(descriptors: int, connections: int) -> None:
    """With something left for all else; but never so few that nobody is served."""
    assert connections_within(descriptors) == connections
