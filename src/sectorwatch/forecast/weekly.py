"""What is usual at a time of the local week: running means that forget slowly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["WeeklyMeans", "wall_hours"]

_DAYS, _DAY_HOURS, _HOUR_S, _DAY_S = 7, 24, 3_600, 86_400
_WEEK_HOURS = _DAYS * _DAY_HOURS
_THURSDAY = 3
_SATURDAY = 5
KINDS, QUARTERS = 3, 96
"""Of days: from Monday to Friday, Saturdays, Sundays; and the quarters of an hour in each."""
_MEMORY_S = 4.0 * _DAYS * _DAY_S
_REACH = 2.0
"""Quarters of an hour on either side that a look counts for."""
_AROUND = 4
"""Quarters of an hour on either side that a cell is drawn to."""
_LATEST_S = float(1 << 40)
_MOST = 1e9
"""More than any number that is noted, or looks that count, and little enough to reckon with."""
_DRAWN, _EVERY_KIND = 1.0, 0.7
"""So many looks' weight has the hour around beside the cell, and that of all days beside that."""


def wall_hours(local: LocalTime, times_s: NDArray[np.int64]) -> NDArray[np.float64]:
    """The hour of the local week with its fraction, 0 until before 168, for times of any shape."""
    wall = times_s + local.offset_s(times_s) + _THURSDAY * _DAY_S
    return (wall % (_WEEK_HOURS * _HOUR_S)) / _HOUR_S


class WeeklyMeans:
    """Means of sectors by lead and time of the local week, as they come in; shape (s, l) a look.

    Days from Monday to Friday are one kind, Saturdays and Sundays one each: five times as much is
    known of a quarter of an hour then as of one of a single day, and what its traffic is like is as
    sharp as the waves of a hub. A look counts for the quarters around its own, less the farther
    they are, and four weeks later e times less than a new one. Where a quarter has been seen little
    it is drawn to the hours around it, and these to those of all days. All that comes out had been
    noted before.
    """

    def __init__(self, sectors: int, leads: int) -> None:
        self._sums = np.zeros((KINDS, QUARTERS, leads, sectors), dtype=np.float32)
        self._weights = np.zeros((KINDS, QUARTERS, leads, sectors), dtype=np.float32)
        self._until_s = 0.0

    def note(self, time_s: float, hour: NDArray[np.float64], values: NDArray[Any]) -> None:
        """Count `values` (s, l) of hours `hour` (l,) of the week; NaN does not count."""
        self._fade(time_s)
        known = np.isfinite(values)
        counted = np.where(known, values, 0).astype(np.float32)
        kind, quarter = _place(hour)
        for lead in np.flatnonzero(known.any(axis=0)).tolist():
            at = quarter[lead] - 0.5
            for cell in range(math.floor(at - _REACH) + 1, math.ceil(at + _REACH)):
                weight = np.float32(1 - abs(cell - at) / _REACH)
                where = kind[lead], cell % QUARTERS, lead
                self._sums[where] += weight * counted[:, lead]
                self._weights[where] += weight * known[:, lead]

    def mean(
        self, hour: NDArray[np.float64], leads: NDArray[np.intp] | None = None
    ) -> NDArray[np.float32]:
        """What is usual at hours `hour` (l,), shape (s, l); NaN where nothing was ever seen.

        They are of all leads, or of `leads` (l,).
        """
        leads = np.arange(hour.size) if leads is None else leads
        kind, quarter = _place(hour)
        low = np.floor(quarter - 0.5)
        part = (quarter - 0.5 - low)[:, None]
        found = self._at(kind, low.astype(np.int64), leads)
        return np.asarray(((1 - part) * found[0] + part * found[1]).T, dtype=np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name."""
        return {"sums": self._sums, "weights": self._weights, "until_s": np.array([self._until_s])}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp], leads: int
    ) -> WeeklyMeans:
        """What `to_arrays` gave, of the sectors at `rows` of it; -1 is one that it does not know.

        Nothing was ever seen of it. Raises ModelFileError where it is something else.
        """
        sums, weights, until = (
            arrays.get(name, np.empty(0)) for name in ("sums", "weights", "until_s")
        )
        if (
            sums.ndim != 4  # noqa: PLR2004
            or sums.shape[:3] != (KINDS, QUARTERS, leads)
            or rows.max(initial=-1) >= sums.shape[3]
            or weights.shape != sums.shape
            or until.shape != (1,)
        ):
            raise ModelFileError(f"what is usual in it has the shape {sums.shape}")
        parts = sums, weights, until
        if not all(np.isfinite(each).all() for each in parts) or weights.min(initial=0) < 0:
            raise ModelFileError("what is usual in it holds what is no number")
        if not 0 <= until[0] <= _LATEST_S or weights.max(initial=0) > _MOST:
            raise ModelFileError("what is usual in it was seen at no time, or too often")
        # A mean, give or take what is left when both have nearly been forgotten.
        if (np.abs(sums) > _MOST * (weights + np.float32(1e-6))).any():
            raise ModelFileError("what is usual in it is more than there can be")
        made = cls(rows.size, leads)
        known = rows >= 0
        made._sums[..., known] = sums[..., rows[known]]
        made._weights[..., known] = weights[..., rows[known]]
        made._until_s = float(until[0])
        return made

    def _at(
        self, kind: NDArray[np.int64], cell: NDArray[np.int64], leads: NDArray[np.intp]
    ) -> list[NDArray[np.float64]]:
        """The mean in cells of days, one a lead, and in the ones behind: each of shape (l, s)."""
        near = np.arange(-_AROUND, _AROUND + 2)[:, None] + cell
        # Of each kind of day the hours around both cells: shape (kinds, quarters, l, s).
        weights, sums = (
            each[:, near % QUARTERS, leads].astype(np.float64)
            for each in (self._weights, self._sums)
        )
        found, lead = [], np.arange(leads.size)
        for step in (0, 1):
            hours = slice(step, step + 2 * _AROUND + 1)
            weight, total = weights[:, hours].sum(axis=1), sums[:, hours].sum(axis=1)
            all_weight = weight.sum(axis=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                of_all = total.sum(axis=0) / all_weight
                drawn = np.minimum(_EVERY_KIND, all_weight)
                around = total[kind, lead] + drawn * of_all
                around /= weight[kind, lead] + drawn
                here = kind, _AROUND + step, lead
                drawn = np.minimum(_DRAWN, all_weight)
                mean = sums[here] + drawn * around
                found.append(mean / (weights[here] + drawn))
        return found

    def _fade(self, time_s: float) -> None:
        """Let what was noted before weigh less, once a day: nothing is gained by more often.

        Where the clock was set back by more than a day, days count from there.
        """
        if time_s < self._until_s - _DAY_S:
            self._until_s = time_s
        if time_s - self._until_s < _DAY_S:
            return
        left = math.exp(-(time_s - self._until_s) / _MEMORY_S) if self._until_s else 0.0
        self._sums *= np.float32(left)
        self._weights *= np.float32(left)
        self._until_s = time_s


def _place(hour: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The kind of day that hours of the week are in, and the quarter of it with its fraction."""
    day = (hour // _DAY_HOURS).astype(np.int64) % _DAYS
    return np.maximum(day - _SATURDAY + 1, 0), hour % _DAY_HOURS * (QUARTERS / _DAY_HOURS)
