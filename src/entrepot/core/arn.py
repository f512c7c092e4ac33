"""Amazon Resource Names, as far as a registry meets them."""

import re

from entrepot.core.errors import InvalidParameter
from entrepot.core.names import check_repository_name
from entrepot.core.partitions import RegistryId, partition_of

_REPOSITORY = re.compile(
    r"arn:(?P<partition>[a-z0-9-]+):ecr:(?P<region>[0-9a-z-]{2,25}):(?P<account>[0-9]{12}):repository/(?P<name>.+)"
)


def parse_repository_arn(arn: str, parameter: str) -> tuple[RegistryId, str]:
    """The registry and the name of a repository's ARN; raises InvalidParameter for any other string."""
    found = _REPOSITORY.fullmatch(arn)
    if found is None or found["partition"] != partition_of(found["region"]).name:
        raise InvalidParameter(parameter, "Invalid ARN")
    try:
        check_repository_name(found["name"])
    except InvalidParameter:
        raise InvalidParameter(parameter, "Invalid ARN") from None
    return RegistryId(found["account"], found["region"]), found["name"]
