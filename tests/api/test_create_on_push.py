"""What a push does to a repository that does not exist."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.api.clients import ECR, Body, errors_of
from tests.api.images import ABSENT, Image, digest_of, image, index, push_layer
from tests.api.rows import count, execute, rows

from entrepot.core.media_types import OCI_INDEX
from entrepot.metadata.tables import audit_records, repositories
from entrepot.testing.registry import RunningRegistry

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
}
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)


async def test_without_a_template_a_push_to_a_missing_repository_is_refused(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """Uploads and manifests alike, and no repository is made."""
    expected = (
        404,
        "NAME_UNKNOWN",
        "The repository with name 'prod/app' does not exist in the registry with id '000000000000'",
    )

    assert errors_of(await oci.post("/v2/prod/app/blobs/uploads/")) == expected
    assert errors_of(await put_manifest(oci, "prod/app", index())) == expected
    assert await count(registry, repositories) == 0


async def test_a_push_makes_its_repository_as_the_template_says(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """Settings, resource tags, repository policy and lifecycle policy."""
    await template(
        ecr,
        "prod",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
        resourceTags=[{"Key": "team", "Value": "one"}],
        repositoryPolicy=json.dumps(POLICY),
        lifecyclePolicy=LIFECYCLE,
    )

    answer = await oci.post("/v2/prod/app/blobs/uploads/")

    assert answer.status_code == 202
    (made,) = (await ecr("DescribeRepositories"))["repositories"]
    assert made["repositoryName"] == "prod/app"
    assert made["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert made["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "dev-*"}]
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    tags = await ecr("ListTagsForResource", resourceArn=made["repositoryArn"])
    assert tags["tags"] == [{"Key": "team", "Value": "one"}]
    policy = await ecr("GetRepositoryPolicy", repositoryName="prod/app")
    assert json.loads(policy["policyText"]) == POLICY
    lifecycle = await ecr("GetLifecyclePolicy", repositoryName="prod/app")
    assert lifecycle["lifecyclePolicyText"] == LIFECYCLE


async def test_a_template_without_policies_gives_none(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """There is nothing to get."""
    await template(ecr, "prod")

    await oci.post("/v2/prod/app/blobs/uploads/")

    policy = await ecr.error("GetRepositoryPolicy", repositoryName="prod/app")
    lifecycle = await ecr.error("GetLifecyclePolicy", repositoryName="prod/app")
    assert policy["__type"] == "RepositoryPolicyNotFoundException"
    assert lifecycle["__type"] == "LifecyclePolicyNotFoundException"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("app", "ROOT"),
        ("prod", "ROOT"),
        ("production/app", "ROOT"),
        ("prod/app", "prod"),
        ("prod/team", "prod"),
        ("prod/teams/app", "prod"),
        ("prod/team/app", "prod/team/"),
        ("prod/team/app/part", "prod/team/"),
    ],
)
async def test_the_longest_prefix_of_whole_components_wins(
    ecr: ECR, oci: httpx.AsyncClient, name: str, prefix: str
) -> None:
    """And ROOT is for what no other prefix covers."""
    for one in ("prod", "ROOT", "prod/team/"):
        await template(ecr, one, resourceTags=[{"Key": "template", "Value": one}])

    await oci.post(f"/v2/{name}/blobs/uploads/")

    (made,) = (await ecr("DescribeRepositories"))["repositories"]
    tags = await ecr("ListTagsForResource", resourceArn=made["repositoryArn"])
    assert tags["tags"] == [{"Key": "template", "Value": prefix}]


async def test_a_template_for_other_scenarios_makes_no_repository(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """A shorter prefix that is applied for pushes still does."""
    await template(ecr, "prod/team", appliedFor=["REPLICATION", "PULL_THROUGH_CACHE"])
    before = await oci.post("/v2/prod/team/app/blobs/uploads/")

    await template(ecr, "prod")
    after = await oci.post("/v2/prod/team/app/blobs/uploads/")

    assert (before.status_code, after.status_code) == (404, 202)


async def test_a_template_is_of_one_region(ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry) -> None:
    """A push elsewhere finds none."""
    await template(ECR(registry, region="eu-west-1"), "ROOT")

    assert (await oci.post("/v2/prod/app/blobs/uploads/")).status_code == 404


@pytest.mark.registry(create_on_push=True)
async def test_the_setting_is_a_template_with_ecrs_defaults_under_root(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """The repository is as CreateRepository would have made it; no template is shown."""
    assert (await oci.post("/v2/app/blobs/uploads/")).status_code == 202

    (made,) = (await ecr("DescribeRepositories"))["repositories"]
    asked = await ecr("CreateRepository", repositoryName="by-name")
    differing = ("repositoryArn", "repositoryName", "repositoryUri")
    assert [made.pop(one) for one in differing] != [asked["repository"].pop(one) for one in differing]
    assert made == asked["repository"]
    assert (await ecr("DescribeRepositoryCreationTemplates"))["repositoryCreationTemplates"] == []


@pytest.mark.registry(create_on_push=True)
@pytest.mark.parametrize("prefix", ["prod", "ROOT"])
async def test_a_stored_template_wins_over_the_setting(ecr: ECR, oci: httpx.AsyncClient, prefix: str) -> None:
    """Under ROOT too, where the setting would stand."""
    await template(ecr, prefix, imageTagMutability="IMMUTABLE")

    await oci.post("/v2/prod/app/blobs/uploads/")

    (made,) = (await ecr("DescribeRepositories"))["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"


async def test_the_api_makes_no_repository_by_a_template(ecr: ECR) -> None:
    """InitiateLayerUpload and PutImage want the repository to be there, as ECR's do."""
    await template(ecr, "ROOT")

    upload = await ecr.error("InitiateLayerUpload", repositoryName="prod/app")
    manifest = await ecr.error("PutImage", repositoryName="prod/app", imageManifest="{}")

    assert {upload["__type"], manifest["__type"]} == {"RepositoryNotFoundException"}


