"""The one place that names concrete drivers: settings in, a running registry's parts out."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import msgspec
from sqlalchemy.exc import DBAPIError

from entrepot.core.clock import DAY, Clock, system_clock
from entrepot.features.audit.denials import Denials
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.failures import FailedLogins
from entrepot.features.identity.issuers import Issuers, fetch_document
from entrepot.features.identity.sessions import SessionSecrets
from entrepot.features.layers.hashes import UploadHashes
from entrepot.features.layers.rules import LIFETIMES, Lifetimes
from entrepot.features.multiparts.ledger import MetadataPartLedger
from entrepot.features.quotas.buckets import TokenBuckets
from entrepot.features.quotas.quotas import QUOTAS
from entrepot.features.quotas.tallies import Tallies
from entrepot.keys.keyring import Keyring
from entrepot.keys.local import LocalKeyProvider, NoKeyProvider
from entrepot.keys.master import MasterKeyWrapping
from entrepot.keys.port import KeyProvider
from entrepot.metadata.master_key import check_master_key, claim_master_key
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import check_schema, migrate, require_schema
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.operations.authorities import Authorities, Root
from entrepot.operations.blob_store import claim_storage, claimed_identity
from entrepot.operations.services import Counters, Services
from entrepot.protocol.tokens import MasterKey, Signer
from entrepot.server.data_folder import CannotStart, use_folder
from entrepot.server.keys import RootKey, load_master_key
from entrepot.server.settings import MASTER_KEY_SIZE, Settings
from entrepot.storage.cached import CachedStorage, SealedStorage
from entrepot.storage.encrypted import EncryptedStorage
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.pieces import PieceFolder
from entrepot.storage.port import BlobStorage, StorageFull
from entrepot.storage.room import ROWS_RESERVE, Room

#: Threads that read, write and hash layers. Two cores hash two layers; the others wait for the disk.
STORAGE_THREADS = 16
#: Seconds that one statement may take while requests wait for it.
STATEMENT_TIMEOUT = 10.0
#: Connections to PostgreSQL that all processes of one ``serve`` share. A server allows 100 unless it is told
#: otherwise: room for three.
CONNECTIONS = 32
FEWEST_CONNECTIONS = 2


def database_path(data: Path) -> Path:
    """The SQLite database of a data folder."""
    return data / "metadata.db"


def moved_database_path(data: Path) -> Path:
    """What the SQLite database is called once its rows are in PostgreSQL."""
    return data / "metadata.db.moved"


def keyring_path(data: Path) -> Path:
    """The KMS keys of a data folder."""
    return data / "keyring.json"


def blob_folder(data: Path) -> Path:
    """Where a data folder keeps its layers."""
    return data / "blobs"


@asynccontextmanager
async def opened_metadata(
    settings: Settings, *, statement_timeout: float = STATEMENT_TIMEOUT
) -> AsyncGenerator[Metadata]:
    """The database of the settings for as long as the block runs; the data folder is the caller's to claim.

    Raises CannotStart, NetworkFileSystem, ServerTooOld, MetadataUnavailable.
    """
    metadata = _open_metadata(settings, statement_timeout)
    try:
        if settings.database is not None:
            await _check_postgresql(metadata)
        yield metadata
    finally:
        await metadata.close()


@asynccontextmanager
async def opened_to_use(
    settings: Settings, *, statement_timeout: float = STATEMENT_TIMEOUT
) -> AsyncGenerator[Metadata]:
    """The database of an installation that is there, for as long as the block runs; it makes nothing.

    As long, nobody moves it away or restores another. Raises what ``opened_metadata`` and ``use_folder`` raise,
    and SchemaTooOld, SchemaTooNew, NotStarted.
    """
    with use_folder(settings.data):
        async with opened_metadata(settings, statement_timeout=statement_timeout) as metadata:
            await metadata.look_up(check_schema)
            await claimed_identity(metadata)
            yield metadata


def prepare_data(settings: Settings, master: MasterKey) -> None:
    """See that the database can be used, with this master key, and that layers can be kept, in its storage.

    Database and data folder are made if need be. SQLite is brought to this version's schema, for nobody else uses
    it; PostgreSQL is not, for others may be at work on it. Where another host restores a registry, the storage is
    taken, and no row is written. Raises what ``opened_metadata`` raises, and SchemaTooOld, SchemaTooNew,
    WrongMasterKey, WrongStorage, StorageTaken, StorageUnavailable. Nothing is left open: the workers
    are forked afterwards.
    """

    async def prepare() -> None:
        if settings.kms == "local":
            _open_kms(settings)  # a keyring that others do not have is told now
        async with opened_metadata(settings) as metadata:
            await metadata.write(migrate if settings.database is None else require_schema)
            key_id = master.id.hex()
            await metadata.look_up(lambda connection: check_master_key(connection, key_id))
            with ThreadPoolExecutor(1) as threads, suppress(StorageFull):  # a full registry serves what it has
                storage = _open_storage(settings, metadata, threads)
                await claim_storage(metadata, storage, secrets.token_hex)
                await storage.check()
            await metadata.write(lambda connection: claim_master_key(connection, key_id))

    asyncio.run(prepare())


def _open_metadata(settings: Settings, statement_timeout: float = STATEMENT_TIMEOUT) -> Metadata:
    if settings.database is None:
        return _open_sqlite(settings.data)
    try:
        from entrepot.metadata.postgresql import PostgreSQLMetadata  # noqa: PLC0415 (an extra may bring its driver)

        return PostgreSQLMetadata(
            settings.database,
            random=Random(),  # noqa: S311 (it spreads tries, and guards nothing)
            connections=connections_of_a_process(settings.workers),
            statement_timeout=statement_timeout,
        )
    except ImportError as error:
        raise CannotStart(
            f"the setting database needs {error.name}, which 'pip install entrepot[postgresql]' installs"
        ) from None


def _open_sqlite(data: Path) -> Metadata:
    path, moved = database_path(data), moved_database_path(data)
    if moved.exists():
        way_back = f"remove {moved.name}" if path.exists() else f"rename {moved.name} to {path.name}"
        raise CannotStart(
            f"the database of the data folder {data} was moved to PostgreSQL: give the setting database, "
            f"or {way_back} to go back"
        )
    return SQLiteMetadata(path)


def _room_for_rows(settings: Settings) -> Callable[[], None]:
    """The disk of a database in the data folder; what room PostgreSQL has is for PostgreSQL to say."""
    return Room(settings.data, ROWS_RESERVE).require if settings.database is None else lambda: None


def _open_storage(settings: Settings, metadata: Metadata, threads: Executor) -> BlobStorage:
    if settings.storage is None:
        return FilesystemStorage(blob_folder(settings.data), threads=threads)
    try:
        from entrepot.storage.s3 import Redirects, S3Storage  # noqa: PLC0415 (an extra may bring boto3)
        from entrepot.storage.s3_bucket import Bucket, Location, connect  # noqa: PLC0415 (as above)
    except ImportError as error:
        raise CannotStart(
            f"the setting storage needs {error.name}, which 'pip install entrepot[s3]' installs"
        ) from None
    bucket, _, prefix = settings.storage.removeprefix("s3://").rstrip("/").partition("/")
    location = Location(bucket, prefix and f"{prefix}/", settings.s3_endpoint, settings.s3_region)
    redirects = None
    if settings.s3_redirect:
        seen_by_clients = replace(location, endpoint=settings.s3_redirect_endpoint or location.endpoint)
        redirects = Redirects(connect(seen_by_clients, connections=1), settings.s3_redirect_seconds)
    client = connect(location, connections=STORAGE_THREADS)
    storage = S3Storage(
        Bucket(client, location, threads), MetadataPartLedger(metadata), threads=threads, redirects=redirects
    )
    return storage if settings.s3_cache is None else _cached(storage, settings.s3_cache, settings, threads)


def _cached(storage: SealedStorage, folder: Path, settings: Settings, threads: Executor) -> BlobStorage:
    try:
        pieces = PieceFolder(folder, capacity=settings.s3_cache_bytes)
    except OSError as error:
        raise CannotStart(f"the folder {folder} of s3_cache cannot be made: {error.strerror}") from None
    return CachedStorage(storage, pieces, threads=threads)


def open_keyring(settings: Settings) -> Keyring:
    """The keys of the local KMS. Raises CannotStart where each registry would have a keyring of its own."""
    path = settings.kms_keyring or keyring_path(settings.data)
    if settings.is_shared and settings.kms_keyring is None:
        raise CannotStart(
            f"the keyring {path} is this registry's own, and database and storage may be shared with others:"
            " let the setting kms_keyring name one that all of them reach, or choose kms aws"
        )
    return Keyring(path, system_clock)


def _open_kms(settings: Settings) -> KeyProvider:
    if settings.kms == "local":
        has_keyring = settings.kms_keyring is not None or keyring_path(settings.data).exists()
        if settings.is_shared and not has_keyring:
            return NoKeyProvider()
        return LocalKeyProvider(open_keyring(settings))
    try:
        from entrepot.keys.aws import AWSKeyProvider, connect_kms  # noqa: PLC0415 (an extra may bring boto3)
    except ImportError as error:
        raise CannotStart(
            f"the setting kms needs {error.name}, which 'pip install entrepot[s3]' installs"
        ) from None
    region = settings.kms_region or settings.region
    return AWSKeyProvider(connect_kms(endpoint=settings.kms_endpoint, region=region))


async def _check_postgresql(metadata: Metadata) -> None:
    """See, before anything is made there, that the server will do, and takes the parameters of the URL."""
    try:
        await metadata.check()
    except DBAPIError as error:
        raise CannotStart(f"the setting database is refused: {error.orig}") from None


def connections_of_a_process(workers: int) -> int:
    """How many connections to write, and as many to read, each worker may open, and the background worker too."""
    return max(FEWEST_CONNECTIONS, CONNECTIONS // (2 * (workers + 1)))


@dataclass(frozen=True, slots=True)
class Wired:
    """The services of one process, and how to let go of them."""

    services: Services
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SweepingServices:
    """What is wired for a command that sweeps beside a running registry; see operations.services.Upkeep."""

    metadata: Metadata
    storage: BlobStorage
    counters: Counters
    clock: Clock = system_clock
    lifetimes: Lifetimes = LIFETIMES


@asynccontextmanager
async def opened_for_sweeping(
    settings: Settings,
    counters: Counters,
    lifetimes: Lifetimes | None = None,
    *,
    statement_timeout: float = STATEMENT_TIMEOUT,
) -> AsyncGenerator[SweepingServices]:
    """Database and storage of an installation that is there, for as long as the block runs; it makes nothing.

    Raises what ``opened_to_use`` raises.
    """
    async with opened_to_use(settings, statement_timeout=statement_timeout) as metadata:
        with ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage") as threads:
            storage = _open_storage(settings, metadata, threads)
            yield SweepingServices(metadata, storage, counters, lifetimes=lifetimes or lifetimes_of(settings))


@dataclass(frozen=True, slots=True)
class AuditingServices:
    """See operations.auditor.Audited."""

    metadata: Metadata
    storage: BlobStorage
    encrypted_storage: BlobStorage
    data_keys: DataKeys
    sparse_manifests: bool
    clock: Clock = system_clock
    random_hex: Callable[[int], str] = secrets.token_hex


@asynccontextmanager
async def opened_for_auditing(settings: Settings) -> AsyncGenerator[AuditingServices]:
    """Database, storage and keys of an installation that is there, for as long as the block runs.

    Bytes are read from the storage itself, past a cache. Raises what ``opened_to_use`` raises, and WrongMasterKey.
    """
    async with opened_to_use(settings) as metadata:
        master = load_master_key(settings)
        await metadata.write(lambda connection: claim_master_key(connection, master.id.hex()))
        data_keys = DataKeys(_open_kms(settings), MasterKeyWrapping(master), system_clock)
        with ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage") as threads:
            storage = _open_storage(msgspec.structs.replace(settings, s3_cache=None), metadata, threads)
            encrypted_storage = EncryptedStorage(
                storage,
                MetadataSegmentLedger(metadata),
                data_keys.unwrap,
                threads=threads,
                random_bytes=secrets.token_bytes,
            )
            yield AuditingServices(metadata, storage, encrypted_storage, data_keys, settings.sparse_manifests)


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Database and storage that are to become a registry."""

    metadata: Metadata
    storage: BlobStorage


