"""The registry keeps its promises whatever the order of things, and whoever is killed: see designs/simulation.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.simulate import Failed, Report, simulate

#: Seeds of an ordinary run; ``scripts/simulate`` runs any number of others.
SEEDS, AT_ONCE = 120, 20

pytestmark = pytest.mark.timeout(600)  # a matter of seconds, unless the machine is very busy


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_promise_is_broken(first: int) -> None:
    """Concurrent pushes, mounts, pulls and deletions, with faults and crashes, while two workers collect."""
    report = Report()

    for seed in range(first, first + AT_ONCE):
        try:
            simulate(seed, report)
        except Failed as failed:
            pytest.fail("\n".join(failed.trace))

    assert report.runs == AT_ONCE
    for met in ("images pushed", "images pulled", "images deleted", "mounts", "crashes", "blobs collected"):
        assert report.counts[met] > 0, met


def test_a_seed_replays_exactly() -> None:
    """The same trace, line by line, in this process and in another one that hashes differently."""
    seed, report = 8, Report()

    simulate(seed, report)
    first = report.trace
    simulate(seed, report)

    assert report.trace == first
    command = [sys.executable, "-m", "tests.simulation.simulate", "--seeds", "1", "--first", str(seed), "--trace"]
    root = Path(__file__).resolve().parents[2]
    elsewhere = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONHASHSEED": "77"}
    )
    assert elsewhere.stdout.splitlines()[: len(first)] == first


def test_other_seeds_are_other_runs() -> None:
    """So many seeds are worth more than one."""
    report = Report()
    traces: set[str] = set()

    for seed in range(5):
        simulate(seed, report)
        traces.add("\n".join(report.trace))

    assert len(traces) == 5
