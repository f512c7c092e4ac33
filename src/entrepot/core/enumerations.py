"""Enumerations of the service model that more than one feature speaks of."""

from typing import Literal

TagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
EncryptionType = Literal["AES256", "KMS", "KMS_DSSE"]
