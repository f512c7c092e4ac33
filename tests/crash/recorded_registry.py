"""A registry at work, whose system calls are recorded: pushes, deletions and collections, with what was acknowledged.

Run as a module with a folder. Each promise is told on stdout when it is given, and before a
tag is to be there again, or gone, that it is changing.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.live.images import Image, digest_of, image
from tests.live.oci import Repository, authorization_of
from tests.live.server import Server

from entrepot.core.clock import DAY, system_clock
from entrepot.operations.collection import Collected
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping

REPOSITORY = "crash/app"
#: Days after which no promise holds that was made before.
MONTHS = 100
#: What every line on stdout begins with.
MARK = "told: "


def images() -> dict[str, Image]:
    """Three images by tag; the first two share a layer."""
    chance = Random(6)
    shared, *own = (chance.randbytes(size) for size in (30_000, 100, 70_000, 5000))
    return {
        "first": image(shared, own[0], annotations={"tag": "first"}),
        "second": image(shared, own[1], annotations={"tag": "second"}),
        "third": image(own[2]),
    }


def tell(word: str, what: str = "") -> None:
    """One write, so one line of the recording."""
    os.write(1, f"{MARK}{word} {what}\n".encode())


def push_in_chunks(repository: Repository, tag: str, content: Image) -> None:
    """Each layer in three requests."""
    for data in content.blobs:
        location, size = repository.open_upload(), len(data) // 3 + 1
        for first in range(0, len(data), size):
            answer = repository.patch(location, data[first : first + size], first)
            assert answer.status_code == 202, answer.text
        assert repository.put_upload(location, digest_of(data)).status_code == 201
    assert repository.put_manifest(tag, content).status_code == 201


def push_by_api(server: Server, tag: str, content: Image) -> None:
    """As an SDK does it."""
    ecr = server.ecr()
    for data in content.blobs:
        upload = ecr.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=REPOSITORY,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(data) - 1,
            layerPartBlob=data,
        )
        ecr.complete_layer_upload(repositoryName=REPOSITORY, uploadId=upload, layerDigests=[digest_of(data)])
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=content.manifest.decode(), imageTag=tag)


async def collect(data: Path, days: int) -> None:
    """As a worker would so many days from now, and two more times, so that all that was deleted is gone."""
    async with opened_for_sweeping(Settings(data=data), Collected()) as services:
        for later in range(days, days + 3 * MONTHS, MONTHS):
            ahead = replace(services, clock=lambda later=later: system_clock() + later * DAY)
            await sweep_once(ahead, collecting_sweeps())


def work(server: Server) -> None:
    """The life of a registry."""
    content = images()
    server.ecr().create_repository(repositoryName=REPOSITORY)
    with Repository(server, REPOSITORY, authorization_of(server)) as repository:
        repository.push("first", content["first"])
        tell("pushed", "first")
        push_in_chunks(repository, "second", content["second"])
        tell("pushed", "second")
        push_by_api(server, "third", content["third"])
        tell("pushed", "third")
        assert repository.patch(repository.open_upload(), b"of an upload that is left").status_code == 202

        tell("changing", "first")
        assert repository.http.delete(f"/v2/{REPOSITORY}/manifests/{content['first'].digest}").status_code == 202
        tell("deleted", "first")
        asyncio.run(collect(server.data, MONTHS))
        tell("changing", "first")
        repository.push("first", content["first"])
        tell("pushed", "first")

        for tag in content:
            tell("changing", tag)
        server.ecr().delete_repository(repositoryName=REPOSITORY, force=True)
        for tag in content:
            tell("deleted", tag)
        asyncio.run(collect(server.data, 10 * MONTHS))


if __name__ == "__main__":
    started = Server(Path(sys.argv[1]), "--no-background-worker")
    try:
        work(started.start())
    finally:
        started.close()
