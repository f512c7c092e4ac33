"""The machine that measures, as far as it matters to who reads the figures."""

import os
import platform
import re
from pathlib import Path

KIB_IN_GIB = 1024**2


def described(folder: Path) -> dict[str, str]:
    """CPU, memory, kernel, the file system of a folder, Python and how busy the machine is now, in words."""
    model = _first("/proc/cpuinfo", r"model name\s*: (.+)")
    kib = int(_first("/proc/meminfo", r"MemTotal:\s+(\d+)"))
    return {
        "CPU": f"{model}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{kib / KIB_IN_GIB:.0f} GiB",
        "Kernel": platform.release(),
        "File system": _file_system(folder.resolve()),
        "Python": platform.python_version(),
        "Load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _first(path: str, pattern: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    assert found is not None, path
    return found[1]


def _file_system(folder: Path) -> str:
    """The type of the file system that is mounted nearest above a folder."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount[1], mount[2]) for mount in mounts if folder.is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[0]))[1]
