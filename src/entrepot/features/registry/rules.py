"""The rules of account settings, exclusions and the replication configuration."""

from collections.abc import Sequence
from typing import cast

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId, partition_of
from entrepot.features.registry.document import DocumentKind
from entrepot.features.registry.errors import UnknownSetting
from entrepot.features.registry.replication import ReplicationRule

#: ECR's quotas.
MAX_EXCLUSIONS = 100
MAX_REPLICATION_RULES = 10
MAX_REPLICATION_DESTINATIONS = 25

#: The values of each account setting; the first is what holds until one is put.
ACCOUNT_SETTINGS: dict[str, tuple[str, ...]] = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "REGISTRY_POLICY_SCOPE": ("V2", "V1"),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}


def account_setting_kind(name: str) -> DocumentKind:
    """Under which kind of document a setting is kept; raises UnknownSetting."""
    if name not in ACCOUNT_SETTINGS:
        raise UnknownSetting(f"Invalid account setting name: {name[:64]}")
    return cast("DocumentKind", f"account-setting/{name}")


def check_account_setting(name: str, value: str) -> None:
    """Refuse a value that the setting cannot have; raises UnknownSetting."""
    account_setting_kind(name)
    if value not in ACCOUNT_SETTINGS[name]:
        raise UnknownSetting(f"Invalid account setting value: {value[:64]}")


def check_replication(registry: RegistryId, rules: Sequence[ReplicationRule]) -> None:
    """Refuse rules that go round in a circle, leave the partition, or are too many; raises InvalidParameter."""
    parameter = "replicationConfiguration"
    if len(rules) > MAX_REPLICATION_RULES:
        raise InvalidParameter(parameter, f"A replication configuration has at most {MAX_REPLICATION_RULES} rules")
    destinations = {destination for rule in rules for destination in rule.destinations}
    if len(destinations) > MAX_REPLICATION_DESTINATIONS:
        raise InvalidParameter(
            parameter, f"A replication configuration has at most {MAX_REPLICATION_DESTINATIONS} destinations"
        )
    if registry in destinations:
        raise InvalidParameter(parameter, "Replication destination cannot be the same as the source registry")
    for destination in destinations:
        if partition_of(destination.region) != partition_of(registry.region):
            raise InvalidParameter(
                parameter, f"Replication to the region {destination.region} would leave the partition"
            )
