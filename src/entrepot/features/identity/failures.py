"""Failed log-ins: who guesses is slowed down, whoever else calls from the same place is not.

Counted in the memory of one process, by where the attempts come from and the access key that they name. Everything
that fails counts; what succeeds is never counted, but waits as well while its source and key are held back.
"""

from heapq import nlargest

from entrepot.core.clock import SECOND
from entrepot.features.identity.errors import TooManyFailures

#: So many failures at once, then one in so many microseconds.
BURST = 20
INTERVAL = 5 * SECOND
#: Pairs of source and key that are kept; when there are so many, the half that is forgiven first is dropped. To
#: find it takes some milliseconds, once in 5,000 new pairs.
CAPACITY = 10_000


class FailedLogins:
    """A bucket of failures for each source and access key."""

    def __init__(self) -> None:
        #: When all failures of a pair will be forgiven: each puts that off by the interval.
        self._forgiven_at: dict[tuple[str, str], int] = {}

    def check(self, source: str, key: str, now: int) -> None:
        """Refuse a pair that has failed too often of late; raises TooManyFailures. ``now`` in microseconds."""
        forgiven_at = self._forgiven_at.get((source, key), now)
        if now + (BURST - 1) * INTERVAL < forgiven_at <= now + BURST * INTERVAL:
            raise TooManyFailures

    def add(self, source: str, key: str, now: int) -> None:
        """One more failure."""
        if len(self._forgiven_at) >= CAPACITY:
            self._drop_some(now)
        forgiven_at = self._forgiven_at.get((source, key), now)
        if not now <= forgiven_at <= now + BURST * INTERVAL:  # long forgiven, or the clock was set back
            forgiven_at = now
        self._forgiven_at[source, key] = min(forgiven_at + INTERVAL, now + BURST * INTERVAL)

    def _drop_some(self, now: int) -> None:
        """Drop pairs that are forgiven, or that a clock set back has left behind; then the next to be forgiven.

        So who invents keys, each of which fails once, does not free those that have failed often.
        """
        latest = now + BURST * INTERVAL
        pairs = [(at, pair) for pair, at in self._forgiven_at.items() if now < at <= latest]
        self._forgiven_at = {pair: at for at, pair in nlargest(CAPACITY // 2, pairs)}
