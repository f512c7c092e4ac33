"""CreatePullThroughCacheRule, and to describe, update and delete what it made."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.api.clients import ECR, Body
from tests.api.rows import count, rows

from entrepot.core.clock import SECOND
from entrepot.core.partitions import RegistryId
from entrepot.features.pull_through import store
from entrepot.features.pull_through.rule import Rule, Upstream
from entrepot.features.pull_through.rules import MAX_RULES
from entrepot.metadata.tables import audit_records, pull_through_rules
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/hub"
ROLE = "arn:aws:iam::000000000000:role/upstream"


async def test_a_rule_is_answered_as_it_was_made(ecr: ECR) -> None:
    """The whole answer of CreatePullThroughCacheRule; the upstream registry is told from its URL."""
    assert await create(ecr, "quay") == {
        "ecrRepositoryPrefix": "quay",
        "upstreamRegistryUrl": "quay.io",
        "createdAt": 1767225600.0,
        "registryId": "000000000000",
        "upstreamRegistry": "quay",
        "upstreamRepositoryPrefix": "ROOT",
    }


async def test_a_rule_is_described_with_all_that_was_given(ecr: ECR) -> None:
    """And with the time of its last change."""
    given: Body = {
        "ecrRepositoryPrefix": "hub",
        "upstreamRegistryUrl": "registry-1.docker.io",
        "upstreamRegistry": "docker-hub",
        "credentialArn": SECRET,
        "customRoleArn": ROLE,
        "upstreamRepositoryPrefix": "library/",
    }

    created = await ecr("CreatePullThroughCacheRule", **given)

    assert given.items() <= created.items()
    assert await ecr("DescribePullThroughCacheRules") == {
        "pullThroughCacheRules": [{**created, "updatedAt": created["createdAt"]}]
    }


@produces("CreatePullThroughCacheRule", "PullThroughCacheRuleAlreadyExistsException")
@pytest.mark.parametrize("prefix", ["quay", "quay/"])
async def test_a_prefix_has_one_rule_however_it_is_spelled(ecr: ECR, prefix: str) -> None:
    """The slash at the end is implied."""
    await create(ecr, "quay")

    refused = await ecr.error(
        "CreatePullThroughCacheRule", ecrRepositoryPrefix=prefix, upstreamRegistryUrl="public.ecr.aws"
    )

    assert refused == {
        "__type": "PullThroughCacheRuleAlreadyExistsException",
        "message": f"The pull through cache rule with prefix '{prefix}' already exists in the registry with id "
        "'000000000000'",
    }


@produces("CreatePullThroughCacheRule", "ValidationException")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ecrRepositoryPrefix", "a"),
        ("ecrRepositoryPrefix", "a" * 31),
        ("ecrRepositoryPrefix", "Quay"),
        ("upstreamRepositoryPrefix", "/"),
        ("credentialArn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:other/hub"),
        ("credentialArn", "arn:aws:secretsmanager:x:secret:ecr-pullthroughcache/"),
        ("upstreamRegistry", "harbor"),
        ("customRoleArn", "a" * 2049),
    ],
)
async def test_a_member_outside_its_grammar_is_refused(ecr: ECR, member: str, value: str) -> None:
    """By the service model's patterns, lengths and names."""
    members = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", member: value}

    refused = await ecr.error("CreatePullThroughCacheRule", **members)

    assert refused["__type"] == "ValidationException"
    assert f"'{member}'" in refused["message"]


@produces("CreatePullThroughCacheRule", "UnsupportedUpstreamRegistryException")
async def test_an_upstream_registry_that_ecr_does_not_know_is_refused(ecr: ECR) -> None:
    """In ECR's words."""
    refused = await ecr.error(
        "CreatePullThroughCacheRule", ecrRepositoryPrefix="harbor", upstreamRegistryUrl="harbor.example.com"
    )

    assert refused == {
        "__type": "UnsupportedUpstreamRegistryException",
        "message": "The upstream registry URL harbor.example.com is invalid. Specify a valid upstream registry URL "
        "and try again",
    }
    assert await ecr("DescribePullThroughCacheRules") == {"pullThroughCacheRules": []}


async def test_docker_hub_needs_a_credential(ecr: ECR) -> None:
    """In ECR's words; the ARN is kept, and nothing looks at the secret behind it."""
    members = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}

    assert await ecr.error("CreatePullThroughCacheRule", **members) == {
        "__type": "UnsupportedUpstreamRegistryException",
        "message": "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN "
        "containing the upstream registry credentials.",
    }
    created = await ecr("CreatePullThroughCacheRule", **members, credentialArn=SECRET)
    assert created["credentialArn"] == SECRET


