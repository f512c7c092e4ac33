"""What the operations work with, made once by the wiring and passed to each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from entrepot.core.address import PublicURL
from entrepot.core.clock import Clock
from entrepot.core.garbage import Cause
from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import Denials
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.failures import FailedLogins
from entrepot.features.identity.issuers import Issuers
from entrepot.features.identity.sessions import SessionSecrets
from entrepot.features.layers.hashes import UploadHashes
from entrepot.features.layers.rules import LIFETIMES, Lifetimes
from entrepot.features.quotas.buckets import TokenBuckets
from entrepot.features.quotas.quotas import Quotas
from entrepot.features.quotas.tallies import Tallies
from entrepot.keys.port import KeyProvider
from entrepot.metadata.port import Metadata
from entrepot.operations.authorities import Authorities
from entrepot.operations.batches import Batches
from entrepot.protocol.tokens import Signer
from entrepot.storage.ahead import ReadAhead
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

    def collected(self, cause: Cause, count: int, size: int) -> None:
        """So many blobs or manifests of so many bytes together were garbage and are removed."""
        ...


class Upkeep(Protocol):
    """The part of the services that sweeps work with: nothing that answers a request."""

    @property
    def metadata(self) -> Metadata:
        """See Services."""
        ...

    @property
    def storage(self) -> BlobStorage:
        """See Services."""
        ...

    @property
    def counters(self) -> Counters:
        """See Services."""
        ...

    @property
    def clock(self) -> Clock:
        """See Services."""
        ...

    @property
    def lifetimes(self) -> Lifetimes:
        """See Services."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one registry process."""

    metadata: Metadata
    storage: BlobStorage
    encrypted_storage: BlobStorage
    data_keys: DataKeys
    kms: KeyProvider
    encrypt_at_rest: bool  # of repositories whose encryption is AES256
    signer: Signer
    counters: Counters
    clock: Clock
    random_hex: Callable[[int], str]  # takes a number of bytes
    public_url: PublicURL
    default_registry: RegistryId
    authorities: Authorities
    access_key_secrets: AccessKeySecrets
    session_secrets: SessionSecrets
    failed_logins: FailedLogins
    denials: Denials
    issuers: Issuers
    trusted_proxies: Sequence[IPv4Network | IPv6Network]
    anonymous_pull: bool
    create_on_push: bool
    upload_hashes: UploadHashes
    quotas: Quotas
    buckets: TokenBuckets
    tallies: Tallies
    read_ahead: ReadAhead = field(default_factory=ReadAhead)
    batches: Batches = field(default_factory=Batches)
    lifetimes: Lifetimes = LIFETIMES
    catalog: bool = False
    sparse_manifests: bool = False
    #: Raises StorageFull when the disk of the database has room for nothing but deletions.
    require_room_for_rows: Callable[[], None] = lambda: None
