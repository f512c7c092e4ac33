"""AWS partitions, registries (an account in a region), and the host names that stand for them."""

import re
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from entrepot.core.errors import InvalidParameter

_REGION = re.compile(r"[0-9a-z-]{2,25}")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition's name as ARNs carry it, its DNS suffix, and how the names of its regions begin."""

    name: str
    dns_suffix: str
    areas: str


_BY_REGION_PREFIX = {
    "cn-": Partition("aws-cn", "amazonaws.com.cn", "cn"),
    "us-gov-": Partition("aws-us-gov", "amazonaws.com", "us-gov"),
    "eusc-": Partition("aws-eusc", "amazonaws.eu", "eusc-de"),
    "us-iso-": Partition("aws-iso", "c2s.ic.gov", "us-iso"),
    "us-isob-": Partition("aws-iso-b", "sc2s.sgov.gov", "us-isob"),
    "eu-isoe-": Partition("aws-iso-e", "cloud.adc-e.uk", "eu-isoe"),
    "us-isof-": Partition("aws-iso-f", "csp.hci.ic.gov", "us-isof"),
}
_AWS = Partition("aws", "amazonaws.com", "us|eu|ap|sa|ca|me|af|il|mx")

_REGISTRY_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[0-9a-z-]{2,25})\.(?P<suffix>[a-z0-9.-]+)"
)
_SUFFIXES = {partition.dns_suffix for partition in (_AWS, *_BY_REGION_PREFIX.values())} | {
    "on.aws",
    "on.amazonwebservices.com.cn",
}


@lru_cache(maxsize=64)
def partition_of(region: str) -> Partition:
    """The partition of a region; a region of no known prefix is in ``aws``."""
    for prefix, partition in _BY_REGION_PREFIX.items():
        if region.startswith(prefix):
            return partition
    return _AWS


def is_known_region(region: str) -> bool:
    """True when the name is as AWS names the regions of its partition, those to come included."""
    return re.fullmatch(rf"({partition_of(region).areas})-[a-z]+-[0-9]+", region) is not None


class RegistryId(msgspec.Struct, frozen=True):
    """A registry: an account (twelve digits) in a region."""

    account: str
    region: str

    def repository_arn(self, name: str) -> str:
        """``arn:P:ecr:R:A:repository/NAME``."""
        return f"arn:{partition_of(self.region).name}:ecr:{self.region}:{self.account}:repository/{name}"


def registry_of_host(host: str) -> RegistryId | None:
    """The registry that an ECR-shaped host name stands for, port ignored; None for any other host."""
    found = _REGISTRY_HOST.fullmatch(host.rsplit(":", 1)[0].lower())
    if found is None or found["suffix"] not in _SUFFIXES:
        return None
    return RegistryId(found["account"], found["region"])


def check_region(region: str, parameter: str) -> None:
    """Refuse what is no region; raises InvalidParameter."""
    if _REGION.fullmatch(region) is None:
        raise InvalidParameter(parameter, "must satisfy regular expression '[0-9a-z-]{2,25}'")
