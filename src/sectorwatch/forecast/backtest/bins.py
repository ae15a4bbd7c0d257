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
    """Mean occupancy of sectors (s,) in bins (b,), one every `step_s` from `start_s` on.

    NaN where unknown. Where `step_s` is less than `BIN_S` they overlap: any mark of 5 min is a
    moment to forecast at.
    """

    start_s: int
    mean: NDArray[np.float32]
    step_s: int = BIN_S

    @property
    def end_s(self) -> int:
        """Where the last bin ends."""
        return self.start_s + (int(self.mean.shape[1]) - 1) * self.step_s + BIN_S

    def at(self, times_s: NDArray[np.int64]) -> NDArray[np.float32]:
        """The bins that begin at `times_s`, any shape (...): (s, ...); NaN outside what there is.

        Raises ValueError where a time is none at which a bin begins.
        """
        number, beside = np.divmod(np.asarray(times_s, dtype=np.int64) - self.start_s, self.step_s)
        if beside.any():
            raise ValueError(
                f"bins begin every {self.step_s} s from {self.start_s}: {times_s} do not"
            )
        inside = (number >= 0) & (number < self.mean.shape[1])
        found = self.mean[:, np.where(inside, number, 0)]
        return np.where(inside, found, np.float32(np.nan))

    def until(self, moment_s: int) -> Bins:
        """The bins that had ended by a moment: all that was known of them then."""
        count = max(0, (moment_s - self.start_s - BIN_S) // self.step_s + 1)
        return Bins(self.start_s, self.mean[:, :count], self.step_s)

    def quarters(self) -> Bins:
        """Those alone that follow one another, from the first that begins at a quarter past."""
        first = -self.start_s % BIN_S // self.step_s
        start_s = self.start_s + first * self.step_s
        return Bins(start_s, self.mean[:, first :: BIN_S // self.step_s])
