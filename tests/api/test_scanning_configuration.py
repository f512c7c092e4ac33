"""PutRegistryScanningConfiguration, GetRegistryScanningConfiguration, BatchGetRepositoryScanningConfiguration."""

from typing import Any

import pytest
from tests.api.clients import ECR

from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

DEFAULT: dict[str, Any] = {"scanType": "BASIC", "rules": []}


def rule(frequency: str, *filters: str) -> dict[str, Any]:
    """A scanning rule."""
    return {"scanFrequency": frequency, "repositoryFilters": [wildcard(one) for one in filters]}


def wildcard(text: str) -> dict[str, str]:
    """A filter."""
    return {"filter": text, "filterType": "WILDCARD"}


async def configuration(ecr: ECR) -> dict[str, Any]:
    """The registry's configuration."""
    answer = await ecr("GetRegistryScanningConfiguration")
    assert answer.keys() == {"registryId", "scanningConfiguration"}
    assert answer["registryId"] == "000000000000"
    return answer["scanningConfiguration"]


async def effective(ecr: ECR, *names: str) -> list[tuple[Any, ...]]:
    """Name, own scan on push, frequency and applied filters of repositories that are there."""
    answer = await ecr("BatchGetRepositoryScanningConfiguration", repositoryNames=names)
    assert answer["failures"] == []
    return [
        (
            one["repositoryName"],
            one["scanOnPush"],
            one["scanFrequency"],
            [applied["filter"] for applied in one["appliedScanFilters"]],
        )
        for one in answer["scanningConfigurations"]
    ]


async def test_a_fresh_registry_scans_basically_and_nothing(ecr: ECR) -> None:
    """The empty list of rules is there, not absent."""
    assert await configuration(ecr) == DEFAULT


async def test_the_configuration_is_replaced_as_a_whole(ecr: ECR) -> None:
    """What was put is answered under one name and read under another; what is left out has its default."""
    enhanced = {
        "scanType": "ENHANCED",
        "rules": [rule("CONTINUOUS_SCAN", "prod"), rule("SCAN_ON_PUSH", "*", "stage/*")],
    }

    for asked, stored in ((enhanced, enhanced), ({"rules": [rule("MANUAL", "*")]}, None), ({}, DEFAULT)):
        expected = stored or {"scanType": "BASIC", **asked}
        answer = await ecr("PutRegistryScanningConfiguration", **asked)
        assert answer == {"registryScanningConfiguration": expected}
        assert await configuration(ecr) == expected


@produces("PutRegistryScanningConfiguration", "InvalidParameterException")
@pytest.mark.parametrize(
    ("scan_type", "frequency", "allowed"),
    [
        ("BASIC", "CONTINUOUS_SCAN", "SCAN_ON_PUSH, MANUAL"),
        ("ENHANCED", "MANUAL", "CONTINUOUS_SCAN, SCAN_ON_PUSH"),
    ],
)
async def test_a_frequency_that_the_scan_type_does_not_have_is_refused(
    ecr: ECR, scan_type: str, frequency: str, allowed: str
) -> None:
    """Nothing of it is stored."""
    refused = await ecr.error("PutRegistryScanningConfiguration", scanType=scan_type, rules=[rule(frequency, "*")])

    assert refused == {
        "__type": "InvalidParameterException",
        "message": "Invalid parameter at 'scanFrequency' failed to satisfy constraint: 'Member must satisfy enum "
        f"value set: [{allowed}] when scanType is {scan_type}'",
    }
    assert await configuration(ecr) == DEFAULT


@produces("PutRegistryScanningConfiguration", "ValidationException")
@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([rule("SCAN_ON_PUSH", "*")] * 3, "rules"),
        ([rule("SCAN_ON_PUSH", *["*"] * 101)], "rules.1.member.repositoryFilters"),
        ([rule("SCAN_ON_PUSH", "Team")], "rules.1.member.repositoryFilters.1.member.filter"),
        ([rule("WEEKLY", "*")], "rules.1.member.scanFrequency"),
        (
            [{"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": "*", "filterType": "REGEX"}]}],
            "rules.1.member.repositoryFilters.1.member.filterType",
        ),
    ],
)
async def test_the_models_bounds_hold(ecr: ECR, rules: list[dict[str, Any]], path: str) -> None:
    """At most two rules of at most a hundred wildcards."""
    refused = await ecr.error("PutRegistryScanningConfiguration", rules=rules)

    assert refused["__type"] == "ValidationException"
    assert f" at '{path}' failed to satisfy constraint: " in refused["message"]


