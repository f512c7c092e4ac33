"""`scripts/bench compare`, as small as it can be: every phase on Entrepot and on the peers that are there."""

import subprocess
import sys
from pathlib import Path

import msgspec
from tests.live.clients import PROJECT, TOOLS

#: Of Entrepot, with all that is synced and with nothing.
OURS = ("Entrepot", "Entrepot, no fsync")
PHASES = {
    *("push 1 MiB", "pull 1 MiB", "pull 1 MiB in ranges", "push 1 MiB in chunks"),
    *("push 8 x 1 MiB at once", "pull 8 x 1 MiB at once", "pull one of them 32 times at once"),
    *("manifest GET by tag", "manifest GET by digest", "manifest HEAD by tag", "manifest HEAD by digest"),
    *("blob HEAD", "blob GET, 4 KiB", "manifest PUT, same", "manifest PUT, new"),
    *("tags list, 100 tags", "referrers, 10", "75 % pulls, 25 % pushes", "mix of a trace"),
    *("BatchGetImage", "DescribeImages", "BatchCheckLayerAvailability", "start to the first answer"),
}


def test_a_comparison_measures_every_phase_and_writes_what_it_has_found(tmp_path: Path) -> None:
    """The figures, the plot and the page, from registries that were started, asked and stopped."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.compare",
        "--smoke",
        "--data",
        str(tmp_path),
        "--to",
        str(tmp_path),
    ]

    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={"PATH": str(TOOLS / "bin")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode((tmp_path / "benchmarks.json").read_bytes())
    assert {one["phase"] for one in found["series"] if one["subject"] == OURS[0]} == PHASES
    assert {one["subject"] for one in found["series"]} >= set(OURS)
    assert all(rate > 0 for one in found["series"] for rate in one["rate"])
    assert "<svg" in (tmp_path / "benchmarks.svg").read_text()
    assert "| push 1 MiB, no fsync, MB/s" in (tmp_path / "benchmarks.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"benchmarks.json", "benchmarks.svg", "benchmarks.md"}
