"""Processor that something burns: far more than usual, for longer than work takes."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

__all__ = ["CpuSpikes", "Spike"]

_MINUTE_S = 60.0
_USUAL_MINUTES = 60
_FEWEST_MINUTES = 5
# It must be there in all of that time, near enough: an average is high after one burst, too.
_LEAST_OF_BOUND = 0.85
# One thread that spins adds at most a core to what is usual, and some of it in its place.
_ABOVE_USUAL = 40.0
_OVER = 0.7
_OVER_AFTER_S = 15.0


@dataclass(frozen=True, slots=True)
class Spike:
    """A spike as it stands: percent of one core now, what is usual, and since when (monotonic)."""

    percent: float
    usual: float
    since_s: float
    is_new: bool


class CpuSpikes:
    """Takes what the process uses, interval by interval, and says when that is a spike.

    It is one from `percent` of one core on, and 40 above what is usual in its last hour, for
    `lasting_s` without a pause.
    """

    def __init__(self, *, percent: float = 70.0, lasting_s: float = 30.0) -> None:
        self._percent = percent
        self._lasting_s = lasting_s
        self._recent: deque[tuple[float, float, float]] = deque(maxlen=100)
        self._minutes: deque[float] = deque(maxlen=_USUAL_MINUTES)
        self._minute_cpu = 0.0
        self._minute_s = 0.0
        self._since_s: float | None = None

    @property
    def usual(self) -> float:
        """The median of the last hour's minutes in percent of one core; 0 before five of them."""
        if len(self._minutes) < _FEWEST_MINUTES:
            return 0.0
        return statistics.median(self._minutes)

    def add(
        self,
        now_s: float,
        passed_s: float,
        percent: float,
        *,
        busy: bool = False,
        cores: float | None = None,
    ) -> Spike | None:
        """Take one interval of `passed_s` seconds that ends at `now_s`; the spike there is now.

        While the process is known to be `busy` nothing is one. `cores` is what it may use at most,
        where that is less than the machine has.
        """
        if passed_s <= 0:
            return None
        if busy:
            # Neither a spike, nor what is usual, nor what a spike could begin with.
            self._recent.clear()
            self._since_s = None
            return None
        self._recent.append((now_s, passed_s, percent))
        bound = max(self._percent, self.usual + _ABOVE_USUAL)
        if cores is not None:
            bound = min(bound, 90.0 * cores)
        spike = self._stands(now_s, bound)
        if spike is None:
            self._learn(passed_s, percent)
        return spike

    def _stands(self, now_s: float, bound: float) -> Spike | None:
        if self._since_s is not None:
            level = self._level(_OVER_AFTER_S)
            if level is not None and level[0] < _OVER * bound:
                self._since_s = None
                return None
            percent = self._recent[-1][2] if level is None else level[0]
            return Spike(percent, self.usual, self._since_s, is_new=False)
        level = self._level(self._lasting_s)
        if level is None or level[0] < bound or level[1] < _LEAST_OF_BOUND * bound:
            return None
        self._since_s = now_s - self._lasting_s
        return Spike(level[0], self.usual, self._since_s, is_new=True)

    def _level(self, over_s: float) -> tuple[float, float] | None:
        """Mean and least of the last `over_s` seconds; None where that much is not known."""
        known_s, total, least = 0.0, 0.0, float("inf")
        for _, passed_s, percent in reversed(self._recent):
            known_s += passed_s
            total += passed_s * percent
            least = min(least, percent)
            # Intervals are not exact to the millisecond.
            if known_s >= over_s - 0.5:
                return total / known_s, least
        return None

    def _learn(self, passed_s: float, percent: float) -> None:
        self._minute_s += passed_s
        self._minute_cpu += passed_s * percent
        if self._minute_s >= _MINUTE_S:
            self._minutes.append(self._minute_cpu / self._minute_s)
            self._minute_cpu = self._minute_s = 0.0
