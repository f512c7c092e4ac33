"""Measure what calls cost on a large store, beside a store of exactly one page: `scripts/bench scale`.

The large one has 100,000 images in one repository and 100,000 repositories; `--images 1000000 --own 10` makes a
million tags and ten million rows of layers. The calls take turns between the two, so that both meet the same
noise. Then PutImage is measured on two workers while DeleteRepository (force) drains the large repository. Times
are milliseconds from the first byte sent to the last byte received. With `--database postgresql` both stores are
in a PostgreSQL server that is started for them and syncs what it commits.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.filling import BESIDE, FILLED, Contents
from benchmarks.stores import DATABASES, Store, filled

PAGE = 100
#: Seconds between two looks at how far the drain has come.
LOOK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one call takes, in milliseconds, on the store of one page and on the large one."""

    call: str
    small_p50: float
    small_p99: float
    large_p50: float
    large_p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """PutImage while a repository is drained: milliseconds; how long it took, and whether it came to its end."""

    p50: float
    p99: float
    worst: float
    calls: int
    images: int
    seconds: float


Request = Callable[[], bytes]


def requests_of(store: Store) -> Iterator[tuple[str, Request]]:
    """Each call that is measured, by name."""
    number = store.contents.images // 2 + 1
    tag = store.contents.tags(number)[0]
    in_filled: Mapping[str, object] = {"repositoryName": FILLED}
    by_tag = [{"imageTag": tag}]
    fixed = {
        "DescribeRepositories, a page": store.call("DescribeRepositories"),
        "DescribeRepositories, by name": store.call("DescribeRepositories", repositoryNames=[FILLED]),
        "DescribeImages, by tag": store.call("DescribeImages", **in_filled, imageIds=by_tag),
        "BatchGetImage, by tag": store.call("BatchGetImage", **in_filled, imageIds=by_tag),
        "BatchCheckLayerAvailability": store.call(
            "BatchCheckLayerAvailability", **in_filled, layerDigests=store.contents.layer_digests(number)
        ),
        "GET manifest, by tag": store.get(f"/v2/{FILLED}/manifests/{tag}"),
        "GET tags, a page": store.get(f"/v2/{FILLED}/tags/list?n={PAGE}"),
    }
    for operation in ("ListImages", "DescribeImages"):
        for status in ("ANY", "TAGGED", "UNTAGGED"):
            request = store.call(operation, **in_filled, filter={"tagStatus": status}, maxResults=PAGE)
            fixed[f"{operation}, a page, {status}"] = request
    deep: list[tuple[str, Mapping[str, object]]] = [
        ("DescribeRepositories", {}),
        ("ListImages", in_filled),
        ("DescribeImages", in_filled),
    ]
    for operation, members in deep:
        token = store.deep_token(operation, **members)
        more = {"nextToken": token} if token else {}
        fixed[f"{operation}, a deep page"] = store.call(operation, **members, **more, maxResults=PAGE)
    for name, request in fixed.items():
        yield name, partial(bytes, request)
    yield "PutImage, new", store.put_image


def costs(small: Store, large: Store, calls: int) -> list[Cost]:
    """Each call so many times on both stores, in turns."""
    found: list[Cost] = []
    for (name, on_small), (_, on_large) in zip(requests_of(small), requests_of(large), strict=True):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(calls):
            times[0].append(small.line.time(on_small()))
            times[1].append(large.line.time(on_large()))
        found.append(
            Cost(
                call=name,
                small_p50=statistics.median(times[0]),
                small_p99=p99(times[0]),
                large_p50=statistics.median(times[1]),
                large_p99=p99(times[1]),
            )
        )
    return found


def drain(store: Store, seconds: float) -> Drain:
    """PutImage beside the large repository, one after the other, until that is drained or the time is over."""
    store.line.ask(store.call("DeleteRepository", repositoryName=FILLED, force=True))
    times: list[float] = []
    begun = looked = time.perf_counter()
    left = 1
    while left and time.perf_counter() - begun < seconds:
        times.append(store.line.time(store.put_image(BESIDE)))
        if time.perf_counter() - looked > LOOK:
            left, looked = store.images_left(), time.perf_counter()
    return Drain(
        p50=statistics.median(times),
        p99=p99(times),
        worst=max(times),
        calls=len(times),
        images=store.contents.images - store.images_left(),
        seconds=time.perf_counter() - begun,
    )


def p99(times: list[float]) -> float:
    """The time that 99 of 100 calls keep to."""
    return statistics.quantiles(times, n=100, method="inclusive")[98]


def table(found: list[Cost], drained: Drain) -> str:
    """The costs, with the ratio of the large store to that of one page, and the drain."""
    titles = ("one page", "large", "ratio")
    lines = [
        f"{'':<32}{'p50, ms':>30}{'p99, ms':>30}",
        f"{'':<32}" + "".join(f"{title:>10}" for title in titles * 2),
    ]
    for cost in found:
        numbers = (
            *(cost.small_p50, cost.large_p50, cost.large_p50 / cost.small_p50),
            *(cost.small_p99, cost.large_p99, cost.large_p99 / cost.small_p99),
        )
        lines.append(f"{cost.call:<32}" + "".join(f"{number:>10.2f}" for number in numbers))
    lines.append(
        f"PutImage while {drained.images} images were drained in {drained.seconds:.0f} s, "
        f"{drained.images / drained.seconds:.0f} a second: p50 {drained.p50:.1f}, p99 {drained.p99:.1f}, "
        f"worst {drained.worst:.1f} ms of {drained.calls} calls"
    )
    return "\n".join(lines)


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--own", type=int, default=2, help="blobs that an image shares with no other")
    parser.add_argument("--repositories", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=300, help="of each kind, on each store")
    parser.add_argument("--drain-seconds", type=float, default=1800, help="the longest that the drain is watched")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    one_page = Contents(tagged=PAGE, untagged=PAGE, repositories=PAGE, own=options.own)
    many = Contents(
        tagged=options.images - PAGE, untagged=PAGE, repositories=options.repositories, own=options.own
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="entrepot-scale-")))
        stores = {"small": one_page, "large": many}
        small, large = filled(stack, options.database, folder, stores, "--workers", "2")
        for store in (small, large):
            store.start(stack)
        found = costs(small, large, options.calls)
        drained = drain(large, options.drain_seconds)

    as_json = {"calls": [asdict(cost) for cost in found], "drain": asdict(drained)}
    sys.stdout.write(json.dumps(as_json, indent=2) if options.output == "json" else table(found, drained))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