@asynccontextmanager
async def opened_to_restore(settings: Settings, *, statement_timeout: float) -> AsyncGenerator[RestoreTarget]:
    """Database and storage of the settings for as long as the block runs; tables are made where there are none.

    Raises what ``opened_metadata`` raises, and SchemaTooOld, SchemaTooNew, StorageUnavailable.
    """
    async with opened_metadata(settings, statement_timeout=statement_timeout) as metadata:
        await metadata.write(require_schema)
        with ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage") as threads:
            uncached = msgspec.structs.replace(settings, s3_cache=None)
            yield RestoreTarget(metadata, _open_storage(uncached, metadata, threads))


@contextmanager
def opened_backup(blobs: Path) -> Generator[BlobStorage]:
    """Where a backup keeps bytes, for as long as the block runs: as the data folder of a registry does."""
    with ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="backup") as threads:
        yield FilesystemStorage(blobs, threads=threads)


async def migrate_file(path: Path) -> None:
    """Bring an SQLite database that nobody else uses to this version's schema; raises SchemaTooNew."""
    metadata = SQLiteMetadata(path, sync=False)
    try:
        await metadata.write(migrate)
    finally:
        await metadata.close()


@dataclass(frozen=True, slots=True)
class SnapshotServices:
    """See operations.backup_verification.Snapshot."""

    metadata: Metadata
    storage: BlobStorage
    encrypted_storage: BlobStorage
    data_keys: DataKeys