@produces("CreatePullThroughCacheRule", "InvalidParameterException")
async def test_ecr_of_another_account_needs_a_role(ecr: ECR) -> None:
    """And is told from the host."""
    members = {
        "ecrRepositoryPrefix": "ROOT",
        "upstreamRegistryUrl": "111111111111.dkr.ecr.us-east-1.amazonaws.com",
    }

    assert await ecr.error("CreatePullThroughCacheRule", **members) == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'customRoleArn' failed to satisfy constraint: 'Member must not be null "
        "when the upstream registry is of another account'",
    }
    created = await ecr("CreatePullThroughCacheRule", **members, customRoleArn=ROLE)
    assert (created["upstreamRegistry"], created["customRoleArn"]) == ("ecr", ROLE)


async def test_a_rule_for_everything_takes_no_upstream_prefix(ecr: ECR) -> None:
    """But for ROOT, which is what it is without."""
    members = {"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io"}

    refused = await ecr.error("CreatePullThroughCacheRule", **members, upstreamRepositoryPrefix="team")
    created = await ecr("CreatePullThroughCacheRule", **members, upstreamRepositoryPrefix="ROOT")

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'upstreamRepositoryPrefix' failed to satisfy constraint: 'Member must be "
        "ROOT when ecrRepositoryPrefix is ROOT'",
    }
    assert created["upstreamRepositoryPrefix"] == "ROOT"


async def test_an_update_gives_a_rule_another_credential(ecr: ECR, registry: RunningRegistry) -> None:
    """The whole answer, which names the rule by its prefix only; the rest of the rule stays."""
    await ecr(
        "CreatePullThroughCacheRule",
        ecrRepositoryPrefix="hub/",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=SECRET,
        customRoleArn=ROLE,
    )
    (before,) = await rules(ecr)
    registry.clock.advance(2 * SECOND)

    updated = await ecr("UpdatePullThroughCacheRule", ecrRepositoryPrefix="hub", credentialArn=f"{SECRET}-2")

    assert updated == {
        "ecrRepositoryPrefix": "hub/",
        "registryId": "000000000000",
        "updatedAt": 1767225602.0,
        "credentialArn": f"{SECRET}-2",
        "customRoleArn": ROLE,
        "upstreamRepositoryPrefix": "ROOT",
    }
    assert await rules(ecr) == [{**before, "credentialArn": f"{SECRET}-2", "updatedAt": 1767225602.0}]


async def test_an_update_gives_a_rule_another_role(ecr: ECR) -> None:
    """Without a word about the credential."""
    await create(ecr, "quay")

    updated = await ecr("UpdatePullThroughCacheRule", ecrRepositoryPrefix="quay", customRoleArn=ROLE)

    assert updated["customRoleArn"] == ROLE
    assert "credentialArn" not in updated


@produces("UpdatePullThroughCacheRule", "InvalidParameterException")
async def test_an_update_has_to_give_something(ecr: ECR) -> None:
    """In ECR's words."""
    await create(ecr, "quay")

    assert await ecr.error("UpdatePullThroughCacheRule", ecrRepositoryPrefix="quay") == {
        "__type": "InvalidParameterException",
        "message": "Invalid input: Please set either credential arn or role arn to update the credentials",
    }


async def test_a_deleted_rule_is_told_of_once_more(ecr: ECR) -> None:
    """DeletePullThroughCacheRule answers with what it deleted, but for the upstream registry's name."""
    created = await create(ecr, "quay")

    deleted = await ecr("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay/")

    created.pop("upstreamRegistry")
    assert deleted == created
    assert await rules(ecr) == []


@produces("DescribePullThroughCacheRules", "PullThroughCacheRuleNotFoundException")
@produces("UpdatePullThroughCacheRule", "PullThroughCacheRuleNotFoundException")
@produces("DeletePullThroughCacheRule", "PullThroughCacheRuleNotFoundException")
async def test_a_prefix_without_a_rule_says_so(ecr: ECR) -> None:
    """A list that names it as well."""
    await create(ecr, "quay/team")
    expected = {
        "__type": "PullThroughCacheRuleNotFoundException",
        "message": "The pull through cache rule with prefix 'quay' does not exist in the registry with id "
        "'000000000000'",
    }

    assert (
        await ecr.error("DescribePullThroughCacheRules", ecrRepositoryPrefixes=["quay/team", "quay"]) == expected
    )
    assert (
        await ecr.error("UpdatePullThroughCacheRule", ecrRepositoryPrefix="quay", customRoleArn=ROLE) == expected
    )
    assert await ecr.error("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay") == expected


async def test_rules_are_listed_by_prefix_in_pages(ecr: ECR) -> None:
    """Every one once, in byte order, of all or of those that are named."""
    for prefix in ("bb/", "aa-1", "ROOT", "aa/1", "aa"):
        await create(ecr, prefix)

    assert await pages(ecr, maxResults=2) == [["ROOT", "aa"], ["aa-1", "aa/1"], ["bb/"]]
    assert await pages(ecr, ecrRepositoryPrefixes=["bb", "aa", "ROOT"]) == [["ROOT", "aa", "bb/"]]


