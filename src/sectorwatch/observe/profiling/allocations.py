"""Which lines hold more and more memory: a look of seconds with `tracemalloc`.

While it traces, allocating takes 7 to 20 times as long. So it is never on but for a look, and
there are few looks a day.
"""

from __future__ import annotations

import linecache
import statistics
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple

from sectorwatch.observe.profiling.trends import trend_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.profiling.frames import OwnCode

__all__ = ["GrowingLine", "Growth", "growing_lines"]

_FRAMES = 8
_MOST_LINES = 20
_LEAST_BYTES_PER_S = 100.0
_OURS = frozenset({__file__, tracemalloc.__file__})
# Three in each third: a single one may meet something half made.
_LOOKS = 9
_FEWEST_LOOKS = 5
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
    at_s: list[float] = []
    tracemalloc.start(_FRAMES)
    try:
        wanted = _LOOKS
        while len(looks) < wanted:
            if wait(apart_s):
                return None
            begun_s = time.perf_counter()
            looks.append(_held(own))
            at_s.append(begun_s)
            # Of what leaks millions of pieces each look takes long: fewer must do.
            if time.perf_counter() - begun_s > apart_s:
                wanted = max(_FEWEST_LOOKS, len(looks))
    finally:
        tracemalloc.stop()
    grown = []
    for key in looks[-1]:
        rate = _growth(at_s, [look.get(key, (0, 0))[0] for look in looks])
        if rate >= _LEAST_BYTES_PER_S:
            pieces = _growth(at_s, [look.get(key, (0, 0))[1] for look in looks])
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
    return Growth(at_s[-1] - at_s[0], sum(each[0] for each in grown), lines)


def _growth(at_s: list[float], held: list[int]) -> float:
    """How fast a series of looks grows, in each third of it; 0 where it does not in one."""
    third = len(held) // 3
    first, second, last = (
        statistics.median(held[at : at + third]) for at in range(0, 3 * third, third)
    )
    if min(second - first, last - second) < _EVEN * (last - first) / 2:
        return 0.0
    trend = trend_of(at_s, held)
    return 0.0 if trend is None or trend.p_rising < _SURE else trend.slope


def _held(own: OwnCode) -> dict[tuple[str, int], tuple[int, int]]:
    """Bytes and pieces by the line that is answerable for them: the program's own, if any."""
    # `statistics` takes twenty times as long: it makes objects of every piece, of which there may
    # be millions. Pieces with one traceback have the very same tuple here, the innermost first.
    groups: dict[int, list[Any]] = {}
    for _, size, frames, *_ in tracemalloc.take_snapshot().traces._traces:  # type: ignore[attr-defined]  # noqa: SLF001
        group = groups.get(id(frames))
        if group is None:
            groups[id(frames)] = [size, 1, frames]
        else:
            group[0] += size
            group[1] += 1
    held: dict[tuple[str, int], tuple[int, int]] = {}
    for size, count, frames in groups.values():
        # What this look itself holds grows with each.
        if any(file in _OURS for file, _ in frames):
            continue
        key = next((frame for frame in frames if own.is_own(frame[0])), frames[0])
        size_before, count_before = held.get(key, (0, 0))
        held[key] = (size_before + size, count_before + count)
    return held


def _size(n: float) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n / 1e3:.1f} kB"  # noqa: PLR2004
