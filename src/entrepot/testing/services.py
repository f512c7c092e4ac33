"""The services of one process, made of parts that a test chooses."""

from concurrent.futures import Executor
from random import Random

from entrepot.core.address import PublicURL
from entrepot.core.clock import Clock
from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import Denials
from entrepot.features.encryption.data_keys import DataKeys
from entrepot.features.encryption.ledger import MetadataSegmentLedger
from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.failures import FailedLogins
from entrepot.features.identity.issuers import Issuers, fetch_document
from entrepot.features.identity.sessions import SessionSecrets
from entrepot.features.layers.hashes import UploadHashes
from entrepot.features.quotas.buckets import TokenBuckets
from entrepot.features.quotas.quotas import OFF, Quotas
from entrepot.features.quotas.tallies import Tallies
from entrepot.keys.keyring import Keyring
from entrepot.keys.local import LocalKeyProvider
from entrepot.keys.master import MasterKeyWrapping
from entrepot.metadata.port import Metadata
from entrepot.operations.authorities import Authorities, Root
from entrepot.operations.services import Counters, Services
from entrepot.protocol.tokens import MasterKey, Signer
from entrepot.storage.encrypted import EncryptedStorage
from entrepot.storage.port import BlobStorage

ACCESS_KEY_ID = "AKIAENTREPOTTESTING1"
SECRET_ACCESS_KEY = "entrepot-testing-secret-access-key"  # noqa: S105 (of registries that live in one test)
ACCOUNT_ID = "000000000000"
REGION = "us-east-1"


def make_services(
    metadata: Metadata,
    storage: BlobStorage,
    *,
    master: MasterKey,
    keyring: Keyring,
    counters: Counters,
    clock: Clock,
    random: Random,
    threads: Executor,
    create_on_push: bool = False,
    anonymous_pull: bool = False,
    public_url: str = "http://localhost:5000",
    quotas: Quotas = OFF,
    catalog: bool = False,
    sparse_manifests: bool = False,
    encrypt_at_rest: bool = False,
) -> Services:
    """What a process of a registry works with: its caches are empty, and its own.

    Processes of one registry share the database, the storage, the master key and the keyring. The registry has one
    account, ACCOUNT_ID; clients that name no region are in REGION.
    """
    kms, signer, denials = LocalKeyProvider(keyring), Signer(master), Denials()
    data_keys = DataKeys(kms, MasterKeyWrapping(master), clock)
    access_key_secrets, session_secrets = AccessKeySecrets(master), SessionSecrets(master)
    return Services(
        metadata=metadata,
        storage=storage,
        encrypted_storage=EncryptedStorage(
            storage,
            MetadataSegmentLedger(metadata),
            data_keys.unwrap,
            threads=threads,
            random_bytes=random.randbytes,
        ),
        data_keys=data_keys,
        kms=kms,
        encrypt_at_rest=encrypt_at_rest,
        signer=signer,
        counters=counters,
        clock=clock,
        random_hex=lambda size: random.randbytes(size).hex(),
        public_url=PublicURL.parse(public_url),
        default_registry=RegistryId(ACCOUNT_ID, REGION),
        authorities=Authorities(
            metadata=metadata,
            clock=clock,
            root=Root(ACCOUNT_ID, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY),
            signer=signer,
            access_key_secrets=access_key_secrets,
            session_secrets=session_secrets,
            denials=denials,
        ),
        access_key_secrets=access_key_secrets,
        session_secrets=session_secrets,
        failed_logins=FailedLogins(),
        denials=denials,
        issuers=Issuers(fetch_document, clock),
        trusted_proxies=(),
        anonymous_pull=anonymous_pull,
        create_on_push=create_on_push,
        upload_hashes=UploadHashes(),
        quotas=quotas,
        buckets=TokenBuckets(quotas.rates),
        tallies=Tallies(),
        catalog=catalog,
        sparse_manifests=sparse_manifests,
    )
