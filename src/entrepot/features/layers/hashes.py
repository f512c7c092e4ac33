"""Hash contexts of uploads that are going on: a cache, so that completing an upload need not read it again.

A context is kept only for an offset that has been committed, and committed bytes never change; so a context for
(upload, offset) stays right for as long as the upload lives, whatever other workers do meanwhile.
"""

from collections import OrderedDict

from entrepot.core.digest import ALGORITHMS, Hasher, hasher

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

    def at(self, upload_id: str, algorithm: str, size: int) -> Hasher | None:
        """A context of exactly the first ``size`` bytes, to go on with."""
        offset, context = self.nearest(upload_id, algorithm, size)
        return context if offset == size else None

    def nearest(self, upload_id: str, algorithm: str, size: int) -> tuple[int, Hasher]:
        """The longest known prefix of the first ``size`` bytes: its length, and a context to go on with."""
        offset, context = self._contexts.get((upload_id, algorithm), (0, None))
        if context is None or offset > size:
            return 0, hasher(algorithm)
        return offset, context.copy()

    def forget(self, upload_id: str) -> None:
        """Let go of an upload."""
        for algorithm in ALGORITHMS:
            self._contexts.pop((upload_id, algorithm), None)
