"""Measure Entrepot beside every other registry that is found here, in one run: `scripts/bench compare`.

Peers are distribution (`registry`, `docker-registry`), zot and moto, where their programs are on PATH; moto only
for calls of the ECR API. All are started afresh in each round, and in each phase they take turns, in another order
each round. They are open to everybody, but Entrepot authenticates and authorises each request. MB are 10^6 bytes.

The tables are printed. They, the figures as JSON and a plot are written into a folder. It takes about half an
hour, and with --quick two minutes.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tests.s3 import s3_server

from benchmarks.client import Client
from benchmarks.machine import described
from benchmarks.page import page, report
from benchmarks.phases import Layers, Phase, of_a_round, transfers
from benchmarks.plot import plot
from benchmarks.report import (
    MIB,
    MILLISECONDS,
    START,
    Competitor,
    Failure,
    Figure,
    Results,
    Scale,
    measured,
    series,
)
from benchmarks.subjects import OURS, Registry, Subject, registries, registries_over

PROJECT = Path(__file__).parents[1]
#: How much a round does, and how many there are where --rounds does not say.
FULL = (Scale(), 6)
QUICK = (Scale(large_mib=128, small_mib=8, trace_mb=4, seconds=0.4), 3)
SMOKE = (Scale(large_mib=1, small_mib=1, trace_mb=1, trace_images=4, seconds=0.02), 1)
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is the owner's alone

#: The phases of a round, by its layers, its scale and its number.
Phases = Callable[[Layers, Scale, int], Iterator[Phase]]

_log = logging.getLogger(__name__)


class Comparison:
    """What a run has found so far."""

    def __init__(self, competing: Sequence[Registry], phases: Phases, scale: Scale, data: Path) -> None:
        self._competing = competing
        self._phases = phases
        self._scale = scale
        self._data = data
        self._figures: list[Figure] = []
        self._failures: dict[tuple[str, str], Failure] = {}

    def measure(self, layers: Layers, number: int) -> None:
        """A round: start all registries on empty folders, and take them through the phases by turns."""
        first = number % len(self._competing)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="entrepot-compare-", dir=self._data)))
            started: list[tuple[Registry, Subject]] = []
            for place, registry in enumerate([*self._competing[first:], *self._competing[:first]]):
                (own := folder / str(place)).mkdir()
                subject = stack.enter_context(registry.start(own))
                self._figures.append(_start_of(subject))
                started.append((registry, subject))
            for phase in self._phases(layers, self._scale, number):
                _log.info("round %s: %s", number + 1, phase.name)
                for registry, subject in started:
                    if phase.part in registry.parts and (phase.name, registry.name) not in self._failures:
                        self._measure_phase(phase, subject)

    def _measure_phase(self, phase: Phase, subject: Subject) -> None:
        """One phase on one registry; once it has failed it is not tried again."""
        client = Client(subject, f"bench/{phase.repository}")
        try:
            phase.prepare(client)
            self._figures.append(measured(subject, phase.name, phase.unit, partial(phase.work, client)))
        except (RuntimeError, OSError) as error:
            failure = Failure(phase=phase.name, subject=subject.name, reason=str(error)[:200])
            self._failures[phase.name, subject.name] = failure
            _log.warning("%s: %s failed: %s", subject.name, phase.name, error)

    def results(self, machine: dict[str, str]) -> Results:
        """All rounds."""
        return Results(
            date=time.strftime("%Y-%m-%d"),
            scale=self._scale,
            machine=machine,
            competitors=[
                Competitor(
                    name=each.name,
                    version=each.version,
                    durability=each.durability,
                    syncs_layers=each.syncs_layers,
                )
                for each in self._competing
            ],
            series=series(self._figures),
            failures=list(self._failures.values()),
        )


def _start_of(subject: Subject) -> Figure:
    return Figure(
        phase=START,
        subject=subject.name,
        unit=MILLISECONDS,
        rate=subject.start_seconds * 1000,
        rate_per_cpu=subject.cpu_seconds() * 1000,
        peak_mib=subject.peak_memory() / MIB,
        others=0,
    )


def compare(
    competing: Sequence[Registry], phases: Phases, scale: Scale, rounds: int, minutes: float, data: Path
) -> Results:
    """So many rounds; none is begun once the minutes are over."""
    machine = described(data)
    run = Comparison(competing, phases, scale, data)
    begun = time.monotonic()
    with TemporaryDirectory(prefix="entrepot-compare-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        layers = Layers(Path(folder), scale)
        for number in range(rounds):
            if time.monotonic() - begun < minutes * 60:
                run.measure(layers, number)
    return run.results(machine)


def write(results: Results, folder: Path) -> None:
    """The page, the plot that it shows, and the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    # With a line for each series, so that two runs can be laid side by side.
    (folder / "benchmarks.json").write_bytes(msgspec.json.encode(results).replace(b"},{", b"},\n{") + b"\n")
    (folder / "benchmarks.svg").write_text(plot(results))
    (folder / "benchmarks.md").write_text(page(results))


def _of_transfers(layers: Layers, _scale: Scale, _number: int) -> Iterator[Phase]:
    return transfers(layers)


def main() -> int:
    """Parse the options, measure, write; 1 if Entrepot failed in a phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small layers, short phases, 3 rounds: a first look")
    size.add_argument("--smoke", action="store_true", help="as little as can be: whether it runs at all")
    parser.add_argument(
        "--s3", action="store_true", help="pushes and pulls of layers through one S3 server, versitygw"
    )
    parser.add_argument("--rounds", type=int, help="default: 6, with --quick 3, with --smoke 1")
    parser.add_argument("--minutes", type=float, default=90, help="no round is begun after so many (default: 90)")
    parser.add_argument("--workers", type=int, default=1, help="of Entrepot (default: 1, as it comes)")
    parser.add_argument("--zot", type=Path, help="zot's program, if it is not on PATH")
    parser.add_argument(
        "--data", type=Path, default=Path("build"), help="on the disk that is measured (default: build)"
    )
    parser.add_argument("--to", type=Path, default=Path("build/benchmarks"), help="default: build/benchmarks")
    parser.add_argument("--publish", action="store_true", help="write into docs/reference instead")
    parser.add_argument("--from", dest="measured", type=Path, help="a benchmarks.json to write anew, unmeasured")
    options = parser.parse_args()
    if options.s3 and options.publish:
        parser.error("--publish is for the comparison on disk")
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)

    if options.measured is not None:
        results = msgspec.json.decode(options.measured.read_bytes(), type=Results)
    else:
        options.data.mkdir(parents=True, exist_ok=True)
        scale, rounds = SMOKE if options.smoke else QUICK if options.quick else FULL
        run = partial(
            compare, scale=scale, rounds=options.rounds or rounds, minutes=options.minutes, data=options.data
        )
        if options.s3:
            with s3_server() as s3:
                results = run(registries_over(s3, options.workers), _of_transfers)
        else:
            results = run(registries(options.workers, options.zot), of_a_round)
    write(results, PROJECT / "docs/reference" if options.publish else options.to)

    sys.stdout.write(report(results))
    return int(any(failure.subject == OURS for failure in results.failures))


if __name__ == "__main__":
    sys.exit(main())
