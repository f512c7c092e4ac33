"""The KMS of a registry that has none: the keyring in its data folder.

A wrapped data key begins with the number of the material that wrapped it (4 bytes), so a key can be rotated and
what was wrapped before is unwrapped all the same.
"""

import asyncio

from entrepot.core.partitions import RegistryId
from entrepot.keys.keyring import Keyring, KMSKey, key_arn
from entrepot.keys.port import DEFAULT_ALIAS, Context, DataKey, KeyUnusable
from entrepot.keys.wrapping import unwrap, wrap_new

_DESCRIPTION = "The key of repositories that name none"
_NUMBER_SIZE = 4
_NOT_SHARED = "The registries have no KMS that all of them share: see the settings kms and kms_keyring"


class LocalKeyProvider:
    """See KeyProvider. Calls take microseconds, and run where they are made; only what changes the file waits.

    The key of repositories that name none is made when it is first asked for.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def describe(self, key_id: str, registry: RegistryId) -> str:
        """See KeyProvider."""
        if key_id in {DEFAULT_ALIAS, key_arn(registry, DEFAULT_ALIAS)}:
            key = await asyncio.to_thread(self._keyring.ensure, registry, DEFAULT_ALIAS, _DESCRIPTION)
        else:
            key = self._keyring.find(key_id, registry)
        key.require_usable()
        return key.arn

    async def generate_data_key(self, key_arn: str, context: Context) -> DataKey:
        """See KeyProvider."""
        key = self._usable(key_arn)
        number = len(key.material) - 1
        made = wrap_new(key.material[number], key.arn, context)
        return DataKey(made.secret, number.to_bytes(_NUMBER_SIZE) + made.wrapped)

    async def decrypt(self, key_arn: str, wrapped: bytes, context: Context) -> bytes:
        """See KeyProvider."""
        key, number = self._usable(key_arn), int.from_bytes(wrapped[:_NUMBER_SIZE])
        if number >= len(key.material):
            raise KeyUnusable("InvalidCiphertextException", "The data key was not made with this key")
        return unwrap(key.material[number], key.arn, wrapped[_NUMBER_SIZE:], context)

    def _usable(self, key_arn: str) -> KMSKey:
        key = self._keyring.by_arn(key_arn)
        key.require_usable()
        return key


class NoKeyProvider:
    """The KMS of registries that were not given one that they share: it has no key, rather than each its own."""

    async def describe(self, key_id: str, registry: RegistryId) -> str:  # noqa: ARG002 (it refuses all)
        """See KeyProvider."""
        raise KeyUnusable("NotFoundException", _NOT_SHARED)

    async def generate_data_key(self, key_arn: str, context: Context) -> DataKey:  # noqa: ARG002 (it refuses all)
        """See KeyProvider."""
        raise KeyUnusable("NotFoundException", _NOT_SHARED)

    async def decrypt(self, key_arn: str, wrapped: bytes, context: Context) -> bytes:  # noqa: ARG002 (it refuses all)
        """See KeyProvider."""
        raise KeyUnusable("NotFoundException", _NOT_SHARED)
