"""PutSigningConfiguration, GetSigningConfiguration, DeleteSigningConfiguration."""

from typing import Any

import pytest
from tests.api.clients import ECR

from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

PROFILE = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/release"
NO_FILTERS: dict[str, Any] = {"repositoryFilters": []}
NOT_FOUND = {
    "__type": "SigningConfigurationNotFoundException",
    "message": "Signing configuration does not exist in the registry with id '000000000000'",
}


def rule(*filters: str, profile: str = PROFILE) -> dict[str, Any]:
    """A signing rule for the repositories that a filter matches; without a filter for all."""
    listed = [{"filter": one, "filterType": "WILDCARD_MATCH"} for one in filters]
    return {"signingProfileArn": profile} | ({"repositoryFilters": listed} if listed else {})


async def test_a_configuration_is_answered_as_it_was_put(ecr: ECR) -> None:
    """Member for member, and replaced as a whole; a rule without filters stays without."""
    for rules in ([rule("team/*", "*prod*"), rule(profile=f"{PROFILE}_2")], [rule()], []):
        configuration = {"rules": rules}
        stored = {"registryId": "000000000000", "signingConfiguration": configuration}

        answer = await ecr("PutSigningConfiguration", signingConfiguration=configuration)

        assert answer == {"signingConfiguration": configuration}
        assert await ecr("GetSigningConfiguration") == stored
    assert await ecr("DeleteSigningConfiguration") == stored


@produces("GetSigningConfiguration", "SigningConfigurationNotFoundException")
@produces("DeleteSigningConfiguration", "SigningConfigurationNotFoundException")
async def test_there_is_none_before_one_is_put_and_after_it_is_deleted(ecr: ECR) -> None:
    """In the same words."""
    assert await ecr.error("GetSigningConfiguration") == NOT_FOUND
    assert await ecr.error("DeleteSigningConfiguration") == NOT_FOUND

    await ecr("PutSigningConfiguration", signingConfiguration={"rules": [rule("*")]})
    removed = await ecr("DeleteSigningConfiguration")

    assert removed == {"registryId": "000000000000", "signingConfiguration": {"rules": [rule("*")]}}
    assert await ecr.error("GetSigningConfiguration") == NOT_FOUND
    assert await ecr.error("DeleteSigningConfiguration") == NOT_FOUND


@produces("PutSigningConfiguration", "ValidationException")
@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([rule()] * 11, "rules"),
        ([rule(*["*"] * 101)], "rules.1.member.repositoryFilters"),
        ([rule() | NO_FILTERS], "rules.1.member.repositoryFilters"),
        ([rule("Team")], "rules.1.member.repositoryFilters.1.member.filter"),
        ([rule("a" * 257)], "rules.1.member.repositoryFilters.1.member.filter"),
        (
            [rule() | {"repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}],
            "rules.1.member.repositoryFilters.1.member.filterType",
        ),
        ([rule(), NO_FILTERS], "rules.2.member.signingProfileArn"),
        ([rule(profile="arn:aws:iam::000000000000:role/signer")], "rules.1.member.signingProfileArn"),
        ([rule(profile=PROFILE + "x" * 200)], "rules.1.member.signingProfileArn"),
    ],
)
async def test_the_models_bounds_hold(ecr: ECR, rules: list[dict[str, Any]], path: str) -> None:
    """At most ten rules, each with the ARN of a signing profile and at most a hundred wildcards, if any."""
    refused = await ecr.error("PutSigningConfiguration", signingConfiguration={"rules": rules})

    assert refused["__type"] == "ValidationException"
    assert f" at 'signingConfiguration.{path}' failed to satisfy constraint: " in refused["message"]
    assert await ecr.error("GetSigningConfiguration") == NOT_FOUND


async def test_ten_rules_of_a_hundred_filters_are_not_too_many(ecr: ECR) -> None:
    """The most that there can be is kept whole."""
    rules = [rule(*[f"r{number}/{n}-*" for n in range(100)]) for number in range(10)]

    await ecr("PutSigningConfiguration", signingConfiguration={"rules": rules})

    assert (await ecr("GetSigningConfiguration"))["signingConfiguration"] == {"rules": rules}


async def test_each_region_has_its_own_configuration(registry: RunningRegistry, ecr: ECR) -> None:
    """A registry is an account in a region."""
    await ecr("PutSigningConfiguration", signingConfiguration={"rules": [rule()]})

    assert await ECR(registry, region="eu-west-1").error("GetSigningConfiguration") == NOT_FOUND