@asynccontextmanager
async def opened_snapshot(
    settings: Settings, database: Path, blobs: Path, *, master: MasterKey | None, keyring: Path
) -> AsyncGenerator[SnapshotServices]:
    """A snapshot's database and bytes for as long as the block runs; what lacks its key cannot be opened."""
    kms = LocalKeyProvider(Keyring(keyring, system_clock)) if settings.kms == "local" else _open_kms(settings)
    nobodys = MasterKey(secrets.token_bytes(MASTER_KEY_SIZE))  # has wrapped nothing, and says so when it is asked
    data_keys = DataKeys(kms, MasterKeyWrapping(master or nobodys), system_clock)
    metadata = SQLiteMetadata(database, sync=False)
    try:
        with opened_backup(blobs) as storage, ThreadPoolExecutor(STORAGE_THREADS) as threads:
            ledger = MetadataSegmentLedger(metadata)
            encrypted_storage = EncryptedStorage(
                storage, ledger, data_keys.unwrap, threads=threads, random_bytes=secrets.token_bytes
            )
            yield SnapshotServices(metadata, storage, encrypted_storage, data_keys)
    finally:
        await metadata.close()


def lifetimes_of(settings: Settings) -> Lifetimes:
    """How long promises hold in an installation; only tests have others."""
    return replace(LIFETIMES, undelete=settings.undelete_days * DAY)


