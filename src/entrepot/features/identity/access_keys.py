"""The secrets of access keys, encrypted at rest: SigV4 needs them back, so a hash will not do."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrepot.features.identity.errors import SealBroken
from entrepot.protocol.tokens import MasterKey

_NONCE_SIZE = 12


class AccessKeySecrets:
    """Seals secrets with AES-256-GCM: nonce, then ciphertext with its tag; the key's id is the associated data.

    ``master`` is the master key that is bound to no secret: a new root access key leaves all others as they are.
    """

    def __init__(self, master: MasterKey) -> None:
        self._cipher = AESGCM(master.derive("access key secrets"))

    def __repr__(self) -> str:
        return "AccessKeySecrets()"

    def seal(self, access_key_id: str, secret: str) -> bytes:
        """A secret as it is stored, for this access key alone.

        The nonce is the system's own randomness and never a seed's: one nonce used twice would give the key away.
        """
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), access_key_id.encode())

    def open(self, access_key_id: str, sealed: bytes) -> str:
        """The secret that was sealed for this access key; raises SealBroken."""
        try:
            nonce, encrypted = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
            return self._cipher.decrypt(nonce, encrypted, access_key_id.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(access_key_id) from error
