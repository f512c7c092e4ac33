"""The number of tags that an image's row holds, by which tagged and untagged images are listed."""

import asyncio
import json
from random import Random

import pytest
from sqlalchemy import func, select
from tests.api.clients import ECR
from tests.api.images import Image, image, push_layers
from tests.api.rows import rows

from entrepot.metadata.tables import image_tags, images
from entrepot.testing.registry import RunningRegistry

NAMES = [f"image-{number}" for number in range(4)]
TAGS = [f"t{number}" for number in range(6)]


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_the_number_of_tags_whatever_happens_at_a_time(
    ecr: ECR, registry: RunningRegistry, repository: str, seed: int
) -> None:
    """Tags are set, moved, moved back and removed, and images deleted, six at a time."""
    random = Random(seed)
    pushed = [image(name) for name in NAMES]
    for each in pushed:
        await push_layers(ecr, repository, each)

    for _ in range(12):
        await asyncio.gather(*(change(ecr, repository, random, pushed) for _ in range(6)))

    counted = select(func.count()).where(image_tags.c.image_id == images.c.id).scalar_subquery()
    found = await rows(registry, select(images.c.tag_count, counted).where(images.c.repository_id.is_not(None)))
    assert found
    assert [row[0] for row in found] == [row[1] for row in found]


async def change(ecr: ECR, repository: str, random: Random, pushed: list[Image]) -> None:
    """One random change; that it may be refused is no matter."""
    chosen, tag = random.choice(pushed), random.choice(TAGS)
    kind = random.choice(["put", "put", "put", "untag", "delete"])
    if kind == "put":
        body = {"repositoryName": repository, "imageManifest": chosen.text, "imageTag": tag}
        answer = await ecr.send("PutImage", json.dumps(body).encode())
        assert answer.status_code in {200, 400}, answer.text
    else:
        image_id = {"imageTag": tag} if kind == "untag" else {"imageDigest": chosen.digest}
        await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[image_id])
