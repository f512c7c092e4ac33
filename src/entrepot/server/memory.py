"""How the C library keeps memory that is free."""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
#: Buffers of this size go back to the system when they are free. Those of requests are: parts of layers.
_LARGE = 1024 * 1024


def give_large_buffers_back() -> None:
    """Let what is freed of large buffers leave the process, where the C library is glibc.

    glibc begins by doing so, and stops with the first one that it frees: from then on it takes them out of its
    heap, which shrinks only from its end. A worker that receives four layers at once grows by 90 MiB with this and
    by 220 without, for the same processor time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
