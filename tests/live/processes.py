"""What /proc tells about the processes of a session, workers whose parent is gone included."""

import os
import signal
import time
from pathlib import Path


def of_session(session: int) -> list[int]:
    """The pids of a session that are alive, the oldest first; one that waits only to be reaped is not alive."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(pid for pid in pids if _session(pid) == session)


def parent(pid: int) -> int:
    """The pid of the process that made it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def peak_memory(pid: int) -> int:
    """Peak resident bytes (VmHWM) since the start, or since the last `reset_peak_memory`."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def memory(pid: int) -> int:
    """Resident bytes now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def own_and_shared_memory(pid: int) -> int:
    """Resident bytes, of which a page that n processes share counts as an n-th (PSS, proc(5))."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def reset_peak_memory(pid: int) -> None:
    """Let the peak begin anew at what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


#: How clock_getcpuclockid(3) makes the number of a process's clock on Linux.
_CPUCLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """User and system time that the process has used, of threads that have ended too; /proc has whole ticks only."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def kill(pid: int) -> None:
    """SIGKILL; a process that has just ended by itself is as good."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _session(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, _, _, session = status.rpartition(")")[2].split()[:4]
    return None if state == "Z" else int(session)
