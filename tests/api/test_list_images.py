"""ListImages."""

from tests.api.clients import ECR
from tests.api.images import image, push


async def test_every_tag_of_an_image_is_an_entry(ecr: ECR, repository: str) -> None:
    """And an image without tags is one by its digest; in the order of pushing, then by tag."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "b", "a", "B")
    await push(ecr, repository, two)

    assert await ecr("ListImages", repositoryName=repository) == {
        "imageIds": [
            {"imageDigest": one.digest, "imageTag": "B"},
            {"imageDigest": one.digest, "imageTag": "a"},
            {"imageDigest": one.digest, "imageTag": "b"},
            {"imageDigest": two.digest},
        ]
    }


async def test_an_empty_repository_has_an_empty_list(ecr: ECR, repository: str) -> None:
    """Present, not left out."""
    assert await ecr("ListImages", repositoryName=repository) == {"imageIds": []}


async def test_a_page_may_end_between_the_tags_of_one_image(ecr: ECR, repository: str) -> None:
    """Every entry comes once."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "a", "b", "c")
    await push(ecr, repository, two, "d")
    await push(ecr, repository, image("three"))

    pages = await ecr.pages("ListImages", "imageIds", repositoryName=repository, maxResults=2)

    assert [[entry.get("imageTag") for entry in page] for page in pages] == [["a", "b"], ["c", "d"], [None]]


async def test_a_list_goes_on_where_it_was_while_tags_come_and_go(ecr: ECR, repository: str) -> None:
    """What was there from beginning to end is listed exactly once."""
    one, two = image("one"), image("two")
    await push(ecr, repository, one, "a", "c", "e")
    await push(ecr, repository, two, "f")
    first = await ecr("ListImages", repositoryName=repository, maxResults=2)

    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "c"}])
    for tag in ("b", "d"):
        await ecr("PutImage", repositoryName=repository, imageManifest=one.text, imageTag=tag)
    await push(ecr, repository, image("three"), "0")
    second = await ecr("ListImages", repositoryName=repository, nextToken=first["nextToken"])

    assert [entry["imageTag"] for entry in first["imageIds"]] == ["a", "c"]
    assert [entry["imageTag"] for entry in second["imageIds"]] == ["d", "e", "f", "0"]
    assert "nextToken" not in second
