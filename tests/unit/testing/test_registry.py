"""The registry for tests is a whole one, and the same one each time."""

import json

import httpx
from tests.api.clients import ECR, oci_client, password

from entrepot.testing.registry import START, RunningRegistry, registry


async def test_it_is_pushed_to_and_read_by_both_faces() -> None:
    """Without anything being set up."""
    async with registry() as running:
        ecr = ECR(running)
        await ecr("CreateRepository", repositoryName="app")
        async with oci_client(running, await password(ecr)) as oci:
            pushed = await oci.put(
                "/v2/app/manifests/v1",
                content=json.dumps({"schemaVersion": 2, "manifests": []}),
                headers={"content-type": "application/vnd.oci.image.index.v1+json"},
            )

        listed = await ecr("ListImages", repositoryName="app")

    assert pushed.status_code == 201
    assert listed["imageIds"] == [{"imageDigest": pushed.headers["docker-content-digest"], "imageTag": "v1"}]


async def test_the_same_seed_makes_the_same_names() -> None:
    """So a failure is seen again."""
    assert await upload_id(seed=1) == await upload_id(seed=1) != await upload_id(seed=2)


async def upload_id(seed: int) -> str:
    """The id of the first upload."""
    async with registry(seed=seed) as running:
        ecr = ECR(running)
        await ecr("CreateRepository", repositoryName="app")
        return (await ecr("InitiateLayerUpload", repositoryName="app"))["uploadId"]


async def test_registries_share_nothing() -> None:
    """Any number may run side by side."""
    async with registry() as one, registry() as other:
        await ECR(one)("CreateRepository", repositoryName="app")

        assert await ECR(other)("DescribeRepositories") == {"repositories": []}


async def test_time_stands_still_until_it_is_told_to_go_on() -> None:
    """For what is stored, and for what expires."""
    async with registry() as running:
        first = await created_at(running, "aa")
        running.clock.advance(1_500_000)
        second = await created_at(running, "bb")

    assert first == START / 1_000_000
    assert second - first == 1.5


async def created_at(running: RunningRegistry, name: str) -> float:
    """When a new repository says it was created."""
    return (await ECR(running)("CreateRepository", repositoryName=name))["repository"]["createdAt"]


async def test_its_server_may_end_before_it_does() -> None:
    """An ASGI server that shuts down leaves the registry to the block."""
    async with registry() as running:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[object] = []

        async def receive() -> dict[str, str]:
            return next(messages)

        async def send(message: object) -> None:
            sent.append(message)

        await running.application({"type": "lifespan"}, receive, send)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(running.application), base_url="http://localhost"
        ) as client:
            ready = await client.get("/-/ready")

    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert ready.status_code == 200
