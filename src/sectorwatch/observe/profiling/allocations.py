"""Which lines hold more and more memory: a look of seconds with `tracemalloc`.

While it traces, allocating takes 7 to 20 times as long. So it is never on but for a look, and
there are few looks a day.
"""

from __future__ import annotations

import linecache
import statistics
import threading
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

from sectorwatch.observe.profiling.trends import trend_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.profiling.frames import OwnCode

__all__ = ["GrowingLine", "Growth", "growing_lines"]

_FRAMES = 12
_MOST_LINES = 20
_LEAST_BYTES_PER_S = 100.0
# Three in each third: a single one may meet something half made.
_LOOKS = 9
_EVEN = 0.3
_SURE = 0.95


class GrowingLine(NamedTuple):
    """A line of code and how fast what it allocated, and is still held, grows."""

    file: str
    line: int
    source: str
    service: str
    bytes_per_s: float
    pieces_per_s: float

    def __str__(self) -> str:
        whose = f", of {self.service}" if self.service else ""
        return f"{self.file}:{self.line} `{self.source}`{whose}, {_size(self.bytes_per_s)}/s"


class Growth(NamedTuple):
    """What a look found: the lines that grew all along, fastest first."""

    seconds: float
    bytes_per_s: float
    lines: tuple[GrowingLine, ...]


def growing_lines(
    seconds: float, own: OwnCode, wait: Callable[[float], bool] | None = None
) -> Growth | None:
    """Trace allocations for so many seconds, and give the lines that hold more and more.

    What is made once and kept, or replaced by its like at every turn, does not grow in each third
    of that time. `wait` sleeps and says whether to give up; None is given then, and where
    something else traces.
    """
    wait = wait or threading.Event().wait
    if tracemalloc.is_tracing():
        return None
    apart_s = seconds / _LOOKS
    looks: list[dict[tuple[str, int], tuple[int, int]]] = []
    tracemalloc.start(_FRAMES)
    try:
        for _ in range(_LOOKS):
            if wait(apart_s):
                return None
            looks.append(_held(own))
    finally:
        tracemalloc.stop()
    grown = []
    for key in looks[-1]:
        rate = _growth([look.get(key, (0, 0))[0] for look in looks], apart_s)
        if rate >= _LEAST_BYTES_PER_S:
            pieces = _growth([look.get(key, (0, 0))[1] for look in looks], apart_s)
            grown.append((rate, pieces, key))
    grown.sort(reverse=True)
    lines = tuple(
        GrowingLine(
            own.short(file),
            line,
            linecache.getline(file, line).strip()[:120],
            own.service(file),
            rate,
            pieces,
        )
        for rate, pieces, (file, line) in grown[:_MOST_LINES]
    )
    return Growth(seconds, sum(each[0] for each in grown), lines)


def _growth(held: list[int], apart_s: float) -> float:
    """How fast a series of looks grows, in each third of it; 0 where it does not in one."""
    third = len(held) // 3
    first, second, last = (
        statistics.median(held[at : at + third]) for at in range(0, 3 * third, third)
    )
    if min(second - first, last - second) < _EVEN * (last - first) / 2:
        return 0.0
    trend = trend_of([at * apart_s for at in range(len(held))], held)
    return 0.0 if trend is None or trend.p_rising < _SURE else trend.slope


def _held(own: OwnCode) -> dict[tuple[str, int], tuple[int, int]]:
    """Bytes and pieces by the line that is answerable for them: the program's own, if any."""
    snapshot = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=False, filename_pattern=tracemalloc.__file__)]
    )
    held: dict[tuple[str, int], tuple[int, int]] = {}
    for each in snapshot.statistics("traceback"):
        # The last frame is the innermost.
        frames = [(frame.filename, frame.lineno) for frame in each.traceback]
        key = next((frame for frame in reversed(frames) if own.is_own(frame[0])), frames[-1])
        size, count = held.get(key, (0, 0))
        held[key] = (size + each.size, count + each.count)
    return held


def _size(n: float) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n / 1e3:.1f} kB"  # noqa: PLR2004
