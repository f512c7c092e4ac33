"""The phases of a round, in their order: what they push is fresh, so that no registry has it."""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import file_digest, sha256
from itertools import count, cycle
from pathlib import Path

from tests.live.images import IMAGE, Image, descriptor, digest_of, image
from tests.live.wire import signed_request

from benchmarks import api
from benchmarks.client import MIB, Client
from benchmarks.load import CONNECTIONS, Dialogue, dialogue_rate, request_rate
from benchmarks.report import Scale
from benchmarks.subjects import Part
from benchmarks.trace import MB, Trace, pull, push

CHUNK = 10 * MIB
PARALLEL = 8
PULLERS = 32
TAGS = 100
REFERRERS = 10
MIXED_LAYER = MIB
#: Of so many images that are pulled or pushed, one is pushed.
MIXED = 4


@dataclass(frozen=True, slots=True)
class Phase:
    """What is done to each registry in turn: `work` answers how much was done in how many seconds.

    `prepare` is not measured. Phases that push as much as they can have a repository of their own: else later ones
    would meet more where a registry was faster.
    """

    name: str
    unit: str
    work: Callable[[Client], tuple[float, float]]
    prepare: Callable[[Client], object] = lambda _: None
    part: Part = Part.READ
    repository: str = "shared"


class Layers:
    """The bytes of the pushes, in files on tmpfs."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.large = _file(folder / "large", scale.large_mib)
        self.small = [_file(folder / f"small-{number}", scale.small_mib) for number in range(PARALLEL)]


def of_a_round(layers: Layers, scale: Scale, number: int) -> Iterator[Phase]:
    """All phases; each is to be over before the next is taken, for that changes the layers."""
    yield from transfers(layers)
    yield from _requests(scale.seconds)
    yield from _mixes(scale, number)
    yield from _calls(scale.seconds)


def transfers(layers: Layers) -> Iterator[Phase]:
    """Pushes and pulls of layers, one and several at once."""
    size, name = layers.large.stat().st_size, _named(layers.large)
    digest = _freshen(layers.large)
    yield _transfer(f"push {name}", size, lambda client: client.push(layers.large, digest), Part.WRITE)
    yield _transfer(f"pull {name}", size, lambda client: client.pull(digest))
    yield _transfer(f"pull {name} in ranges", size, lambda client: client.pull_in_ranges(digest, size))
    chunked = _freshen(layers.large)
    yield _transfer(
        f"push {name} in chunks", size, lambda client: client.push(layers.large, chunked, CHUNK), Part.WRITE
    )

    one, name = layers.small[0].stat().st_size, f"{PARALLEL} x {_named(layers.small[0])}"
    digests = [_freshen(file) for file in layers.small]
    with ThreadPoolExecutor(PULLERS) as pool:
        yield _transfer(
            f"push {name} at once",
            PARALLEL * one,
            lambda client: list(pool.map(client.push, layers.small, digests)),
            Part.WRITE,
        )
        yield _transfer(
            f"pull {name} at once", PARALLEL * one, lambda client: list(pool.map(client.pull, digests))
        )
        yield _transfer(
            f"pull one of them {PULLERS} times at once",
            PULLERS * one,
            lambda client: list(pool.map(client.pull, [digests[0]] * PULLERS)),
        )


def _transfer(name: str, size: int, work: Callable[[Client], object], part: Part = Part.READ) -> Phase:
    def timed(client: Client) -> tuple[float, float]:
        begun = time.perf_counter()
        work(client)
        return size / 1e6, time.perf_counter() - begun

    # What was written before is not to slow this phase down.
    return Phase(name, "MB/s", timed, lambda _: os.sync(), part)


def _requests(seconds: float) -> Iterator[Phase]:
    """The same small things again and again."""
    content = image(secrets.token_bytes(4096))
    layer = digest_of(content.blobs[1])
    numbers = count()

    def another(client: Client) -> bytes:
        number = next(numbers)
        return client.request("PUT", client.manifest(f"n{number}"), _numbered(content, number))

    def push_image(client: Client) -> None:
        client.push_image(content)

    def push_tags(client: Client) -> None:
        client.put_manifests({f"t{number:03}": content.manifest for number in range(TAGS)})

    def push_referrers(client: Client) -> None:
        subject = descriptor(IMAGE, content.manifest)
        referrers = (
            json.dumps(json.loads(_numbered(content, number)) | {"subject": subject})
            for number in range(REFERRERS)
        )
        client.put_manifests({digest_of(one.encode()): one.encode() for one in referrers})

    def phase(name: str, method: str, path: Callable[[Client], str], body: bytes = b"") -> Phase:
        def always(client: Client) -> Callable[[], bytes]:
            request = client.request(method, path(client), body)
            return lambda: request

        return _rate(name, seconds, always)

    by_tag = phase("manifest GET by tag", "GET", lambda client: client.manifest("first"))
    yield replace(by_tag, prepare=push_image)
    yield phase("manifest GET by digest", "GET", lambda client: client.manifest(content.digest))
    yield phase("manifest HEAD by tag", "HEAD", lambda client: client.manifest("first"))
    yield phase("manifest HEAD by digest", "HEAD", lambda client: client.manifest(content.digest))
    yield phase("blob HEAD", "HEAD", lambda client: client.blob(layer))
    yield phase("blob GET, 4 KiB", "GET", lambda client: client.blob(layer))
    tags = phase(f"tags list, {TAGS} tags", "GET", lambda client: f"/v2/{client.repository}/tags/list?n={TAGS}")
    yield replace(tags, prepare=push_tags)
    referrers = phase(
        f"referrers, {REFERRERS}", "GET", lambda client: f"/v2/{client.repository}/referrers/{content.digest}"
    )
    yield replace(referrers, prepare=push_referrers)
    same = phase("manifest PUT, same", "PUT", lambda client: client.manifest("first"), content.manifest)
    yield replace(same, part=Part.WRITE, repository="puts", prepare=push_image)
    yield replace(
        _rate("manifest PUT, new", seconds, lambda client: partial(another, client)),
        part=Part.WRITE,
        repository="puts",
    )


def _numbered(content: Image, number: int) -> bytes:
    """Another manifest of the same blobs."""
    return content.manifest[:-1] + f', "annotations": {{"number": "{number}"}}}}'.encode()


def _mixes(scale: Scale, number: int) -> Iterator[Phase]:
    held = image(secrets.token_bytes(MIXED_LAYER))
    yield Phase(
        "75 % pulls, 25 % pushes",
        "/s",
        lambda client: dialogue_rate(
            "127.0.0.1", client.subject.port, [_mixed(client, held) for _ in range(CONNECTIONS)], scale.seconds
        ),
        lambda client: client.push_image(held, "held"),
        Part.WRITE,
        "mixed",
    )
    trace = Trace(number, scale.trace_images, scale.trace_mb * MB)
    yield Phase(
        "mix of a trace",
        "/s",
        lambda client: trace.replay(client, scale.seconds),
        trace.push_images,
        Part.WRITE,
        "trace",
    )


def _mixed(client: Client, held: Image) -> Dialogue:
    """Pull an image three times, and push another of one layer of 1 MiB: by turns, without end."""
    for turn in cycle(range(MIXED)):
        if turn:
            yield from pull(client, held, "held")
        else:
            fresh = secrets.token_bytes(16)
            yield from push(client, image(fresh + held.blobs[1][len(fresh) :]), fresh.hex())


def _calls(seconds: float) -> Iterator[Phase]:
    """The ECR API, each call signed once: the client costs little, and a signature holds for five minutes."""
    content = image(secrets.token_bytes(4096))

    def push_image(client: Client) -> None:
        api.push(client.subject, content)

    for position, operation in enumerate(api.calls(content)):
        phase = _rate(operation, seconds, partial(_signed, operation, api.calls(content)[operation]))
        yield replace(phase, part=Part.API, prepare=phase.prepare if position else push_image)


def _signed(operation: str, body: Mapping[str, object], client: Client) -> Callable[[], bytes]:
    request = b"".join(signed_request(client.subject.host, operation, body))
    return lambda: request


def _rate(name: str, seconds: float, next_request: Callable[[Client], Callable[[], bytes]]) -> Phase:
    return Phase(
        name,
        "/s",
        lambda client: request_rate("127.0.0.1", client.subject.port, next_request(client), seconds),
    )


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


def _named(path: Path) -> str:
    mib = path.stat().st_size // MIB
    return f"{mib // 1024} GiB" if mib >= 1024 and mib % 1024 == 0 else f"{mib} MiB"  # noqa: PLR2004
