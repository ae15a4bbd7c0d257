"""Exponential smoothing, chosen and fitted by machine: what statistics offers without our plans.

AutoETS of `statsforecast` with a season of a day, one series a sector, fitted anew each day, and
carried on from bin to bin between. The library comes with the extra `backtest`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.backtest.method import Forecasts
from sectorwatch.forecast.horizon import BIN_S, LONGEST_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.bins import Bins

__all__ = ["AutoEts"]

_DAY_S = 86_400
_SEASON = _DAY_S // BIN_S
_FIT_DAYS, _FEWEST_DAYS = 14, 4
_AHEAD = LONGEST_S // BIN_S + 3
_MIDDLE = 2
_LEVELS = (50, 80)


class AutoEts:
    """Fitted on the last 14 days at the start of each day, for the sectors at `which` alone.

    Fitting takes a second a series: beyond `budget_s` in all, days are left out evenly (`every`
    days one; the rest NaN), so that a long back-test ends. Raises ImportError where the library is
    not there.
    """

    name, label = "auto_ets", "AutoETS"

    def __init__(
        self,
        bins: Bins,
        which: NDArray[np.intp],
        *,
        every: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        from statsforecast.models import AutoETS  # noqa: PLC0415 - an extra, and slow to import

        self._make: Callable[[], Any] = lambda: AutoETS(season_length=_SEASON)
        self._bins, self._which, self._every = bins.quarters(), which, max(1, every)
        self._progress = progress
        self._day = 0
        self.seconds_a_fit = 0.0

    def retrain(self, until_s: int) -> str | None:
        """Nothing is learned on the schedule: it is fitted each day."""

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """What the day's fit says at each moment, having seen all bins that had ended by it."""
        shape = (self._bins.mean.shape[0], as_of_s.size, leads_s.size)
        mean = np.full(shape, np.nan, dtype=np.float32)
        quantiles = np.full((*shape, 5), np.nan, dtype=np.float32)
        wanted = self._day % self._every == 0
        self._day += 1
        if wanted and as_of_s.size:
            for number in self._which.tolist():
                self._one(number, as_of_s, leads_s, mean[number], quantiles[number])
                if self._progress is not None:
                    self._progress(1)
        return Forecasts(mean, quantiles, np.where(np.isnan(mean), np.nan, 0).astype(np.float32))

    def _one(
        self,
        number: int,
        as_of_s: NDArray[np.int64],
        leads_s: NDArray[np.int64],
        mean: NDArray[np.float32],
        quantiles: NDArray[np.float32],
    ) -> None:
        """One sector's day, put into `mean` (n, l) and `quantiles` (n, l, q)."""
        begin = as_of_s[0] - _FIT_DAYS * _DAY_S
        first = max(0, (begin - self._bins.start_s) // BIN_S)
        series = _filled(self._bins.mean[number])
        ends = (as_of_s - self._bins.start_s) // BIN_S
        if ends[0] - first < _FEWEST_DAYS * _SEASON:
            return
        began_s = time.perf_counter()
        model = self._make().fit(series[first : ends[0]])
        self.seconds_a_fit = time.perf_counter() - began_s
        for row, end in enumerate(ends.tolist()):
            said = model.forward(series[first:end], h=_AHEAD, level=list(_LEVELS))
            # Of a bin that begins between two quarters, so much of the one and of the other.
            after_s = as_of_s[row] - self._bins.start_s - end * BIN_S + leads_s
            step, part = after_s // BIN_S, after_s % BIN_S / BIN_S
            for column, name in enumerate(("lo-80", "lo-50", "mean", "hi-50", "hi-80")):
                values = np.maximum(said[name], 0)
                quantiles[row, :, column] = (1 - part) * values[step] + part * values[step + 1]
            mean[row] = quantiles[row, :, _MIDDLE]


def _filled(series: NDArray[np.float32]) -> NDArray[np.float64]:
    """The series without holes: unknown bins as the last day had them, else as the last known."""
    filled = series.astype(np.float64)
    for at in np.flatnonzero(np.isnan(filled)).tolist():
        before = filled[at - _SEASON] if at >= _SEASON else np.nan
        filled[at] = before if np.isfinite(before) else (filled[at - 1] if at else 0.0)
    return np.nan_to_num(filled)
