"""The rules of the layer protocol: offsets, sizes, and how long things are remembered."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from entrepot.core.clock import DAY, HOUR, MINUTE
from entrepot.core.digest import Digest, InvalidDigest
from entrepot.features.layers.errors import InvalidLayer

MIB = 1024 * 1024

#: Every part but the last is at least this long, where the rule holds (the API, not ``/v2/``).
MIN_PART_SIZE = 5 * MIB
#: ECR's quotas: parts a layer, and bytes a layer.
MAX_PARTS = 4_200
MAX_LAYER_SIZE = 52_000 * MIB

#: An upload that nobody touches this long is gone; a completed one is remembered as long.
UPLOAD_LIFE = DAY
#: For this long after a positive availability answer, the layer is not collected.
LEASE = DAY
#: How long a download URL works.
DOWNLOAD_LIFE = HOUR
#: By how much the clocks of two replicas may differ.
CLOCK_SKEW = 5 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long promises about layers hold, in microseconds: the same on all replicas, shorter in tests.

    ``undelete`` is how long what was deleted is kept for whoever wants it back.
    """

    lease: int = LEASE
    download: int = DOWNLOAD_LIFE
    clock_skew: int = CLOCK_SKEW
    undelete: int = 0

    def is_half_spent(self, lease_until: int, now: int) -> bool:
        """True when a lease is due for renewal: so a layer asked for all day costs two writes a day."""
        return lease_until - now < self.lease // 2

    def past_everywhere(self, now: int) -> int:
        """The time that is past on every replica's clock when it is ``now`` on this one's."""
        return now - self.clock_skew

    def unreachable_before(self, now: int) -> int:
        """What was unreachable then has no download URL any more."""
        return now - self.download - self.clock_skew

    def drained_before(self, now: int) -> int:
        """What was deleted then is kept no longer."""
        return self.past_everywhere(now) - self.undelete if self.undelete else now


#: Those of a registry outside tests.
LIFETIMES = Lifetimes()


def acceptable_digests(candidates: Sequence[str], algorithms: Collection[str]) -> list[Digest]:
    """The digests of these algorithms among the strings that a client gave; raises InvalidLayer if there is none.

    ECR's clients may list digests of algorithms that are not computed beside one that is.
    """
    digests: list[Digest] = []
    for candidate in candidates:
        with suppress(InvalidDigest):
            digest = Digest.parse(candidate.lower())
            if digest.algorithm in algorithms:
                digests.append(digest)
    if not digests:
        raise InvalidLayer
    return digests
