"""What was measured, and tables of Entrepot beside its peers."""

import os
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.ratios import Ratio, ratio
from benchmarks.subjects import OURS, Subject

MIB = 1024 * 1024
#: A phase that is no rate: its unit is that of a time, and less is better.
START = "start to the first answer"
MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One phase of one round: MB or requests a second, and a second of server CPU; peak memory in MiB.

    `others` is how many cores were used meanwhile by neither the server nor this client.
    """

    phase: str
    subject: str
    unit: str
    rate: float
    rate_per_cpu: float
    peak_mib: float
    others: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One phase on one registry, round by round; the members are those of `Figure`."""

    phase: str
    subject: str
    unit: str
    rate: list[float] = field(default_factory=list[float])
    rate_per_cpu: list[float] = field(default_factory=list[float])
    peak_mib: list[float] = field(default_factory=list[float])
    others: list[float] = field(default_factory=list[float])


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a round does: sizes of layers, and the length of each phase of requests in seconds."""

    large_mib: int = 1024
    small_mib: int = 64
    trace_mb: int = 32
    trace_images: int = 32
    seconds: float = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Competitor:
    """A registry that was measured; the members are those of `Registry`."""

    name: str
    version: str
    durability: str
    syncs_layers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A phase that a registry has not done, or has not gone on with; why, in its own words."""

    phase: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A whole run."""

    date: str
    scale: Scale
    machine: dict[str, str]
    competitors: list[Competitor]
    series: list[Series]
    failures: list[Failure]

    @property
    def weaker(self) -> list[str]:
        """Those whose pushes promise less than ours."""
        return [each.name for each in self.competitors if not each.syncs_layers]


def measured(subject: Subject, phase: str, unit: str, work: Callable[[], tuple[float, float]]) -> Figure:
    """Run `work`, which answers how much it did in how many seconds, between two looks at the server."""
    subject.reset_peak_memory()
    server, client, machine, begun = (
        subject.cpu_seconds(),
        time.process_time(),
        _busy_seconds(),
        time.perf_counter(),
    )
    done, seconds = work()
    elapsed = time.perf_counter() - begun
    others = _busy_seconds() - machine - (time.process_time() - client)
    cpu = subject.cpu_seconds() - server
    return Figure(
        phase=phase,
        subject=subject.name,
        unit=unit,
        rate=done / seconds,
        rate_per_cpu=done / max(cpu, 1 / os.sysconf("SC_CLK_TCK")),
        peak_mib=subject.peak_memory() / MIB,
        others=max(0, others - cpu) / elapsed,
    )


def _busy_seconds() -> float:
    """CPU time of the whole machine but for what was idle, waited for a disk, or was taken by its host."""
    with open("/proc/stat") as stat:  # noqa: PTH123 - one line, often
        user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def series(figures: Iterable[Figure]) -> list[Series]:
    """The figures by phase and registry, in the order of the first of each."""
    found: dict[tuple[str, str], Series] = {}
    for figure in figures:
        one = found.setdefault(
            (figure.phase, figure.subject), Series(phase=figure.phase, subject=figure.subject, unit=figure.unit)
        )
        one.rate.append(_rounded(figure.rate))
        one.rate_per_cpu.append(_rounded(figure.rate_per_cpu))
        one.peak_mib.append(_rounded(figure.peak_mib))
        one.others.append(_rounded(figure.others))
    return list(found.values())


def _rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")


Measure = Callable[[Series], list[float]]

#: What is compared, with the words for it.
MEASURES: Mapping[str, Measure] = {
    "a second": lambda one: one.rate,
    "a second of server CPU": lambda one: one.rate_per_cpu,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One of our series, how many times as much it is as each peer's, by name, and the name of the best peer."""

    ours: Series
    title: str
    peers: Mapping[str, tuple[Series, Ratio]]
    best: str | None

    @property
    def ratio(self) -> Ratio | None:
        """How many times as much as the best peer, None without one."""
        return self.peers[self.best][1] if self.best is not None else None


def rows(found: Sequence[Series], measure: Measure, weaker: Collection[str] = (), ours: str = OURS) -> list[Row]:
    """A row for each phase of ours, and for each of a variant of ours, whose name begins with ours.

    Where a phase has both, it costs something to be durable, and no peer that is `weaker` is the best beside ours.
    """
    mine = [one for one in found if one.subject.startswith(ours) and one.unit != MILLISECONDS]
    in_order = list(dict.fromkeys(one.phase for one in mine))
    made: list[Row] = []
    for one in sorted(mine, key=lambda one: in_order.index(one.phase)):
        peers = {
            other.subject: (other, ratio(measure(one), measure(other)))
            for other in found
            if other.phase == one.phase and other not in mine
        }
        costs = one.subject == ours and any(other.phase == one.phase for other in mine if other is not one)
        fair = [name for name in peers if not (costs and name in weaker)]
        best = max(fair, key=lambda name: statistics.median(measure(peers[name][0])), default=None)
        made.append(Row(one, one.phase + one.subject.removeprefix(ours), peers, best))
    return made


def comparison(found: Sequence[Series], weaker: Collection[str] = (), ours: str = OURS) -> str:
    """A table for each measure: medians, and below each peer's name how many times as much we do."""
    peers = list(dict.fromkeys(one.subject for one in found if not one.subject.startswith(ours)))
    several = len(peers) > 1
    parts: list[str] = []
    for words, measure in MEASURES.items():
        lines: list[list[str]] = []
        for row in rows(found, measure, weaker, ours):
            best = _said(row.ratio) if row.ratio is not None else ""
            cells = [
                f"{_number(measure(row.peers[name][0]))}: {_said(row.peers[name][1])}" if name in row.peers else ""
                for name in peers
            ]
            lines.append([f"{row.title}, {row.ours.unit}", _number(measure(row.ours)), *[best] * several, *cells])
        parts.append(table([words, ours, *["best peer"] * several, *peers], lines))
    return "\n\n".join(parts)


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, padded so that it can be read as it stands; numbers to the right."""
    cells = [list(head), *map(list, lines)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in cells
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])


def _number(values: Sequence[float]) -> str:
    median = statistics.median(values)
    return f"{median:.1f}" if median < 10 else f"{median:,.0f}"  # noqa: PLR2004 - two digits are to be seen


def _said(times: Ratio) -> str:
    return f"{times.median:.2f} ({times.low:.2f}-{times.high:.2f})"
