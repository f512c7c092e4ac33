"""Time, passed in: no code below the wiring reads a clock of its own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

#: Gives now, in integer microseconds since the epoch (the unit of every time column).
Clock = Callable[[], int]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """Now, by the machine's clock."""
    return time.time_ns() // 1000


def iso_time(microseconds: int) -> str:
    """A time as ISO 8601 writes it, in UTC and whole seconds: ``2026-01-01T00:00:00Z``."""
    return f"{datetime.fromtimestamp(microseconds // SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
