"""BatchGetImage."""

import httpx
import pytest
from tests.api.clients import ECR
from tests.api.images import ABSENT, image, push, push_layers

from entrepot.core.clock import DAY, HOUR
from entrepot.metadata.port import MetadataUnavailable
from entrepot.testing.registry import RunningRegistry


async def test_images_are_found_by_tag_by_digest_and_by_both(ecr: ECR, repository: str) -> None:
    """The answer has the tag that was asked for, and no other."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")

    answer = await get(
        ecr,
        repository,
        {"imageTag": "v1"},
        {"imageDigest": pushed.digest},
        {"imageDigest": pushed.digest, "imageTag": "v2"},
    )

    told = {
        "registryId": "000000000000",
        "repositoryName": repository,
        "imageManifest": pushed.text,
        "imageManifestMediaType": pushed.media_type,
    }
    assert answer == {
        "images": [
            {**told, "imageId": {"imageDigest": pushed.digest, "imageTag": "v1"}},
            {**told, "imageId": {"imageDigest": pushed.digest}},
            {**told, "imageId": {"imageDigest": pushed.digest, "imageTag": "v2"}},
        ],
        "failures": [],
    }


async def test_an_id_that_is_asked_for_twice_is_answered_once(ecr: ECR, repository: str) -> None:
    """Found or not."""
    await push(ecr, repository, image(), "v1")

    answer = await get(ecr, repository, *([{"imageTag": "v1"}, {"imageTag": "v2"}] * 2))

    assert (len(answer["images"]), len(answer["failures"])) == (1, 1)


FAILURES: list[tuple[dict[str, str], str, str]] = [
    ({}, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"),
    (
        {"imageDigest": "nonsense"},
        "InvalidImageDigest",
        "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
    ),
    (
        {"imageTag": "a b"},
        "InvalidImageTag",
        "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'",
    ),
    ({"imageTag": "missing"}, "ImageNotFound", "Requested image not found"),
    ({"imageDigest": ABSENT}, "ImageNotFound", "Requested image not found"),
    ({"imageDigest": ABSENT, "imageTag": "v1"}, "ImageNotFound", "Requested image not found"),
]


@pytest.mark.parametrize("operation", ["BatchGetImage", "BatchDeleteImage"])
@pytest.mark.parametrize(("image_id", "code", "reason"), FAILURES)
async def test_what_cannot_be_served_is_a_failure_and_the_rest_is_served(
    ecr: ECR, repository: str, operation: str, image_id: dict[str, str], code: str, reason: str
) -> None:
    """One bad id is no error of the whole batch; deletion has the same failures."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    answer = await ecr(operation, repositoryName=repository, imageIds=[image_id, {"imageDigest": pushed.digest}])

    served = answer["images" if operation == "BatchGetImage" else "imageIds"]
    assert len(served) == 1
    assert answer["failures"] == [{"imageId": image_id, "failureCode": code, "failureReason": reason}]


@pytest.mark.parametrize("operation", ["BatchGetImage", "BatchDeleteImage"])
@pytest.mark.parametrize("tag", ["v2", "missing"])
async def test_a_digest_and_a_tag_have_to_agree(ecr: ECR, repository: str, operation: str, tag: str) -> None:
    """A tag that points elsewhere, or nowhere, does not match."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "v1")
    await push(ecr, repository, two, "v2")
    asked = {"imageDigest": one.digest, "imageTag": tag}

    answer = await ecr(operation, repositoryName=repository, imageIds=[asked])

    assert answer["failures"] == [
        {
            "imageId": asked,
            "failureCode": "ImageTagDoesNotMatchDigest",
            "failureReason": "The tag does not point at the image with this digest",
        }
    ]


@pytest.mark.parametrize("number", [0, 101])
async def test_1_to_100_images_are_asked_for(ecr: ECR, repository: str, number: int) -> None:
    """The model's bounds."""
    refused = await ecr.error("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}] * number)

    assert refused["__type"] == "InvalidParameterException"
    assert "'imageIds'" in refused["message"]


async def test_a_pull_is_recorded_once_a_day(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """As often as ECR says it does."""
    await push(ecr, repository, image(), "v1")

    async def last_pull() -> float | None:
        (detail,) = (await ecr("DescribeImages", repositoryName=repository))["imageDetails"]
        return detail.get("lastRecordedPullTime")

    never = await last_pull()
    await get(ecr, repository, {"imageTag": "v1"})
    first = await last_pull()
    registry.clock.advance(23 * HOUR)
    await get(ecr, repository, {"imageTag": "v1"})
    same_day = await last_pull()
    registry.clock.advance(HOUR)
    await get(ecr, repository, {"imageTag": "v1"})

    assert never is None
    assert first == same_day == 1767225600.0
    assert await last_pull() == 1767225600.0 + DAY / 1_000_000


async def test_a_manifest_that_is_no_utf_8_is_never_stored(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """The API could not answer it: JSON is text."""
    pushed = image()
    await push_layers(ecr, repository, pushed)

    answer = await oci.put(
        f"/v2/{repository}/manifests/v1",
        content=pushed.content[:-1] + b', "x": "\xff"}',
        headers={"content-type": pushed.media_type},
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "MANIFEST_INVALID"


async def get(ecr: ECR, repository: str, *image_ids: dict[str, str]) -> dict[str, list[dict[str, object]]]:
    """BatchGetImage."""
    return await ecr("BatchGetImage", repositoryName=repository, imageIds=image_ids)


@pytest.mark.produces("BatchGetImage", "LimitExceededException")
async def test_an_answer_holds_32_mib_of_manifests(ecr: ECR, repository: str) -> None:
    """A manifest may have a hundred tags: a small request could ask for hundreds of megabytes."""
    large = image(annotations={"padding": "x" * (3 * 1024 * 1024)})
    tags = [f"v{number}" for number in range(11)]
    await push(ecr, repository, large, *tags)
    image_ids = [{"imageTag": tag} for tag in tags]

    answer = await ecr("BatchGetImage", repositoryName=repository, imageIds=image_ids[:10])
    refused = await ecr.error("BatchGetImage", repositoryName=repository, imageIds=image_ids)

    assert [one["imageManifest"] == large.text for one in answer["images"]] == [True] * 10
    assert refused["__type"] == "LimitExceededException"


async def test_a_pull_is_answered_when_it_cannot_be_recorded(
    ecr: ECR, repository: str, monkeypatch: pytest.MonkeyPatch, registry: RunningRegistry
) -> None:
    """A full disk stops pushes, not pulls."""
    await push(ecr, repository, image(), "v1")

    async def refuse(_change: object) -> None:
        raise MetadataUnavailable("its disk is full")

    monkeypatch.setattr(registry.services.metadata, "write", refuse)
    answer = await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])

    assert len(answer["images"]) == 1
