"""CreateRepositoryCreationTemplate, and to describe, update and delete what it made."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.api.clients import ECR, Body
from tests.api.rows import count, execute, rows

from entrepot.core.clock import SECOND
from entrepot.core.partitions import RegistryId
from entrepot.features.templates import store as templates
from entrepot.features.templates.rules import MAX_TEMPLATES
from entrepot.features.templates.template import Template, TemplateSettings
from entrepot.metadata.tables import audit_records, creation_templates
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

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
SETTINGS: Body = {
    "description": "what teams push",
    "resourceTags": [{"Key": "team", "Value": "one"}, {"Key": "cost", "Value": ""}],
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
    "repositoryPolicy": json.dumps(POLICY),
    "lifecyclePolicy": LIFECYCLE,
    "appliedFor": ["CREATE_ON_PUSH", "REPLICATION"],
    "customRoleArn": "arn:aws:iam::000000000000:role/ecr",
}


async def test_a_template_has_ecrs_defaults(ecr: ECR) -> None:
    """The whole answer of CreateRepositoryCreationTemplate."""
    assert await create(ecr, "prod") == {
        "registryId": "000000000000",
        "repositoryCreationTemplate": {
            "prefix": "prod",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "resourceTags": [],
            "imageTagMutability": "MUTABLE",
            "appliedFor": ["CREATE_ON_PUSH"],
            "createdAt": 1767225600.0,
            "updatedAt": 1767225600.0,
        },
    }


async def test_a_template_is_described_as_it_was_created(ecr: ECR) -> None:
    """Every setting; the repository policy in the form in which ECR shows policies."""
    created = await create(ecr, "prod", **SETTINGS)

    template = created["repositoryCreationTemplate"]
    described = await ecr("DescribeRepositoryCreationTemplates")
    assert described == {"registryId": "000000000000", "repositoryCreationTemplates": [template]}
    assert json.loads(template.pop("repositoryPolicy")) == POLICY
    assert {**SETTINGS, "repositoryPolicy": None}.items() <= {**template, "repositoryPolicy": None}.items()


@produces("CreateRepositoryCreationTemplate", "TemplateAlreadyExistsException")
@pytest.mark.parametrize("prefix", ["prod", "prod/"])
async def test_a_prefix_has_one_template_however_it_is_spelled(ecr: ECR, prefix: str) -> None:
    """The slash at the end is implied."""
    await create(ecr, "prod")

    refused = await ecr.error("CreateRepositoryCreationTemplate", prefix=prefix, appliedFor=["REPLICATION"])

    assert refused == {
        "__type": "TemplateAlreadyExistsException",
        "message": f"The repository creation template with prefix '{prefix}' already exists in the registry with "
        "id '000000000000'",
    }


async def test_a_prefix_is_answered_as_it_was_created_with(ecr: ECR) -> None:
    """Terraform replaces a template whose prefix comes back in another spelling."""
    await create(ecr, "prod/")

    updated = await ecr("UpdateRepositoryCreationTemplate", prefix="prod", description="new")

    assert updated["repositoryCreationTemplate"]["prefix"] == "prod/"
    assert await prefixes_of(ecr, prefixes=["prod"]) == ["prod/"]


@pytest.mark.parametrize("prefix", ["a", "ROOT", "prod/team", "a" * 256])
async def test_every_prefix_of_the_grammar_is_accepted(ecr: ECR, prefix: str) -> None:
    """ROOT included, which is no name."""
    assert (await create(ecr, prefix))["repositoryCreationTemplate"]["prefix"] == prefix


@produces("CreateRepositoryCreationTemplate", "ValidationException")
@pytest.mark.parametrize("prefix", ["", "root/ROOT", "Prod", "/", "prod//", "/prod", "a" * 257])
async def test_a_prefix_outside_the_grammar_is_refused(ecr: ECR, prefix: str) -> None:
    """By the service model's pattern and lengths."""
    refused = await ecr.error("CreateRepositoryCreationTemplate", prefix=prefix, appliedFor=["REPLICATION"])

    assert refused["__type"] == "ValidationException"


@pytest.mark.parametrize("members", [{}, {"appliedFor": ["EVERYTHING"]}])
async def test_a_template_says_what_it_is_applied_for(ecr: ECR, members: Body) -> None:
    """Some of the three scenarios."""
    refused = await ecr.error("CreateRepositoryCreationTemplate", prefix="prod", **members)

    assert refused["__type"] == "ValidationException"
    assert "'appliedFor" in refused["message"]


