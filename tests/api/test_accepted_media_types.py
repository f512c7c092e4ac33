"""BatchGetImage with acceptedMediaTypes: an image asked for by tag comes in a type that the client takes."""

import json
from typing import Any

import pytest
from tests.api.clients import ECR
from tests.api.images import Image, artifact, descriptor, digest_of, image, index, push

from entrepot.core.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    DOCKER_MANIFEST_V1_SIGNED,
    OCI_INDEX,
    OCI_MANIFEST,
)

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PLATFORM = {"architecture": "arm64", "os": "linux", "variant": "v8"}

OCI_IMAGE = image()
CONFIG, LAYER = OCI_IMAGE.blobs
DOCKER_IMAGE = image(
    media_type=DOCKER_MANIFEST,
    config=descriptor(DOCKER_CONFIG, CONFIG),
    layers=[descriptor(DOCKER_LAYER, LAYER)],
)
CHILD = [descriptor(OCI_MANIFEST, OCI_IMAGE.content, platform=PLATFORM)]
OCI_INDEX_IMAGE = index(OCI_IMAGE, manifests=CHILD)
DOCKER_LIST_IMAGE = index(OCI_IMAGE, media_type=DOCKER_MANIFEST_LIST, manifests=CHILD)


async def get(ecr: ECR, image_id: dict[str, str], *accepted: str) -> dict[str, Any]:
    """The one image that BatchGetImage answers."""
    answer = await ecr("BatchGetImage", repositoryName="app", imageIds=[image_id], acceptedMediaTypes=accepted)
    (found,) = answer["images"]
    return found


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (OCI_IMAGE, DOCKER_IMAGE),
        (DOCKER_IMAGE, OCI_IMAGE),
        (OCI_INDEX_IMAGE, DOCKER_LIST_IMAGE),
        (DOCKER_LIST_IMAGE, OCI_INDEX_IMAGE),
    ],
)
async def test_an_image_by_tag_comes_in_the_type_that_is_accepted(
    ecr: ECR, repository: str, stored: Image, expected: Image
) -> None:
    """With the digest of what it has become, and the same each time."""
    await push(ecr, repository, OCI_IMAGE)
    await push(ecr, repository, stored, "v1")

    first = await get(ecr, {"imageTag": "v1"}, expected.media_type)
    second = await get(ecr, {"imageTag": "v1"}, expected.media_type, "text/plain")

    assert json.loads(first["imageManifest"]) == json.loads(expected.content)
    assert first["imageManifestMediaType"] == expected.media_type
    assert first["imageId"] == {"imageTag": "v1", "imageDigest": digest_of(first["imageManifest"].encode())}
    assert first["imageId"]["imageDigest"] != stored.digest
    assert second == first


@pytest.mark.parametrize("image_id", [{}, {"imageTag": "v1"}])
async def test_an_image_by_digest_is_never_converted(ecr: ECR, repository: str, image_id: dict[str, str]) -> None:
    """A digest names bytes, also beside a tag."""
    await push(ecr, repository, OCI_IMAGE, "v1")

    found = await get(ecr, {"imageDigest": OCI_IMAGE.digest, **image_id}, DOCKER_MANIFEST)

    assert found["imageManifest"] == OCI_IMAGE.text
    assert found["imageManifestMediaType"] == OCI_MANIFEST


@pytest.mark.parametrize(
    "accepted",
    [
        (OCI_MANIFEST, DOCKER_MANIFEST),
        (OCI_INDEX,),
        (DOCKER_MANIFEST_LIST,),
        (DOCKER_MANIFEST_V1_SIGNED,),
        ("*/*",),
    ],
)
async def test_an_image_that_need_not_or_cannot_be_converted_comes_as_it_is(
    ecr: ECR, repository: str, accepted: tuple[str, ...]
) -> None:
    """Schema 1 is never written."""
    await push(ecr, repository, OCI_IMAGE, "v1")

    found = await get(ecr, {"imageTag": "v1"}, *accepted)

    assert found["imageManifest"] == OCI_IMAGE.text
    assert found["imageId"]["imageDigest"] == OCI_IMAGE.digest


