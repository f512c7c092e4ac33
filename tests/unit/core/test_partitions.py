"""Registries, their ARNs and their host names, in every partition."""

import pytest
from botocore.loaders import create_loader
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId, check_region, is_known_region, partition_of, registry_of_host

ACCOUNT = "123456789012"

#: Host names as AWS documents them.
HOSTS = {
    "123456789012.dkr.ecr.us-east-1.amazonaws.com": "us-east-1",
    "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com": "us-east-1",
    "123456789012.dkr-ecr.us-east-1.on.aws": "us-east-1",
    "123456789012.dkr-ecr-fips.us-gov-west-1.on.aws": "us-gov-west-1",
    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": "cn-north-1",
    "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": "cn-north-1",
    "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu": "eusc-de-east-1",
    "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov": "us-iso-east-1",
    "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov": "us-isob-east-1",
    "123456789012.DKR.ECR.US-EAST-1.AMAZONAWS.COM": "us-east-1",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com:5000": "us-east-1",
}


@pytest.mark.parametrize(("host", "region"), HOSTS.items())
def test_an_ecr_shaped_host_names_a_registry(host: str, region: str) -> None:
    """Whatever the case, with a port or without."""
    assert registry_of_host(host) == RegistryId(ACCOUNT, region)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost:5000",
        "[::1]:5000",
        "12345678901.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
        "123456789012.dkr.ecr.us-east-1.example.com",
        "evil.123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "api.ecr.us-east-1.amazonaws.com",
        "\u0661" * 12 + ".dkr.ecr.us-east-1.amazonaws.com",
    ],
)
def test_any_other_host_names_none(host: str) -> None:
    """So it says nothing about account and region."""
    assert registry_of_host(host) is None


@given(st.text())
def test_no_host_raises(host: str) -> None:
    """The header is anybody's."""
    registry_of_host(host)


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("us-east-1", "aws", "amazonaws.com"),
        ("mars-north-1", "aws", "amazonaws.com"),
        ("cn-northwest-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-west-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
        ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
    ],
)
def test_a_region_tells_its_partition(region: str, partition: str, suffix: str) -> None:
    """By its prefix."""
    found = partition_of(region)

    assert (found.name, found.dns_suffix) == (partition, suffix)
    assert RegistryId(ACCOUNT, region).repository_arn("team/app") == (
        f"arn:{partition}:ecr:{region}:{ACCOUNT}:repository/team/app"
    )


def test_every_region_of_aws_is_known() -> None:
    """By the partitions as botocore ships them: an area that AWS adds shows here."""
    partitions = create_loader().load_data("partitions")["partitions"]
    regions = [(name, one["id"]) for one in partitions for name in one["regions"] if not name.endswith("-global")]

    assert len(regions) > 40
    for region, partition in regions:
        assert is_known_region(region), region
        assert partition_of(region).name == partition


@pytest.mark.parametrize(
    "region", ["eu-1", "local", "mars-north-1", "us-east", "us-east-1a", "xus-east-1", "us-gov-1"]
)
def test_a_made_up_region_is_not_known(region: str) -> None:
    """Though it may be the name of a registry's own."""
    check_region(region, "region")
    assert not is_known_region(region)


@pytest.mark.parametrize("region", ["", "a", "Europe", "a b", "a" * 26, "us_east_1"])
def test_a_region_has_2_to_25_characters(region: str) -> None:
    """Lower case letters, digits and dashes."""
    check_region("us-east-1", "region")
    with pytest.raises(InvalidParameter, match="'region'"):
        check_region(region, "region")
