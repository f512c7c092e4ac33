"""A mix of calls as a registry in production has met it, without the data of a trace.

Published of 38 million requests to IBM's registries in A. Anwar et al., "Improving Docker Registry Design based on
Production Workload Analysis", FAST '18 (https://www.usenix.org/conference/fast18/presentation/anwar):

* 90 to 95 of 100 requests are GET;
* 65 of 100 layers are smaller than 1 MB, 80 smaller than 10 MB;
* the images that are asked for are few: popularity is heavily skewed.

What else a replay needs is chosen here: sizes spread evenly over the logarithm within a class, and end at 32 MB,
so that a round stays short; popularity is Zipf's, with exponent 1; every second client that gets a manifest has
its layer already. A push is what docker sends: HEAD, POST and PUT for config and layer, and PUT of the manifest.
"""

import math
from collections.abc import Mapping
from random import Random

from tests.live.images import Image, digest_of, image

from benchmarks.client import OCTETS, Client, path_of, with_digest
from benchmarks.load import CONNECTIONS, Dialogue, dialogue_rate, expect

KB, MB = 1_000, 1_000_000
#: Where a class of sizes ends, and the share of layers below that.
SIZES: Mapping[int, float] = {1 * MB: 0.65, 10 * MB: 0.80, 32 * MB: 1.0}
SMALLEST = 1 * KB
#: How many of the clients pull, and how many of these need the layer: so 92.5 of 100 requests are GET.
PULLS = 0.983
NEEDS_LAYER = 0.5


class Trace:
    """One round of the mix, the same for every registry: so many images, of layers of at most `largest` bytes."""

    def __init__(self, seed: int, images: int, largest: int) -> None:
        self._seed = seed
        random = Random(seed)  # noqa: S311 - the same draws for every registry
        self._content = random.randbytes(largest)
        self._images = [self._image(random) for _ in range(images)]
        self._popularity = [1 / rank for rank in range(1, images + 1)]

    def push_images(self, client: Client) -> None:
        """What is there before the mix begins."""
        for number, content in enumerate(self._images):
            client.push_image(content, f"v{number}")

    def replay(self, client: Client, seconds: float) -> tuple[int, float]:
        """How many requests were answered, and in how many seconds."""
        dialogues = [self._clients(client, connection) for connection in range(CONNECTIONS)]
        return dialogue_rate("127.0.0.1", client.subject.port, dialogues, seconds)

    def _clients(self, client: Client, connection: int) -> Dialogue:
        """One client after the other on a connection."""
        random = Random(f"{self._seed} {connection}")  # noqa: S311 - as above
        while True:
            if random.random() < PULLS:
                (number,) = random.choices(range(len(self._images)), self._popularity)
                yield from pull(
                    client, self._images[number], f"v{number}", with_layer=random.random() < NEEDS_LAYER
                )
            else:
                content = self._image(random)
                yield from push(client, content, f"p{content.digest[-12:]}")

    def _image(self, random: Random) -> Image:
        """An image of one layer that no other has."""
        mark = random.randbytes(16)
        return image(mark + self._content[: size_at(random.random(), len(self._content)) - len(mark)])


def size_at(share: float, largest: int) -> int:
    """The size in bytes that this share of the layers is smaller than."""
    smaller, below = SMALLEST, 0.0
    for end, share_below in SIZES.items():
        if share < share_below:
            part = (share - below) / (share_below - below)
            return min(largest, round(smaller * math.exp(part * math.log(end / smaller))))
        smaller, below = end, share_below
    return largest


def pull(client: Client, content: Image, tag: str, *, with_layer: bool = True) -> Dialogue:
    """GET the manifest and, for a client that lacks it, the layer."""
    expect((yield client.request("GET", client.manifest(tag))), 200)
    if with_layer:
        expect((yield client.request("GET", client.blob(digest_of(content.blobs[-1])))), 200)


def push(client: Client, content: Image, tag: str) -> Dialogue:
    """Push what is not there yet of an image, and its manifest."""
    for data in content.blobs:
        digest = digest_of(data)
        head = expect((yield client.request("HEAD", client.blob(digest))), 200, 404)
        if b" 404 " in head[:14]:
            started = expect((yield client.request("POST", client.uploads)), 202)
            location = with_digest(path_of(_location(started)), digest)
            expect((yield client.request("PUT", location, data, OCTETS)), 201)
    expect((yield client.request("PUT", client.manifest(tag), content.manifest)), 201)


def _location(head: bytes) -> str:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "location":
            return value.strip()
    raise RuntimeError(f"no Location: {head!r}")
