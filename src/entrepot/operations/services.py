"""What the operations work with, made once by the wiring and passed to each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from entrepot.core.address import PublicURL
from entrepot.core.clock import Clock
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.rules import Principal
from entrepot.features.layers.hashes import UploadHashes
from entrepot.features.quotas.buckets import TokenBuckets
from entrepot.features.quotas.quotas import Quotas
from entrepot.features.quotas.tallies import Tallies
from entrepot.metadata.port import Metadata
from entrepot.protocol.tokens import Signer
from entrepot.storage.port import BlobStorage


class Counters(Protocol):
    """What the registry counts about itself."""

    def operation(self, name: str, outcome: str) -> None:
        """One more call of an operation; the outcome is ``ok`` or the name of the error."""
        ...

    def layer_bytes_received(self, count: int) -> None:
        """So many bytes of layers arrived and were kept."""
        ...

    def layer_bytes_sent(self, count: int) -> None:
        """So many bytes of layers were sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one registry process."""

    metadata: Metadata
    storage: BlobStorage
    signer: Signer
    counters: Counters
    clock: Clock
    random_hex: Callable[[int], str]  # takes a number of bytes
    public_url: PublicURL
    default_registry: RegistryId
    root_access_key_id: str
    create_on_push: bool
    upload_hashes: UploadHashes
    quotas: Quotas
    buckets: TokenBuckets
    tallies: Tallies


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, of which registry; ``request_id`` is what the client is told and the audit record holds."""

    principal: Principal
    registry: RegistryId
    request_id: str
