"""That database and storage belong together: see ``metadata/blob_store.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import EntrepotError
from entrepot.metadata.blob_store import claim_identity, confirm_identity, find_identity
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


async def claim_storage(metadata: Metadata, storage: BlobStorage, random_hex: Callable[[int], str]) -> None:
    """Make the storage the database's if that has none yet; raises WrongStorage if it has another.

    The database decides, so of replicas that start together all write the same identity. Raises StorageFull when
    it cannot be written, and the next start tries again.
    """
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
    """Raise WrongStorage if the database is known to go with another storage; changes neither."""
    expected = await metadata.look_up(find_identity)
    if expected is not None and (found := await storage.identity()) != expected:
        raise WrongStorage(found or "none", expected)
