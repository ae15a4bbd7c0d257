"""How many are expected in each sector, and how surely: a sum of flights that each may be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Part", "PlanCount", "poisson_binomial"]

_CERTAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Part:
    """What each flight gives to each sector, one row a pair of both, ordered by sector.

    `row` is the flight's in the situation, `share` (rows, leads) the expected share of the bin.
    """

    row: NDArray[np.int32]
    sector: NDArray[np.int32]
    share: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PlanCount:
    """The flights known at `as_of_s`, carried forward; aircraft, arrays of shape (sectors, leads).

    `airborne`, `ground` and `prefiled` add up to `mean`, the expected mean occupancy of the bins
    of `bin_s` that begin `leads_s` after the moment. `variance` is that of the bin's mean, flights
    taken to be independent; `p_zero` the probability that the bin is empty throughout. Flights that
    nobody has filed yet are in none of these.
    """

    as_of_s: int
    leads_s: NDArray[np.int64]
    bin_s: float
    airborne: NDArray[np.float32]
    ground: NDArray[np.float32]
    prefiled: NDArray[np.float32]
    variance: NDArray[np.float32]
    p_zero: NDArray[np.float32]
    part: Part = field(repr=False)

    @property
    def mean(self) -> NDArray[np.float32]:
        """All three together."""
        return self.airborne + self.ground + self.prefiled

    def chances(self, sector: int, lead: int) -> NDArray[np.float32]:
        """How likely each flight that may come is in the sector at a moment of the bin."""
        begin, end = np.searchsorted(self.part.sector, (sector, sector + 1))
        return self.part.share[begin:end, lead]

    def distribution(self, sector: int, lead: int) -> NDArray[np.float64]:
        """The probability of 0, 1, 2, ... aircraft at a moment of the bin: Poisson-binomial."""
        return poisson_binomial(self.chances(sector, lead))


def poisson_binomial(chances: ArrayLike) -> NDArray[np.float64]:
    """The probability of 0, 1, ..., n successes of independent trials of these chances, (n + 1,).

    Exact, by adding one trial after another. Chances are taken to be within 0..1.

    >>> poisson_binomial([0.5, 0.5]).tolist()
    [0.25, 0.5, 0.25]
    """
    p = np.clip(np.asarray(chances, dtype=np.float64), 0.0, 1.0)
    pmf = np.zeros(p.size + 1)
    pmf[0] = 1.0
    for number, chance in enumerate(p.tolist()):
        pmf[1 : number + 2] = pmf[1 : number + 2] * (1 - chance) + pmf[: number + 1] * chance
        pmf[0] *= 1 - chance
    return pmf


def summed(
    part: Part,
    touch: NDArray[np.float32],
    passage_s: NDArray[np.float64],
    stage: NDArray[np.int8],
    as_of_s: int,
    leads_s: NDArray[np.int64],
    bin_s: float,
    sectors: int,
) -> PlanCount:
    """The count of parts; `touch` is their probability of being there at all in a bin.

    `passage_s` is how long each passage is: what is inside for less than the bin is never all of
    it, and so varies less than a flight that is there or not.
    """
    leads = leads_s.size
    cell = part.sector[:, None] * leads + np.arange(leads)
    share = part.share.astype(np.float64)
    size = sectors * leads

    def add(weights: NDArray[np.float64], rows: NDArray[np.bool_] | slice) -> NDArray[np.float32]:
        total = np.bincount(cell[rows].ravel(), weights[rows].ravel(), minlength=size)
        return total.reshape(sectors, leads).astype(np.float32)

    stages = [add(share, stage[part.row] == number) for number in (2, 1, 0)]
    # E[X^2] of the share X of a bin: as of a passage of that length at a time that may be any, or
    # of one that is sure to come, whichever is more.
    length = np.maximum(passage_s / max(bin_s, 1.0), 1e-3)[:, None]
    ratio = np.where(length < 1, length * (1 - length / 3), 1 - 1 / (3 * length))
    at_least = share * share / np.maximum(touch, _CERTAIN)
    square = np.clip(np.maximum(share * ratio, at_least), 0.0, share)
    none = np.log1p(-np.minimum(touch.astype(np.float64), 1 - _CERTAIN))
    return PlanCount(
        as_of_s=as_of_s,
        leads_s=leads_s,
        bin_s=bin_s,
        airborne=stages[0],
        ground=stages[1],
        prefiled=stages[2],
        variance=np.maximum(add(square - share * share, slice(None)), 0.0),
        p_zero=np.exp(add(none, slice(None)).astype(np.float64)).astype(np.float32),
        part=part,
    )
