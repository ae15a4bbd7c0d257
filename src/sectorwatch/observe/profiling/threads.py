"""What each thread of this process has used of the processor, cheaply and without risk.

`time.pthread_getcpuclockid` of a thread that has just ended reads memory that is gone. Linux makes
the same clock from the thread's number, and says that there is none where the thread has ended.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ThreadTimes",
    "group_of",
    "native_threads",
    "running_share",
    "thread_cpu_s",
    "thread_state",
]

_TASKS = Path("/proc/self/task")
# CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED of the kernel's posix-timers.h.
_PER_THREAD = 6
_NUMBERED = re.compile(r"[-_ (]*\d[\d_()-]*$")
_LONGEST_NAME = 40
_IS_LINUX = sys.platform == "linux"


def thread_cpu_s(native_id: int) -> float | None:
    """Seconds of processor that a thread has used; None where it has ended, or is not told.

    >>> thread_cpu_s(threading.get_native_id()) is not None or not _IS_LINUX
    True
    """
    if not _IS_LINUX:
        return None
    try:
        return time.clock_gettime(~native_id << 3 | _PER_THREAD)
    except OSError:
        return None


def thread_state(native_id: int) -> str:
    """The state letter that the kernel gives a thread, R for one that could run; else "".

    >>> thread_state(threading.get_native_id())
    'R'
    """
    try:
        text = (_TASKS / str(native_id) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name before it stands in brackets and may hold anything.
    return text.rpartition(")")[2].strip()[:1]


def group_of(name: str) -> str:
    """A thread's name without the number that tells it from others of its kind.

    >>> group_of("ThreadPoolExecutor-0_3"), group_of("asyncio_12"), group_of("7")
    ('ThreadPoolExecutor', 'asyncio', 'thread')
    """
    return (_NUMBERED.sub("", name) or "thread")[:_LONGEST_NAME]


def native_threads() -> dict[int, str]:
    """Every thread of this process by the kernel's number, those that Python does not know too.

    Python's are named by Python, the others by the kernel, with "native" before it.
    """
    known = {each.native_id: each.name for each in threading.enumerate()}
    found: dict[int, str] = {}
    try:
        numbers = [int(name) for name in os.listdir(_TASKS)]  # noqa: PTH208 - 10 us against 60
    except OSError:
        numbers = [number for number in known if number is not None]
    for number in numbers:
        found[number] = known.get(number) or f"native {_kernel_name(number)}"
    return found


def _kernel_name(native_id: int) -> str:
    try:
        path = _TASKS / str(native_id) / "comm"
        return path.read_text(encoding="utf-8", errors="replace").strip() or "thread"
    except OSError:
        return "thread"


def running_share(probes: int = 10, over_s: float = 0.5) -> float:
    """How much of the time some other thread of this process ran or could have run, 0 to 1.

    Looked at so many times. Where the machine has more to do than it can, a thread that spins gets
    little of the processor; but it always wants it.
    """
    me, met = threading.get_native_id(), 0
    for _ in range(probes):
        time.sleep(over_s / probes)
        met += any(thread_state(number) == "R" for number in native_threads() if number != me)
    return met / probes


class ThreadTimes:
    """What groups of threads have used since they were last asked for."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}

    def take(self) -> tuple[Mapping[str, float], Mapping[str, int]]:
        """Seconds of processor by group since the last call, and how many threads each has.

        A thread that began and ended in between is in neither.
        """
        used_s: dict[str, float] = {}
        count: dict[str, int] = {}
        seen: dict[int, float] = {}
        for number, name in native_threads().items():
            group = group_of(name)
            count[group] = count.get(group, 0) + 1
            now_s = thread_cpu_s(number)
            if now_s is None:
                continue
            seen[number] = now_s
            # The kernel uses numbers again: less than before is another thread.
            before_s = self._seen.get(number, 0.0)
            used_s[group] = used_s.get(group, 0.0) + now_s - (before_s if before_s <= now_s else 0)
        self._seen = seen
        return used_s, count
