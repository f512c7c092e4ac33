"""SHA-256 whose state can be written down in one process and taken up in another.

hashlib computes with OpenSSL and keeps the state to itself. OpenSSL's own SHA256_CTX (openssl/sha.h) has had the
same fields since 1998, so this calls it directly, at the same speed. Where Python has no such library beside it,
layers are hashed by hashlib, and one whose parts reached several processes is read back when it is completed.
"""

import ctypes
import hashlib
import struct
from functools import cache

_BLOCK = 64
_LIBRARIES = ("libcrypto.so.3", "libcrypto.so.1.1")
_PROBE = bytes(range(100))
#: A state as it is written down: how many bytes were hashed, and the eight words. The bytes of no block follow.
_WRITTEN = ">Q8I"


class _State(ctypes.Structure):
    """SHA256_CTX."""

    _fields_ = (
        ("h", ctypes.c_uint32 * 8),
        ("low", ctypes.c_uint32),  # how many bits were hashed: the lower half, and the upper
        ("high", ctypes.c_uint32),
        ("data", ctypes.c_ubyte * _BLOCK),
        ("num", ctypes.c_uint),  # how many bytes of ``data`` wait for their block to be full
        ("md_len", ctypes.c_uint),
    )


class SHA256:
    """A hash context that has seen nothing; see Hasher."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._state = _State()
        library.SHA256_Init(ctypes.byref(self._state))

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes, and let other threads run meanwhile. What is not ``bytes`` is copied."""
        self._library.SHA256_Update(ctypes.byref(self._state), bytes(data), ctypes.c_size_t(len(data)))

    def hexdigest(self) -> str:
        """The digest of all bytes so far."""
        digest = ctypes.create_string_buffer(32)
        self._library.SHA256_Final(digest, ctypes.byref(_State.from_buffer_copy(self._state)))
        return digest.raw.hex()

    def copy(self) -> "SHA256":
        """A context that goes on from here by itself."""
        copied = SHA256(self._library)
        copied._state = _State.from_buffer_copy(self._state)
        return copied

    def state(self) -> bytes:
        """What ``resume`` takes, on any machine: 40 bytes, and those at the end that fill no block."""
        count = (self._state.high << 32 | self._state.low) // 8
        return struct.pack(_WRITTEN, count, *self._state.h) + bytes(self._state.data)[: count % _BLOCK]

    def resume(self, written: bytes) -> int:
        """Go on as the context whose state this was; gives how many bytes it had seen."""
        count, *words = struct.unpack_from(_WRITTEN, written)
        waiting = written[struct.calcsize(_WRITTEN) :]
        self._state.h[:] = words
        self._state.high, self._state.low = divmod(count * 8, 2**32)
        self._state.data[: len(waiting)] = waiting
        self._state.num = len(waiting)
        return count


def fresh() -> SHA256 | None:
    """A context that has seen nothing; None where the library is missing."""
    library = _library()
    return None if library is None else SHA256(library)


def resumed(state: bytes) -> tuple[int, SHA256] | None:
    """A context of so many bytes, as ``state`` described it; None where the library is missing."""
    context = fresh()
    return None if context is None else (context.resume(state), context)


@cache
def _library() -> ctypes.CDLL | None:
    """OpenSSL's library, if it computes what hashlib does, and goes on as it should."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
            if _works(library):
                return library
        except (OSError, AttributeError):  # it is not there, or lacks a function
            continue
    return None


def _works(library: ctypes.CDLL) -> bool:
    first, second = SHA256(library), SHA256(library)
    first.update(_PROBE)
    count = second.resume(first.state())
    second.update(_PROBE)
    return count == len(_PROBE) and second.hexdigest() == hashlib.sha256(_PROBE + _PROBE).hexdigest()
