"""DescribeRegistry, the replication configuration, account settings, pull-time update exclusions."""

from typing import Any

import pytest
from tests.api.clients import ECR
from tests.api.images import image, push

from entrepot.core.clock import DAY
from entrepot.core.partitions import RegistryId
from entrepot.features.registry import store
from entrepot.testing.registry import RunningRegistry

produces = pytest.mark.produces

ROLE = "arn:aws:iam::000000000000:role/scanner"
HOME = RegistryId("000000000000", "us-east-1")
ROOT = "arn:aws:iam::000000000000:root"


def rule(region: str = "eu-west-1", account: str = "000000000000", **members: object) -> dict[str, Any]:
    """A replication rule with one destination."""
    return {"destinations": [{"region": region, "registryId": account}], **members}


def to(*regions: str) -> dict[str, Any]:
    """A replication rule with a destination in each region."""
    return {"destinations": [{"region": region, "registryId": "000000000000"} for region in regions]}


#: Names of AWS's form.
REGIONS = [f"eu-west-{number}" for number in range(1, 27)]


async def test_a_fresh_registry_replicates_nothing(ecr: ECR) -> None:
    """The empty list of rules is there, not absent."""
    assert await ecr("DescribeRegistry") == {
        "registryId": "000000000000",
        "replicationConfiguration": {"rules": []},
    }


async def test_the_replication_configuration_is_replaced_as_a_whole(ecr: ECR) -> None:
    """What was put is described, member for member; no rules clear it."""
    first = {"rules": [rule(), rule("eu-north-1")]}
    second = {
        "rules": [
            rule(
                repositoryFilters=[{"filter": "prod", "filterType": "PREFIX_MATCH"}],
                deleteReplication={"enabled": False},
            )
        ]
    }

    nothing: dict[str, list[dict[str, Any]]] = {"rules": []}
    for configuration in (first, second, nothing):
        answer = await ecr("PutReplicationConfiguration", replicationConfiguration=configuration)
        assert answer == {"replicationConfiguration": configuration}
        assert (await ecr("DescribeRegistry"))["replicationConfiguration"] == configuration


@produces("PutReplicationConfiguration", "InvalidParameterException")
@pytest.mark.parametrize(
    ("rules", "constraint"),
    [
        ([rule("us-east-1")], "Replication destination cannot be the same as the source registry"),
        ([rule("cn-north-1")], "Replication to the region cn-north-1 would leave the partition"),
        ([rule("eu-1")], "There is no region eu-1"),
        ([rule(), rule("mars-north-1")], "There is no region mars-north-1"),
        ([rule(), to()], "A replication rule has at least one destination"),
        ([to("eu-west-1", "eu-west-2", "eu-west-1")], "A replication rule names each destination once"),
        ([rule()] * 11, "A replication configuration has at most 10 rules"),
        (
            [to(*REGIONS[:13]), to(*REGIONS[13:26])],
            "A replication configuration has at most 25 destinations",
        ),
    ],
)
async def test_replication_that_cannot_be_is_refused(
    ecr: ECR, rules: list[dict[str, Any]], constraint: str
) -> None:
    """Nothing of it is stored."""
    refused = await ecr.error("PutReplicationConfiguration", replicationConfiguration={"rules": rules})

    assert refused == {
        "__type": "InvalidParameterException",
        "message": f"Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: '{constraint}'",
    }
    assert (await ecr("DescribeRegistry"))["replicationConfiguration"] == {"rules": []}


FILTER = {"filter": "prod", "filterType": "PREFIX_MATCH"}
DESTINATION = {"region": "eu-west-1", "registryId": "000000000000"}


@produces("PutReplicationConfiguration", "ValidationException")
@pytest.mark.parametrize(
    ("flawed", "constraint"),
    [
        (rule(repositoryFilters=[]), "greater than or equal to 1"),
        (rule(repositoryFilters=[FILTER] * 101), "less than or equal to 100"),
        ({"destinations": [DESTINATION] * 101}, "less than or equal to 100"),
    ],
)
async def test_the_models_bounds_of_a_replication_rule_come_first(
    ecr: ECR, flawed: dict[str, Any], constraint: str
) -> None:
    """In the words of the operations that declare ValidationException."""
    refused = await ecr.error("PutReplicationConfiguration", replicationConfiguration={"rules": [flawed]})

    assert refused["__type"] == "ValidationException"
    assert f"Member must have length {constraint}" in refused["message"]


async def test_replication_may_be_as_large_as_ecrs(ecr: ECR) -> None:
    """Ten rules, 25 destinations of which each rule has its share, 100 filters a rule; other accounts, one region."""
    filters = [{"filter": f"p{number}", "filterType": "PREFIX_MATCH"} for number in range(100)]
    shares = [*[[*REGIONS[:24]]] * 9, [REGIONS[24]]]
    configuration: dict[str, Any] = {"rules": [{**to(*share), "repositoryFilters": filters} for share in shares]}

    await ecr("PutReplicationConfiguration", replicationConfiguration=configuration)
    described = await ecr("DescribeRegistry")
    await ecr(
        "PutReplicationConfiguration", replicationConfiguration={"rules": [rule("us-east-1", "111111111111")]}
    )

    assert described["replicationConfiguration"] == configuration


