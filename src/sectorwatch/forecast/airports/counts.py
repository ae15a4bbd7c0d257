"""Quantiles of counts by mean and variance: binomial, Poisson or negative binomial, as these say.

A count is told as a whole number, and an interval between whole numbers cannot hold exactly 80 %.
Quantiles here are those of the count with up to a half added or taken away by chance, which hold it
on the average, and never below zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["count_quantiles"]

# A variance within this of the mean is a Poisson's.
_NEAR = 0.02
_LEAST = 1e-6
_SIGMAS = 7.0


def count_quantiles(
    mean: NDArray[np.floating],
    variance: NDArray[np.floating],
    chances: Sequence[float] = QUANTILES,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(quantiles, probability of none) of counts, shapes (n, q) and (n,), from (n,) each.

    >>> quantiles, none = count_quantiles(np.array([4.0]), np.array([4.0]))
    >>> [[round(float(each), 2) for each in row] for row in quantiles]
    [[1.56, 2.56, 3.84, 5.28, 6.68]]
    >>> none.astype(float).round(3).tolist()
    [0.018]
    """
    middle = np.maximum(np.asarray(mean, np.float64), _LEAST)
    spread = np.maximum(np.asarray(variance, np.float64), _LEAST)
    most = int(np.ceil((middle + _SIGMAS * np.sqrt(spread)).max(initial=0.0))) + 3
    below = _at_most(middle, spread, np.arange(most + 1, dtype=np.float64))
    found = np.empty((middle.size, len(chances)), np.float32)
    before = np.concatenate([np.zeros((middle.size, 1)), below[:, :-1]], axis=1)
    row = np.arange(middle.size)
    for column, chance in enumerate(chances):
        count = np.minimum((below < chance).sum(axis=1), most)
        here, earlier = below[row, count], before[row, count]
        part = (chance - earlier) / np.maximum(here - earlier, _LEAST)
        found[:, column] = np.maximum(count - 0.5 + np.clip(part, 0.0, 1.0), 0.0)
    return found, below[:, 0].astype(np.float32)


def _at_most(
    mean: NDArray[np.float64], variance: NDArray[np.float64], count: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The probability of at most `count` (k,), shape (n, k)."""
    from scipy import special  # noqa: PLC0415 - half a second that nothing else needs

    ratio = variance / mean
    found = np.empty((mean.size, count.size))
    wide, narrow = ratio > 1 + _NEAR, ratio < 1 - _NEAR
    plain = ~(wide | narrow)
    found[plain] = special.pdtr(count, mean[plain, None])
    size = mean[wide] / (ratio[wide] - 1)
    found[wide] = special.betainc(size[:, None], count + 1, 1 / ratio[wide, None])
    # So many trials, not a whole number; of more than these there are none.
    trials = (mean[narrow] / (1 - ratio[narrow]))[:, None]
    left = np.maximum(trials - count, _LEAST)
    chance = special.betainc(left, count + 1, ratio[narrow, None])
    found[narrow] = np.where(count >= trials, 1.0, chance)
    return found
