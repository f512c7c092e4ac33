"""Hash contexts of uploads that are going on: a cache, so that completing an upload need not read it again.

A context is kept only for an offset that has been committed, and committed bytes never change; so a context for
(upload, offset) stays right for as long as the upload lives, whatever other workers do meanwhile. What SHA-256 has
come to is a column of the upload's row as well, so that any replica goes on with the bytes that another received.
"""

from collections import OrderedDict

from entrepot.core.digest import ALGORITHMS, Hasher, hasher
from entrepot.features.layers import sha256
from entrepot.features.layers.layer import Upload

#: Contexts take a few hundred bytes each.
CAPACITY = 4_096


class UploadHashes:
    """The newest context of each upload that this worker has received bytes of, one an algorithm."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[tuple[str, str], tuple[int, Hasher]] = OrderedDict()

    def keep(self, upload_id: str, algorithm: str, size: int, context: Hasher) -> None:
        """Remember the context of the upload's first ``size`` bytes, which are committed."""
        self._contexts[upload_id, algorithm] = (size, context)
        self._contexts.move_to_end((upload_id, algorithm))
        if len(self._contexts) > CAPACITY:
            self._contexts.popitem(last=False)

    def recall(self, upload: Upload) -> None:
        """Remember what whoever received the last bytes wrote down, if this worker knows less."""
        known = self._contexts.get((upload.id, "sha256"), (0, None))[0]
        found = sha256.resumed(upload.hash_state) if upload.hash_state else None
        if found is not None and known < found[0] <= upload.size:  # older code may have moved the offset alone
            self.keep(upload.id, "sha256", *found)

    def at(self, upload_id: str, algorithm: str, size: int) -> Hasher | None:
        """A context of exactly the first ``size`` bytes, to go on with."""
        offset, context = self.nearest(upload_id, algorithm, size)
        return context if offset == size else None

    def nearest(self, upload_id: str, algorithm: str, size: int) -> tuple[int, Hasher]:
        """The longest known prefix of the first ``size`` bytes: its length, and a context to go on with."""
        offset, context = self._contexts.get((upload_id, algorithm), (0, None))
        if context is None or offset > size:
            return 0, _fresh(algorithm)
        return offset, context.copy()

    def forget(self, upload_id: str) -> None:
        """Let go of an upload."""
        for algorithm in ALGORITHMS:
            self._contexts.pop((upload_id, algorithm), None)


def state_of(context: Hasher) -> bytes | None:
    """What another replica goes on with; None for a context that cannot be written down."""
    return context.state() if isinstance(context, sha256.SHA256) else None


def _fresh(algorithm: str) -> Hasher:
    return (sha256.fresh() if algorithm == "sha256" else None) or hasher(algorithm)
