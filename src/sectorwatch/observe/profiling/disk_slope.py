"""When the disk will be full, by how fast its room goes.

A journal is pruned every hour, an hour's rows are sealed in a minute: room falls in a sawtooth,
and what falls for seconds says nothing of next week. So each look back is believed for a while
that fits it: half a minute for minutes, ten minutes for an hour, hours for weeks.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sectorwatch.observe.profiling.trends import steadiness, trend_of

__all__ = ["NOT_IN_SIGHT_S", "DiskForecast", "DiskSlope"]

NOT_IN_SIGHT_S = 30 * 86_400.0
"""What is told once a disk falls no more: a month, beyond which nothing is foreseen."""

_HOUR_S = 3_600.0
_KEEP_S = 24 * _HOUR_S
_CLOSE_S = 600.0
_FEWEST_HOURS = 4
_SURE = 0.99
_FEWEST = 5
# Of the mean speed, what each part of the look back must keep up: a burst does not.
_STEADY = 0.25


class DiskForecast(NamedTuple):
    """Seconds until it is full, at so many bytes a second, seen over so many seconds."""

    full_in_s: float
    bytes_per_s: float
    seen_s: float


class DiskSlope:
    """Takes free bytes as they are seen, and says when there will be none."""

    def __init__(self) -> None:
        self._close: deque[tuple[float, float]] = deque()
        # The least of each hour: pruning lifts the rest of it.
        self._hours: deque[tuple[float, float, float]] = deque()

    def add(self, now_s: float, free: float) -> DiskForecast | None:
        """Take one look, `now_s` monotonic; what is foreseen now, None where it does not fall."""
        self._close.append((now_s, free))
        while now_s - self._close[0][0] > _CLOSE_S:
            self._close.popleft()
        hour_s = now_s // _HOUR_S * _HOUR_S
        if self._hours and self._hours[-1][0] == hour_s:
            if free < self._hours[-1][2]:
                self._hours[-1] = (hour_s, now_s, free)
        else:
            self._hours.append((hour_s, now_s, free))
        while now_s - self._hours[0][0] > _KEEP_S:
            self._hours.popleft()
        found = [
            each
            for each in (
                self._near(now_s, free, look_s=30.0, believed_s=300.0),
                self._near(now_s, free, look_s=_CLOSE_S, believed_s=_HOUR_S),
                self._far(free),
            )
            if each is not None
        ]
        return min(found, key=lambda each: each.full_in_s, default=None)

    def _near(
        self, now_s: float, free: float, *, look_s: float, believed_s: float
    ) -> DiskForecast | None:
        seen = [each for each in self._close if now_s - each[0] <= look_s]
        # Nearly all of the look back, or it is another.
        if len(seen) < _FEWEST or now_s - seen[0][0] < 0.6 * look_s:
            return None
        times, values = [each[0] for each in seen], [-each[1] for each in seen]
        # The first and cheap question: most of the time nothing falls that fast.
        if (values[-1] - values[0]) * believed_s < free * (now_s - seen[0][0]):
            return None
        trend = trend_of(times, values)
        if trend is None or trend.slope <= 0 or trend.p_rising < _SURE:
            return None
        parts = 2 if len(seen) < 8 else 3  # noqa: PLR2004
        if steadiness(times, values, parts, whole=trend.slope) < _STEADY:
            return None
        full_in_s = free / trend.slope
        if full_in_s > believed_s:
            return None
        return DiskForecast(full_in_s, trend.slope, trend.span_s)

    def _far(self, free: float) -> DiskForecast | None:
        # The hour that runs is not over: its least is still to come.
        hours = list(self._hours)[:-1]
        if len(hours) < _FEWEST_HOURS:
            return None
        times, values = [each[1] for each in hours], [-each[2] for each in hours]
        trend = trend_of(times, values)
        if trend is None or trend.slope <= 0:
            return None
        # Few hours can be sure by all pointing one way alone: four give 0.95 at most.
        if trend.p_rising < (_SURE if len(hours) >= 6 else 0.93):  # noqa: PLR2004
            return None
        full_in_s = free / trend.slope
        if full_in_s >= NOT_IN_SIGHT_S:
            return None
        return DiskForecast(full_in_s, trend.slope, trend.span_s)
