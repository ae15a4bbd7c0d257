"""The bounds that a training keeps within: memory, time, and its turn behind everything else."""

from __future__ import annotations

import os
import resource
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["available_mb", "bind", "end_with", "peak_mb", "why_not"]

_MB = 1 << 20
_TO_SPARE_MB = 150
"""What must be left for the program that runs beside it."""
_CGROUP = Path("/sys/fs/cgroup")
# Code and read-only data of the libraries are shared pages of files; the limit does not count them.
_OF_FILES_MB = 90


def available_mb(cgroup: Path = _CGROUP) -> float:
    """What memory could be had without anything being swapped or killed, in MB.

    Of the machine or of the container, whichever has less.
    """
    available = psutil.virtual_memory().available / _MB
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = dict(
            line.split(" ", 1) for line in (cgroup / "memory.stat").read_text().splitlines()
        )
    except (OSError, ValueError):
        return available
    if not limit.isdigit():
        return available
    # Pages of files are given back when they are wanted.
    return min(available, (int(limit) - used + int(stat.get("inactive_file", "0"))) / _MB)


def why_not(memory_mb: int, available: float) -> str | None:
    """Why no training may begin, in words; None where one may."""
    if available >= memory_mb + _TO_SPARE_MB:
        return None
    return (
        f"training may take {memory_mb} MB and {available:.0f} MB are free, of which "
        f"{_TO_SPARE_MB} MB are left to the program itself: it was skipped. Free some memory, or "
        "set a lower training_memory_mb"
    )


def bind(memory_mb: int, limit_s: float, niceness: int) -> None:
    """Bound this process: from now on it cannot take more, whatever is asked of it."""
    limit = max(memory_mb - _OF_FILES_MB, 100) * _MB
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What does not answer any more is ended all the same.
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    os.nice(niceness)


def end_with(stream: BinaryIO) -> None:
    """Have this process end at once when `stream` does: whoever ordered the training is gone."""

    def wait() -> None:
        while stream.read(1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="worker-parent", daemon=True).start()


def peak_mb() -> float:
    """The most memory that this program has had, in MB."""
    # What `getrusage` tells begins with whoever started this one, which may have been far larger.
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
