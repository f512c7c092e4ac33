"""Measure BatchGetImage, DescribeImages and BatchCheckLayerAvailability with SigV4: `scripts/bench api`.

One worker of Entrepot beside moto's server, in turns in one run, each answering for the same image. Requests are
signed once and sent again and again, within the five minutes for which a signature holds, so the client costs
little. moto looks at no signature; Entrepot proves each, authorises, and counts. Below the table is what could be
had (benchmarks/ceiling.py).
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import boto3
from botocore.config import Config
from tests.live.images import Image, digest_of, image
from tests.live.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, free_port, running
from tests.live.waiting import eventually
from tests.live.wire import signed_request
from types_boto3_ecr.client import ECRClient

from benchmarks.ceiling import APPLICATIONS, ceiling
from benchmarks.load import request_rate
from benchmarks.report import Figure, measured, medians, table
from benchmarks.subjects import Subject, answers

REPOSITORY = "bench/api"
TAG = "first"
START_SECONDS = 60
#: The call for which it is measured what can be had.
CEILING = "BatchGetImage"


@contextmanager
def moto(program: Path) -> Generator[Subject]:
    """The server of moto, in an environment of its own."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - the program that the user named
            [str(program), "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/moto-api/data.json"), within=START_SECONDS)
        yield Subject("moto", port, process.pid, {})
    finally:
        process.kill()
        process.wait()


@contextmanager
def entrepot() -> Generator[Subject]:
    """Entrepot with one worker."""
    with running("--workers", "1") as server:
        yield Subject("entrepot", server.port, server.processes()[0], {}, server)


def push(subject: Subject, content: Image) -> None:
    """One repository with one image; its layers only where they are kept."""
    ecr = _client(subject)
    ecr.create_repository(repositoryName=REPOSITORY)
    for data in content.blobs if subject.server is not None else ():
        upload = ecr.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=REPOSITORY,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(data) - 1,
            layerPartBlob=data,
        )
        ecr.complete_layer_upload(repositoryName=REPOSITORY, uploadId=upload, layerDigests=[digest_of(data)])
    ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=content.manifest.decode(),
        imageManifestMediaType=content.media_type,
        imageTag=TAG,
    )


def _client(subject: Subject) -> ECRClient:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1})
    # The stubs of the services that are not installed make the overloads of `client` partly unknown.
    return session.client("ecr", endpoint_url=f"http://127.0.0.1:{subject.port}", config=config)  # pyright: ignore[reportUnknownMemberType]


def calls(content: Image) -> dict[str, Mapping[str, object]]:
    """The calls that are measured, with their input."""
    by_tag = [{"imageTag": TAG}]
    return {
        "BatchGetImage": {"repositoryName": REPOSITORY, "imageIds": by_tag},
        "DescribeImages": {"repositoryName": REPOSITORY, "imageIds": by_tag},
        "BatchCheckLayerAvailability": {
            "repositoryName": REPOSITORY,
            "layerDigests": [digest_of(data) for data in content.blobs],
        },
    }


def rates(subject: Subject, content: Image, seconds: float) -> list[Figure]:
    """Each call for so many seconds; one that the server does not know, as moto the last, is left out."""
    figures: list[Figure] = []
    for operation, body in calls(content).items():
        if subject.name in APPLICATIONS and operation != CEILING:
            continue
        request = b"".join(signed_request(f"127.0.0.1:{subject.port}", operation, body))
        try:
            figures.append(
                measured(
                    subject,
                    operation,
                    "/s",
                    lambda request=request: request_rate("127.0.0.1", subject.port, lambda: request, seconds),
                )
            )
        except RuntimeError:
            if subject.server is not None:
                raise
    return figures


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="length of each phase")
    parser.add_argument("--peer", type=Path, help="moto_server; without it Entrepot is measured alone")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    content = image(secrets.token_bytes(4096))
    figures: list[Figure] = []
    with ExitStack() as stack:
        subjects = [stack.enter_context(entrepot())]
        if options.peer is not None:
            subjects.append(stack.enter_context(moto(options.peer)))
        for subject in subjects:
            push(subject, content)
        subjects += [stack.enter_context(ceiling(name)) for name in APPLICATIONS]
        for _ in range(options.rounds):
            for subject in subjects:
                figures += rates(subject, content, options.seconds)

    shown = medians(figures)
    if options.output == "json":
        text = json.dumps([asdict(each) for each in shown], indent=2)
    else:
        text = "\n".join([table(shown, "moto"), "", *costs(shown)])
    sys.stdout.write(f"{text}\n")
    return 0


def costs(figures: list[Figure]) -> list[str]:
    """A line for each that answered BatchGetImage: how often, and at what cost."""
    return [
        f"{CEILING}, {figure.subject:<10}{figure.rate:>10.0f} a second"
        f"{1_000_000 / figure.rate_per_cpu:>10.0f} µs of server CPU a call"
        for figure in sorted(figures, key=lambda figure: -figure.rate_per_cpu)
        if figure.phase == CEILING
    ]


if __name__ == "__main__":
    sys.exit(main())
