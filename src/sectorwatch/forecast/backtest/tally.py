"""What is counted while a back-test goes on: bounded sums, whatever the period is long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.measures import pinball, randomised_pit, within_80

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.method import Forecasts

__all__ = ["BLOCKS", "DECILES", "PIT_BINS", "Case", "Tally"]

BLOCKS = 6
"""Of 4 hours each, of the local day."""
DECILES = 10
PIT_BINS = 10
_MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True, slots=True)
class Case:
    """What was, beside a day's forecasts: sectors (s,) at moments (n,) for leads (l,).

    `truth` and `naive` (last week's, in local time) have shape (s, n, l), NaN where unknown; only
    where both are known does a forecast count. `block` (n, l) is the block of the local day in
    which the bin begins, `size` (s,) the decile of the sector among those of its set, `chance`
    (s, n, l) what the PIT is randomised by.
    """

    truth: NDArray[np.float32]
    naive: NDArray[np.float32]
    block: NDArray[np.intp]
    size: NDArray[np.intp]
    chance: NDArray[np.float32]


@dataclass(slots=True)
class Tally:
    """One method's sums over one set of sectors, for each lead (l,).

    `error` (of the mean) and `naive_error` are absolute errors on the same cases, by sector (s, l)
    and, for the spread of their ratio, by day. Where there are quantiles, `median_error` (l,) is
    that of the median, and `median_naive_error` that of last week's bin on those cases. Intervals
    count by PIT: inside and all, by block (l, 6) and by size decile (l, 10).
    """

    sectors: int
    leads: int
    cases: NDArray[np.int64] = field(init=False)
    error: NDArray[np.float64] = field(init=False)
    naive_error: NDArray[np.float64] = field(init=False)
    bias: NDArray[np.float64] = field(init=False)
    days: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=list)
    pinball: NDArray[np.float64] = field(init=False)
    quantile_cases: NDArray[np.int64] = field(init=False)
    median_error: NDArray[np.float64] = field(init=False)
    median_naive_error: NDArray[np.float64] = field(init=False)
    pit: NDArray[np.int64] = field(init=False)
    block_held: NDArray[np.int64] = field(init=False)
    block_cases: NDArray[np.int64] = field(init=False)
    size_held: NDArray[np.int64] = field(init=False)
    size_cases: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        by_sector, leads = (self.sectors, self.leads), (self.leads,)
        self.cases = np.zeros(by_sector, dtype=np.int64)
        self.error, self.naive_error, self.bias = (np.zeros(by_sector) for _ in range(3))
        self.pinball = np.zeros((*leads, len(QUANTILES)))
        self.quantile_cases = np.zeros(leads, dtype=np.int64)
        self.median_error, self.median_naive_error = (np.zeros(leads) for _ in range(2))
        self.pit = np.zeros((*leads, PIT_BINS), dtype=np.int64)
        self.block_held, self.block_cases = (
            np.zeros((*leads, BLOCKS), dtype=np.int64) for _ in range(2)
        )
        self.size_held, self.size_cases = (
            np.zeros((*leads, DECILES), dtype=np.int64) for _ in range(2)
        )

    def add(self, case: Case, said: Forecasts) -> None:
        """Count a day's forecasts."""
        counts = np.isfinite(case.truth) & np.isfinite(case.naive) & np.isfinite(said.mean)
        over = np.where(counts, said.mean - case.truth, 0.0)
        naive = np.where(counts, np.abs(case.naive - case.truth), 0.0)
        self.cases += counts.sum(axis=1)
        self.bias += over.sum(axis=1)
        self.error += np.abs(over).sum(axis=1)
        self.naive_error += naive.sum(axis=1)
        self.days.append((np.abs(over).sum(axis=(0, 1)), naive.sum(axis=(0, 1))))
        if said.quantiles is not None and said.p_zero is not None:
            self._add_quantiles(case, said.quantiles, said.p_zero, counts)

    def _add_quantiles(
        self,
        case: Case,
        quantiles: NDArray[np.float32],
        p_zero: NDArray[np.float32],
        counts: NDArray[np.bool_],
    ) -> None:
        counts = counts & np.isfinite(quantiles).all(axis=-1)
        sector, _, lead = np.nonzero(counts)
        truth, said = case.truth[counts], quantiles[counts]
        pit = randomised_pit(truth, said, p_zero[counts], case.chance[counts])
        held = within_80(pit)
        np.add.at(self.pinball, lead, pinball(truth, said))
        self.quantile_cases += np.bincount(lead, minlength=self.leads)
        missed = np.abs(said[:, _MEDIAN] - truth), np.abs(case.naive[counts] - truth)
        self.median_error += np.bincount(lead, missed[0], self.leads)
        self.median_naive_error += np.bincount(lead, missed[1], self.leads)
        self._count(self.pit, lead, np.minimum((pit * PIT_BINS).astype(np.intp), PIT_BINS - 1))
        block = np.broadcast_to(case.block, case.truth.shape)[counts]
        size = case.size[sector]
        self._count(self.block_cases, lead, block)
        self._count(self.block_held, lead[held], block[held])
        self._count(self.size_cases, lead, size)
        self._count(self.size_held, lead[held], size[held])

    def _count(
        self, into: NDArray[np.int64], lead: NDArray[np.intp], column: NDArray[np.intp]
    ) -> None:
        width = into.shape[1]
        into += np.bincount(lead * width + column, minlength=self.leads * width).reshape(into.shape)
