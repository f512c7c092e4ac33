"""Wrapping a data key by a secret: AES-256-GCM under a fresh random nonce.

    nonce (12 bytes) | ciphertext and tag

The associated data binds it to the ARN of the key and to the encryption context. Nonces are random: one secret may
wrap 2^32 data keys (NIST SP 800-38D, section 8.3), which is a billion pushes; a rotated key has a new secret.
"""

import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrepot.keys.port import DATA_KEY_SIZE, Context, DataKey, KeyUnusable

_NONCE_SIZE = 12


def wrap_new(secret: bytes, key_arn: str, context: Context) -> DataKey:
    """A new data key, and what it is wrapped."""
    data_key, nonce = secrets.token_bytes(DATA_KEY_SIZE), secrets.token_bytes(_NONCE_SIZE)
    return DataKey(data_key, nonce + AESGCM(secret).encrypt(nonce, data_key, _associated(key_arn, context)))


def unwrap(secret: bytes, key_arn: str, wrapped: bytes, context: Context) -> bytes:
    """The data key; raises KeyUnusable for what was wrapped by another secret, or with another key or context."""
    nonce, ciphertext = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
    try:
        return AESGCM(secret).decrypt(nonce, ciphertext, _associated(key_arn, context))
    except (InvalidTag, ValueError):
        raise KeyUnusable("InvalidCiphertextException", "The data key was not made with this key") from None


def _associated(key_arn: str, context: Context) -> bytes:
    return msgspec.json.encode([key_arn, sorted(context.items())])