async def test_a_manifest_that_mixes_the_families_comes_in_one(ecr: ECR, repository: str) -> None:
    """Some builders put OCI's layers into Docker's manifest."""
    mixed = image(media_type=DOCKER_MANIFEST, layers=[descriptor(DOCKER_LAYER, LAYER)])
    await push(ecr, repository, mixed, "v1")

    found = await get(ecr, {"imageTag": "v1"}, OCI_MANIFEST)

    assert json.loads(found["imageManifest"]) == json.loads(OCI_IMAGE.content)


async def test_each_image_of_a_batch_is_converted_for_itself(ecr: ECR, repository: str) -> None:
    """By two tags twice, by digest not at all; a failure beside them stays one."""
    await push(ecr, repository, OCI_IMAGE, "v1", "v2")
    await push(ecr, repository, artifact("sbom", None, "application/vnd.example.sbom"), "sbom")

    answer = await ecr(
        "BatchGetImage",
        repositoryName=repository,
        imageIds=[
            *({"imageTag": tag} for tag in ("v1", "missing", "sbom", "v2", "v1")),
            {"imageDigest": OCI_IMAGE.digest},
        ],
        acceptedMediaTypes=[DOCKER_MANIFEST],
    )

    found = [(one["imageId"].get("imageTag"), one["imageManifestMediaType"]) for one in answer["images"]]
    assert found == [
        ("v1", DOCKER_MANIFEST),
        ("sbom", OCI_MANIFEST),
        ("v2", DOCKER_MANIFEST),
        (None, OCI_MANIFEST),
    ]
    assert all(
        one["imageId"]["imageDigest"] == digest_of(one["imageManifest"].encode()) for one in answer["images"]
    )
    assert [one["failureCode"] for one in answer["failures"]] == ["ImageNotFound"]


async def test_a_converted_manifest_can_be_pushed(ecr: ECR, repository: str) -> None:
    """It names what the repository has, so it is an image like any other, with the digest that was answered."""
    await push(ecr, repository, OCI_IMAGE, "v1")
    converted = await get(ecr, {"imageTag": "v1"}, DOCKER_MANIFEST)

    pushed = await ecr(
        "PutImage", repositoryName=repository, imageManifest=converted["imageManifest"], imageTag="docker"
    )

    assert pushed["image"]["imageId"]["imageDigest"] == converted["imageId"]["imageDigest"]
    back = await get(ecr, {"imageTag": "docker"}, OCI_MANIFEST)
    assert json.loads(back["imageManifest"]) == json.loads(OCI_IMAGE.content)


async def test_an_artifact_comes_as_it_is(ecr: ECR, repository: str) -> None:
    """Docker's manifest has no place for its type or its subject."""
    signature = artifact("signature", OCI_IMAGE, "application/vnd.example.signature")
    await push(ecr, repository, signature, "v1")

    found = await get(ecr, {"imageTag": "v1"}, DOCKER_MANIFEST)

    assert found["imageManifest"] == signature.text


async def test_what_is_stored_stays_what_it_was(ecr: ECR, repository: str) -> None:
    """A conversion is an answer, not an image: its digest names nothing; the pull counts for what is stored."""
    await push(ecr, repository, OCI_IMAGE, "v1")
    converted = await get(ecr, {"imageTag": "v1"}, DOCKER_MANIFEST)

    by_digest = await ecr(
        "BatchGetImage",
        repositoryName=repository,
        imageIds=[{"imageDigest": converted["imageId"]["imageDigest"]}],
    )
    (detail,) = (await ecr("DescribeImages", repositoryName=repository))["imageDetails"]

    assert [one["failureCode"] for one in by_digest["failures"]] == ["ImageNotFound"]
    assert (detail["imageDigest"], detail["imageManifestMediaType"]) == (OCI_IMAGE.digest, OCI_MANIFEST)
    assert "lastRecordedPullTime" in detail


@pytest.mark.parametrize("number", [0, 101])
async def test_1_to_100_types_are_accepted(ecr: ECR, repository: str, number: int) -> None:
    """The model's bounds."""
    refused = await ecr.error(
        "BatchGetImage",
        repositoryName=repository,
        imageIds=[{"imageTag": "v1"}],
        acceptedMediaTypes=[OCI_MANIFEST] * number,
    )

    assert refused["__type"] == "InvalidParameterException"
    assert "'acceptedMediaTypes'" in refused["message"]
