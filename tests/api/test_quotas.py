"""The setting ``quotas``: rates of calls, and numbers of repositories and images."""

import httpx
import pytest
from sqlalchemy import text
from tests.api.clients import ECR, errors_of
from tests.api.images import Image, image, push, push_layers, put
from tests.api.rows import execute

from entrepot.core.clock import MINUTE, SECOND
from entrepot.features.quotas.quotas import ECR as ECR_QUOTAS
from entrepot.features.quotas.quotas import Quotas
from entrepot.testing.registry import RunningRegistry
from entrepot.testing.registry import registry as running_registry

produces = pytest.mark.produces

THROTTLED = {"__type": "ThrottlingException", "message": "Rate exceeded"}


@pytest.mark.registry(quotas=Quotas(rates={"DescribeRepositories": 2}))
async def test_a_registry_that_asks_too_often_is_throttled(ecr: ECR, registry: RunningRegistry) -> None:
    """SDKs try again by themselves; another region is another registry."""
    answers = [await ecr.send("DescribeRepositories", b"{}") for _ in range(3)]
    elsewhere = await ECR(registry, region="eu-west-1").send("DescribeRepositories", b"{}")
    registry.clock.advance(SECOND)
    later = await ecr.send("DescribeRepositories", b"{}")

    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert answers[2].json() == THROTTLED
    assert (elsewhere.status_code, later.status_code) == (200, 200)
    assert registry.counters.operations["DescribeRepositories", "Throttled"] == 1


@pytest.mark.registry(quotas=Quotas(rates={"ListImages": 1}))
async def test_both_faces_take_from_one_bucket(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """A request to ``/v2/`` is a call of the API: 429."""
    await ecr("ListImages", repositoryName=repository)

    refused = await oci.get(f"/v2/{repository}/tags/list")

    assert errors_of(refused) == (429, "TOOMANYREQUESTS", "Rate exceeded")


@pytest.mark.registry(quotas=Quotas(rates={"UploadLayerPart": 1}))
async def test_a_chunk_that_is_throttled_can_be_sent_again(
    oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Nothing of it was taken."""
    begun = await oci.post(f"/v2/{repository}/blobs/uploads/")
    location = begun.headers["location"]
    await oci.patch(location, content=b"0")

    refused = await oci.patch(location, content=b"1")
    registry.clock.advance(SECOND)
    accepted = await oci.patch(location, content=b"1", headers={"content-range": "1-1"})

    assert (refused.status_code, accepted.status_code) == (429, 202)


@produces("CreateRepository", "LimitExceededException")
@pytest.mark.registry(quotas=Quotas(repositories=2), create_on_push=True)
async def test_a_registry_has_room_for_so_many_repositories(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """By the API and by a push; a name that is taken is said to be taken, and a deletion makes room."""
    for name in ("one", "two"):
        await ecr("CreateRepository", repositoryName=name)

    refused = await ecr.error("CreateRepository", repositoryName="three")
    taken = await ecr.error("CreateRepository", repositoryName="two")
    by_push = await oci.post("/v2/three/blobs/uploads/")
    await ecr("DeleteRepository", repositoryName="one")
    await ecr("CreateRepository", repositoryName="three")

    words = (
        "The registry with id '000000000000' already has the maximum allowed number of repositories which is '2'"
    )
    assert refused == {"__type": "LimitExceededException", "message": words}
    assert taken["__type"] == "RepositoryAlreadyExistsException"
    assert errors_of(by_push) == (403, "DENIED", words)


@produces("PutImage", "LimitExceededException")
@pytest.mark.registry(quotas=Quotas(images_per_repository=2))
async def test_a_repository_has_room_for_so_many_images(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """On both faces; images that are there can still be tagged, and a deletion makes room."""
    one, two, three = image("one"), image("two"), image("three")
    await push(ecr, repository, one, "v1")
    await push(ecr, repository, two)
    await push_layers(ecr, repository, three)

    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=three.text, imageTag="v3")
    by_v2 = await put_manifest(oci, repository, three)
    await put(ecr, repository, two, "v2")
    kept = await ecr("ListImages", repositoryName=repository)
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    await put(ecr, repository, three, "v3")

    words = (
        "The repository with name 'app' in registry with id '000000000000' already has the maximum allowed number of "
        "images which is '2'"
    )
    assert refused == {"__type": "LimitExceededException", "message": words}
    assert errors_of(by_v2) == (403, "DENIED", words)
    assert [one.get("imageTag") for one in kept["imageIds"]] == ["v1", "v2"]


@pytest.mark.timeout(120)
@pytest.mark.registry(quotas=ECR_QUOTAS)
async def test_ecrs_quota_of_images_is_100_000(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """The 100,000th is let in; behind it, on a full repository, everything but a new image is as it was."""
    last, over = image("last"), image("over")
    for one in (last, over):
        await push_layers(ecr, repository, one)
    await execute(registry, text(INSERT_99_999_IMAGES))

    await put(ecr, repository, last, "v1")
    refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=over.text, imageTag="v2")
    await put(ecr, repository, last, "v2")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageDigest": f"sha256:{7:064}"}])
    await put(ecr, repository, over, "v3")

    assert refused == {
        "__type": "LimitExceededException",
        "message": "The repository with name 'app' in registry with id '000000000000' already has the maximum allowed "
        "number of images which is '100000'",
    }


#: By the database itself, which both understand: pushing them would take minutes.
INSERT_99_999_IMAGES = """
    INSERT INTO images (repository_id, digest, encryption_key, media_type, size, manifest_size, pushed_at, tag_count)
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 99999)
    SELECT repositories.id, 'sha256:' || substr('0000000000000000000000000000000000000000000000000000000000000000', 1,
        64 - length(CAST(number AS TEXT))) || CAST(number AS TEXT), '', 'x/y', 0, 0, 0, 0 FROM numbers, repositories
"""


@pytest.mark.registry(quotas=Quotas(images_per_repository=2))
async def test_what_another_worker_pushes_counts_within_a_minute(
    ecr: ECR, registry: RunningRegistry, repository: str
) -> None:
    """Until a worker counts anew it knows of its own pushes only, and may go beyond the quota."""
    pushed = [image(str(number)) for number in range(4)]
    for one in pushed:
        await push_layers(ecr, repository, one)
    async with running_registry(registry.services.metadata, quotas=registry.services.quotas) as another:
        await put(ecr, repository, pushed[0])
        await put(ECR(another), repository, pushed[1])
        await put(ecr, repository, pushed[2])

        registry.clock.advance(MINUTE)
        refused = await ecr.error("PutImage", repositoryName=repository, imageManifest=pushed[3].text)

    assert refused["__type"] == "LimitExceededException"


async def test_without_the_setting_nothing_is_limited(ecr: ECR, oci: httpx.AsyncClient, repository: str) -> None:
    """Not even PutImage, of which ECR allows ten a second."""
    pushed = image()
    await push(ecr, repository, pushed)

    answers = [await put_manifest(oci, repository, pushed) for _ in range(30)]

    assert {answer.status_code for answer in answers} == {201}


async def put_manifest(oci: httpx.AsyncClient, repository: str, pushed: Image) -> httpx.Response:
    """PUT of a manifest whose layers are there."""
    return await oci.put(
        f"/v2/{repository}/manifests/v", content=pushed.content, headers={"content-type": pushed.media_type}
    )
