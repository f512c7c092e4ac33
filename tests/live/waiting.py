"""Waiting for another process, with an end."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.01


def eventually(
    condition: Callable[[], bool], *, within: float, otherwise: Callable[[], str] = lambda: "it did not come true"
) -> None:
    """Return once `condition` holds; raises TimeoutError with the words of `otherwise` after `within` seconds."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {within} s: {otherwise()}")
        time.sleep(PAUSE_SECONDS)
