"""What becomes of a process that may open nothing."""

import resource
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_descriptor_left() -> Generator[None]:
    """The system refuses this process every descriptor, as long as the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
