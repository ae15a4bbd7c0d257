"""How many are expected in each sector, and how surely: a sum of flights that each may be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Part", "PlanCount", "TakeOffs", "poisson_binomial"]

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
class TakeOffs:
    """When flights that wait will take off: `row` (n,) is the flight's in the situation.

    `chance` (n, steps) that it does in each of the next steps of 5 min.
    """

    row: NDArray[np.intp]
    chance: NDArray[np.float32]


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
    take_offs: TakeOffs = field(repr=False)

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
    take_offs: TakeOffs,
) -> PlanCount:
    """The count of parts; `touch` is their probability of being there at all in a bin.

    `passage_s` is how long each passage is: what is inside for less than the bin is never all of
    it, and so varies less than a flight that is there or not.
    """
    share = part.share.astype(np.float64)
    by_stage = _adding(stage[part.row].astype(np.intp) * sectors + part.sector, 3 * sectors)
    prefiled, ground, airborne = (by_stage @ share).astype(np.float32).reshape(3, sectors, -1)
    # E[X^2] of the share X of a bin: as of a passage of that length at a time that may be any, or
    # of one that is sure to come, whichever is more.
    length = np.maximum(passage_s / max(bin_s, 1.0), 1e-3)[:, None]
    ratio = np.where(length < 1, length * (1 - length / 3), 1 - 1 / (3 * length))
    square = share * share
    spread = np.maximum(square / np.maximum(touch, _CERTAIN), share * ratio)
    np.clip(spread, 0.0, share, out=spread)
    spread -= square
    none = np.log1p(-np.minimum(touch.astype(np.float64), 1 - _CERTAIN))
    by_sector = _adding(part.sector, sectors)
    return PlanCount(
        as_of_s=as_of_s,
        leads_s=leads_s,
        bin_s=bin_s,
        airborne=airborne,
        ground=ground,
        prefiled=prefiled,
        variance=np.maximum((by_sector @ spread).astype(np.float32), 0.0),
        p_zero=np.exp((by_sector @ none).astype(np.float32).astype(np.float64)).astype(np.float32),
        part=part,
        take_offs=take_offs,
    )


def _adding(which: NDArray[np.integer], count: int) -> Any:
    """What rows (n, m) are multiplied by for their sums, (count, m), each going to one of these.

    They are added in their order, so that a sum is the same whatever else is asked for.
    """
    from scipy import sparse  # noqa: PLC0415 - a forecast alone needs it

    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(count + 1))
    return sparse.csr_array((np.ones(order.size), order, starts), shape=(count, which.size))