async def test_regions_of_ones_own_replicate_to_each_other(ecr: ECR, registry: RunningRegistry) -> None:
    """Where the registry's own region is none of AWS's."""
    at_home = ECR(registry, region="home-1")

    await at_home("PutReplicationConfiguration", replicationConfiguration={"rules": [rule("attic-1"), rule()]})
    refused = await at_home.error(
        "PutReplicationConfiguration", replicationConfiguration={"rules": [rule("cn-north-1")]}
    )

    assert "would leave the partition" in refused["message"]


@pytest.mark.parametrize(
    ("name", "default", "other"),
    [
        ("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE", "CLAIR"),
        ("REGISTRY_POLICY_SCOPE", "V2", "V1"),
        ("BLOB_MOUNTING", "DISABLED", "ENABLED"),
    ],
)
async def test_an_account_setting_has_a_default_until_it_is_put(
    ecr: ECR, name: str, default: str, other: str
) -> None:
    """Put echoes the name and the value."""
    assert await ecr("GetAccountSetting", name=name) == {"name": name, "value": default}

    assert await ecr("PutAccountSetting", name=name, value=other) == {"name": name, "value": other}

    assert await ecr("GetAccountSetting", name=name) == {"name": name, "value": other}


@produces("GetAccountSetting", "ValidationException")
@produces("PutAccountSetting", "ValidationException")
async def test_unknown_settings_and_values_are_refused(ecr: ECR) -> None:
    """The message names what is unknown."""
    unknown = await ecr.error("GetAccountSetting", name="COLOUR")
    value = await ecr.error("PutAccountSetting", name="BLOB_MOUNTING", value="MAYBE")

    assert unknown == {"__type": "ValidationException", "message": "Invalid account setting name: COLOUR"}
    assert value == {"__type": "ValidationException", "message": "Invalid account setting value: MAYBE"}


async def test_settings_of_one_region_are_not_those_of_another(registry: RunningRegistry, ecr: ECR) -> None:
    """A registry is an account in a region."""
    await ecr("PutAccountSetting", name="BLOB_MOUNTING", value="ENABLED")

    elsewhere = await ECR(registry, region="eu-west-1")("GetAccountSetting", name="BLOB_MOUNTING")

    assert elsewhere["value"] == "DISABLED"


async def test_exclusions_are_listed_page_by_page(ecr: ECR) -> None:
    """In byte order, each once."""
    arns = [f"arn:aws:iam::000000000000:role/r{number}" for number in range(5)]
    for arn in reversed(arns):
        answer = await ecr("RegisterPullTimeUpdateExclusion", principalArn=arn)
        assert answer == {"principalArn": arn, "createdAt": 1767225600.0}

    pages = await ecr.pages("ListPullTimeUpdateExclusions", "pullTimeUpdateExclusions", maxResults=2)

    assert pages == [arns[:2], arns[2:4], arns[4:]]


@produces("RegisterPullTimeUpdateExclusion", "ExclusionAlreadyExistsException")
@produces("DeregisterPullTimeUpdateExclusion", "ExclusionNotFoundException")
async def test_a_principal_is_excluded_once_and_readmitted_once(ecr: ECR) -> None:
    """The second time of either is an error."""
    await ecr("RegisterPullTimeUpdateExclusion", principalArn=ROLE)
    again = await ecr.error("RegisterPullTimeUpdateExclusion", principalArn=ROLE)

    assert await ecr("DeregisterPullTimeUpdateExclusion", principalArn=ROLE) == {"principalArn": ROLE}
    gone = await ecr.error("DeregisterPullTimeUpdateExclusion", principalArn=ROLE)

    assert again["__type"] == "ExclusionAlreadyExistsException"
    assert gone["__type"] == "ExclusionNotFoundException"


@produces("RegisterPullTimeUpdateExclusion", "LimitExceededException")
async def test_a_hundred_principals_can_be_excluded(ecr: ECR) -> None:
    """The next one is over the limit and is not added."""
    for number in range(100):
        await ecr("RegisterPullTimeUpdateExclusion", principalArn=f"{ROLE}{number}")

    refused = await ecr.error("RegisterPullTimeUpdateExclusion", principalArn=ROLE)

    assert refused["__type"] == "LimitExceededException"
    listed = await ecr("ListPullTimeUpdateExclusions")
    assert len(listed["pullTimeUpdateExclusions"]) == 100


async def test_pulls_of_an_excluded_principal_leave_the_last_pull_alone(
    registry: RunningRegistry, ecr: ECR, repository: str
) -> None:
    """Neither the first pull nor a later one is recorded, until the principal is readmitted."""
    await push(ecr, repository, image(), "v1")

    async def pulled_at() -> float | None:
        await ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": "v1"}])
        (detail,) = (await ecr("DescribeImages", repositoryName=repository))["imageDetails"]
        return detail.get("lastRecordedPullTime")

    write = registry.services.metadata.write
    # The API excludes users and roles only, and the one caller there is so far is the root.
    await write(lambda connection: store.add_exclusion(connection, HOME, ROOT, registry.clock()))
    unrecorded = await pulled_at()
    await write(lambda connection: store.remove_exclusion(connection, HOME, ROOT))
    registry.clock.advance(2 * DAY)

    assert unrecorded is None
    assert await pulled_at() == 1767225600.0 + 2 * 24 * 3600
