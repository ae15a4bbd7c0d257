"""What is usual at an hour of the local week: running means that are smooth and forget slowly."""

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

HOURS = 168
_DAYS, _DAY_HOURS, _HOUR_S, _DAY_S = 7, 24, 3_600, 86_400
_THURSDAY = 3
_MEMORY_S = 4.0 * _DAYS * _DAY_S
_REACH_H = 1.5
_EVERY_DAY = 0.7
"""So much of a look's weight has the same hour of all days beside that of one day."""


def wall_hours(local: LocalTime, times_s: NDArray[np.int64]) -> NDArray[np.float64]:
    """The hour of the local week with its fraction, 0 until before 168, for times of any shape."""
    wall = times_s + local.offset_s(times_s) + _THURSDAY * _DAY_S
    return (wall % (HOURS * _HOUR_S)) / _HOUR_S


class WeeklyMeans:
    """Means of sectors by lead and hour of the local week, as they come in; shape (s, l) a look.

    A look counts for the hours around its own, less the farther they are, and four weeks later e
    times less than a new one. Where an hour has been seen little it is drawn to the same hour of
    all days. All that comes out had been noted before.
    """

    def __init__(self, sectors: int, leads: int) -> None:
        self._sums = np.zeros((HOURS, leads, sectors), dtype=np.float32)
        self._weights = np.zeros((HOURS, leads, sectors), dtype=np.float32)
        self._until_s = 0.0

    def note(self, time_s: float, hour: NDArray[np.float64], values: NDArray[Any]) -> None:
        """Count `values` (s, l) of hours `hour` (l,) of the week; NaN does not count."""
        self._fade(time_s)
        known = np.isfinite(values)
        counted = np.where(known, values, 0).astype(np.float32)
        for lead in np.flatnonzero(known.any(axis=0)).tolist():
            at = hour[lead] - 0.5
            for cell in range(math.ceil(at - _REACH_H), math.floor(at + _REACH_H) + 1):
                weight = np.float32(1 - abs(cell - at) / _REACH_H)
                self._sums[cell % HOURS, lead] += weight * counted[:, lead]
                self._weights[cell % HOURS, lead] += weight * known[:, lead]

    def mean(self, hour: NDArray[np.float64]) -> NDArray[np.float32]:
        """What is usual at hours `hour` (l,), shape (s, l); NaN where nothing was ever seen."""
        low = np.floor(hour - 0.5)
        part = (hour - 0.5 - low)[:, None]
        found = [self._at((low + step).astype(np.int64) % HOURS) for step in (0, 1)]
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
            sums.ndim != 3  # noqa: PLR2004
            or sums.shape[:2] != (HOURS, leads)
            or rows.max(initial=-1) >= sums.shape[2]
            or weights.shape != sums.shape
            or until.shape != (1,)
        ):
            raise ModelFileError(f"what is usual in it has the shape {sums.shape}")
        parts = sums, weights, until
        if not all(np.isfinite(each).all() for each in parts) or weights.min(initial=0) < 0:
            raise ModelFileError("what is usual in it holds what is no number")
        made = cls(rows.size, leads)
        known = rows >= 0
        made._sums[:, :, known] = sums[:, :, rows[known]]
        made._weights[:, :, known] = weights[:, :, rows[known]]
        made._until_s = float(until[0])
        return made

    def _at(self, cell: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean in cells of the week, one a lead: shape (l, s)."""
        leads = np.arange(cell.size)
        same_hour = (cell[:, None] + _DAY_HOURS * np.arange(_DAYS)) % HOURS, leads[:, None]
        weight = self._weights[same_hour].sum(axis=1, dtype=np.float64)
        every_day = self._sums[same_hour].sum(axis=1, dtype=np.float64)
        drawn = np.minimum(_EVERY_DAY, weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = every_day / weight
            total = self._sums[cell, leads] + drawn * mean
            return np.asarray(total / (self._weights[cell, leads] + drawn), dtype=np.float64)

    def _fade(self, time_s: float) -> None:
        """Let what was noted before weigh less, once a day: nothing is gained by more often."""
        if time_s - self._until_s < _DAY_S:
            return
        left = math.exp(-(time_s - self._until_s) / _MEMORY_S) if self._until_s else 0.0
        self._sums *= np.float32(left)
        self._weights *= np.float32(left)
        self._until_s = time_s
