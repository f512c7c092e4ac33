"""Measure what collecting garbage costs on a large store, beside a small one: `scripts/bench collection`.

Each round deletes as many images of both stores by BatchDeleteImage and then collects them to the end: image rows,
links of layers, blobs, and their bytes. The clock of the collector is set far ahead, so that every lease and every
download URL has run out. Times are milliseconds an image, of the collector's wall clock without its pauses. With
`--database postgresql` both stores are in a PostgreSQL server that is started for them and syncs what it commits.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.filling import FAR_OFF, FILLED, Contents
from benchmarks.latency import Line
from benchmarks.stores import DATABASES, Store, filled
from entrepot.core.clock import DAY, system_clock
from entrepot.core.garbage import Cause
from entrepot.operations.collection import Collected
from entrepot.operations.sweeps import collecting_sweeps
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping

#: Images that one call of BatchDeleteImage names at most.
AT_ONCE = 100
#: The days on which a collector comes: images, then links that are due, then bytes without a URL.
STAGES = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One round on a store of so many images: milliseconds for each deleted, and what was removed for good."""

    images: int
    milliseconds: float
    blobs: int
    manifests: int


def delete(store: Store, numbers: Iterator[int], count: int) -> None:
    """Delete the next so many images."""
    with Line(store.server.port) as line:
        for _ in range(0, count, AT_ONCE):
            ids = [{"imageDigest": store.contents.digest(next(numbers))} for _ in range(AT_ONCE)]
            answer = json.loads(line.ask(store.call("BatchDeleteImage", repositoryName=FILLED, imageIds=ids)))
            if answer["failures"]:
                raise RuntimeError(f"not deleted: {answer['failures'][0]}")


async def collect(store: Store) -> tuple[float, Collected]:
    """Sweep until nothing is left to do; the seconds that the sweeps took."""
    collected = Collected()
    settings = Settings(data=store.server.data, database=store.url)
    taken = 0.0
    async with opened_for_sweeping(settings, collected) as opened:
        for day in STAGES:
            services = replace(opened, clock=partial(_clock_ahead, FAR_OFF + day * DAY))
            busy = True
            while busy:
                busy = False
                for sweep in collecting_sweeps():
                    begun = time.perf_counter()
                    busy = await sweep(services) or busy
                    taken += time.perf_counter() - begun
    return taken, collected


def _clock_ahead(by: int) -> int:
    return system_clock() + by


def rounds(stores: list[Store], count: int, images: int) -> Iterator[Collection]:
    """Delete so many images and collect, on each store in turn."""
    numbers = [iter(range(1, store.contents.images + 1)) for store in stores]
    for _ in range(count):
        for store, its_numbers in zip(stores, numbers, strict=True):
            delete(store, its_numbers, images)
            seconds, collected = asyncio.run(collect(store))
            yield Collection(
                images=store.contents.images,
                milliseconds=seconds * 1000 / images,
                blobs=collected.count[Cause.IMAGE],
                manifests=collected.count[Cause.MANIFEST],
            )


def table(found: list[Collection]) -> str:
    """The median of each store, and their ratio."""
    sizes = sorted({each.images for each in found})
    medians = [statistics.median(each.milliseconds for each in found if each.images == size) for size in sizes]
    lines = [f"{'images in the store':>20}{'ms an image':>14}{'rounds':>30}"]
    for size, median in zip(sizes, medians, strict=True):
        each_round = " ".join(f"{each.milliseconds:.2f}" for each in found if each.images == size)
        lines.append(f"{size:>20,}{median:>14.2f}{each_round:>30}")
    removed = ", ".join(sorted({f"{each.blobs:,} blobs and {each.manifests:,} manifests" for each in found}))
    return "\n".join([*lines, f"ratio {medians[-1] / medians[0]:.2f}; each round removed {removed}"])


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    parser.add_argument("--small", type=int, default=10_000, help="images in the small store")
    parser.add_argument("--large", type=int, default=1_000_000, help="images in the large store")
    parser.add_argument("--deleted", type=int, default=1_000, help="images that a round deletes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    contents = {
        name: Contents(tagged=size // 2, untagged=size // 2, repositories=2)
        for name, size in (("small", options.small), ("large", options.large))
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="entrepot-collection-")))
        stores = filled(stack, options.database, folder, contents, "--no-background-worker")
        for store in stores:
            store.start(stack)
        found = list(rounds(stores, options.rounds, options.deleted))

    as_json = options.output == "json"
    sys.stdout.write(json.dumps([asdict(each) for each in found], indent=2) if as_json else table(found))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
