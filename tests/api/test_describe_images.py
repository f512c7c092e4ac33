"""DescribeImages."""

from typing import Any

import httpx
import pytest
from tests.api.clients import ECR
from tests.api.images import ABSENT, artifact, docker_image, image, index, push, put

from entrepot.core.clock import HOUR
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces


async def test_an_image_is_told_of_in_full(ecr: ECR, repository: str) -> None:
    """Its size is that of config and layers, its artifact type that of the config where it has none."""
    pushed = image()
    await push(ecr, repository, pushed, "v2", "v1")

    assert await describe(ecr, repository) == [
        {
            "registryId": "000000000000",
            "repositoryName": repository,
            "imageDigest": pushed.digest,
            "imageTags": ["v1", "v2"],
            "imageSizeInBytes": sum(map(len, pushed.blobs)),
            "imagePushedAt": 1767225600.0,
            "imageManifestMediaType": pushed.media_type,
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
            "imageStatus": "ACTIVE",
        }
    ]


async def test_an_untagged_image_has_no_list_of_tags(ecr: ECR, repository: str) -> None:
    """Absent, not empty."""
    await push(ecr, repository, image())

    (detail,) = await describe(ecr, repository)

    assert "imageTags" not in detail


async def test_an_index_is_as_large_as_its_largest_child(ecr: ECR, repository: str) -> None:
    """So the model says."""
    small, large = image("small"), image("a much larger one")
    for child in (small, large):
        await push(ecr, repository, child)

    await push(ecr, repository, index(small, large), "all")

    (detail,) = await describe(ecr, repository, {"imageTag": "all"})
    assert detail["imageSizeInBytes"] == sum(map(len, large.blobs))
    assert "artifactMediaType" not in detail


async def test_an_artifact_tells_its_type_and_its_subject(ecr: ECR, repository: str) -> None:
    """By which scanners and signers find each other."""
    subject = image()
    await push(ecr, repository, artifact("signature", subject, "application/vnd.example"), "sig")

    (detail,) = await describe(ecr, repository, {"imageTag": "sig"})

    assert detail["artifactMediaType"] == "application/vnd.example"
    assert detail["subjectManifestDigest"] == subject.digest


