"""The soak of `benchmarks/soak.py`, short: three replicas, two collectors, leases of seconds, and kill -9 of any."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live.soak import Plan, soak
from tests.postgresql import CRASH_SAFE, postgresql_server
from tests.s3 import S3Server

SECONDS = 25


@pytest.fixture(autouse=True)
def aws_credentials(s3: S3Server, tmp_path: Path) -> Iterator[None]:
    """Those of the S3 server, where boto3 looks for them."""
    s3.write_credentials(tmp_path)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(tmp_path))
        yield


@pytest.mark.timeout(300)
def test_replicas_keep_every_promise_while_they_are_killed(s3: S3Server) -> None:
    """Nothing acknowledged is lost, no layer is refused within its lease, and in the end nothing is left."""
    seed = random.getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown by pytest on failure

    with postgresql_server(CRASH_SAFE) as postgresql:
        plan = Plan(seconds=SECONDS, clients=6, repositories=3, seed=seed)
        found = soak(plan, postgresql, s3, lambda _findings: None)

    assert (found.faults, found.left) == ([], {})
    assert found.broken == 0
    assert not [words for words in found.answers if "of the replica" in words], "a replica failed by itself"
    assert found.kills["replica"] > 0
    assert found.empty_uploads <= 2 * found.kills["replica"]
    assert found.pushes > 10, "too few to prove anything"
