"""BatchCheckLayerAvailability, and the leases that its answers give."""

import httpx
import pytest
from sqlalchemy import select
from tests.api.clients import ECR, password
from tests.api.images import ABSENT, push_layer
from tests.api.rows import rows

from entrepot.core.clock import DAY, HOUR
from entrepot.metadata import tables
from entrepot.testing.registry import START, RunningRegistry


async def test_layers_are_answered_in_the_order_asked(ecr: ECR, repository: str) -> None:
    """With its size where it is there; an absent one is UNAVAILABLE and no failure."""
    present = await push_layer(ecr, repository, b"content")

    answer = await check(ecr, repository, ABSENT, present)

    assert answer == {
        "layers": [
            {"layerDigest": ABSENT, "layerAvailability": "UNAVAILABLE"},
            {"layerDigest": present, "layerAvailability": "AVAILABLE", "layerSize": 7},
        ],
        "failures": [],
    }


async def test_what_is_no_digest_is_a_failure_of_its_own(ecr: ECR, repository: str) -> None:
    """The others are answered all the same."""
    answer = await check(ecr, repository, "nonsense", "", ABSENT)

    assert [one["layerDigest"] for one in answer["layers"]] == [ABSENT]
    assert answer["failures"] == [
        {
            "layerDigest": "nonsense",
            "failureCode": "InvalidLayerDigest",
            "failureReason": "The digest 'nonsense' is not a valid sha256 or sha512 digest",
        },
        {
            "failureCode": "MissingLayerDigest",
            "failureReason": "The digest '' is not a valid sha256 or sha512 digest",
        },
    ]


async def test_a_digest_that_is_asked_for_twice_is_answered_once(ecr: ECR, repository: str) -> None:
    """As every batch."""
    answer = await check(ecr, repository, ABSENT, ABSENT)

    assert len(answer["layers"]) == 1


async def test_a_layer_of_another_repository_is_not_available(ecr: ECR, repository: str) -> None:
    """What a repository has is its own affair."""
    await ecr("CreateRepository", repositoryName="other")
    present = await push_layer(ecr, "other", b"content")

    answer = await check(ecr, repository, present)

    assert answer["layers"] == [{"layerDigest": present, "layerAvailability": "UNAVAILABLE"}]


@pytest.mark.parametrize(
    ("digests", "constraint"),
    [
        ([], "Member must have length greater than or equal to 1"),
        ([ABSENT] * 101, "Member must have length less than or equal to 100"),
    ],
)
async def test_1_to_100_layers_are_asked_for(
    ecr: ECR, repository: str, digests: list[str], constraint: str
) -> None:
    """The model's bounds."""
    refused = await ecr.error("BatchCheckLayerAvailability", repositoryName=repository, layerDigests=digests)

    assert refused == {
        "__type": "InvalidParameterException",
        "message": f"Invalid parameter at 'layerDigests' failed to satisfy constraint: '{constraint}'",
    }


async def test_a_completed_layer_has_a_lease_of_a_day(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """For this long it is not collected, whether an image comes or not."""
    await push_layer(ecr, repository, b"content")

    assert await leases(registry) == [START + DAY]


@pytest.mark.parametrize("face", ["api", "oci"])
async def test_a_positive_answer_renews_the_lease_once_half_is_spent(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str, face: str
) -> None:
    """So a layer that is asked for all day costs two writes a day."""
    digest = await push_layer(ecr, repository, b"content")

    async def ask() -> None:
        if face == "api":
            await check(ecr, repository, digest)
        else:
            oci.auth = ("AWS", await password(ecr))
            assert (await oci.head(f"/v2/{repository}/blobs/{digest}")).status_code == 200

    registry.clock.advance(11 * HOUR)
    await ask()
    fresh = await leases(registry)
    registry.clock.advance(HOUR + 1)
    await ask()

    assert fresh == [START + DAY]
    assert await leases(registry) == [registry.clock() + DAY]


async def test_completing_a_layer_that_is_there_renews_its_lease(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """For the client it is as good as a new one."""
    digest = await push_layer(ecr, repository, b"content")
    registry.clock.advance(HOUR)

    answer = await oci.post(f"/v2/{repository}/blobs/uploads/?digest={digest}", content=b"content")

    assert answer.status_code == 201
    assert await leases(registry) == [START + HOUR + DAY]


async def check(ecr: ECR, repository: str, *digests: str) -> dict[str, list[dict[str, object]]]:
    """BatchCheckLayerAvailability."""
    return await ecr("BatchCheckLayerAvailability", repositoryName=repository, layerDigests=digests)


async def leases(registry: RunningRegistry) -> list[int]:
    """When each lease ends."""
    return [row.lease_until for row in await rows(registry, select(tables.repository_layers.c.lease_until))]
