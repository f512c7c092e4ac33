"""The ratios as a plot, in SVG: a dot with its interval for each phase, beside the best peer.

Written by hand: it is some lines and text, the same bytes for the same figures, and nothing has to be installed.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.ratios import Ratio
from benchmarks.report import MEASURES, Results, Row, rows

LINE = 20
TOP = 54
NAMES, PANEL, GAP = 250, 270, 30
#: More, less, and neither for certain.
GREEN, RED, GREY = "#1a7f37", "#cf222e", "#6e7781"


def plot(results: Results) -> str:
    """An SVG with a panel for each measure; phases without a peer are left out."""
    panels = {
        words: [row for row in rows(results.series, measure, results.weaker) if row.best]
        for words, measure in MEASURES.items()
    }
    ratios = [ratio for shown in panels.values() for row in shown if (ratio := row.ratio)]
    ticks = _ticks(ratios)
    names = [row.title for row in next(iter(panels.values()))]
    width, height = NAMES + len(panels) * (PANEL + GAP), TOP + LINE * len(names) + 10
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_text(NAMES - 10, TOP + LINE * line, name, "end") for line, name in enumerate(names)),
    ]
    for number, (words, shown) in enumerate(panels.items()):
        left = NAMES + number * (PANEL + GAP)
        parts.append(_text(left + PANEL / 2, 18, f"times the best peer, {words}", "middle", "bold"))
        parts += _axis(left, ticks, height)
        for line, row in enumerate(shown):
            parts += _dot(left, TOP + LINE * line, row, ticks)
    return "\n".join([*parts, "</svg>", ""])


def _ticks(ratios: Sequence[Ratio]) -> list[float]:
    """Powers of two around all of the intervals, and around 1."""
    low = min([1.0, *(ratio.low for ratio in ratios)])
    high = max([1.0, *(ratio.high for ratio in ratios)])
    return [2.0**power for power in range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)]


def _place(left: float, ratio: float, ticks: Sequence[float]) -> float:
    span = math.log2(ticks[-1] / ticks[0]) or 1
    return left + PANEL * math.log2(ratio / ticks[0]) / span


def _axis(left: float, ticks: Sequence[float], height: float) -> Iterator[str]:
    for tick in ticks:
        x = _place(left, tick, ticks)
        colour, width = ("#24292f", 1.5) if tick == 1 else ("#d0d7de", 1)
        yield _line(x, TOP - 14, x, height - 6, colour, width)
        yield _text(x, TOP - 20, f"{tick:g}", "middle")


def _dot(left: float, y: float, row: Row, ticks: Sequence[float]) -> Iterator[str]:
    ratio = row.ratio
    assert ratio is not None
    colour = GREEN if ratio.low > 1 else RED if ratio.high < 1 else GREY
    low, middle, high = (_place(left, value, ticks) for value in (ratio.low, ratio.median, ratio.high))
    said = f"{row.title}: {ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f}) times {row.best}"
    yield f"<g><title>{escape(said)}</title>"
    yield _line(low, y, high, y, colour, 2)
    yield f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/></g>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )
