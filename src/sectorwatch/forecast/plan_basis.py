"""A forecast out of plans alone: what is said while there is too little history for a model.

The mean and the spread are those of the flights that are known, each with its probability of being
there, and of those that nobody has filed yet. Between the two lies a distribution on [0, inf): what
is left of it after the chance that the bin stays empty is taken to be a gamma, of the same mean and
variance. On made sets of 1 to 30 flights its quantiles are within 0.1 aircraft of those drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["spread_of"]

_LEAST = 1e-9
_LEAST_VARIANCE = 1e-6


def spread_of(
    mean: ArrayLike,
    variance: ArrayLike,
    p_zero: ArrayLike,
    probabilities: Sequence[float] = QUANTILES,
) -> NDArray[np.float32]:
    """The quantiles of a bin's mean occupancy, shape (..., q), from what its flights come to.

    `mean` and `variance` are the bin's, `p_zero` is the probability that it is empty throughout;
    arrays of one shape. Quantiles never fall from one probability to the next.

    >>> spread_of(0.0, 0.0, 1.0).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    >>> low, _, middle, _, high = spread_of(10.0, 4.0, 0.0).tolist()
    >>> 7 < low < 8 < middle < 10.0 < high < 13
    True
    """
    from scipy import special  # noqa: PLC0415 - half a second that nothing else needs

    mean = np.asarray(mean, dtype=np.float64)
    variance = np.asarray(variance, dtype=np.float64)
    empty = np.asarray(p_zero, dtype=np.float64)
    busy = np.maximum(1.0 - empty, _LEAST)
    middle = mean / busy
    # Of the part that is not empty. Rounding, or a p_zero that is too small for its mean, may leave
    # less than nothing of it.
    within = np.maximum((variance + mean**2) / busy - middle**2, _LEAST_VARIANCE)
    shape = np.maximum(middle**2 / within, _LEAST)
    scale = within / np.maximum(middle, _LEAST)
    asked = (np.asarray(probabilities) - empty[..., None]) / busy[..., None]
    found = special.gammaincinv(shape[..., None], np.clip(asked, 0.0, 1.0)) * scale[..., None]
    found = np.where((asked > 0.0) & (mean[..., None] > _LEAST), found, 0.0)
    return np.asarray(np.maximum.accumulate(found, axis=-1), dtype=np.float32)
