"""The last minutes of series as alert rules ask for them: cheap, and right when clocks jump.

Samples are taken in the order in which they came in, from the newest back to the first that does
not lie in the window: after a jump of the wall clock, in either direction, what came before the
jump is left out instead of being mixed with what came after it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.series import Key, Kind, Series
    from sectorwatch.observe.summaries import Summaries

__all__ = ["LONGEST_WINDOW_S", "STALE_S", "Recent", "RecentRows", "recent"]

STALE_S = 300.0
"""A series without a sample for this long says nothing about now."""
LONGEST_WINDOW_S = 3_600.0
# Another thread's sample may be a moment younger than the question.
_AHEAD_S = 2.0
_STEP_S = 10.0
_ROWS_KEPT_S = 900.0


@dataclass(frozen=True, slots=True)
class Recent:
    """The samples of one series in the last seconds, the oldest first; `age_s` before now.

    Where runs were summed up when they came in, `counts` says how many a value is the mean of, and
    `lows` and `highs` what they lay between; else these are None and each value is a sample.
    """

    key: Key
    kind: Kind
    age_s: NDArray[np.float64]
    values: NDArray[np.float64]
    counts: NDArray[np.float64] | None = None
    lows: NDArray[np.float64] | None = None
    highs: NDArray[np.float64] | None = None


class RecentRows:
    """Runs that are handed over summed up, for the last quarter of an hour, in steps of 10 s."""

    def __init__(self) -> None:
        # (begin, {series: [count, total, low, high]}), by the monotonic clock.
        self._steps: deque[tuple[float, dict[int, list[float]]]] = deque()

    def add(self, now_s: float, rows: Summaries) -> None:
        """Take rows that came in at `now_s` by the monotonic clock."""
        steps = self._steps
        if not steps or now_s - steps[-1][0] >= _STEP_S:
            steps.append((now_s, {}))
            while steps[0][0] < now_s - _ROWS_KEPT_S:
                steps.popleft()
        here = steps[-1][1]
        for id_, count, total, low, high in zip(
            rows.series.tolist(),
            rows.count.tolist(),
            rows.total.tolist(),
            rows.low.tolist(),
            rows.high.tolist(),
            strict=True,
        ):
            known = here.get(id_)
            if known is None:
                here[id_] = [count, total, low, high]
            else:
                known[0] += count
                known[1] += total
                known[2] = min(known[2], low)
                known[3] = max(known[3], high)

    def of(self, series: Mapping[int, Series], now_s: float) -> list[Recent]:
        """The last quarter of an hour of these series, those without anything left out."""
        found: dict[int, list[tuple[float, ...]]] = {}
        for begin_s, step in list(self._steps):
            for id_, (count, total, low, high) in list(step.items()):
                if id_ in series:
                    age_s = max(0.0, now_s - begin_s)
                    found.setdefault(id_, []).append((age_s, total / count, count, low, high))
        return [
            Recent(series[id_].key, series[id_].kind, *np.array(rows).T)
            for id_, rows in found.items()
        ]


def recent(collector: MetricsCollector, windows_s: Mapping[str, float]) -> dict[str, list[Recent]]:
    """See `MetricsCollector.recent`."""
    now_s = collector.now_s()
    until_s = now_s + _AHEAD_S
    found: dict[str, list[Recent]] = {name: [] for name in windows_s}
    summed_up: dict[int, Series] = {}
    for series in list(collector.series.by_id.values()):
        window_s = windows_s.get(series.name)
        if window_s is None:
            continue
        if not series.ring.size:
            summed_up[series.id] = series
            continue
        if not window_s:
            newest = series.ring.newest()
            if newest is not None and now_s - STALE_S <= newest[0] <= until_s:
                age_s, values = np.array([max(0.0, now_s - newest[0])]), np.array([newest[1]])
                found[series.name].append(Recent(series.key, series.kind, age_s, values))
            continue
        since_s = now_s - min(max(window_s, STALE_S), LONGEST_WINDOW_S)
        times_s, values = series.ring.tail(since_s, until_s)
        if len(times_s):
            age_s = np.maximum(now_s - times_s, 0.0)
            found[series.name].append(Recent(series.key, series.kind, age_s, values))
    if summed_up:
        for each in collector.recent_rows.of(summed_up, collector.monotonic_s()):
            found[each.key[0]].append(each)
    return found