async def test_named_rules_come_in_pages_too(ecr: ECR) -> None:
    """A token of such a list is good for the same names only."""
    for prefix in ("aa", "bb", "cc"):
        await create(ecr, prefix)
    first = await ecr("DescribePullThroughCacheRules", ecrRepositoryPrefixes=["cc", "aa"], maxResults=1)

    members = {"nextToken": first["nextToken"], "ecrRepositoryPrefixes": ["cc", "aa"]}
    second = await ecr("DescribePullThroughCacheRules", **members)
    refused = await ecr.error("DescribePullThroughCacheRules", nextToken=first["nextToken"])

    assert [one["ecrRepositoryPrefix"] for one in first["pullThroughCacheRules"]] == ["aa"]
    assert [one["ecrRepositoryPrefix"] for one in second["pullThroughCacheRules"]] == ["cc"]
    assert refused["message"].endswith("'The token belongs to another request'")


@produces("CreatePullThroughCacheRule", "LimitExceededException")
async def test_a_registry_has_at_most_50_rules(ecr: ECR, registry: RunningRegistry) -> None:
    """Another region's count for themselves."""
    for number in range(MAX_RULES):
        await create(ecr, f"quay-{number}")

    refused = await ecr.error(
        "CreatePullThroughCacheRule", ecrRepositoryPrefix="one-more", upstreamRegistryUrl="quay.io"
    )

    assert refused == {
        "__type": "LimitExceededException",
        "message": "The limit of 50 pull through cache rules in a registry has been reached",
    }
    assert await count(registry, pull_through_rules) == 50
    await create(ECR(registry, region="eu-west-1"), "one-more")


async def test_of_rules_that_come_at_once_each_counts_the_others(ecr: ECR, registry: RunningRegistry) -> None:
    """However their transactions overlap: the last place is given once."""
    await create(ecr, "first")
    here = RegistryId("000000000000", "us-east-1")
    upstream = Upstream(registry="quay", url="quay.io", repository_prefix="ROOT")

    def add(connection: Connection, prefix: str) -> int:
        store.create(connection, here, Rule(prefix, upstream, 0, 0))
        for _ in range(20):  # time for the others to come as far as this
            connection.execute(select(1))
        return store.count(connection, here)

    write = registry.services.metadata.write
    counted = await asyncio.gather(*(write(partial(add, prefix=f"p{number}")) for number in range(4)))

    assert sorted(counted) == [2, 3, 4, 5]


async def test_a_rule_is_of_one_region(ecr: ECR, registry: RunningRegistry) -> None:
    """Another region's registry has rules of its own."""
    elsewhere = ECR(registry, region="eu-west-1")
    await create(ecr, "quay")
    await create(elsewhere, "quay")

    await ecr("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")

    assert await rules(ecr) == []
    assert len(await rules(elsewhere)) == 1


async def test_nothing_is_imported_by_a_rule(ecr: ECR) -> None:
    """A repository under its prefix is as missing as without it, and rules cannot be validated."""
    await create(ecr, "quay")

    missing = await ecr.error("BatchGetImage", repositoryName="quay/app", imageIds=[{"imageTag": "v1"}])
    unknown = await ecr.error("ValidatePullThroughCacheRule", ecrRepositoryPrefix="quay")

    assert missing["__type"] == "RepositoryNotFoundException"
    assert unknown == {"__type": "UnknownOperationException"}


async def test_changes_of_rules_are_in_the_audit_records(ecr: ECR, registry: RunningRegistry) -> None:
    """With the prefix; reading leaves no record."""
    await create(ecr, "quay")
    await ecr("UpdatePullThroughCacheRule", ecrRepositoryPrefix="quay", customRoleArn=ROLE)
    await ecr("DescribePullThroughCacheRules")
    await ecr("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")

    found = await rows(registry, audit_records.select().order_by(audit_records.c.id))
    assert [(row.operation, json.loads(row.detail)) for row in found] == [
        (f"{verb}PullThroughCacheRule", {"prefix": "quay"}) for verb in ("Create", "Update", "Delete")
    ]


async def create(ecr: ECR, prefix: str) -> Body:
    """Make a rule for quay.io."""
    return await ecr("CreatePullThroughCacheRule", ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")


async def rules(ecr: ECR) -> list[Body]:
    """All rules."""
    return (await ecr("DescribePullThroughCacheRules"))["pullThroughCacheRules"]


async def pages(ecr: ECR, **members: Any) -> list[list[str]]:
    """The prefixes on each page."""
    found = await ecr.pages("DescribePullThroughCacheRules", "pullThroughCacheRules", **members)
    return [[one["ecrRepositoryPrefix"] for one in page] for page in found]
