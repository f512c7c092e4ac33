"""The port of key management: what the registry asks of a KMS (AWS KMS API reference: GenerateDataKey, Decrypt).

A KMS never shows a key. It makes data keys of 32 bytes, in plain and wrapped by one of its keys, and unwraps them.
The encryption context of a data key is authenticated: it is unwrapped with the one that it was made with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from entrepot.core.errors import Conflict, Unavailable
from entrepot.core.partitions import RegistryId

DATA_KEY_SIZE = 32
#: The key of repositories that name none, as ECR has it.
DEFAULT_ALIAS = "alias/aws/ecr"

Context = Mapping[str, str]


@dataclass(eq=False)
class KeyUnusable(Conflict):
    """The KMS refuses (ECR's KmsException). ``kms_error`` is KMS's own code, ``reason`` its sentence."""

    kms_error: str
    reason: str

    template: ClassVar[str] = "{reason}"


@dataclass(eq=False)
class KeyServiceUnavailable(Unavailable):
    """The KMS does not answer now (ECR's KmsException); ``kms_error`` is KMS's own code."""

    kms_error: str
    reason: str

    template: ClassVar[str] = "The key management service cannot answer: {reason}"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in plain, and wrapped."""

    secret: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


class KeyWrapping(Protocol):
    """Makes and unwraps data keys. Raises KeyUnusable, KeyServiceUnavailable."""

    async def generate_data_key(self, key_arn: str, context: Context) -> DataKey:
        """A new data key, wrapped by the key of this ARN."""
        ...

    async def decrypt(self, key_arn: str, wrapped: bytes, context: Context) -> bytes:
        """The data key that was made with this key and context."""
        ...


class KeyProvider(KeyWrapping, Protocol):
    """A KMS."""

    async def describe(self, key_id: str, registry: RegistryId) -> str:
        """The ARN of a key that can be used, by its id, ARN, alias or alias's ARN.

        What is not an ARN is in the account and region of the registry, or of the KMS's own credentials.
        """
        ...
