"""How many alarms a month a limit would have given: counted, by size of sector, at every limit.

A p-value says how many minutes are as striking; whoever reads alarms counts episodes, and a storm
of ten hours is one of them. So for each height of the score it is counted how often sectors of a
size came up to it after an hour below, over how many sector-months. That is what the budget of
alarms is held against: the limit is learned from the program's own past, and is nobody's constant.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.calibration import CLASSES, kept
from sectorwatch.forecast.anomalies.tails import at_least

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["ALARMS_A_MONTH", "AlarmRate"]

ALARMS_A_MONTH = 0.3
"""So many alarms of one type a sector-month are put up with: spikes, lulls and mixes together, with
what is left for disconnections, are one."""
_STEP = 0.05
_HIGHEST = 12.0
_HEIGHTS = round(_HIGHEST / _STEP) + 1
_MONTH_S = 30 * 86_400
_BLOCK_S = 300
_APART_S = 3_600
"""Episodes less than this apart are one."""
_HALF_LIFE_S = 56 * 86_400
# Before anything is known a score is taken to be a standard normal's, of episodes of 10 min:
# shorter than those that were seen, so that a new installation errs on the quiet side.
_EPISODE_S = 600
_PRIOR_MONTHS = 3.0
"""What the prior is worth to all sizes together, and they together to each one."""


class AlarmRate:
    """Episodes by size class and height of one score, fading with a half-life of eight weeks.

    It forgets half as fast as p-values do: what comes once in three months takes long to count.
    `tests` is of how many the score is the highest, as far as is known beforehand.
    """

    def __init__(
        self,
        sectors: int,
        name: str,
        parts: Mapping[str, NDArray[np.generic]] | None = None,
        *,
        tests: int = 1,
    ) -> None:
        self._name = name
        counts, months = (kept(parts or {}, f"{each}_{name}") for each in ("episodes", "months"))
        fits = counts is not None and counts.shape == (CLASSES, _HEIGHTS)
        fits = fits and months is not None and months.shape == (CLASSES,)
        # Differences: whatever came up from one height to another adds one there, takes one here.
        self._counts = np.array(counts if fits else np.zeros((CLASSES, _HEIGHTS)), np.float64)
        self._months = np.array(months if fits else np.zeros(CLASSES), np.float64)
        self._before: deque[tuple[int, NDArray[np.intp]]] = deque()
        self._none = np.zeros(sectors, np.intp)
        self._prior = tests * _MONTH_S / _EPISODE_S * at_least(np.arange(_HEIGHTS) * _STEP)
        self.settle()

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """What was learned, to be given to another one after a restart."""
        return {f"episodes_{self._name}": self._counts, f"months_{self._name}": self._months}

    def a_month(
        self, classes: NDArray[np.intp], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How many episodes a sector-month are at least as high, shape (n,); NaN where unknown."""
        rate = self._rate[classes, _height(scores)]
        return np.asarray(np.where(np.isnan(scores), np.nan, rate))

    def learn(
        self,
        now_s: int,
        elapsed_s: int,
        classes: NDArray[np.intp],
        scores: NDArray[np.float64],
    ) -> None:
        """Count what came up in the `elapsed_s` until now, shapes (sectors,); NaN is left out."""
        known = ~np.isnan(scores)
        fading = 0.5 ** (elapsed_s / _HALF_LIFE_S)
        self._counts *= fading
        self._months *= fading
        self._months += np.bincount(classes[known], minlength=CLASSES) * (elapsed_s / _MONTH_S)
        while self._before and not now_s - _APART_S <= self._before[0][0] <= now_s:
            self._before.popleft()
        highest = np.max([each[1] for each in self._before], axis=0) if self._before else self._none
        height = _height(scores)
        up = np.flatnonzero(height > highest)
        np.add.at(self._counts, (classes[up], height[up]), 1.0)
        np.add.at(self._counts, (classes[up], highest[up]), -1.0)
        if self._before and now_s - self._before[-1][0] < _BLOCK_S:
            start_s, block = self._before[-1]
            self._before[-1] = (start_s, np.maximum(block, height))
        else:
            self._before.append((now_s, height))

    def settle(self) -> None:
        """Let what was learned count from now on."""
        reached = np.maximum(np.cumsum(self._counts[:, ::-1], axis=1)[:, ::-1], 0.0)
        of_all = (reached.sum(axis=0) + _PRIOR_MONTHS * self._prior) / (
            self._months.sum() + _PRIOR_MONTHS
        )
        rate = (reached + _PRIOR_MONTHS * of_all) / (self._months + _PRIOR_MONTHS)[:, None]
        # Higher is never more often, whatever rounding and fading leave.
        self._rate = np.maximum.accumulate(rate[:, ::-1], axis=1)[:, ::-1]


def _height(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    height = np.clip(np.nan_to_num(scores, nan=0.0), 0.0, _HIGHEST)
    return np.asarray((height / _STEP + 1e-9).astype(np.intp))
