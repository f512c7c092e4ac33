"""Measure how far the ECR API is from what could be had (benchmarks/ceiling.py): `scripts/bench api`.

BatchGetImage, DescribeImages and BatchCheckLayerAvailability with SigV4, by one worker, in turns. Requests are
signed once and sent again and again, within the five minutes for which a signature holds: the client costs little.
"""

import argparse
import json
import secrets
import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import boto3
from botocore.config import Config
from tests.live.images import Image, digest_of, image
from tests.live.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.live.wire import signed_request
from types_boto3_ecr.client import ECRClient

from benchmarks.ceiling import APPLICATIONS, ceiling
from benchmarks.load import request_rate
from benchmarks.report import Figure, Series, comparison, measured, series
from benchmarks.subjects import Subject, entrepot

REPOSITORY = "bench/api"
TAG = "first"
#: The call for which it is measured what can be had.
CEILING = "BatchGetImage"


def push(subject: Subject, content: Image) -> None:
    """One repository with one image; its layers only where they are kept."""
    ecr = _client(subject)
    ecr.create_repository(repositoryName=REPOSITORY)
    for data in content.blobs if subject.name != "moto" else ():
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
    return session.client("ecr", endpoint_url=f"http://{subject.host}", config=config)  # pyright: ignore[reportUnknownMemberType]


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
    """Each call for so many seconds."""
    figures: list[Figure] = []
    for operation, body in calls(content).items():
        if subject.name in APPLICATIONS and operation != CEILING:
            continue
        request = b"".join(signed_request(subject.host, operation, body))
        work = partial(request_rate, "127.0.0.1", subject.port, partial(bytes, request), seconds)
        figures.append(measured(subject, operation, "/s", work))
    return figures


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4, help="length of each phase")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    content = image(secrets.token_bytes(4096))
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="entrepot-api-")))
        subjects = [stack.enter_context(entrepot(folder, "--workers", "1"))]
        push(subjects[0], content)
        subjects += [stack.enter_context(ceiling(name)) for name in APPLICATIONS]
        for _ in range(options.rounds):
            for subject in subjects:
                figures += rates(subject, content, options.seconds)

    shown = series(figures)
    if options.output == "json":
        text = json.dumps([asdict(each) for each in shown], indent=2)
    else:
        text = "\n".join([comparison(shown), "", *costs(shown)])
    sys.stdout.write(f"{text}\n")
    return 0


def costs(found: list[Series]) -> list[str]:
    """A line for each that answered BatchGetImage: at what cost."""
    return [
        f"{CEILING}, {one.subject}: {1_000_000 / statistics.median(one.rate_per_cpu):.0f} µs of server CPU a call"
        for one in found
        if one.phase == CEILING
    ]


if __name__ == "__main__":
    sys.exit(main())
