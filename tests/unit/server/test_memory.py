"""Memory of large buffers goes back to the system."""

import subprocess
import sys

import pytest

#: Large buffers between small ones that stay, after one has been freed: what a busy worker does.
BUFFERS = """
import ctypes, os, sys
from entrepot.server.memory import give_large_buffers_back

if not hasattr(ctypes.CDLL(None), "mallopt"):
    sys.exit("no glibc")
if "back" in sys.argv:
    give_large_buffers_back()
first = b"x" * 20_000_000
del first
pairs = [(b"x" * 7_000_000, b"x" * 100_000) for _ in range(10)]
kept = [small for _, small in pairs]
del pairs
print(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
"""


def resident_bytes(*arguments: str) -> int:
    """Of a process of its own, for the setting is the process's."""
    done = subprocess.run([sys.executable, "-c", BUFFERS, *arguments], capture_output=True, text=True, check=False)
    if "no glibc" in done.stderr:
        pytest.skip("another C library")
    return int(done.stdout)


def test_free_buffers_leave_the_process() -> None:
    """Nearly all of what glibc keeps otherwise."""
    assert resident_bytes("back") < resident_bytes() - 50_000_000
