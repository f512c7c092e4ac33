"""That database and storage belong together: see ``metadata/blob_store.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import EntrepotError
from entrepot.metadata.blob_store import ClaimedIdentity, claim_identity, confirm_identity, find_claim
from entrepot.metadata.port import Metadata
from entrepot.storage.port import BlobStorage


@dataclass(eq=False)
class WrongStorage(EntrepotError):
    """The database is used with another storage. Both are told by their identities."""

    found: str
    expected: str

    template: ClassVar[str] = (
        "The database goes with the storage of the identity {expected}, and the one that is set has {found}: "
        "set the other one, or give a copy of it that identity"
    )


@dataclass(eq=False)
class StorageTaken(EntrepotError):
    """The storage has an identity, and the database knows of none."""

    found: str

    template: ClassVar[str] = (
        "The storage has the identity {found} and goes with another database,"
        " or with this one once 'entrepot restore' has come to its end"
    )


@dataclass(eq=False)
class NotStarted(EntrepotError):
    """The database knows of no storage yet, so nothing can be told from its rows."""

    template: ClassVar[str] = (
        "No registry has been started on this database yet, or one is being restored into it:"
        " start it with 'entrepot serve', or let the restore come to its end"
    )


async def claim_storage(metadata: Metadata, storage: BlobStorage, random_hex: Callable[[int], str]) -> None:
    """Make the storage the database's if that has none yet; raises WrongStorage if it has another.

    The database decides, so of replicas that start together all write the same identity. Raises StorageTaken, and
    writes nothing, if only the storage has one; raises StorageFull when it cannot be written, and the next start
    tries again.
    """
    found = await storage.identity()
    # Asked for after the storage's: a replica that starts meanwhile writes it into the database first.
    if found is not None and await metadata.look_up(find_claim) is None:
        raise StorageTaken(found)
    identity = random_hex(16)
    claimed = await metadata.write(lambda connection: claim_identity(connection, identity))
    found = await storage.identity()
    if found is None and not claimed.is_written:
        await storage.identify(claimed.identity)
    elif found != claimed.identity:
        raise WrongStorage(found or "none", claimed.identity)
    if not claimed.is_written:
        await metadata.write(confirm_identity)


async def check_storage(metadata: Metadata, storage: BlobStorage) -> None:
    """Raise WrongStorage or NotStarted unless the database goes with this storage; changes neither."""
    claimed = await claimed_identity(metadata)
    found = await storage.identity()
    if found != claimed.identity and (claimed.is_written or found is not None):
        raise WrongStorage(found or "none", claimed.identity)


async def claimed_identity(metadata: Metadata) -> ClaimedIdentity:
    """The identity that the database has for its storage; raises NotStarted if it has none."""
    claimed = await metadata.look_up(find_claim)
    if claimed is None:
        raise NotStarted
    return claimed