async def test_a_repository_of_a_fresh_registry_is_scanned_by_hand(ecr: ECR, repository: str) -> None:
    """The whole answer."""
    assert await ecr("BatchGetRepositoryScanningConfiguration", repositoryNames=[repository]) == {
        "scanningConfigurations": [
            {
                "repositoryArn": "arn:aws:ecr:us-east-1:000000000000:repository/app",
                "repositoryName": "app",
                "scanOnPush": False,
                "scanFrequency": "MANUAL",
                "appliedScanFilters": [],
            }
        ],
        "failures": [],
    }


async def test_filters_decide_how_often_each_repository_is_scanned(ecr: ECR) -> None:
    """In the order asked; a continuous scan goes before one on push."""
    names = ("team/prod", "team/web", "prod", "lab")
    for name in names:
        await ecr("CreateRepository", repositoryName=name)

    await ecr(
        "PutRegistryScanningConfiguration",
        scanType="ENHANCED",
        rules=[rule("SCAN_ON_PUSH", "team/*", "*web"), rule("CONTINUOUS_SCAN", "prod")],
    )

    assert await effective(ecr, *names) == [
        ("team/prod", False, "CONTINUOUS_SCAN", ["prod"]),
        ("team/web", False, "SCAN_ON_PUSH", ["team/*", "*web"]),
        ("prod", False, "CONTINUOUS_SCAN", ["prod"]),
        ("lab", False, "MANUAL", []),
    ]


async def test_a_repositorys_own_scan_on_push_is_told_apart_from_the_registrys(ecr: ECR, repository: str) -> None:
    """It is what DescribeRepositories shows too, whatever the registry's rules make of the repository."""
    await ecr("CreateRepository", repositoryName="own", imageScanningConfiguration={"scanOnPush": True})

    before = await effective(ecr, "own", repository)
    await ecr("PutRegistryScanningConfiguration", rules=[rule("SCAN_ON_PUSH", repository)])
    after = await effective(ecr, "own", repository)

    assert before == [("own", True, "SCAN_ON_PUSH", []), (repository, False, "MANUAL", [])]
    assert after == [("own", True, "SCAN_ON_PUSH", []), (repository, False, "SCAN_ON_PUSH", [repository])]
    described = await ecr("DescribeRepositories", repositoryNames=[repository, "own"])
    shown = [one["imageScanningConfiguration"]["scanOnPush"] for one in described["repositories"]]
    assert shown == [False, True]


async def test_names_of_no_repository_are_failures(ecr: ECR, repository: str) -> None:
    """The others are answered all the same, each name once."""
    answer = await ecr(
        "BatchGetRepositoryScanningConfiguration", repositoryNames=["absent", repository, "absent", repository]
    )

    assert [one["repositoryName"] for one in answer["scanningConfigurations"]] == [repository]
    assert answer["failures"] == [
        {
            "repositoryName": "absent",
            "failureCode": "REPOSITORY_NOT_FOUND",
            "failureReason": "The repository with name 'absent' does not exist in the registry with id "
            "'000000000000'",
        }
    ]


@produces("BatchGetRepositoryScanningConfiguration", "ValidationException")
@pytest.mark.parametrize("count", [0, 26])
async def test_1_to_25_repositories_are_asked_for_at_once(ecr: ECR, count: int) -> None:
    """As the service model has it."""
    names = [f"app-{number}" for number in range(count)]

    refused = await ecr.error("BatchGetRepositoryScanningConfiguration", repositoryNames=names)
    answer = await ecr(
        "BatchGetRepositoryScanningConfiguration", repositoryNames=[f"app-{number}" for number in range(25)]
    )

    assert refused["__type"] == "ValidationException"
    assert len(answer["failures"]) == 25


async def test_each_region_has_its_own_configuration(registry: RunningRegistry, ecr: ECR) -> None:
    """A registry is an account in a region."""
    elsewhere = ECR(registry, region="eu-west-1")
    await elsewhere("CreateRepository", repositoryName="app")

    await ecr("PutRegistryScanningConfiguration", rules=[rule("SCAN_ON_PUSH", "*")])

    assert await configuration(elsewhere) == DEFAULT
    assert await effective(elsewhere, "app") == [("app", False, "MANUAL", [])]
