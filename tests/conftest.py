"""What tests of more than one folder start from."""

from collections.abc import Iterator

import pytest
from tests.postgresql import Server, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server for the whole run, for the tests that ask for it."""
    with postgresql_server() as server:
        yield server
