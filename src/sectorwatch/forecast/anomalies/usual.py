"""What is usual at this hour of the week: the memory against which the present is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bins", "Usual", "WallClock", "usual_at"]

WEEKS = 5
_DAYS = 13
_ENOUGH_WEEKS = 3
_ENOUGH_DAYS = 4
_DAY_S = 86_400
_BESIDE_S = (-900, 0, 900)
# So far from the median twice is no scatter any more: two aircraft, and two roots of it.
_HABIT_LEAST, _HABIT_ROOTS = 2.0, 2.0


class Bins(Protocol):
    """Mean occupancies of the past by 15-min bins, as `forecast.past.Past` has them."""

    def bin_mean(self, start_s: NDArray[np.int64]) -> NDArray[np.float32]:
        """Shape (sectors, bins); NaN where nothing is known."""


class WallClock(Protocol):
    """The division's local time, as `forecast.local_time.LocalTime` reckons it."""

    def weeks_before(self, times_s: NDArray[np.int64], weeks: int) -> NDArray[np.int64]:
        """The same wall clock so many weeks before."""

    def hour_of_week(self, times_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """0..167, 0 the first hour of a Monday."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a bin, arrays of shape (sectors,); aircraft, NaN where nobody can say.

    `upper` is more than `mean` where that much more was there twice of late (what comes again is no
    spike, and twice is a habit), `lower` likewise less. `weeks` is on how many weeks that rests, 0
    where it is days.
    """

    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    weeks: NDArray[np.int64]


def usual_at(past: Bins, clock: WallClock, start_s: int) -> Usual:
    """What was in the 15 min that begin at `start_s` in the last five weeks.

    The mean of the same wall clock's bins, each taken with its neighbours, without the greatest and
    the least of them: one odd week does not matter. Where fewer than three weeks are known, the
    days before at the same time of day count too; with less than four of those, nothing is usual
    yet.
    """
    around = np.array([start_s + each for each in _BESIDE_S], np.int64)
    weeks = _of(past, [clock.weeks_before(around, week) for week in range(1, WEEKS + 1)])
    count = (~np.isnan(weeks)).sum(axis=1)
    mean, lower, upper = _order(weeks, count)
    few = count < _ENOUGH_WEEKS
    if few.any():
        before = [around - day * _DAY_S for day in range(1, _DAYS + 1)]
        days = _of(past, before)
        known = (~np.isnan(days)).sum(axis=1)
        of_days = _order(days, known)
        for value, by_day in zip((mean, lower, upper), of_days, strict=True):
            value[few] = np.where(known >= _ENOUGH_DAYS, by_day, np.nan)[few]
    return Usual(mean, lower, upper, np.where(few, 0, count))


def _of(past: Bins, times_s: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The mean of each set of bins, shape (sectors, sets)."""
    whole = past.bin_mean(np.concatenate(times_s)).astype(np.float64)
    parts = whole.reshape(whole.shape[0], len(times_s), -1)
    known = ~np.isnan(parts)
    count = known.sum(axis=2)
    total = np.where(known, parts, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _order(
    values: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Trimmed mean, what is low by habit and what is high by habit; NaN where none is known."""
    ordered = np.sort(values, axis=1)  # NaN last
    rows = np.arange(values.shape[0])
    last = np.maximum(count - 1, 0)
    trim = (count >= _ENOUGH_WEEKS).astype(np.intp)
    place = np.arange(values.shape[1])
    inner = (place >= trim[:, None]) & (place < (count - trim)[:, None])
    total = np.where(inner, np.nan_to_num(ordered), 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(inner.sum(axis=1), 1), np.nan)
    median = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    far = np.maximum(_HABIT_LEAST, _HABIT_ROOTS * np.sqrt(median))
    low, high = ordered[rows, np.minimum(1, last)], ordered[rows, np.maximum(last - 1, 0)]
    lower = np.where(low <= median - far, low, mean)
    upper = np.where(high >= median + far, high, mean)
    return mean, np.minimum(lower, mean), np.maximum(upper, mean)
