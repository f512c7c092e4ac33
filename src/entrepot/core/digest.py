"""Content digests: ``algorithm:hex`` (OCI image spec, descriptor, "Digests")."""

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from entrepot.core.errors import Invalid, InvalidParameter

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
#: The algorithms that are computed here.
ALGORITHMS = tuple(_HEX_LENGTH)
_GRAMMAR = re.compile(r"(sha256|sha512):([0-9a-f]+)")

#: ECR's digest, as its error message quotes it: of any algorithm and any length.
ECR_DIGEST = "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"
_ecr_digest = re.compile(r"[a-zA-Z0-9\-_+.]+:[a-fA-F0-9]+")


@dataclass(eq=False)
class InvalidDigest(Invalid):
    """A string that is no digest, or names an algorithm that is not computed here."""

    text: str

    template: ClassVar[str] = "The digest '{text}' is not a valid sha256 or sha512 digest"


class Hasher(Protocol):
    """What hashlib's objects offer and we use."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest of all bytes so far."""
        ...

    def copy(self) -> Self:
        """A context that goes on from here by itself."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content address. ``str()`` gives the canonical form; ``parse`` accepts nothing else."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``sha256:<64 hex>`` or ``sha512:<128 hex>``, lower case only.

        Raises InvalidDigest, which repeats at most 200 characters of the text.
        """
        found = _GRAMMAR.fullmatch(text)
        if found is None or len(found[2]) != _HEX_LENGTH[found[1]]:
            raise InvalidDigest(text[:200])
        return cls(found[1], found[2])

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> "Digest":
        """The digest of bytes that are in memory."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def check_digest(text: str, parameter: str) -> None:
    """Refuse what ECR takes for no digest at all; raises InvalidParameter in ECR's words."""
    if _ecr_digest.fullmatch(text) is None:
        raise InvalidParameter(parameter, f"must satisfy regular expression '{ECR_DIGEST}'")


def hasher(algorithm: str) -> Hasher:
    """A fresh hash context; ``algorithm`` is sha256 or sha512."""
    return hashlib.new(algorithm)