@pytest.mark.parametrize(
    ("settings", "parameter"),
    [
        ({"resourceTags": [{"Key": "aws:x", "Value": ""}]}, "resourceTags"),
        ({"resourceTags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "resourceTags"),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}, "imageTagMutabilityExclusionFilters"),
        ({"repositoryPolicy": "{}"}, "PolicyText"),
        ({"lifecyclePolicy": "{}"}, "LifecyclePolicyText"),
    ],
    ids=["bad tag", "many tags", "no filters", "policy", "lifecycle policy"],
)
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(
            f"{verb}RepositoryCreationTemplate",
            marks=produces(f"{verb}RepositoryCreationTemplate", "InvalidParameterException"),
        )
        for verb in ("Create", "Update")
    ],
)
async def test_a_template_holds_only_what_a_repository_could_have(
    ecr: ECR, operation: str, settings: Body, parameter: str
) -> None:
    """Refused when it is written, as the only error that the service model has for it."""
    await create(ecr, "ROOT")
    before = await ecr("DescribeRepositoryCreationTemplates")

    prefix = "ROOT" if operation.startswith("Update") else "prod"
    refused = await ecr.error(operation, prefix=prefix, appliedFor=["REPLICATION"], **settings)

    assert refused["__type"] == "InvalidParameterException"
    assert f"'{parameter}'" in refused["message"]
    assert await ecr("DescribeRepositoryCreationTemplates") == before


async def test_an_update_replaces_what_it_names_and_nothing_else(ecr: ECR, registry: RunningRegistry) -> None:
    """The time of the change included."""
    created = await create(ecr, "prod", **SETTINGS)
    registry.clock.advance(2 * SECOND)
    change: Body = {"description": "new", "appliedFor": ["PULL_THROUGH_CACHE"], "resourceTags": []}

    updated = await ecr("UpdateRepositoryCreationTemplate", prefix="prod", **change)

    expected = {**created["repositoryCreationTemplate"], **change, "updatedAt": 1767225602.0}
    assert updated == {"registryId": "000000000000", "repositoryCreationTemplate": expected}
    assert (await ecr("DescribeRepositoryCreationTemplates"))["repositoryCreationTemplates"] == [expected]


async def test_an_empty_text_takes_a_setting_away(ecr: ECR) -> None:
    """As Terraform does when a policy is dropped from its configuration."""
    await create(ecr, "prod", **SETTINGS)
    texts = ("description", "repositoryPolicy", "lifecyclePolicy", "customRoleArn")

    updated = await ecr("UpdateRepositoryCreationTemplate", prefix="prod", **dict.fromkeys(texts, ""))

    assert not set(texts) & updated["repositoryCreationTemplate"].keys()


async def test_a_mutability_without_exclusions_drops_the_filters(ecr: ECR) -> None:
    """Or there would be no way back from exclusions."""
    await create(ecr, "prod", **SETTINGS)

    updated = await ecr("UpdateRepositoryCreationTemplate", prefix="prod", imageTagMutability="MUTABLE")

    assert updated["repositoryCreationTemplate"]["imageTagMutability"] == "MUTABLE"
    assert "imageTagMutabilityExclusionFilters" not in updated["repositoryCreationTemplate"]


@produces("UpdateRepositoryCreationTemplate", "TemplateNotFoundException")
@produces("DeleteRepositoryCreationTemplate", "TemplateNotFoundException")
async def test_a_prefix_without_a_template_says_so(ecr: ECR) -> None:
    """A longer or a shorter prefix is another one."""
    await create(ecr, "prod/team")

    for verb in ("Update", "Delete"):
        assert await ecr.error(f"{verb}RepositoryCreationTemplate", prefix="prod") == {
            "__type": "TemplateNotFoundException",
            "message": "The repository creation template with prefix 'prod' does not exist in the registry with id "
            "'000000000000'",
        }


async def test_a_deleted_template_is_told_of_once_more(ecr: ECR) -> None:
    """DeleteRepositoryCreationTemplate answers with what it deleted."""
    created = await create(ecr, "prod", **SETTINGS)

    deleted = await ecr("DeleteRepositoryCreationTemplate", prefix="prod/")

    assert deleted == created
    assert await prefixes_of(ecr) == []


async def test_named_prefixes_are_described_where_there_is_a_template(ecr: ECR) -> None:
    """Prefixes without one are left out: the service model has no error for them."""
    for prefix in ("ROOT", "dev", "prod/", "prod/team"):
        await create(ecr, prefix)

    assert await prefixes_of(ecr, prefixes=["prod", "missing", "ROOT", "prod"]) == ["ROOT", "prod/"]
    assert await prefixes_of(ecr, prefixes=["missing"]) == []
    assert await prefixes_of(ecr, prefixes=[]) == ["ROOT", "dev", "prod/", "prod/team"]


async def test_templates_are_listed_by_prefix_in_pages(ecr: ECR) -> None:
    """Every one once, in byte order."""
    for prefix in ("b/", "a-1", "ROOT", "a/1/", "a"):
        await create(ecr, prefix)

    pages = await ecr.pages("DescribeRepositoryCreationTemplates", "repositoryCreationTemplates", maxResults=2)

    assert [[one["prefix"] for one in page] for page in pages] == [["ROOT", "a"], ["a-1", "a/1/"], ["b/"]]


