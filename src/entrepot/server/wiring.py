"""The one place that names concrete drivers: settings in, a running registry's parts out."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from entrepot.core.clock import system_clock
from entrepot.features.layers.hashes import UploadHashes
from entrepot.features.quotas.buckets import TokenBuckets
from entrepot.features.quotas.quotas import QUOTAS
from entrepot.features.quotas.tallies import Tallies
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.operations.services import Counters, Services
from entrepot.protocol.tokens import Signer
from entrepot.server.keys import RootKey, load_master_key
from entrepot.server.settings import Settings
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.port import StorageFull

#: Threads that read, write and hash layers. Two cores hash two layers; the others wait for the disk.
STORAGE_THREADS = 16


def database_path(data: Path) -> Path:
    """The SQLite database of a data folder."""
    return data / "metadata.db"


def blob_folder(data: Path) -> Path:
    """Where a data folder keeps its layers."""
    return data / "blobs"


def prepare_data(data: Path) -> None:
    """Bring the database of a data folder to this version's schema, and see that layers can be kept in it.

    Both are made if need be. Raises SchemaTooNew, MetadataUnavailable, StorageUnavailable. Nothing is left open:
    the workers are forked afterwards.
    """

    async def prepare() -> None:
        metadata = SQLiteMetadata(database_path(data))
        try:
            await metadata.write(migrate)
        finally:
            await metadata.close()
        with ThreadPoolExecutor(1) as threads, suppress(StorageFull):  # a full registry still serves what it has
            await FilesystemStorage(blob_folder(data), threads=threads).check()

    asyncio.run(prepare())


@dataclass(frozen=True, slots=True)
class Wired:
    """The services of one process, and how to let go of them."""

    services: Services
    close: Callable[[], Awaitable[None]]


def wire(settings: Settings, root_key: RootKey, counters: Counters) -> Wired:
    """Build the services of one process over its data folder."""
    threads = ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage")
    metadata = SQLiteMetadata(database_path(settings.data))
    quotas = QUOTAS[settings.quotas]
    services = Services(
        metadata=metadata,
        storage=FilesystemStorage(blob_folder(settings.data), threads=threads),
        signer=Signer(load_master_key(settings.data).bound_to(root_key.secret_access_key)),
        counters=counters,
        clock=system_clock,
        random_hex=secrets.token_hex,
        public_url=settings.address,
        default_registry=settings.registry,
        root_access_key_id=root_key.access_key_id,
        create_on_push=settings.create_on_push,
        upload_hashes=UploadHashes(),
        quotas=quotas,
        buckets=TokenBuckets(quotas.rates),
        tallies=Tallies(),
    )

    async def close() -> None:
        await metadata.close()
        threads.shutdown()

    return Wired(services, close)
