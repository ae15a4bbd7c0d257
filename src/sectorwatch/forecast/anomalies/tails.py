"""How far out a count is: tails of the negative binomial.

Counts are means over a quarter of an hour, so they need not be whole: the incomplete beta and gamma
functions go on between the whole numbers, and half a step further is the mid-p value, which is
right on the average for small counts where the plain one is always too large (Lancaster 1961).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["at_least", "normal_score"]

_LEAST_MEAN = 0.05
_FURTHEST = 12.0
_POISSON = 1.01
"""Below this ratio of variance to mean a negative binomial's size has no finite sense."""


def normal_score(
    count: ArrayLike, mean: ArrayLike, ratio: ArrayLike, *, least_mean: float = _LEAST_MEAN
) -> NDArray[np.float64]:
    """How far above its mean a count lies, as a standard normal would be; negative below.

    `ratio` is variance over mean: above 1 the count is negative binomial with that variance, at 1
    Poisson, and below it count / ratio is Poisson (schedules are more even than chance). NaN where
    count or mean is. At most 12 either way. A mean counts as `least_mean` at the least: nobody
    knows that nothing ever comes.

    >>> normal_score([3.0, 12.0], 4.0, 1.5).round(2).tolist()
    [-0.29, 2.56]
    """
    from scipy.special import betainc, betaincc, gammainc, gammaincc, ndtri  # noqa: PLC0415

    seen, around, wider = np.broadcast_arrays(
        np.asarray(count, np.float64),
        np.maximum(np.asarray(mean, np.float64), least_mean),
        np.asarray(ratio, np.float64),
    )
    scale = np.minimum(wider, 1.0)
    x, middle = np.maximum(seen, 0.0) / scale + 0.5, around / scale
    above, below = (np.array(tail(x, middle)) for tail in (gammainc, gammaincc))
    wide = wider > _POISSON
    if wide.any():
        size = middle[wide] / (wider[wide] - 1.0)
        part = middle[wide] / (middle[wide] + size)
        above[wide] = betainc(x[wide], size, part)
        below[wide] = betaincc(x[wide], size, part)
    smallest = 1e-300
    score = np.where(
        above < below, -ndtri(np.maximum(above, smallest)), ndtri(np.maximum(below, smallest))
    )
    known = ~(np.isnan(x) | np.isnan(middle))
    return np.where(known, np.clip(score, -_FURTHEST, _FURTHEST), np.nan)


def at_least(score: ArrayLike) -> NDArray[np.float64]:
    """The probability that a standard normal is at least so far out."""
    from scipy.special import ndtr  # noqa: PLC0415

    return np.asarray(ndtr(-np.asarray(score, np.float64)))
