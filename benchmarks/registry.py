"""Measure pushes, pulls and request rates of Entrepot, beside distribution in the same run: `scripts/bench`.

MB are 10^6 bytes. Rounds take turns between the registries; each figure is the median of its rounds. Wall-clock
rates are those of one client on the same machine; the rate per second of server CPU is steadier on a shared one.
Entrepot syncs to disk whatever it acknowledges, distribution never does: the pushes are not equally durable.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from hashlib import file_digest, sha256
from itertools import count
from pathlib import Path

from tests.live.images import Image, digest_of, image
from tests.live.wire import api_request

from benchmarks.client import Client
from benchmarks.load import request_rate
from benchmarks.report import MIB, Figure, measured, medians, table
from benchmarks.subjects import Subject, distribution, entrepot

CHUNK = 10 * MIB
PARALLEL = 8


class Layers:
    """The bytes of the pushes, in files on tmpfs: fresh before each push, so that no registry has them."""

    def __init__(self, folder: Path, large_mib: int, small_mib: int) -> None:
        self.large = _file(folder / "large", large_mib)
        self.small = [_file(folder / f"small-{number}", small_mib) for number in range(PARALLEL)]


def transfers(client: Client, layers: Layers) -> Iterator[Figure]:
    """Push and pull the large layer, then the small ones all at once."""
    measure = partial(_transfer, client.subject)
    size = layers.large.stat().st_size
    digest = _freshen(layers.large)
    yield measure("push", size, lambda: client.push(layers.large, digest))
    yield measure("pull", size, lambda: client.pull(digest))
    chunked = _freshen(layers.large)
    yield measure("push in 10 MiB chunks", size, lambda: client.push(layers.large, chunked, CHUNK))
    size = sum(file.stat().st_size for file in layers.small)
    digests = [_freshen(file) for file in layers.small]
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield measure("parallel push", size, lambda: list(pool.map(client.push, layers.small, digests)))
        yield measure("parallel pull", size, lambda: list(pool.map(client.pull, digests)))


def requests(client: Client, seconds: float) -> Iterator[Figure]:
    """Ask the same small things again and again."""
    content = image(secrets.token_bytes(4096))
    client.push_image(content)
    for phase, next_request in _small_requests(client, content).items():
        work = partial(request_rate, "127.0.0.1", client.subject.port, next_request, seconds)
        yield measured(client.subject, phase, "/s", work)


def _small_requests(client: Client, content: Image) -> dict[str, Callable[[], bytes]]:
    numbers = count()
    by_tag = client.manifest("first")
    blob = f"/v2/{client.repository}/blobs/{digest_of(content.blobs[1])}"

    def another_image() -> bytes:
        """A new manifest of the same blobs, under a new tag."""
        number = next(numbers)
        manifest = content.manifest[:-1] + f', "annotations": {{"number": "{number}"}}}}'.encode()
        return client.request("PUT", client.manifest(f"t{number}"), manifest)

    requests: dict[str, Callable[[], bytes]] = {
        "manifest GET by tag": _always(client.request("GET", by_tag)),
        "manifest HEAD by tag": _always(client.request("HEAD", by_tag)),
        "blob HEAD": _always(client.request("HEAD", blob)),
        "blob GET 4 KiB": _always(client.request("GET", blob)),
        "manifest PUT, same": _always(client.request("PUT", by_tag, content.manifest)),
        "manifest PUT, new": another_image,
    }
    if client.subject.server is not None:
        call = {"repositoryName": client.repository, "imageIds": [{"imageTag": "first"}]}
        requests["BatchGetImage"] = _always(b"".join(api_request(client.subject.server, "BatchGetImage", call)))
    return requests


def _always(request: bytes) -> Callable[[], bytes]:
    return lambda: request


def _transfer(subject: Subject, phase: str, size: int, work: Callable[[], object]) -> Figure:
    def timed() -> tuple[float, float]:
        start = time.perf_counter()
        work()
        return size / 1e6, time.perf_counter() - start

    os.sync()  # what was written before is not to slow this phase down
    return measured(subject, phase, "MB/s", timed)


def _file(path: Path, mib: int) -> Path:
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    return path


def _freshen(path: Path) -> str:
    """Change the first bytes; the new digest."""
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
        file.seek(0)
        return f"sha256:{file_digest(file, sha256).hexdigest()}"


def measure(options: argparse.Namespace) -> list[Figure]:
    """All rounds on all registries."""
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        layers = Layers(folder, options.size_mib, options.parallel_mib)
        subjects = [stack.enter_context(entrepot("--workers", str(options.workers)))]
        if options.peer is not None:
            subjects.append(stack.enter_context(distribution(options.peer)))
        for _ in range(options.rounds):
            for subject in subjects:
                client = Client(subject, f"bench/{secrets.token_hex(4)}")
                if options.only != "requests":
                    figures += transfers(client, layers)
                if options.only != "transfers":
                    figures += requests(client, options.seconds)
    return medians(figures)


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size-mib", type=int, default=1024, help="the large layer")
    parser.add_argument("--parallel-mib", type=int, default=64, help="each of the eight small layers")
    parser.add_argument("--seconds", type=float, default=4, help="length of each phase of requests")
    parser.add_argument("--only", choices=["transfers", "requests"])
    parser.add_argument("--workers", type=int, default=1, help="of Entrepot")
    parser.add_argument("--peer", type=Path, help="distribution's program; without it Entrepot is measured alone")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    figures = measure(options)

    as_json = options.output == "json"
    sys.stdout.write(json.dumps([asdict(each) for each in figures], indent=2) if as_json else table(figures))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
