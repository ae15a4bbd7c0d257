"""A forecast as it is issued, kept and scored: every sector, every bin, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BASES", "QUANTILES", "Issued", "interval_told"]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of each forecast; the first and the last are the 80 % interval."""
BASES = ("insufficient_history", "model")
"""What a forecast rests on: the plan-based count alone, or the model."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One issue, at `as_of_s`, of sectors (s,) by leads (l,); aircraft, mean over 15 min.

    `quantiles` has shape (s, l, q). `p_zero` is the probability that the bin is empty throughout,
    which tells ties at zero apart. `p_over_capacity` is NaN where no capacity is known, as is
    `capacity`. `plan_mean` is the plan-based count. The baselines stand beside: `naive` is what was
    in the same bin a week before in local time (NaN where unknown), `current` the occupancy at the
    moment, which persistence goes on with. `basis` is an index into `BASES` a sector. `model` names
    the model file, "" where there is none.
    """

    as_of_s: int
    seq: int
    model: str
    sector_id: NDArray[np.int64]
    leads_s: NDArray[np.int64]
    basis: NDArray[np.int8]
    current: NDArray[np.int32]
    capacity: NDArray[np.float32]
    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    p_zero: NDArray[np.float32]
    p_over_capacity: NDArray[np.float32]
    plan_mean: NDArray[np.float32]
    naive: NDArray[np.float32]


def interval_told(
    mean: NDArray[np.floating[Any]], quantiles: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """The 80 % interval as it is told, of means (...) and quantiles (..., q): it holds the mean.

    Where nearly all of the chance is at one number, the mean lies outside of what eight cases in
    ten are in: of an empty sector that somebody may cross, say. Nobody could read that.

    >>> low, high = interval_told(np.array([0.05, 3.0]), np.array([[0.0, 0.0], [2.0, 5.0]]))
    >>> low.tolist(), high.tolist()
    ([0.0, 2.0], [0.05, 5.0])
    """
    return np.minimum(quantiles[..., 0], mean), np.maximum(quantiles[..., -1], mean)
