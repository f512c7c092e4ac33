"""Token buckets: how often each registry calls each operation.

They are kept in the memory of one process. Every worker counts for itself, so a registry gets up to so many times
its rate; to share buckets would cost each call a write.
"""

from collections.abc import Mapping

from entrepot.core.clock import SECOND
from entrepot.core.partitions import RegistryId
from entrepot.features.quotas.errors import Throttled

#: A bucket holds the tokens of so long a time, in microseconds: who was quiet may call that often at once.
BURST = SECOND
#: Buckets that are full again are dropped when there are so many: the regions that callers may name are endless.
CAPACITY = 1_000


class TokenBuckets:
    """One bucket for each registry and operation that has a rate, in calls a second."""

    def __init__(self, rates: Mapping[str, int]) -> None:
        self._intervals = {operation: SECOND // rate for operation, rate in rates.items()}
        #: A bucket is the time at which it will be full again: each token taken puts that off.
        self._full_at: dict[tuple[RegistryId, str], int] = {}

    def take(self, registry: RegistryId, operation: str, now: int) -> None:
        """Take a token; raises Throttled when there is none. ``now`` in microseconds."""
        interval = self._intervals.get(operation)
        if interval is None:
            return
        full_at = self._full_at.get((registry, operation), now)
        if not now <= full_at <= now + BURST:  # long full, or the clock was set back
            full_at = now
        if full_at + interval > now + BURST:
            raise Throttled
        if len(self._full_at) >= CAPACITY:
            self._full_at = {bucket: at for bucket, at in self._full_at.items() if at > now}
        self._full_at[registry, operation] = full_at + interval
