"""What a comparison has found, in Markdown: the report that is printed, and the page of the documentation."""

import statistics
from collections.abc import Iterator

from benchmarks.ratios import coverage
from benchmarks.report import START, Results, comparison, table

HEAD = """\
<!-- Written by scripts/bench compare --publish; change the code or the script, not this file. -->

# Benchmarks

Entrepot beside other registries, measured on one machine in one run on {date}, where it wins and where it loses.
[How to measure](../howto/benchmark.md) repeats it on yours. All rounds are in {{download}}`benchmarks.json`.

![How many times as much Entrepot does as the best peer, phase by phase](benchmarks.svg)

In green phases Entrepot does more than the best peer, in red ones less, and in grey ones the rounds do not tell.
"""

METHOD = """\
## How it was measured

All registries run side by side with their settings as they come, on the same file system, and are started anew
on empty folders in each round. A phase is done by one registry after the other, in another order each round. The
client runs on the same machine; layers come from memory, are fresh in each phase, and what is pulled is dropped.
Entrepot authenticates and authorises each request; the others ask nobody. A rate a second of server CPU counts
the time of all processes of a registry, and is steadier than one by the clock where something else runs besides.

Rates are medians of {rounds} rounds. Below a peer's name stands its rate, and how many times as much Entrepot
does: the median of the ratios of the rounds, and in parentheses an interval that holds the true median with a
probability of {coverage:.1%}, whatever the distribution (order statistics of the pairs). *Best peer* is the one
of the highest median; for what is written, of those that have synced a layer when they answer, as Entrepot has.
Rows with *no fsync* are of Entrepot with all syncing left out, which no setting does, beside the best of all.
The peak of memory adds up the processes of a registry; pages that they share are counted in each. The phases:

* *in ranges* asks for 8 MiB at a time over three connections, as containerd 2 does, and *in chunks* pushes 10
  MiB a PATCH; the other pushes are one PUT;
* manifests and small blobs are asked for over eight connections;
* *75 % pulls, 25 % pushes* has images of one layer of 1 MiB; the rate is that of requests;
* *mix of a trace* follows what A. Anwar et al. have published of 38 million requests to IBM's registries ([FAST
  '18](https://www.usenix.org/conference/fast18/presentation/anwar)): 90 to 95 of 100 requests are GET, 65 of 100
  layers are smaller than 1 MB and 80 smaller than 10 MB. Here layers end at {largest} MB, popularity is Zipf's,
  and every second client that gets a manifest has its layer already;
* calls of the ECR API are signed (SigV4); moto, a simulator of AWS, does not look at the signature.
"""


def page(results: Results) -> str:
    """The page of the documentation, which lies beside the plot and the figures."""
    rounds = _rounds(results)
    method = METHOD.format(rounds=rounds, coverage=coverage(rounds), largest=results.scale.trace_mb)
    return "\n".join([HEAD.format(date=results.date), report(results), method])


def report(results: Results) -> str:
    """The tables, and what has to be known to read them."""
    rounds = _rounds(results)
    parts = [
        comparison(results.series, results.weaker),
        f"{rounds} rounds: each interval holds the true median with a probability of {coverage(rounds):.1%}.",
        _competitors(results),
        _machine(results),
        *_failures(results),
    ]
    return "\n\n".join(parts) + "\n"


def _rounds(results: Results) -> int:
    return max(len(one.rate) for one in results.series)


def _competitors(results: Results) -> str:
    lines: list[tuple[str, ...]] = []
    for each in results.competitors:
        own = [one for one in results.series if one.subject == each.name]
        start = statistics.median(value for one in own if one.phase == START for value in one.rate)
        peak = max(value for one in own for value in one.peak_mib)
        lines.append((each.name, each.version, each.durability, f"{start:.0f}", f"{peak:.0f}"))
    return table(
        ["registry", "version", "on the disk when it answers", "ms to the first answer", "peak MiB"], lines
    )


def _machine(results: Results) -> str:
    others = [value for one in results.series if one.phase != START for value in one.others]
    busy = f"{statistics.median(others):.2f} (at most {max(others):.2f} in a phase)"
    return table(["machine", ""], [*results.machine.items(), ("Cores used by other processes", busy)])


def _failures(results: Results) -> Iterator[str]:
    if results.failures:
        yield "Left out, for it was answered with an error:"
        lines = [(each.subject, each.phase, f"`{each.reason[:80]}`") for each in results.failures]
        yield table(["registry", "phase", "answer"], lines)
