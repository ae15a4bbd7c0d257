"""The whole distribution that a forecast stands for: five quantiles, and how likely it is empty.

A bin's mean occupancy is zero or more, often exactly zero in a small sector, and anything above.
So a forecast gives zero the probability `p_zero`; a quantile at a level of no more than that is 0,
and the others are joined by straight lines, with exponential tails beyond the first and the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["HALF_STEP", "LEVELS", "at_level", "at_most", "pit", "settled"]

LEVELS = np.array(QUANTILES)
LEVELS.setflags(write=False)
HALF_STEP = 1 / 30
"""Aircraft; a mean over 15 minutes, each a whole number, is a whole number of fifteenths."""
_LEAST = HALF_STEP
# An exponential tail that leaves the last two quantiles as far behind as a normal one does on
# average; the steeper exponential through both would make the far end of large sectors too wide.
_SHRINK = 1.1
_NARROWEST = 0.02


def settled(quantiles: ArrayLike, p_zero: ArrayLike) -> NDArray[np.float64]:
    """`quantiles` (..., 5) in order, zero just where their level is within `p_zero` (...)."""
    inside = np.asarray(p_zero, dtype=np.float64)[..., None] >= LEVELS
    ordered = np.maximum.accumulate(np.asarray(quantiles, dtype=np.float64), axis=-1)
    return np.where(inside, 0.0, np.maximum(ordered, _LEAST))


def at_most(
    value: ArrayLike, quantiles: NDArray[np.floating[Any]], p_zero: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """The probability of at most `value`, of shape (...), with `quantiles` (..., 5) as settled."""
    v = np.broadcast_to(np.asarray(value, dtype=np.float64), p_zero.shape)
    zero = np.asarray(p_zero, dtype=np.float64)
    below_level, below = zero, np.zeros_like(zero)
    found = np.where(v < 0, 0.0, zero)
    for number, level in enumerate(LEVELS.tolist()):
        above = quantiles[..., number]
        counts = (above > 0) & ((v > below) | (v >= above))
        step = np.clip((v - below) / np.maximum(above - below, 1e-9), 0, 1)
        if number == 0:
            step = _rising(v, above, _spread(quantiles, 0, 1))
        # Quantiles that are one value are reached together.
        step = np.where(v >= above, 1.0, step)
        found = np.where(counts, below_level + (level - below_level) * step, found)
        below_level, below = np.where(above > 0, level, below_level), np.maximum(below, above)
    tail = 1 - (1 - below_level) * np.exp(-(v - below) / _spread(quantiles, 3, 4))
    return np.where(v > below, tail, found)


def at_level(
    level: ArrayLike, quantiles: NDArray[np.floating[Any]], p_zero: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """The value that is at least reached with probability 1 - `level`: what `at_most` undoes."""
    u = np.broadcast_to(np.asarray(level, dtype=np.float64), p_zero.shape)
    zero = np.asarray(p_zero, dtype=np.float64)
    below_level, below = zero, np.zeros_like(zero)
    found = np.zeros_like(zero)
    for number, known in enumerate(LEVELS.tolist()):
        above = quantiles[..., number]
        counts = (above > 0) & (u > below_level)
        step = np.clip((u - below_level) / np.maximum(known - below_level, 1e-9), 0, 1)
        if number == 0:
            value = _risen(step, above, _spread(quantiles, 0, 1))
        else:
            value = below + (above - below) * step
        found = np.where(counts, value, found)
        below_level, below = np.where(above > 0, known, below_level), np.maximum(below, above)
    left = np.maximum((1 - u) / np.maximum(1 - below_level, 1e-9), 1e-9)
    return np.where(u > below_level, below - np.log(left) * _spread(quantiles, 3, 4), found)


def pit(
    truth: ArrayLike,
    quantiles: NDArray[np.floating[Any]],
    p_zero: NDArray[np.floating[Any]],
    uniform: ArrayLike,
) -> NDArray[np.float64]:
    """Where `truth` (...) lies in its forecast, even over 0..1 if the forecasts are calibrated.

    Randomised by `uniform` in 0..1 as `measures.randomised_pit` is, of which this differs in its
    lower tail alone: a truth stands for all that rounds to the same fifteenth, zero for all of
    `p_zero`.
    """
    known = np.asarray(truth, dtype=np.float64)
    is_zero = known <= 0
    low = np.where(is_zero, 0.0, at_most(known - HALF_STEP, quantiles, p_zero))
    high = at_most(np.where(is_zero, 0.0, known + HALF_STEP), quantiles, p_zero)
    return np.asarray(low + np.asarray(uniform) * (high - low), dtype=np.float64)


def _spread(quantiles: NDArray[np.floating[Any]], lower: int, upper: int) -> NDArray[np.float64]:
    """How fast a tail falls, aircraft: by the two quantiles that it is beyond."""
    apart = np.asarray(quantiles[..., upper], dtype=np.float64) - quantiles[..., lower]
    narrowest = _NARROWEST + 0.02 * quantiles[..., upper]
    return np.asarray(np.maximum(apart / _SHRINK, narrowest), dtype=np.float64)


def _rising(
    v: NDArray[np.float64], above: NDArray[np.floating[Any]], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """0 at zero, 1 at `above`, exponentially: the lower tail."""
    none = np.exp(-above / spread)
    share = (np.exp(np.minimum((v - above) / spread, 0)) - none) / (1 - none + 1e-12)
    return np.asarray(np.clip(share, 0, 1))


def _risen(
    step: NDArray[np.float64], above: NDArray[np.floating[Any]], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    none = np.exp(-above / spread)
    value = above + spread * np.log(np.maximum(none + step * (1 - none), 1e-30))
    return np.asarray(np.maximum(value, 0.0))
