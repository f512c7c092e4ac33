"""Encryption at rest, where layers, manifests and keys meet (designs/encryption.md)."""

from dataclasses import replace

from entrepot.core.enumerations import EncryptionType
from entrepot.features.encryption.data_keys import Encryption, NewDataKeys
from entrepot.features.encryption.messages import open_message, seal_message
from entrepot.features.identity.errors import AccessDenied
from entrepot.features.images.image import ManifestBytes
from entrepot.features.repositories.repository import Repository, RepositorySettings
from entrepot.keys.port import DEFAULT_ALIAS, KeyUnusable
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services
from entrepot.storage.port import BlobStorage

#: Layers of encryption, each with a data key of its own.
LAYERS: dict[EncryptionType, int] = {"AES256": 1, "KMS": 1, "KMS_DSSE": 2}
#: What whoever names a key of its own has to be allowed on it (ECR user guide, "Encryption at rest").
_ACTIONS_ON_KEY = ("kms:DescribeKey", "kms:CreateGrant")


async def with_usable_key(services: Services, caller: Caller, settings: RepositorySettings) -> RepositorySettings:
    """The settings of a new repository with the ARN of its KMS key, the default one if they name none.

    Raises KeyUnusable, KeyServiceUnavailable.
    """
    if settings.encryption_type == "AES256":
        return replace(settings, kms_key=None)
    arn = await services.kms.describe(settings.kms_key or DEFAULT_ALIAS, caller.registry)
    return replace(settings, kms_key=arn)


async def require_leave_for_key(services: Services, caller: Caller, key_arn: str) -> None:
    """Refuse a caller who may not use a KMS key that it names; raises KeyUnusable."""
    for action in _ACTIONS_ON_KEY:
        try:
            await services.authorities.authorise(caller, action, key_arn, {})
        except AccessDenied as error:
            raise KeyUnusable("AccessDeniedException", error.message) from None


async def new_data_keys(services: Services, repository: Repository) -> NewDataKeys | None:
    """Data keys for something new in a repository; None where that is stored in plain.

    Raises KeyUnusable, KeyServiceUnavailable.
    """
    settings = repository.settings
    if settings.encryption_type == "AES256" and not services.encrypt_at_rest:
        return None
    context = {"aws:ecr:arn": repository.registry.repository_arn(repository.name)}
    encryption = Encryption(settings.kms_key or "", LAYERS[settings.encryption_type])
    return await services.data_keys.generate(encryption, context)


def storage_of(services: Services, *, is_encrypted: bool) -> BlobStorage:
    """Where bytes are written and read: through encryption, or as they are."""
    return services.encrypted_storage if is_encrypted else services.storage


async def seal_manifest(services: Services, repository: Repository, digest: str, content: bytes) -> ManifestBytes:
    """A manifest as the repository stores it; raises KeyUnusable, KeyServiceUnavailable."""
    data_keys = await new_data_keys(services, repository)
    if data_keys is None:
        return ManifestBytes(content)
    return ManifestBytes(seal_message(data_keys.secrets, content, digest), data_keys.wrapped)


async def open_manifest(services: Services, digest: str, stored: ManifestBytes) -> bytes:
    """A manifest as it was sent; raises KeyUnusable, KeyServiceUnavailable, BlobDamaged."""
    if stored.wrapped is None:
        return stored.content
    return open_message(await services.data_keys.unwrap(stored.wrapped), stored.content, digest)
