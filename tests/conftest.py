"""What tests of more than one folder start from."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.postgresql import Server, postgresql_server
from tests.s3 import S3Server, s3_server

#: How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("entrepot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("entrepot")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server for the whole run, for the tests that ask for it."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server for the whole run, for the tests that ask for it."""
    with s3_server() as server:
        yield server
