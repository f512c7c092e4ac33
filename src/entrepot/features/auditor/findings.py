"""What the auditor finds, as values."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong; designs/audit.md says how each comes to be, and what mends it."""

    MANIFEST_MISSING = "manifest-missing"  #: an image whose manifest is not there
    MANIFEST_DAMAGED = "manifest-damaged"  #: a manifest that has another digest, or cannot be decrypted
    IMAGE_DIFFERS = "image-differs"  #: an image's row says other than its manifest
    REFERENCES_DIFFER = "references-differ"  #: so do the rows of what the manifest names
    LAYER_MISSING = "layer-missing"  #: an image names a layer that its repository does not have
    TAG_COUNT = "tag-count"  #: the number of an image's tags is not what its row says
    MANIFEST_UNUSED = "manifest-unused"  #: a manifest without an image
    LINK_UNQUEUED = "link-unqueued"  #: a layer that no image names, and the collector is not to look at
    LINK_OF_OTHER_KEY = "link-of-other-key"  #: a repository has a layer that another key protects
    BLOB_UNLINKED = "blob-unlinked"  #: a blob that no repository has
    KEY_SHARED = "key-shared"  #: a storage key is a blob's, and another blob's or upload's too
    KEY_BURIED = "key-buried"  #: a blob whose bytes are to be removed
    KEY_UNOWNED = "key-unowned"  #: notes about a storage key that is nobody's: data keys, multipart uploads
    BYTES_UNOWNED = "bytes-unowned"  #: bytes under a storage key that is nobody's, or left over beside a blob
    BLOB_DAMAGED = "blob-damaged"  #: bytes that are missing or wrong
    CHILD_MISSING = "child-missing"  #: an index names an image that is not there
    UNCHECKED = "unchecked"  #: what is encrypted under a key that cannot be used
    FOREIGN_OBJECT = "foreign-object"  #: something in the storage that the registry has not put there

    @property
    def is_fault(self) -> bool:
        """False for what is worth a note: it may be as somebody wanted it."""
        return self not in {Kind.CHILD_MISSING, Kind.UNCHECKED, Kind.FOREIGN_OBJECT}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with ``subject``, which says where it is; ``detail`` says how it is wrong."""

    kind: Kind
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding with the times, in microseconds, at which it was found and, if it was, repaired."""

    finding: Finding
    found_at: int
    repaired_at: int | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many findings of a kind there are, and how many of them were repaired."""

    kind: Kind
    found: int
    repaired: int


class Stage(StrEnum):
    """The parts of an audit, in their order."""

    IMAGES = "images"
    MANIFESTS = "manifests"
    LINKS = "links"
    BLOBS = "blobs"
    DATA_KEYS = "data-keys"
    MULTIPARTS = "multiparts"
    OBJECTS = "objects"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come: up to ``cursor``; how much it has ``seen``, and how many ``bytes`` it has read."""

    stage: Stage
    cursor: str = ""
    seen: int = 0
    bytes: int = 0
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """The audit that goes on, or the last one, by its number; times in microseconds.

    It ``reads_bytes`` if it reads all of every blob.
    """

    number: int
    holder: str
    lease_until: int
    reads_bytes: bool
    begun_at: int
    ended_at: int | None
