"""Manifests encrypted at rest: one message under data keys of its own.

It is stored as a nonce of 12 bytes and the ciphertext with its tag; of that the same again for the next layer.
"""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrepot.storage.port import BlobDamaged

_NONCE_SIZE = 12


def seal_message(data_keys: Sequence[bytes], content: bytes, about: str) -> bytes:
    """Encrypt a message ``about`` something, which is bound to it."""
    for data_key in data_keys:
        nonce = secrets.token_bytes(_NONCE_SIZE)
        content = nonce + AESGCM(data_key).encrypt(nonce, content, about.encode())
    return content


def open_message(data_keys: Sequence[bytes], sealed: bytes, about: str) -> bytes:
    """The message that was sealed; raises BlobDamaged for anything else."""
    for data_key in reversed(data_keys):
        nonce, ciphertext = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
        try:
            sealed = AESGCM(data_key).decrypt(nonce, ciphertext, about.encode())
        except (InvalidTag, ValueError):
            raise BlobDamaged("they are not what was encrypted") from None
    return sealed