async def test_named_images_come_in_the_order_asked_and_once(ecr: ECR, repository: str) -> None:
    """Whatever names they are asked for by."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "v1")
    await push(ecr, repository, two, "v2")

    details = await describe(ecr, repository, {"imageTag": "v2"}, {"imageTag": "v1"}, {"imageDigest": two.digest})

    assert [one["imageDigest"] for one in details] == [two.digest, one.digest]


@produces("DescribeImages", "ImageNotFoundException")
@pytest.mark.parametrize(
    ("image_id", "digest", "tag"),
    [
        ({"imageTag": "missing"}, "null", "missing"),
        ({"imageDigest": ABSENT}, ABSENT, "null"),
        ({"imageDigest": ABSENT, "imageTag": "v1"}, ABSENT, "v1"),
    ],
)
async def test_one_missing_image_fails_the_whole_description(
    ecr: ECR, repository: str, image_id: dict[str, str], digest: str, tag: str
) -> None:
    """In the words that cdk-assets waits for."""
    await push(ecr, repository, image(), "v1")

    refused = await ecr.error("DescribeImages", repositoryName=repository, imageIds=[{"imageTag": "v1"}, image_id])

    assert refused == {
        "__type": "ImageNotFoundException",
        "message": f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the "
        "repository with name 'app' in the registry with id '000000000000'",
    }


async def test_a_list_goes_on_where_it_was_while_images_come_and_go(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """In the order of pushing; what was there from beginning to end is listed exactly once."""
    pushed = [image(str(number)) for number in range(6)]
    for one in pushed[:5]:
        registry.clock.advance(HOUR)
        await push(ecr, repository, one)
    first = await ecr("DescribeImages", repositoryName=repository, maxResults=2)

    await ecr(
        "BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": pushed[n].digest} for n in (1, 2)]
    )
    await push(ecr, repository, pushed[5])
    second = await ecr("DescribeImages", repositoryName=repository, maxResults=2, nextToken=first["nextToken"])
    third = await ecr("DescribeImages", repositoryName=repository, maxResults=2, nextToken=second["nextToken"])

    found = [one["imageDigest"] for page in (first, second, third) for one in page["imageDetails"]]
    assert found == [pushed[number].digest for number in (0, 1, 3, 4, 5)]
    assert "nextToken" not in third


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (dict[str, str](), {"tagged", "untagged"}),
        ({"tagStatus": "ANY"}, {"tagged", "untagged"}),
        ({"tagStatus": "TAGGED"}, {"tagged"}),
        ({"tagStatus": "UNTAGGED"}, {"untagged"}),
        ({"imageStatus": "ACTIVE"}, {"tagged", "untagged"}),
        ({"imageStatus": "ANY", "tagStatus": "TAGGED"}, {"tagged"}),
        ({"imageStatus": "ARCHIVED"}, set[str]()),
        ({"imageStatus": "ACTIVATING"}, set[str]()),
    ],
)
@pytest.mark.parametrize("operation", ["DescribeImages", "ListImages"])
async def test_images_are_filtered(
    ecr: ECR, repository: str, operation: str, asked: dict[str, str], expected: set[str]
) -> None:
    """By whether they have tags, and by status: all images here are active."""
    images = {"tagged": image("tagged"), "untagged": image("untagged")}
    await push(ecr, repository, images["tagged"], "v1")
    await push(ecr, repository, images["untagged"])

    answer = await ecr(operation, repositoryName=repository, filter=asked)

    (found,) = answer.values()
    assert {one["imageDigest"] for one in found} == {images[name].digest for name in expected}


@produces("DescribeImages", "InvalidParameterException")
@pytest.mark.parametrize("members", [{"nextToken": "x"}, {"maxResults": 5}])
async def test_ids_and_pages_exclude_each_other(ecr: ECR, repository: str, members: dict[str, Any]) -> None:
    """The service model forbids both together."""
    refused = await ecr.error(
        "DescribeImages", repositoryName=repository, imageIds=[{"imageTag": "v1"}], **members
    )

    assert refused["__type"] == "InvalidParameterException"
    assert f"'{next(iter(members))}'" in refused["message"]


async def test_a_token_is_good_for_its_own_filter_and_repository_only(ecr: ECR, repository: str) -> None:
    """Another filter would make another list."""
    await ecr("CreateRepository", repositoryName="other")
    for name in ("one", "two"):
        await push(ecr, repository, image(name))
    token = (await ecr("DescribeImages", repositoryName=repository, maxResults=1))["nextToken"]

    for changed in ({"filter": {"tagStatus": "TAGGED"}}, {"repositoryName": "other"}):
        members = {"repositoryName": repository, "nextToken": token, **changed}
        refused = await ecr.error("DescribeImages", **members)
        assert refused["message"].endswith("'The token belongs to another request'")


@pytest.mark.parametrize("name", ["one", "docker"])
async def test_both_faces_show_the_same_images(
    ecr: ECR, oci: httpx.AsyncClient, repository: str, name: str
) -> None:
    """There is one store."""
    pushed = image() if name == "one" else docker_image()
    await push(ecr, repository, pushed)
    await put(ecr, repository, pushed, "v1")

    answer = await oci.get(f"/v2/{repository}/manifests/v1")

    assert answer.content == pushed.content
    assert answer.headers["content-type"] == pushed.media_type


async def describe(ecr: ECR, repository: str, *image_ids: dict[str, str]) -> list[dict[str, Any]]:
    """DescribeImages of the named images, or of all."""
    members = {"imageIds": image_ids} if image_ids else {}
    return (await ecr("DescribeImages", repositoryName=repository, **members))["imageDetails"]
