"""Tags that may not move, and the exceptions from it, on both faces."""

import json

import httpx
import pytest
from tests.api.clients import ECR, errors_of
from tests.api.images import Image, image, push, push_layers

produces = pytest.mark.produces

OLD, NEW = image("old"), image("new")
FILTERS = [{"filterType": "WILDCARD", "filter": "dev-*"}, {"filterType": "WILDCARD", "filter": "latest"}]

#: Which tags may move under which setting.
TABLE = [
    ("MUTABLE", "v1", True),
    ("IMMUTABLE", "v1", False),
    ("IMMUTABLE", "latest", False),
    ("IMMUTABLE_WITH_EXCLUSION", "v1", False),
    ("IMMUTABLE_WITH_EXCLUSION", "latest", True),
    ("IMMUTABLE_WITH_EXCLUSION", "dev-1", True),
    ("IMMUTABLE_WITH_EXCLUSION", "my-dev-1", False),
    ("MUTABLE_WITH_EXCLUSION", "v1", True),
    ("MUTABLE_WITH_EXCLUSION", "latest", False),
    ("MUTABLE_WITH_EXCLUSION", "dev-", False),
]


@pytest.fixture
async def repository(ecr: ECR, mutability: str) -> str:
    """A repository under the test's setting, with an image to be replaced by another."""
    settings = {"imageTagMutability": mutability}
    filters = {"imageTagMutabilityExclusionFilters": FILTERS} if mutability.endswith("EXCLUSION") else {}
    await ecr("CreateRepository", repositoryName="app", **settings, **filters)
    await push_layers(ecr, "app", OLD)
    await push_layers(ecr, "app", NEW)
    return "app"


@pytest.mark.parametrize(("mutability", "tag", "may_move"), TABLE)
async def test_a_tag_moves_where_it_may(ecr: ECR, repository: str, tag: str, may_move: bool) -> None:
    """Set freely the first time; what is refused changes nothing."""
    await ecr("PutImage", repositoryName=repository, imageManifest=OLD.text, imageTag=tag)
    again = {"repositoryName": repository, "imageManifest": NEW.text, "imageTag": tag}

    if may_move:
        await ecr("PutImage", **again)
    else:
        assert await ecr.error("PutImage", **again) == {
            "__type": "ImageTagAlreadyExistsException",
            "message": f"The image tag '{tag}' already exists in the 'app' repository and cannot be overwritten "
            "because the tag is immutable.",
        }

    tagged = await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": tag}])
    assert tagged["images"][0]["imageId"]["imageDigest"] == (NEW if may_move else OLD).digest
    new = await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageDigest": NEW.digest}])
    assert len(new["images"]) == int(may_move)


@pytest.mark.parametrize("mutability", ["IMMUTABLE"])
@produces("PutImage", "ImageTagAlreadyExistsException")
async def test_v2_refuses_to_move_an_immutable_tag(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """In the same words, as TAG_INVALID."""
    await put(oci, repository, "v1", OLD)
    refused = await put(oci, repository, "v1", NEW)
    await ecr.error("PutImage", repositoryName=repository, imageManifest=NEW.text, imageTag="v1")

    assert errors_of(refused) == (
        400,
        "TAG_INVALID",
        "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the tag is "
        "immutable.",
    )


@pytest.mark.parametrize("mutability", ["IMMUTABLE"])
async def test_v2_takes_the_same_image_under_an_immutable_tag_again(
    oci: httpx.AsyncClient, repository: str
) -> None:
    """It moves nothing, and clients that repeat a push expect success."""
    first, second = await put(oci, repository, "v1", OLD), await put(oci, repository, "v1", OLD)

    assert first.status_code == second.status_code == 201


@pytest.mark.parametrize("mutability", ["IMMUTABLE"])
async def test_an_immutable_tag_can_be_deleted_and_set_anew(ecr: ECR, repository: str) -> None:
    """Immutable means: does not move."""
    await push(ecr, repository, OLD, "v1")

    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])

    await push(ecr, repository, NEW, "v1")


async def put(oci: httpx.AsyncClient, repository: str, tag: str, pushed: Image) -> httpx.Response:
    """PUT of a manifest under a tag."""
    return await oci.put(
        f"/v2/{repository}/manifests/{tag}", content=pushed.content, headers={"content-type": pushed.media_type}
    )


async def test_an_exclusion_filter_has_two_wildcards_at_most(ecr: ECR) -> None:
    """As ECR's documentation has it."""
    await ecr("CreateRepository", repositoryName="plain")

    async def put(wildcard: str) -> httpx.Response:
        members = {
            "repositoryName": "plain",
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": wildcard}],
        }
        return await ecr.send("PutImageTagMutability", json.dumps(members).encode())

    assert (await put("a*b*")).status_code == 200
    refused = await put("a*b*c*")
    assert (refused.status_code, refused.json()["__type"]) == (400, "InvalidParameterException")
    assert "at most 2 wildcards" in refused.json()["message"]
