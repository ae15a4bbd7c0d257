"""Estimates of entries as they are issued: who, where, how likely, and between when and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import LONGEST_S
from sectorwatch.forecast.situation import Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.entries.errors_seen import ErrorsSeen
    from sectorwatch.forecast.plans import EntryOutlook
    from sectorwatch.forecast.situation import Situation

__all__ = ["EntryEstimates", "entry_estimates"]

# What is less likely is told of nobody, and scored for nobody.
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class EntryEstimates:
    """Entries expected within 4 h of `as_of_s`, shape (n,), by sector and then by when.

    Of the flight `flight_id`, of the online ones at `stage`, into the sector with the index
    `sector`, with `probability`; `entry_s` (n, 3) are the moments before which it comes with 10, 50
    and 90 % if it comes. `plan_p` and `plan_s` (n, 3) are the same before what was learned of
    earlier estimates was allowed for. `known` (k,) are all flights that were looked at, sorted.
    """

    as_of_s: int
    flight_id: NDArray[np.int64]
    stage: NDArray[np.int8]
    sector: NDArray[np.int32]
    probability: NDArray[np.float32]
    entry_s: NDArray[np.int64]
    plan_p: NDArray[np.float32]
    plan_s: NDArray[np.int64]
    known: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.flight_id.size)

    def into(self, sector: int) -> NDArray[np.intp]:
        """The rows of one sector, soonest first."""
        first, end = np.searchsorted(self.sector, [sector, sector + 1])
        return np.arange(first, end)

    def take(self, rows: NDArray[np.intp]) -> EntryEstimates:
        """Only these rows, in their order."""
        return EntryEstimates(
            self.as_of_s,
            self.flight_id[rows],
            self.stage[rows],
            self.sector[rows],
            self.probability[rows],
            self.entry_s[rows],
            self.plan_p[rows],
            self.plan_s[rows],
            self.known,
        )


def entry_estimates(
    situation: Situation, outlook: EntryOutlook, seen: ErrorsSeen
) -> EntryEstimates:
    """What is expected of the flights online, set right by how earlier estimates turned out.

    Of a flight that comes into a sector more than once, its first entry; none into the sector that
    it is in, though it may leave and come back.
    """
    as_of_s = situation.as_of_s
    middle_s = outlook.entry_s[:, 1]
    stage = situation.stage[outlook.row]
    told = (stage != Stage.PREFILED) & (outlook.probability >= _LEAST)
    told &= ~(situation.sector[:, outlook.row] == outlook.sector).any(axis=0)
    rows = np.flatnonzero(told & (middle_s <= as_of_s + LONGEST_S))
    rows = rows[np.lexsort((middle_s[rows], outlook.row[rows], outlook.sector[rows]))]
    sector, row = outlook.sector[rows], outlook.row[rows]
    same = (np.diff(sector, prepend=-1) == 0) & (np.diff(row, prepend=-1) == 0)
    rows = rows[~same]
    plan_s = np.rint(outlook.entry_s[rows]).astype(np.int64)
    entry_s, probability = seen.allowed_for(as_of_s, stage[rows], plan_s, outlook.probability[rows])
    order = np.lexsort((entry_s[:, 1], outlook.sector[rows]))
    rows, entry_s, plan_s = rows[order], entry_s[order], plan_s[order]
    return EntryEstimates(
        as_of_s=as_of_s,
        flight_id=situation.flight_id[outlook.row[rows]],
        stage=stage[rows].astype(np.int8),
        sector=outlook.sector[rows].astype(np.int32),
        probability=probability[order].astype(np.float32),
        entry_s=entry_s,
        plan_p=outlook.probability[rows].astype(np.float32),
        plan_s=plan_s,
        known=np.sort(situation.flight_id[situation.stage != Stage.PREFILED]),
    )
