"""Demand in bins of 15 min as one matrix, looked up by time: what was, for truth and baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bins"]


@dataclass(frozen=True, slots=True)
class Bins:
    """Mean occupancy of sectors (s,) in bins (b,) from `start_s` on; NaN where unknown."""

    start_s: int
    mean: NDArray[np.float32]

    @property
    def end_s(self) -> int:
        """Where the last bin ends."""
        return self.start_s + int(self.mean.shape[1]) * BIN_S

    def at(self, times_s: NDArray[np.int64]) -> NDArray[np.float32]:
        """The bins that begin at `times_s`, any shape (...): (s, ...); NaN outside what there is.

        Raises ValueError where a time is none at which a bin begins.
        """
        number, beside = np.divmod(np.asarray(times_s, dtype=np.int64) - self.start_s, BIN_S)
        if beside.any():
            raise ValueError(f"bins begin every {BIN_S} s from {self.start_s}: {times_s} do not")
        inside = (number >= 0) & (number < self.mean.shape[1])
        found = self.mean[:, np.where(inside, number, 0)]
        return np.where(inside, found, np.float32(np.nan))

    def until(self, moment_s: int) -> Bins:
        """The bins that had ended by a moment: all that was known of them then."""
        count = max(0, (moment_s - self.start_s) // BIN_S)
        return Bins(self.start_s, self.mean[:, :count])