async def test_create_repository_takes_nothing_from_a_template(ecr: ECR) -> None:
    """Templates are for repositories that nobody creates by name."""
    await template(ecr, "ROOT", imageTagMutability="IMMUTABLE", resourceTags=[{"Key": "team", "Value": "one"}])

    created = await ecr("CreateRepository", repositoryName="prod/app")

    assert created["repository"]["imageTagMutability"] == "MUTABLE"
    tags = await ecr("ListTagsForResource", resourceArn=created["repository"]["repositoryArn"])
    assert tags["tags"] == []


async def test_a_change_of_a_template_is_for_later_repositories(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """One that was made before stays as it is, and is pushed to as ever."""
    await template(ecr, "ROOT", imageTagMutability="IMMUTABLE")
    await oci.post("/v2/first/blobs/uploads/")
    await ecr("UpdateRepositoryCreationTemplate", prefix="ROOT", imageTagMutability="MUTABLE")

    await oci.post("/v2/second/blobs/uploads/")
    again = await oci.post("/v2/first/blobs/uploads/")

    found = (await ecr("DescribeRepositories"))["repositories"]
    assert again.status_code == 202
    assert [one["imageTagMutability"] for one in found] == ["IMMUTABLE", "MUTABLE"]


async def test_a_deleted_template_makes_no_more_repositories(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """The next push is refused."""
    await template(ecr, "ROOT")
    await ecr("DeleteRepositoryCreationTemplate", prefix="ROOT")

    assert (await oci.post("/v2/app/blobs/uploads/")).status_code == 404


async def test_layers_pushed_side_by_side_make_one_repository(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """As docker does; each upload begins."""
    await template(ecr, "ROOT", repositoryPolicy=json.dumps(POLICY))

    answers = await asyncio.gather(*(oci.post("/v2/app/blobs/uploads/") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert await count(registry, repositories) == 1


async def test_a_manifest_and_a_mounted_layer_make_the_repository_too(ecr: ECR, oci: httpx.AsyncClient) -> None:
    """Whatever a push begins with."""
    await ecr("CreateRepository", repositoryName="source")
    digest = await push_layer(ecr, "source", b"layer")
    await template(ecr, "ROOT")

    mounted = await oci.post(f"/v2/by-mount/blobs/uploads/?mount={digest}&from=source")
    put = await put_manifest(oci, "by-manifest", index())

    assert mounted.headers["location"].endswith(digest_of(b"layer"))
    assert (mounted.status_code, put.status_code) == (201, 201)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_makes_no_repository(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry, method: str
) -> None:
    """A pull of a missing repository is refused, template or not."""
    await template(ecr, "ROOT")

    assert (await oci.request(method, "/v2/app/manifests/v1")).status_code == 404
    assert (await oci.request(method, f"/v2/app/blobs/{digest_of(b'')}")).status_code == 404
    assert await count(registry, repositories) == 0


async def test_a_name_outside_the_grammar_is_never_made(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """ROOT covers every repository, and this is none."""
    await template(ecr, "ROOT")

    answer = await oci.post("/v2/App/blobs/uploads/")

    assert answer.status_code in {400, 404}
    assert await count(registry, repositories) == 0


async def test_a_repository_that_is_made_is_in_the_audit_records(
    ecr: ECR, oci: httpx.AsyncClient, registry: RunningRegistry
) -> None:
    """As CreateRepository, by whoever pushed."""
    await template(ecr, "ROOT")
    await execute(registry, audit_records.delete())

    await oci.post("/v2/app/blobs/uploads/")

    (row,) = await rows(registry, audit_records.select())
    assert (row.operation, row.repository) == ("CreateRepository", "app")
    assert row.principal == "arn:aws:iam::000000000000:root"


MISSING = "required for pushing image into repository with name 'app' in the registry with id '000000000000' do not exist"
CONFIG, LAYER = (digest_of(blob) for blob in image().blobs)
REFUSED = [
    ("v1", b"{", "MANIFEST_INVALID", "'Invalid JSON syntax'"),
    ("v1", b"[]", "MANIFEST_INVALID", ""),
    ("v1", b'{"schemaVersion": 2}', "MANIFEST_INVALID", ""),
    (
        ABSENT,
        index().content,
        "MANIFEST_INVALID",
        "does not match the image digest that Amazon ECR has calculated",
    ),
    (
        "v1",
        index(manifests=[{"mediaType": "x/y", "digest": ABSENT, "size": 1}] * 241).content,
        "MANIFEST_INVALID",
        "The manifest has 241 references",
    ),
    ("v1", image().content, "MANIFEST_BLOB_UNKNOWN", f"Layers with digests '[{CONFIG}, {LAYER}]' {MISSING}"),
    ("v1", index(image()).content, "MANIFEST_BLOB_UNKNOWN", f"Images with digests '[{image().digest}]' {MISSING}"),
    ("a%20b", index().content, "TAG_INVALID", ""),
]


@pytest.mark.registry(create_on_push=True)
@pytest.mark.parametrize("by_template", [True, False], ids=["template", "setting"])
@pytest.mark.parametrize(("reference", "content", "code", "words"), REFUSED)
async def test_a_manifest_that_is_refused_makes_no_repository(
    ecr: ECR,
    oci: httpx.AsyncClient,
    registry: RunningRegistry,
    by_template: bool,
    reference: str,
    content: bytes,
    code: str,
    words: str,
) -> None:
    """Whether it is flawed in itself, or names what a new repository cannot have."""
    if by_template:
        await template(ecr, "ROOT")
    media_type = json.loads(content).get("mediaType", OCI_INDEX) if content.startswith(b'{"') else OCI_INDEX

    answer = await oci.put(f"/v2/app/manifests/{reference}", content=content, headers={"content-type": media_type})

    assert errors_of(answer)[:2] == (400, code)
    assert words in errors_of(answer)[2]
    assert await count(registry, repositories) == 0


async def test_a_missing_repository_is_missing_before_its_manifest_is_flawed(oci: httpx.AsyncClient) -> None:
    """Where no template covers the name, nobody looks at the manifest."""
    answer = await oci.put("/v2/app/manifests/v1", content=b"{", headers={"content-type": OCI_INDEX})

    assert errors_of(answer)[:2] == (404, "NAME_UNKNOWN")


async def template(ecr: ECR, prefix: str, **settings: Any) -> Body:
    """Create a template, for CREATE_ON_PUSH unless the settings say otherwise."""
    return await ecr(
        "CreateRepositoryCreationTemplate", **{"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"], **settings}
    )


async def put_manifest(oci: httpx.AsyncClient, repository: str, pushed: Image) -> httpx.Response:
    """Push a manifest."""
    return await oci.put(
        f"/v2/{repository}/manifests/v1", content=pushed.content, headers={"content-type": pushed.media_type}
    )
