"""A manifest some of whose images or layers are not there: refused, unless ``sparse_manifests`` lets it in."""

import httpx
import pytest
from sqlalchemy import select
from tests.api.clients import ECR, errors_of
from tests.api.images import Image, digest_of, docker_image, docker_list, image, index, push, push_layer, put
from tests.api.rows import rows

from entrepot.core.clock import DAY
from entrepot.metadata import tables
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.testing.registry import RunningRegistry

sparse = pytest.mark.registry(sparse_manifests=True)

HERE, ELSEWHERE = image("here"), image("elsewhere")
BOTH = index(HERE, ELSEWHERE)


async def put_manifest(oci: httpx.AsyncClient, reference: str, pushed: Image) -> httpx.Response:
    """PUT of a manifest."""
    headers = {"content-type": pushed.media_type}
    return await oci.put(f"/v2/app/manifests/{reference}", content=pushed.content, headers=headers)


async def test_it_is_refused_as_ecr_does(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """With the images that are missing."""
    await push(ecr, repository, HERE)

    refused = await put_manifest(oci, "all", BOTH)

    assert errors_of(refused)[:2] == (400, "MANIFEST_BLOB_UNKNOWN")
    assert ELSEWHERE.digest in errors_of(refused)[2]
    assert HERE.digest not in errors_of(refused)[2]


@sparse
@pytest.mark.parametrize("parent", [BOTH, docker_list(docker_image()), index()], ids=["oci", "docker", "empty"])
async def test_it_is_accepted_and_pulled(ecr: ECR, oci: httpx.AsyncClient, repository: str, parent: Image) -> None:
    """To the byte; what is missing is missing."""
    await push(ecr, repository, HERE)

    put = await put_manifest(oci, "all", parent)

    assert put.status_code == 201
    assert (await oci.get("/v2/app/manifests/all")).content == parent.content
    assert (await oci.get(f"/v2/app/manifests/{HERE.digest}")).status_code == 200
    assert errors_of(await oci.get(f"/v2/app/manifests/{ELSEWHERE.digest}"))[:2] == (404, "MANIFEST_UNKNOWN")


@sparse
async def test_the_api_accepts_it_too(ecr: ECR, repository: str) -> None:
    """Its size is that of the largest image that is there, and nothing where none is."""
    await push(ecr, repository, HERE)
    await put(ecr, repository, BOTH, "both")
    await put(ecr, repository, index(ELSEWHERE), "none")

    described = await ecr("DescribeImages", repositoryName=repository)

    sizes = {
        image["imageDigest"]: image["imageSizeInBytes"]
        for image in described["imageDetails"]
        if "imageTags" in image
    }
    assert sizes == {BOTH.digest: sum(map(len, HERE.blobs)), index(ELSEWHERE).digest: 0}


@sparse
async def test_layers_may_be_missing_too(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """The size is that of those that are there."""
    config, layer = HERE.blobs
    await push_layer(ecr, repository, config)

    put = await put_manifest(oci, "v1", HERE)

    assert put.status_code == 201
    assert (await oci.get("/v2/app/manifests/v1")).content == HERE.content
    assert errors_of(await oci.get(f"/v2/app/blobs/{digest_of(layer)}"))[:2] == (404, "BLOB_UNKNOWN")
    (described,) = (await ecr("DescribeImages", repositoryName=repository))["imageDetails"]
    assert described["imageSizeInBytes"] == len(config)


@sparse
async def test_a_layer_that_comes_later_belongs_to_the_image(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """It can neither be deleted nor is it garbage."""
    await put_manifest(oci, "v1", HERE)
    _, layer = [await push_layer(ecr, repository, content) for content in HERE.blobs]

    refused = await oci.delete(f"/v2/app/blobs/{layer}")
    registry.clock.advance(30 * DAY)
    await sweep_once(registry.services, collecting_sweeps())

    assert errors_of(refused)[:2] == (405, "UNSUPPORTED")
    stored = await rows(registry, select(tables.blobs.c.digest))
    assert {digest for (digest,) in stored} == {digest_of(content) for content in HERE.blobs}


@sparse
async def test_an_image_that_comes_later_belongs_to_it(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """The API protects it from then on, as any image of an index."""
    await put_manifest(oci, "all", BOTH)
    await push(ecr, repository, ELSEWHERE)

    answer = await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": ELSEWHERE.digest}])

    (failure,) = answer["failures"]
    assert failure["failureCode"] == "ImageReferencedByManifestList"
    assert (await oci.get(f"/v2/app/manifests/{ELSEWHERE.digest}")).status_code == 200


@sparse
async def test_deleting_it_leaves_no_row_behind(
    registry: RunningRegistry, ecr: ECR, oci: httpx.AsyncClient, repository: str
) -> None:
    """What it named and never had, nobody has to clean up."""
    await put_manifest(oci, "all", BOTH)

    deleted = await oci.delete(f"/v2/app/manifests/{BOTH.digest}")

    assert deleted.status_code == 202
    assert (await oci.get("/v2/app/manifests/all")).status_code == 404
    left = await rows(registry, select(tables.images.c.digest).where(tables.images.c.repository_id.is_not(None)))
    assert left == []