@produces("DescribeRepositoryCreationTemplates", "InvalidParameterException")
@pytest.mark.parametrize("members", [{"nextToken": "x"}, {"maxResults": 5}])
async def test_prefixes_and_pages_exclude_each_other(ecr: ECR, members: Body) -> None:
    """A list by name has no pages."""
    refused = await ecr.error("DescribeRepositoryCreationTemplates", prefixes=["prod"], **members)

    assert refused["__type"] == "InvalidParameterException"
    assert f"'{next(iter(members))}'" in refused["message"]


async def test_more_prefixes_than_there_can_be_templates_are_refused(ecr: ECR) -> None:
    """One request looks for so many and no more."""
    prefixes = [f"p{number}" for number in range(MAX_TEMPLATES + 1)]

    refused = await ecr.error("DescribeRepositoryCreationTemplates", prefixes=prefixes)

    assert refused["message"] == (
        "Invalid parameter at 'prefixes' failed to satisfy constraint: 'Member must have length less than or equal "
        f"to {MAX_TEMPLATES}'"
    )
    assert await prefixes_of(ecr, prefixes=prefixes[:MAX_TEMPLATES]) == []


@produces("CreateRepositoryCreationTemplate", "LimitExceededException")
async def test_a_registry_has_room_for_so_many_templates(ecr: ECR, registry: RunningRegistry) -> None:
    """Another region's count for themselves."""
    await fill(ecr, registry, MAX_TEMPLATES - 1)
    await create(ecr, "last")

    assert await ecr.error("CreateRepositoryCreationTemplate", prefix="one-more", appliedFor=[]) == {
        "__type": "LimitExceededException",
        "message": f"The limit of {MAX_TEMPLATES} repository creation templates in a registry has been reached",
    }
    assert await count(registry, creation_templates) == MAX_TEMPLATES
    await create(ECR(registry, region="eu-west-1"), "one-more")


async def test_of_templates_that_come_at_once_each_counts_the_others(ecr: ECR, registry: RunningRegistry) -> None:
    """However their transactions overlap: the last place is given once."""
    await create(ecr, "first")
    here = RegistryId("000000000000", "us-east-1")

    def add(connection: Connection, prefix: str) -> int:
        templates.create(connection, here, Template(prefix, TemplateSettings(applied_for=()), 0, 0))
        for _ in range(20):  # time for the others to come as far as this
            connection.execute(select(1))
        return templates.count(connection, here)

    write = registry.services.metadata.write
    counted = await asyncio.gather(*(write(partial(add, prefix=f"p{number}")) for number in range(4)))

    assert sorted(counted) == [2, 3, 4, 5]


async def test_a_template_is_of_one_region(ecr: ECR, registry: RunningRegistry) -> None:
    """Another region's registry has templates of its own."""
    elsewhere = ECR(registry, region="eu-west-1")
    await create(ecr, "prod", description="here")
    await create(elsewhere, "prod", description="there")

    await ecr("DeleteRepositoryCreationTemplate", prefix="prod")

    assert await prefixes_of(ecr) == []
    (left,) = (await elsewhere("DescribeRepositoryCreationTemplates"))["repositoryCreationTemplates"]
    assert left["description"] == "there"


async def test_changes_of_templates_are_in_the_audit_records(ecr: ECR, registry: RunningRegistry) -> None:
    """With the prefix; reading leaves no record."""
    await create(ecr, "prod")
    await ecr("UpdateRepositoryCreationTemplate", prefix="prod", description="new")
    await ecr("DescribeRepositoryCreationTemplates")
    await ecr("DeleteRepositoryCreationTemplate", prefix="prod")

    found = await rows(registry, audit_records.select().order_by(audit_records.c.id))
    assert [(row.operation, json.loads(row.detail)) for row in found] == [
        (f"{verb}RepositoryCreationTemplate", {"prefix": "prod"}) for verb in ("Create", "Update", "Delete")
    ]


async def create(ecr: ECR, prefix: str, **settings: Any) -> Body:
    """Create a template, for CREATE_ON_PUSH unless the settings say otherwise."""
    return await ecr(
        "CreateRepositoryCreationTemplate", **{"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"], **settings}
    )


async def prefixes_of(ecr: ECR, **members: Any) -> list[str]:
    """The prefixes that DescribeRepositoryCreationTemplates answers with."""
    answer = await ecr("DescribeRepositoryCreationTemplates", **members)
    return [one["prefix"] for one in answer["repositoryCreationTemplates"]]


async def fill(ecr: ECR, registry: RunningRegistry, size: int) -> None:
    """Give the registry so many templates."""
    await create(ecr, "first")
    (first,) = await rows(registry, creation_templates.select())
    row = dict(zip(creation_templates.c.keys(), first, strict=True))
    copies = [{**row, "prefix": f"p{number}"} for number in range(size - 1)]
    await execute(registry, creation_templates.insert().values(copies))
