"""The replication configuration as values."""

from dataclasses import dataclass

from entrepot.core.partitions import RegistryId


@dataclass(frozen=True, slots=True)
class ReplicationRule:
    """Where images go; ``prefixes`` says of which repositories, none meaning all."""

    destinations: tuple[RegistryId, ...]
    prefixes: tuple[str, ...]
    deletes: bool | None
