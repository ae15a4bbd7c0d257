"""Whether forecasts have become worse than they use to be: a number to raise an alert by.

Errors grow and shrink with the traffic and the hour, and an odd day is hard for any forecast. So
the error of the last hours is held against two things: what it uses to be at these hours of the
day, and what the forecast "as a week ago" makes of the same hours, beside what it uses to make. The
lesser of the two ratios counts: a day on which everything is off, or on which the week before
happens to fit, is not the forecast's fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import HORIZONS_S
from sectorwatch.forecast.scoring.figures import HOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.scoring.figures import Figures
    from sectorwatch.forecast.scoring.scored import Scored

__all__ = ["DAYS_BEFORE", "Drop"]

DAYS_BEFORE = 7
"""Days whose forecasts must have been scored before anything can be called usual."""
_HALF_LIFE_S = 3 * 3_600.0
_LONGEST_STEP_S = 900.0
_LEAST_S = 2 * 3_600.0
_LEAST_ERROR = 40.0
"""Aircraft of error to be expected of the last hours, all together; of less nothing is told."""
_LEAST_KNOWN = 0.5


class Drop:
    """The error of the last hours by horizon, over the usual one; belongs to one thread."""

    def __init__(self) -> None:
        self._usual = np.full((len(HORIZONS_S), HOURS), np.nan)
        self._usual_skill = np.full(len(HORIZONS_S), np.nan)
        # Error, the usual error, both beside the naive one, how many, and how long: fading sums.
        self._recent = np.zeros((len(HORIZONS_S), 6))
        self._last_s: int | None = None

    def learn(self, usual: Figures, days: int) -> None:
        """Takes the figures of the `days` before today for what is usual."""
        if days < DAYS_BEFORE:
            self._usual[:] = np.nan
            self._usual_skill[:] = np.nan
            return
        sums = {name: each.sum(axis=0, dtype=np.float64) for name, each in usual.by_hour.items()}
        with np.errstate(invalid="ignore", divide="ignore"):
            self._usual = sums["error"] / sums["count"]
            beside, naive = (
                sums[name].sum(axis=1) for name in ("error_beside_naive", "naive_error")
            )
            self._usual_skill = beside / naive

    def hear(self, scored: Scored, hour: NDArray[np.int64], now_s: int) -> None:
        """Adds forecasts whose truth is known; `hour` is that of the local day of each."""
        step_s = 0.0 if self._last_s is None else float(max(0, now_s - self._last_s))
        self._last_s = now_s
        self._recent *= 0.5 ** (step_s / _HALF_LIFE_S)
        error = np.abs(scored.mean - scored.truth)
        naive = np.abs(scored.naive - scored.truth)
        for number, lead_s in enumerate(HORIZONS_S):
            usual = self._usual[number][hour]
            here = (scored.lead_s == lead_s) & np.isfinite(usual)
            if not here.any():
                continue
            beside = here & np.isfinite(naive)
            self._recent[number] += (
                error[here].sum(),
                usual[here].sum(),
                error[beside].sum(),
                naive[beside].sum(),
                beside.sum() / here.sum() * min(step_s, _LONGEST_STEP_S),
                min(step_s, _LONGEST_STEP_S),
            )

    def ratios(self) -> dict[int, float]:
        """By horizon in seconds, the error over the usual one; none of which too little is known.

        1 is as always, 2 is twice the error.
        """
        found = {}
        for number, lead_s in enumerate(HORIZONS_S):
            error, usual, beside, naive, known_s, scored_s = self._recent[number]
            skill = self._usual_skill[number]
            if scored_s < _LEAST_S or usual < _LEAST_ERROR or known_s < _LEAST_KNOWN * scored_s:
                continue
            if not np.isfinite(skill) or skill <= 0 or naive <= 0:
                continue
            found[lead_s] = float(min(error / usual, beside / naive / skill))
        return found
