"""Opening a file only if nothing has to be waited for: openat2(2) with RESOLVE_CACHED.

Python offers it no other way. It opens what the kernel knows by its name already, and refuses at once what would
have to be looked up on a disk or over a network.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

#: On every architecture but Alpha (syscalls(2)).
_OPENAT2 = 437
_AT_FDCWD = -100
_RESOLVE_CACHED = 0x20


class _How(ctypes.Structure):
    """struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_memory(path: str) -> int | None:
    """A descriptor to read from, of a file that is no symbolic link.

    None where the kernel would have to wait, for a file that is not there, and where there is no such call.
    """
    descriptor = _call()(os.fsencode(path))
    return descriptor if descriptor >= 0 else None


@cache
def _call() -> Callable[[bytes], int]:
    if sys.platform != "linux":
        return lambda _path: -1
    # What never waits may keep the interpreter's lock.
    syscall = ctypes.PyDLL(None).syscall
    syscall.restype = ctypes.c_long
    syscall.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
    how = _How(os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0, _RESOLVE_CACHED)
    address, size = ctypes.addressof(how), ctypes.sizeof(how)
    return lambda path, _how=how: syscall(_OPENAT2, _AT_FDCWD, path, address, size)
