"""What the registry writes down beside its state: the history of tags, and who changed what."""

import json

import httpx
from sqlalchemy import select
from tests.api.clients import ECR
from tests.api.images import image, push, push_layer
from tests.api.rows import count, rows

from entrepot.core.clock import HOUR
from entrepot.metadata import tables
from entrepot.operations.sweeps import drain_images
from entrepot.testing.registry import START, RunningRegistry

ROOT = "arn:aws:iam::000000000000:root"


async def test_every_move_of_a_tag_is_written_down(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """Set, moved, removed by either face: who, when, from where, to where."""
    old, new = image("old"), image("new")
    await push(ecr, repository, old, "v1", "keep")
    registry.clock.advance(HOUR)
    await push(ecr, repository, new, "v1", "other")
    registry.clock.advance(HOUR)
    await oci.delete(f"/v2/{repository}/manifests/v1")
    registry.clock.advance(HOUR)
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "keep"}])
    await drain_images(registry.services)

    assert await history(registry) == [
        ("v1", START, ROOT, None, old.digest),
        ("keep", START, ROOT, None, old.digest),
        ("v1", START + HOUR, ROOT, old.digest, new.digest),
        ("other", START + HOUR, ROOT, None, new.digest),
        ("v1", START + 2 * HOUR, ROOT, new.digest, None),
        ("keep", START + 3 * HOUR, ROOT, old.digest, None),
    ]


async def test_changes_are_audited_in_their_transaction(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """One record a change, with what it was about."""
    pushed = image()
    await push(ecr, repository, pushed, "v1")
    layer = await push_layer(ecr, repository, b"unused")
    await oci.delete(f"/v2/{repository}/blobs/{layer}")
    await ecr("BatchDeleteImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    await ecr("DeleteRepository", repositoryName=repository)

    records = await rows(registry, select(tables.audit_records).order_by(tables.audit_records.c.id))

    about = {"digest": pushed.digest, "tags": ["v1"]}
    assert [(record.operation, json.loads(record.detail)) for record in records] == [
        ("CreateRepository", {}),
        ("PutImage", about),
        ("UnlinkLayer", {"digest": layer}),
        ("BatchDeleteImage", about),
        ("DeleteRepository", {}),
    ]
    assert {(record.account, record.region, record.principal, record.repository) for record in records} == {
        ("000000000000", "us-east-1", ROOT, repository)
    }


async def test_a_record_carries_the_request_id_that_the_client_was_told(
    ecr: ECR, registry: RunningRegistry
) -> None:
    """So both can be found from each other."""
    answer = await ecr.send("CreateRepository", b'{"repositoryName": "app"}')

    ((request_id, recorded_at),) = await rows(
        registry, select(tables.audit_records.c.request_id, tables.audit_records.c.recorded_at)
    )
    assert request_id == answer.headers["x-amzn-requestid"]
    assert recorded_at == START


async def test_what_is_refused_leaves_no_record(ecr: ECR, registry: RunningRegistry, repository: str) -> None:
    """Its transaction is undone, record and all."""
    before = await count(registry, tables.audit_records)

    await ecr.error("CreateRepository", repositoryName=repository)
    await ecr.error("PutImage", repositoryName=repository, imageManifest=image().text)
    await ecr.error("DeleteRepository", repositoryName="missing")

    assert await count(registry, tables.audit_records) == before


async def test_every_call_of_an_operation_is_counted_with_its_outcome(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, repository: str
) -> None:
    """By whichever face it came."""
    await ecr("ListImages", repositoryName=repository)
    await ecr.error("ListImages", repositoryName="missing")
    await oci.get(f"/v2/{repository}/tags/list")

    assert registry.counters.operations["ListImages", "ok"] == 2
    assert registry.counters.operations["ListImages", "RepositoryNotFound"] == 1


async def history(registry: RunningRegistry) -> list[tuple[object, ...]]:
    """The rows of the tags' history, but for their keys."""
    table = tables.tag_history
    query = select(
        table.c.tag, table.c.moved_at, table.c.moved_by, table.c.from_digest, table.c.to_digest
    ).order_by(table.c.id)
    return [tuple(row) for row in await rows(registry, query)]
