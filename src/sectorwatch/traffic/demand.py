"""Demand in bins: minutes that are final, taken together to a mean and a peak.

Pure functions of the minutes' rows and of what is known. As FAA TFMS and EUROCONTROL NM define it:
a bin's mean is that of its minutes' occupancies, its peak the greatest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.traffic.tick import Demand, Gap

__all__ = ["BIN_S", "MINUTE_S", "DemandBins", "demand_bins", "known_minutes"]

MINUTE_S = 60
BIN_S = 900


@dataclass(frozen=True, slots=True)
class DemandBins:
    """Bins of `bin_s` from `start_s` on, one after another; arrays of shape (sectors, bins).

    `mean` and `peak` are over the minutes of the bin that are known, `entries` their sum; `known`
    is how many those are, shape (bins,). Where it is 0, `mean` is NaN, `peak` and `entries` are 0.
    """

    start_s: int
    bin_s: int
    mean: NDArray[np.float64]
    peak: NDArray[np.int32]
    entries: NDArray[np.int64]
    known: NDArray[np.int64]


def known_minutes(
    start_s: int, end_s: int, *, first_s: int, final_minute_s: int | None, gaps: Iterable[Gap]
) -> NDArray[np.bool_]:
    """Of which minutes from `start_s` until before `end_s` the demand is known for good.

    `first_s` is the time of the first snapshot of all, `final_minute_s` the last final minute. A
    minute that a gap touches is unknown: nothing in it is not the same as nothing seen.

    >>> known_minutes(0, 300, first_s=30, final_minute_s=180, gaps=[]).tolist()
    [False, True, True, True, False]
    """
    minute_s = _minutes(start_s, end_s)
    if final_minute_s is None:
        return np.zeros(minute_s.size, dtype=bool)
    known = (minute_s >= first_s) & (minute_s <= final_minute_s)
    for gap in gaps:
        known &= (minute_s + MINUTE_S <= gap.start_s) | (minute_s >= gap.end_s)
    return known


def demand_bins(
    demand: Demand,
    sector_ids: Sequence[int],
    start_s: int,
    end_s: int,
    known: NDArray[np.bool_],
    *,
    bin_s: int = BIN_S,
) -> DemandBins:
    """The demand of `sector_ids` from `start_s` until before `end_s`, in bins.

    `demand` has rows only where something is not zero: a minute that is known and has no row is
    empty. `known` is what `known_minutes` gave for the same times. Rows of other sectors and times,
    and of minutes that are not known, do not count. Raises ValueError where the period is not one
    of whole bins.
    """
    if bin_s <= 0 or bin_s % MINUTE_S or (end_s - start_s) % bin_s or end_s < start_s:
        raise ValueError(
            f"{start_s} until {end_s} cannot be cut into bins of {bin_s} s: give whole minutes a "
            "bin and whole bins a period"
        )
    minutes = _minutes(start_s, end_s).size
    if known.shape != (minutes,):
        raise ValueError(f"known has shape {known.shape}; the period has {minutes} minutes")
    row_of = {sector_id: row for row, sector_id in enumerate(sector_ids)}
    row = np.array([row_of.get(number, -1) for number in demand.sector_id.tolist()], dtype=np.intp)
    column = (demand.minute_s - start_s) // MINUTE_S
    wanted = (row >= 0) & (column >= 0) & (column < minutes)
    wanted[wanted] = known[column[wanted]]
    at = row[wanted], column[wanted]
    occupancy = np.zeros((len(sector_ids), minutes), dtype=np.int32)
    entries = np.zeros((len(sector_ids), minutes), dtype=np.int64)
    occupancy[at] = demand.occupancy[wanted]
    entries[at] = demand.entries[wanted]
    shape = (len(sector_ids), (end_s - start_s) // bin_s, bin_s // MINUTE_S)
    known_in_bin = known.reshape(shape[1:]).sum(axis=1)
    total = occupancy.reshape(shape).sum(axis=2)
    mean = np.full(total.shape, np.nan)
    np.divide(total, known_in_bin, out=mean, where=known_in_bin > 0)
    return DemandBins(
        start_s=start_s,
        bin_s=bin_s,
        mean=mean,
        peak=occupancy.reshape(shape).max(axis=2),
        entries=entries.reshape(shape).sum(axis=2),
        known=known_in_bin,
    )


def _minutes(start_s: int, end_s: int) -> NDArray[np.int64]:
    if start_s % MINUTE_S:
        raise ValueError(f"{start_s} is no whole minute: give hh:mm:00")
    return np.arange(start_s, end_s, MINUTE_S, dtype=np.int64)
