"""What a forecast has to beat: nobody needs to learn anything for these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.backtest.method import Forecasts
from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.bins import Bins
    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["HourOfWeek", "Persistence", "WeeklyNaive"]

_HOUR_S, _WEEK_S = 3_600, 7 * 86_400
_FEWEST_WEEKS, _MOST_WEEKS = 2, 8


class Persistence:
    """It stays as it is: the occupancy at the moment, whatever the lead.

    `occupancy` has shape (sectors, minutes) from `start_s` on; of minutes not `known` it says
    nothing.
    """

    name, label = "persistence", "Persistence"

    def __init__(
        self, start_s: int, occupancy: NDArray[np.int16], known: NDArray[np.bool_]
    ) -> None:
        self._start_s, self._occupancy, self._known = start_s, occupancy, known

    def retrain(self, until_s: int) -> str | None:
        """Nothing is learned."""

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """The occupancy at each moment."""
        minute = (as_of_s - self._start_s) // 60
        now = np.where(self._known[minute], self._occupancy[:, minute], np.nan)
        shape = (*now.shape, leads_s.size)
        return Forecasts(np.broadcast_to(now[:, :, None], shape).astype(np.float32))


class WeeklyNaive:
    """As it was a week before, at the same time by the clock on the wall.

    Without `local` the clock is that of UTC, which summer time puts an hour off.
    """

    def __init__(self, bins: Bins, local: LocalTime | None) -> None:
        self._bins, self._local = bins, local
        self.name = "weekly_naive" if local is not None else "weekly_naive_utc"
        self.label = "Last week" if local is not None else "Last week (UTC)"

    def retrain(self, until_s: int) -> str | None:
        """Nothing is learned."""

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """The same bins a week before; all of them had ended by then."""
        return Forecasts(self._bins.at(self._before(as_of_s[:, None] + leads_s)))

    def _before(self, times_s: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._local is None:
            return times_s - _WEEK_S
        return self._local.weeks_before(times_s.ravel(), 1).reshape(times_s.shape)


class HourOfWeek:
    """The mean of the same hour of the week, by the clock on the wall, over the last 8 weeks.

    Of weeks that are known, if those are 2 or more.
    """

    name, label = "hour_of_week", "Hour-of-week mean"

    def __init__(self, bins: Bins, local: LocalTime) -> None:
        self._bins, self._local = bins, local

    def retrain(self, until_s: int) -> str | None:
        """Nothing is learned ahead: each forecast takes the weeks before it."""

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """The hours' means."""
        bins_s, place = np.unique(as_of_s[:, None] + leads_s, return_inverse=True)
        total = np.zeros((self._bins.mean.shape[0], bins_s.size))
        weeks = np.zeros_like(total)
        for week in range(1, _MOST_WEEKS + 1):
            before_s = self._local.weeks_before(bins_s, week)
            # Where the hour began by the clock on the wall, which may be half past in UTC.
            hour = before_s - (before_s + self._local.offset_s(before_s)) % _HOUR_S
            quarters = self._bins.at(hour[:, None] + np.arange(0, _HOUR_S, BIN_S))
            known = np.isfinite(quarters).all(axis=2)
            total += np.where(known, quarters.mean(axis=2), 0.0)
            weeks += known
        mean = np.divide(
            total, weeks, out=np.full_like(total, np.nan), where=weeks >= _FEWEST_WEEKS
        )
        return Forecasts(mean[:, place.reshape(-1, leads_s.size)].astype(np.float32))
