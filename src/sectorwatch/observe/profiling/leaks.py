"""Memory that only grows: told from memory that warms up, breathes, or has just grown once.

Two looks back are held against the same questions: one of minutes for what would fill the machine
within the hour, one of hours for what would in weeks. A leak is steady, and goes on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from sectorwatch.observe.profiling.trends import Trend, steadiness, trend_of

__all__ = ["LONGEST_SCALE", "LeakDetector", "LeakTrend"]

MB = 1_000_000
_HOUR_S = 3_600.0
_DAY_S = 24 * _HOUR_S
_SURE = 0.99
LONGEST_SCALE = "hours"


class Scale(NamedTuple):
    """One look back: how far, in steps of what, and what growth counts in it.

    `step_s` seconds become one point, the least of them: what is needed for a moment is no growth.
    """

    name: str
    span_s: float
    step_s: float
    least_mb_an_hour: float
    least_mb: float
    steady: float
    warm_up_s: float
    more_without_blocks: float = 1.0
    more_on_first_day: float = 1.0
    """Before a day is known morning is no different from a leak, and memory still warms up."""


@dataclass(frozen=True, slots=True)
class LeakTrend:
    """How memory grows on one scale; `is_leak` where it is sure, steady, and matters.

    `blocks_per_hour` are small pieces of Python's values: none of them grow where the growth is in
    large pieces, or in a library.
    """

    scale: str
    bytes_per_hour: float
    p_growing: float
    steadiness: float
    span_s: float
    grown_bytes: float
    blocks_per_hour: float
    p_blocks_growing: float
    is_leak: bool


class LeakDetector:
    """Takes resident bytes and blocks as they are seen, and says whether they leak.

    `least_mb_an_hour` and `least_mb` are what counts over hours; minutes need more.
    """

    def __init__(
        self,
        *,
        least_mb_an_hour: float = 8.0,
        least_mb: float = 50.0,
        warm_up_s: float = 7_200.0,
    ) -> None:
        self._scales = [
            _Series(Scale("minutes", 150.0, 5.0, 1_000.0, 48.0, 0.45, 60.0)),
            _Series(Scale("half an hour", 1_800.0, 60.0, 150.0, 60.0, 0.6, 900.0)),
            _Series(
                Scale(
                    LONGEST_SCALE,
                    6 * _HOUR_S,
                    600.0,
                    least_mb_an_hour,
                    least_mb,
                    0.75,
                    warm_up_s,
                    more_without_blocks=3.0,
                    more_on_first_day=2.0,
                )
            ),
        ]
        self._began_s: float | None = None

    def add(
        self, now_s: float, resident: float, blocks: float, *, busy: bool = False
    ) -> list[LeakTrend]:
        """Take one look, `now_s` monotonic; the trends there are, the fastest scale first.

        Of a time in which the process is known to be `busy` nothing is taken, and what came before
        it says nothing of what comes after.
        """
        if busy:
            self._began_s = now_s
            for each in self._scales:
                each.forget()
            return []
        if self._began_s is None:
            self._began_s = now_s
        found = []
        for each in self._scales:
            if now_s - self._began_s >= each.scale.warm_up_s:
                trend = each.add(now_s, resident, blocks)
                if trend is not None:
                    found.append(trend)
        return found


class _Series:
    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._points: deque[tuple[float, float, float]] = deque()
        # What was before those, a day back.
        self._earlier: deque[tuple[float, float]] = deque()
        self._step: tuple[float, float, float, float] | None = None
        self._trend: LeakTrend | None = None

    def forget(self) -> None:
        """Begin anew."""
        self._points.clear()
        self._earlier.clear()
        self._step = self._trend = None

    def add(self, now_s: float, resident: float, blocks: float) -> LeakTrend | None:
        """Take one look; the trend as of the last whole step."""
        step_s = now_s // self.scale.step_s * self.scale.step_s
        step = self._step
        if step is None or step[0] != step_s:
            self._step = (step_s, now_s, resident, blocks)
            if step is not None:
                self._points.append(step[1:])
                # All of them, where nobody could look for that long.
                while self._points and now_s - self._points[0][0] > self.scale.span_s:
                    at_s, level, _ = self._points.popleft()
                    self._earlier.append((at_s, level))
                while self._earlier and now_s - self._earlier[0][0] > _DAY_S:
                    self._earlier.popleft()
                self._trend = self._judge()
        elif resident < step[2]:
            self._step = (step_s, now_s, resident, min(blocks, step[3]))
        return self._trend

    def _judge(self) -> LeakTrend | None:
        """What the points say, where there are enough of them."""
        if len(self._points) < 8:  # noqa: PLR2004
            return None
        span_s = self._points[-1][0] - self._points[0][0]
        if span_s < 0.6 * self.scale.span_s:
            return None
        times = [each[0] for each in self._points]
        resident = [each[1] for each in self._points]
        trend = trend_of(times, resident)
        of_blocks = trend_of(times, [each[2] for each in self._points])
        if trend is None or of_blocks is None:
            return None
        steady = steadiness(times, resident, whole=trend.slope)
        grown = resident[-1] - resident[0]
        return LeakTrend(
            scale=self.scale.name,
            bytes_per_hour=trend.slope * _HOUR_S,
            p_growing=trend.p_rising,
            steadiness=steady,
            span_s=span_s,
            grown_bytes=grown,
            blocks_per_hour=of_blocks.slope * _HOUR_S,
            p_blocks_growing=of_blocks.p_rising,
            is_leak=self._is_leak(trend, of_blocks, steady, grown) and self._is_high(resident[-1]),
        )

    def _is_leak(self, trend: Trend, of_blocks: Trend, steady: float, grown: float) -> bool:
        scale = self.scale
        # Over hours, memory without values of Python's in it is what a C library keeps for later:
        # it fills up for days. Large pieces are few values, but they come fast.
        more = 1.0 if of_blocks.p_rising >= _SURE else scale.more_without_blocks
        if not self._knows_a_day:
            more = max(more, scale.more_on_first_day)
        return (
            trend.p_rising >= _SURE
            and trend.slope * _HOUR_S >= more * scale.least_mb_an_hour * MB
            and grown >= more * scale.least_mb * MB
            and steady >= scale.steady
        )

    @property
    def _knows_a_day(self) -> bool:
        known_s = self._points[-1][0] - self._earlier[0][0] if self._earlier else 0.0
        return known_s >= 0.95 * _DAY_S

    def _is_high(self, resident: float) -> bool:
        """Whether it is above all that it was in the day before: each morning memory grows."""
        if self.scale.more_on_first_day == 1.0 or not self._knows_a_day:
            return True
        highest = max(level for _, level in self._earlier)
        return resident >= highest + self.scale.least_mb * MB
