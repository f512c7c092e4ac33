"""What was measured: medians over the rounds, and a table of Entrepot beside its peer."""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.subjects import Subject

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One phase on one registry: MB or requests a second, and a second of server CPU; peak memory in MiB."""

    phase: str
    subject: str
    unit: str
    rate: float
    rate_per_cpu: float
    peak_mib: float


def measured(subject: Subject, phase: str, unit: str, work: Callable[[], tuple[float, float]]) -> Figure:
    """Run `work`, which answers how much it did in how many seconds, between two looks at the server."""
    subject.reset_peak_memory()
    before = subject.cpu_seconds()
    done, seconds = work()
    cpu = max(subject.cpu_seconds() - before, 1 / os.sysconf("SC_CLK_TCK"))
    peak = subject.peak_memory() / MIB
    return Figure(
        phase=phase, subject=subject.name, unit=unit, rate=done / seconds, rate_per_cpu=done / cpu, peak_mib=peak
    )


def medians(figures: list[Figure]) -> list[Figure]:
    """One figure a phase and registry: the medians of the rates, and the highest peak."""
    grouped: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        grouped.setdefault((figure.phase, figure.subject), []).append(figure)
    return [
        Figure(
            phase=phase,
            subject=subject,
            unit=group[0].unit,
            rate=statistics.median(figure.rate for figure in group),
            rate_per_cpu=statistics.median(figure.rate_per_cpu for figure in group),
            peak_mib=max(figure.peak_mib for figure in group),
        )
        for (phase, subject), group in grouped.items()
    ]


def table(figures: list[Figure], peer_name: str = "distribution") -> str:
    """Entrepot and its peer side by side, with ratios; above 1 Entrepot does more."""
    found = {(figure.phase, figure.subject): figure for figure in figures}
    columns = "".join(f"{title:>10}" for title in ("entrepot", peer_name[:9], "ratio"))
    lines = [
        f"{'':<28}{'a second':>30}{'a second of server CPU':>30}{'peak MiB':>20}",
        f"{'':<28}{columns}{columns}{columns[:20]}",
    ]
    for phase in dict.fromkeys(figure.phase for figure in figures):
        ours, peer = found[phase, "entrepot"], found.get((phase, peer_name))
        cells = [
            *_compared(ours.rate, peer.rate if peer else None),
            *_compared(ours.rate_per_cpu, peer.rate_per_cpu if peer else None),
            *_compared(ours.peak_mib, peer.peak_mib if peer else None)[:2],
        ]
        lines.append(f"{phase:<22}{ours.unit:<6}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)


def _compared(ours: float, peer: float | None) -> tuple[str, str, str]:
    if peer is None:
        return f"{ours:.0f}", "", ""
    return f"{ours:.0f}", f"{peer:.0f}", f"{ours / peer:.2f}"
