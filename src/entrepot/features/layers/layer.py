"""Layers and uploads as values."""

from dataclasses import dataclass, field

import msgspec

#: The size of part that InitiateLayerUpload advises, in bytes.
PART_SIZE = 10 * 1024 * 1024


class Layer(msgspec.Struct, frozen=True):
    """A blob as one repository has it. ``size`` in bytes, ``lease_until`` in microseconds."""

    blob_id: int
    digest: str
    size: int
    storage_key: str
    is_encrypted: bool
    lease_until: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A layer on its way in. ``size`` is the committed offset; ``completed_digest`` is set once it is in.

    ``hash_state`` is what SHA-256 has come to at the offset, if whoever received the last bytes knew it.
    """

    id: str
    repository_id: int
    storage_key: str
    size: int
    epoch: int
    parts: int
    has_short_part: bool
    completed_digest: str | None
    is_encrypted: bool
    hash_state: bytes | None = field(default=None, repr=False)
