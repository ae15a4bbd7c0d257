"""Which lines hold more and more memory: a look of seconds with `tracemalloc`.

While it traces, allocating takes 7 to 20 times as long. So it is never on but for a look, and
there are few looks a day.
"""

from __future__ import annotations

import linecache
import threading
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.profiling.frames import OwnCode

__all__ = ["GrowingLine", "Growth", "growing_lines"]

_FRAMES = 12
_MOST_LINES = 20
_LEAST_BYTES_PER_S = 100.0


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
    """What a look found: the lines that grew in both its halves, fastest first."""

    seconds: float
    bytes_per_s: float
    lines: tuple[GrowingLine, ...]


def growing_lines(
    half_s: float, own: OwnCode, wait: Callable[[float], bool] | None = None
) -> Growth | None:
    """Trace allocations for twice `half_s` seconds, and give the lines that hold more and more.

    What is made once and kept, or replaced by its like at every turn, grows in one half at most.
    `wait` sleeps and says whether to give up; None is given then, and where something else traces.
    """
    wait = wait or threading.Event().wait
    if tracemalloc.is_tracing():
        return None
    tracemalloc.start(_FRAMES)
    try:
        if wait(half_s):
            return None
        first = _held(own)
        if wait(half_s):
            return None
        second = _held(own)
    finally:
        tracemalloc.stop()
    grown = []
    for key, (size, count) in second.items():
        size_before, count_before = first.get(key, (0, 0))
        # The second half counts; the first must have had at least a fifth of its growth.
        rate = (size - size_before) / half_s
        if rate >= _LEAST_BYTES_PER_S and size_before >= 0.2 * (size - size_before):
            grown.append((rate, (count - count_before) / half_s, key))
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
    return Growth(2 * half_s, sum(each[0] for each in grown), lines)


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
