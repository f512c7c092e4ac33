"""Who is compared with whom, and what tables, plot and page say of it."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from benchmarks.page import page
from benchmarks.plot import GREEN, GREY, RED, plot
from benchmarks.report import (
    MEASURES,
    START,
    Competitor,
    Failure,
    Figure,
    Results,
    Row,
    Scale,
    comparison,
    rows,
    series,
)
from benchmarks.subjects import OURS, UNSYNCED

BY_THE_CLOCK = MEASURES["a second"]
SVG = "{http://www.w3.org/2000/svg}"


def figures(phase: str, subject: str, *rates: float) -> list[Figure]:
    """Rounds of one phase."""
    return [
        Figure(phase=phase, subject=subject, unit="/s", rate=rate, rate_per_cpu=2 * rate, peak_mib=50, others=0.1)
        for rate in rates
    ]


def start(subject: str) -> Figure:
    """How long it took to the first answer."""
    return Figure(phase=START, subject=subject, unit="ms", rate=100, rate_per_cpu=1, peak_mib=40, others=0)


@pytest.fixture
def results() -> Results:
    """Two peers, one of which promises less; one phase that is won, one that is lost, one that is open."""
    found = [
        *figures("push", OURS, 20, 21, 22, 20, 21, 22),
        *figures("push", UNSYNCED, 30, 31, 32, 30, 31, 32),
        *figures("push", "durable", 10, 10, 10, 10, 10, 10),
        *figures("push", "hasty", 40, 40, 40, 40, 40, 40),
        *figures("pull", OURS, 5, 5, 5, 5, 5, 5),
        *figures("pull", "durable", 9, 9, 9, 9, 9, 9),
        *figures("pull", "hasty", 10, 10, 10, 10, 10, 10),
        *figures("list", OURS, 9, 10, 11, 9, 10, 11),
        *figures("list", "hasty", 10, 10, 10, 10, 10, 10),
        *figures("BatchGetImage", OURS, 5),
        *map(start, [OURS, UNSYNCED, "durable", "hasty"]),
    ]
    syncs = {OURS: True, UNSYNCED: False, "durable": True, "hasty": False}
    return Results(
        date="2026-01-31",
        scale=Scale(),
        machine={"CPU": "one"},
        competitors=[
            Competitor(name=name, version="1.0", durability="-", syncs_layers=synced)
            for name, synced in syncs.items()
        ],
        series=series(found),
        failures=[Failure(phase="list", subject="durable", reason="unexpected answer: HTTP/1.1 404 Not Found")],
    )


def row(results: Results, title: str) -> Row:
    """The row of a title, by the clock."""
    return next(row for row in rows(results.series, BY_THE_CLOCK, results.weaker) if row.title == title)


def test_a_durable_push_is_held_against_the_best_durable_peer(results: Results) -> None:
    """A peer that has synced nothing when it answers has done another thing."""
    assert row(results, "push").best == "durable"


def test_a_push_without_fsync_is_held_against_the_best_of_all(results: Results) -> None:
    """It promises least, so no peer promises too little."""
    assert row(results, "push, no fsync").best == "hasty"


def test_a_read_is_held_against_the_best_of_all(results: Results) -> None:
    """To read costs no durability."""
    assert row(results, "pull").best == "hasty"


def test_a_phase_that_no_peer_has_done_has_no_ratio(results: Results) -> None:
    """It is shown by itself."""
    assert row(results, "BatchGetImage").ratio is None


def test_phases_stay_in_their_order_and_a_variant_follows_its_phase(results: Results) -> None:
    """A reader finds the phases where the run had them."""
    titles = [row.title for row in rows(results.series, BY_THE_CLOCK)]

    assert titles == ["push", "push, no fsync", "pull", "list", "BatchGetImage"]


def test_every_peer_is_in_the_table_whether_it_wins_or_not(results: Results) -> None:
    """Losses are told as wins are."""
    line = next(
        line for line in comparison(results.series, results.weaker).splitlines() if line.startswith("| pull")
    )

    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "pull, /s",
        "5.0",
        "0.50 (0.50-0.50)",
        "9.0: 0.56 (0.56-0.56)",
        "10: 0.50 (0.50-0.50)",
    ]


def test_the_lines_of_a_table_are_equally_long(results: Results) -> None:
    """It is read in a terminal too."""
    by_the_clock, by_cpu = comparison(results.series, results.weaker).split("\n\n")

    assert len({len(line) for line in by_the_clock.splitlines()}) == 1
    assert len({len(line) for line in by_cpu.splitlines()}) == 1


def test_the_plot_tells_wins_losses_and_what_is_open_by_colour(results: Results) -> None:
    """Green above 1 for certain, red below, grey where the interval holds 1."""
    svg = ET.fromstring(plot(results))

    colours = {
        (title.text or "").partition(":")[0]: circle.attrib["fill"]
        for group in svg.iter(f"{SVG}g")
        for title, circle in zip(group.iter(f"{SVG}title"), group.iter(f"{SVG}circle"), strict=True)
    }
    assert colours == {"push": GREEN, "push, no fsync": RED, "pull": RED, "list": GREY}


def test_what_is_plotted_lies_within_the_plot(results: Results) -> None:
    """Also the widest interval."""
    svg = ET.fromstring(plot(results))
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])

    lines = list(svg.iter(f"{SVG}line"))

    assert lines
    assert all(0 <= float(line.attrib[x]) <= width for line in lines for x in ("x1", "x2"))
    assert all(0 <= float(line.attrib[y]) <= height for line in lines for y in ("y1", "y2"))


def test_the_same_results_make_the_same_plot(results: Results) -> None:
    """A difference between two published plots is one of what was measured."""
    assert plot(results) == plot(results)


def test_the_page_says_how_sure_its_intervals_are_and_what_failed(results: Results) -> None:
    """A reader need not guess either."""
    text = " ".join(page(results).split())

    assert "medians of 6 rounds" in text
    assert "a probability of 96.9%" in text
    assert re.search(r"\| durable +\| +list \| +`unexpected answer: HTTP/1.1 404 Not Found` \|", text)


def test_results_survive_being_written_and_read(results: Results) -> None:
    """A page can be made anew from the figures that were published with it."""
    read = msgspec.json.decode(msgspec.json.encode(results), type=Results)

    assert read == results
    assert page(read) == page(results)
