"""BatchDeleteImage."""

import httpx
import pytest
from tests.api.clients import ECR
from tests.api.images import image, index, push


async def test_deleting_a_tag_leaves_the_image_under_its_others(ecr: ECR, repository: str) -> None:
    """The answer is the pair that was removed."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")

    answer = await delete(ecr, repository, {"imageTag": "v1"})

    assert answer == {"imageIds": [{"imageDigest": pushed.digest, "imageTag": "v1"}], "failures": []}
    assert await listed(ecr, repository) == [{"imageDigest": pushed.digest, "imageTag": "v2"}]


async def test_deleting_the_last_tag_deletes_the_image(ecr: ECR, repository: str) -> None:
    """As ECR does."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    await delete(ecr, repository, {"imageTag": "v1"})

    assert await listed(ecr, repository) == []


async def test_deleting_by_digest_takes_all_tags_along(ecr: ECR, repository: str) -> None:
    """Every (digest, tag) pair is answered."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")

    answer = await delete(ecr, repository, {"imageDigest": pushed.digest})

    assert answer == {
        "imageIds": [
            {"imageDigest": pushed.digest, "imageTag": "v1"},
            {"imageDigest": pushed.digest, "imageTag": "v2"},
        ],
        "failures": [],
    }
    assert await listed(ecr, repository) == []


async def test_an_untagged_image_is_answered_by_its_digest(ecr: ECR, repository: str) -> None:
    """There is no pair to tell."""
    pushed = image()
    await push(ecr, repository, pushed)

    answer = await delete(ecr, repository, {"imageDigest": pushed.digest})

    assert answer == {"imageIds": [{"imageDigest": pushed.digest}], "failures": []}


async def test_digest_and_tag_together_delete_the_tag(ecr: ECR, repository: str) -> None:
    """The digest only guards it."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")

    await delete(ecr, repository, {"imageDigest": pushed.digest, "imageTag": "v1"})

    assert await listed(ecr, repository) == [{"imageDigest": pushed.digest, "imageTag": "v2"}]


@pytest.mark.parametrize("by", ["imageDigest", "imageTag"])
async def test_a_child_of_an_index_stays(ecr: ECR, repository: str, by: str) -> None:
    """By digest or by its only tag; once the index is gone it can go too."""
    child = image()
    parent = index(child)
    await push(ecr, repository, child, "child")
    await push(ecr, repository, parent, "all")
    asked = {by: child.digest if by == "imageDigest" else "child"}

    refused = await delete(ecr, repository, asked)
    await delete(ecr, repository, {"imageTag": "all"})
    deleted = await delete(ecr, repository, asked)

    assert refused == {
        "imageIds": [],
        "failures": [
            {
                "imageId": asked,
                "failureCode": "ImageReferencedByManifestList",
                "failureReason": f"Requested image referenced by manifest list: [{parent.digest}]",
            }
        ],
    }
    assert deleted["imageIds"] == [{"imageDigest": child.digest, "imageTag": "child"}]


async def test_a_child_may_lose_a_tag_that_is_not_its_last(ecr: ECR, repository: str) -> None:
    """The image stays, so the index is whole."""
    child = image()
    await push(ecr, repository, child, "child", "other")
    await push(ecr, repository, index(child), "all")

    answer = await delete(ecr, repository, {"imageTag": "child"})

    assert answer["failures"] == []


async def test_an_index_and_its_children_go_in_one_batch_in_that_order(ecr: ECR, repository: str) -> None:
    """Each deletion sees what those before it have done."""
    child = image()
    parent = index(child)
    await push(ecr, repository, child)
    await push(ecr, repository, parent)

    answer = await delete(ecr, repository, {"imageDigest": parent.digest}, {"imageDigest": child.digest})

    assert answer["failures"] == []
    assert await listed(ecr, repository) == []


async def test_an_index_of_another_repository_protects_nothing_here(ecr: ECR, repository: str) -> None:
    """References are looked for where the image is."""
    child = image()
    await ecr("CreateRepository", repositoryName="other")
    for name in (repository, "other"):
        await push(ecr, name, child)
    await push(ecr, "other", index(child))

    assert (await delete(ecr, repository, {"imageDigest": child.digest}))["failures"] == []


async def test_a_deleted_image_can_be_pushed_again_at_once(
    ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """Before its rows are drained, and without the tags it had; its layers are still there."""
    pushed = image()
    await push(ecr, repository, pushed, "v1", "v2")
    await delete(ecr, repository, {"imageDigest": pushed.digest})
    gone = await oci.get(f"/v2/{repository}/manifests/v1")

    await ecr("PutImage", repositoryName=repository, imageManifest=pushed.text, imageTag="v2")

    assert gone.status_code == 404
    assert await listed(ecr, repository) == [{"imageDigest": pushed.digest, "imageTag": "v2"}]
    assert (await oci.get(f"/v2/{repository}/tags/list")).json()["tags"] == ["v2"]


async def test_an_image_that_was_deleted_is_deleted_once(ecr: ECR, repository: str) -> None:
    """The second time it is not found."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")

    await delete(ecr, repository, {"imageDigest": pushed.digest})
    again = await delete(ecr, repository, {"imageDigest": pushed.digest})

    assert [one["failureCode"] for one in again["failures"]] == ["ImageNotFound"]


async def delete(ecr: ECR, repository: str, *image_ids: dict[str, str]) -> dict[str, list[dict[str, object]]]:
    """BatchDeleteImage."""
    return await ecr("BatchDeleteImage", repositoryName=repository, imageIds=image_ids)


async def listed(ecr: ECR, repository: str) -> list[dict[str, str]]:
    """ListImages."""
    return (await ecr("ListImages", repositoryName=repository))["imageIds"]