def wire(settings: Settings, root_key: RootKey, counters: Counters, lifetimes: Lifetimes | None = None) -> Wired:
    """Build the services of one process over its data folder."""
    threads = ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="storage")
    metadata = _open_metadata(settings)
    quotas = QUOTAS[settings.quotas]
    master = load_master_key(settings)
    signer = Signer(master.bound_to(root_key.secret_access_key))
    access_key_secrets, session_secrets, denials = AccessKeySecrets(master), SessionSecrets(master), Denials()
    storage, kms = _open_storage(settings, metadata, threads), _open_kms(settings)
    data_keys = DataKeys(kms, MasterKeyWrapping(master), system_clock)
    encrypted_storage = EncryptedStorage(
        storage,
        MetadataSegmentLedger(metadata),
        data_keys.unwrap,
        threads=threads,
        random_bytes=secrets.token_bytes,
    )
    services = Services(
        metadata=metadata,
        storage=storage,
        encrypted_storage=encrypted_storage,
        data_keys=data_keys,
        kms=kms,
        encrypt_at_rest=settings.encrypt_at_rest,
        signer=signer,
        counters=counters,
        clock=system_clock,
        random_hex=secrets.token_hex,
        public_url=settings.address,
        default_registry=settings.registry,
        authorities=Authorities(
            metadata=metadata,
            clock=system_clock,
            root=Root(settings.account_id, settings.region, root_key.access_key_id, root_key.secret_access_key),
            signer=signer,
            access_key_secrets=access_key_secrets,
            session_secrets=session_secrets,
            denials=denials,
        ),
        access_key_secrets=access_key_secrets,
        session_secrets=session_secrets,
        failed_logins=FailedLogins(),
        denials=denials,
        issuers=Issuers(fetch_document, system_clock),
        trusted_proxies=settings.trusted_networks,
        anonymous_pull=settings.anonymous_pull,
        create_on_push=settings.create_on_push,
        upload_hashes=UploadHashes(),
        quotas=quotas,
        buckets=TokenBuckets(quotas.rates),
        tallies=Tallies(),
        catalog=settings.catalog,
        sparse_manifests=settings.sparse_manifests,
        require_room_for_rows=_room_for_rows(settings),
        lifetimes=lifetimes or lifetimes_of(settings),
    )

    async def close() -> None:
        await metadata.close()
        threads.shutdown()

    return Wired(services, close)
