"""The last weeks laid out by local days: what patterns are looked for in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sectorwatch.forecast.anomalies.usual import Bins

__all__ = ["HOURS", "QUARTERS", "Days", "WallOffset", "lay_out"]

HOURS, QUARTERS = 24, 96
_DAY_S, _QUARTER_S = 86_400, 900
_THURSDAY = 3


class WallOffset(Protocol):
    """The division's local time, as `forecast.local_time.LocalTime` reckons it."""

    def offset_s(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """How far the wall clock is ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Days:
    """Whole local days, oldest first; mean occupancies by quarters of an hour.

    `quarters` has shape (sectors, days, 96), `weekday` (days,), 0 for Monday. Days of which no
    sector's quarters are all known are left out: `number` counts days and shows the holes. A sector
    that was drawn later has NaN before: `of` leaves out what is not known of some sectors.
    """

    quarters: NDArray[np.float32]
    weekday: NDArray[np.int64]
    number: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which sector which day is known, shape (sectors, days)."""
        return np.asarray(~np.isnan(self.quarters).any(axis=2))

    def alike(self) -> list[NDArray[np.intp]]:
        """All sectors, in groups of those of which the same days are known."""
        if not self.number.size:
            return [np.arange(self.quarters.shape[0])]
        _, group = np.unique(self.known, axis=0, return_inverse=True)
        return [np.flatnonzero(group == each) for each in range(int(group.max(initial=-1)) + 1)]

    def of(self, sectors: NDArray[np.intp]) -> Days:
        """These sectors alone, and of the days those that are known of each of them."""
        days = self.known[sectors].all(axis=0)
        return Days(self.quarters[sectors][:, days], self.weekday[days], self.number[days])

    @property
    def hours(self) -> NDArray[np.float64]:
        """The same by hours, shape (sectors, days, 24)."""
        sectors, days = self.quarters.shape[:2]
        by_hour = self.quarters.reshape(sectors, days, HOURS, QUARTERS // HOURS)
        return np.asarray(by_hour.mean(axis=3, dtype=np.float64))

    def weeks(self) -> NDArray[np.intp]:
        """Whole weeks, newest days last: indices of days, shape (weeks, 7), each from one weekday.

        Only weeks without a hole.
        """
        found = []
        end = self.number.size
        while end >= 7:  # noqa: PLR2004 - days of a week
            if self.number[end - 1] - self.number[end - 7] == 6:  # noqa: PLR2004 - no hole
                found.append(np.arange(end - 7, end))
                end -= 7
            else:
                end -= 1
        return np.array(found[::-1], np.intp).reshape(-1, 7)


def lay_out(past: Bins, clock: WallOffset, until_s: int, days: int) -> Days:
    """The last `days` local days that ended before `until_s`.

    On a day with a change of the clock the hour that is missing counts as the one before, and of
    the one that is there twice the first counts.
    """
    today = (until_s + int(clock.offset_s(until_s))) // _DAY_S
    numbers = np.arange(today - days, today)
    wall_s = numbers[:, None] * _DAY_S + np.arange(QUARTERS) * _QUARTER_S
    # The offset of the wall time's own moment: asked of UTC first, then of what that gave.
    starts = wall_s - clock.offset_s(wall_s - clock.offset_s(wall_s))
    means = past.bin_mean(starts.ravel())
    quarters = np.asarray(means, np.float32).reshape(means.shape[0], days, QUARTERS)
    whole = (~np.isnan(quarters).any(axis=2)).any(axis=0)
    return Days(quarters[:, whole], ((numbers + _THURSDAY) % 7)[whole], numbers[whole])
