"""The rules of account settings, exclusions and the replication configuration."""

from collections.abc import Sequence
from typing import cast

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId, is_known_region, partition_of
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
    """Refuse rules that lead nowhere, back to the registry, out of its partition, or are too many.

    The bounds of one rule's filters are the service model's. Raises InvalidParameter.
    """
    if len(rules) > MAX_REPLICATION_RULES:
        raise _invalid(f"A replication configuration has at most {MAX_REPLICATION_RULES} rules")
    for rule in rules:
        if not rule.destinations:
            raise _invalid("A replication rule has at least one destination")
        if len(set(rule.destinations)) < len(rule.destinations):
            raise _invalid("A replication rule names each destination once")
    destinations = dict.fromkeys(destination for rule in rules for destination in rule.destinations)
    if len(destinations) > MAX_REPLICATION_DESTINATIONS:
        raise _invalid(f"A replication configuration has at most {MAX_REPLICATION_DESTINATIONS} destinations")
    for destination in destinations:
        _check_destination(registry, destination)


def _check_destination(registry: RegistryId, destination: RegistryId) -> None:
    """Where a registry's own region has a name that AWS would not give it, so may the others it replicates to."""
    region = destination.region
    if destination == registry:
        raise _invalid("Replication destination cannot be the same as the source registry")
    if partition_of(region) != partition_of(registry.region):
        raise _invalid(f"Replication to the region {region} would leave the partition")
    if is_known_region(registry.region) and not is_known_region(region):
        raise _invalid(f"There is no region {region}")


def _invalid(constraint: str) -> InvalidParameter:
    return InvalidParameter("replicationConfiguration", constraint)
