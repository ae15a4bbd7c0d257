"""The last minutes that are final: what forecasts are held against when their time comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.traffic.tick import Demand

__all__ = ["ENOUGH_OF_BIN", "MINUTE_S", "RecentMinutes", "bin_start_s"]

MINUTE_S = 60
_BIN = BIN_S // MINUTE_S
ENOUGH_OF_BIN = 0.5
"""A bin is known where at least this share of its minutes is."""
_KEPT = 240


def bin_start_s(times_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first minute of the bins that begin at `times_s`: the full minute that these lie in."""
    return times_s // MINUTE_S * MINUTE_S


class RecentMinutes:
    """Occupancy of the series `series_id`, minute by minute, of the last four hours.

    What is older is forgotten; `next_s` is the first minute that is not final yet, None before any
    was given.
    """

    def __init__(self, series_id: NDArray[np.int64]) -> None:
        self._order = np.argsort(series_id, kind="stable")
        self._sorted = series_id[self._order]
        self._occupancy = np.zeros((series_id.size, _KEPT), np.int32)
        self._known = np.zeros(_KEPT, np.bool_)
        self.next_s: int | None = None

    def begin(self, minute_s: int) -> None:
        """Has nothing known of before `minute_s`, a full minute, with which the next one begins."""
        self._known[:] = False
        self.next_s = minute_s

    def add(self, known: NDArray[np.bool_], demand: Demand) -> None:
        """Adds the minutes from `next_s` on, of which `known` says whether anything is known.

        `demand` has their rows; what has none, or is of no series here, is empty or nobody's.
        """
        if self.next_s is None:
            raise ValueError("begin first: nobody knows of which minutes these are")
        start_s, count = self.next_s, known.size
        self._clear(start_s, known)
        self.next_s = start_s + count * MINUTE_S
        if not self._sorted.size:
            return
        place = np.minimum(np.searchsorted(self._sorted, demand.sector_id), self._sorted.size - 1)
        number = (demand.minute_s - start_s) // MINUTE_S
        ours = (self._sorted[place] == demand.sector_id) & (number >= 0) & (number < count)
        ours &= number >= count - _KEPT
        ours[ours] = known[number[ours]]
        column = demand.minute_s[ours] // MINUTE_S % _KEPT
        self._occupancy[self._order[place[ours]], column] = demand.occupancy[ours]

    def put(self, known: NDArray[np.bool_], occupancy: NDArray[np.integer]) -> None:
        """As `add`, of minutes as a matrix (series, minutes)."""
        if self.next_s is None:
            raise ValueError("begin first: nobody knows of which minutes these are")
        start_s, count = self.next_s, known.size
        self._clear(start_s, known)
        self.next_s = start_s + count * MINUTE_S
        last = slice(max(0, count - _KEPT), count)
        columns = (start_s // MINUTE_S + np.arange(count)[last]) % _KEPT
        self._occupancy[:, columns] = np.where(known[last], occupancy[:, last], 0)

    def means(self, start_s: int) -> NDArray[np.float32]:
        """Each series' mean over the bin of 15 minutes from `start_s` on; NaN where unknown."""
        nothing = np.full(self._sorted.size, np.nan, np.float32)
        end_s = start_s + BIN_S
        if self.next_s is None or end_s > self.next_s:
            return nothing
        if start_s < self.next_s - _KEPT * MINUTE_S:
            return nothing
        columns = (start_s // MINUTE_S + np.arange(_BIN)) % _KEPT
        known = columns[self._known[columns]]
        if known.size < ENOUGH_OF_BIN * _BIN:
            return nothing
        return np.asarray(self._occupancy[:, known].mean(axis=1, dtype=np.float32))

    def _clear(self, start_s: int, known: NDArray[np.bool_]) -> None:
        last = known[-_KEPT:]
        columns = (start_s // MINUTE_S + known.size - last.size + np.arange(last.size)) % _KEPT
        self._occupancy[:, columns] = 0
        self._known[columns] = last
