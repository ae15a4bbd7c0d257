"""How good forecasts were: pure functions of what was said and what then was.

Of arrays over any number of forecasts. What is forecast is a mean over 15 minutes, so truths are
fifteenths, with many at nought; predictive distributions are given by their quantiles at
`QUANTILES` and the probability of nought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cdf", "pinball", "randomised_pit", "within_80"]

_STEP = 1 / 15
_LEVELS = np.array(QUANTILES, dtype=np.float64)
_LOWEST, _HIGHEST = QUANTILES[0], QUANTILES[-1]
_HAIR = 1e-9


def cdf(
    value: NDArray[np.floating], quantiles: NDArray[np.floating], p_zero: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The probability of `value` or less, shape (...); `quantiles` has shape (..., q).

    Straight between the quantiles known (and from nought, where `p_zero` lies), beyond the last as
    an exponential that goes through the last two. Quantiles that cross are put in order.

    >>> quantiles = np.array([1.0, 2.0, 4.0, 6.0, 8.0])
    >>> [round(float(cdf(np.array(x), quantiles, np.array(0.05))), 3) for x in (-1, 0, 0.5, 5, 8)]
    [0.0, 0.05, 0.075, 0.625, 0.9]
    """
    value = np.asarray(value, dtype=np.float64)
    zero = np.clip(np.asarray(p_zero, dtype=np.float64), 0.0, 1.0)
    ordered = np.maximum(np.maximum.accumulate(np.asarray(quantiles, np.float64), axis=-1), 0.0)
    below_x, below_p = np.zeros_like(zero), zero
    found = np.where(value >= 0.0, zero, 0.0)
    for number, level in enumerate(_LEVELS):
        x, p = ordered[..., number], np.maximum(zero, level)
        part = np.clip((value - below_x) / np.maximum(x - below_x, _HAIR), 0.0, 1.0)
        reached = np.where(x - below_x > _HAIR, below_p + (p - below_p) * part, p)
        found = np.where(value >= np.where(x - below_x > _HAIR, below_x, x), reached, found)
        below_x, below_p = x, p
    # As steep as between the last two quantiles, and no steeper than a step of what is counted.
    apart = ordered[..., -1] - ordered[..., -2]
    fall = np.log(np.maximum(1 - np.maximum(zero, _LEVELS[-2]), _HAIR)) - np.log(
        np.maximum(1 - below_p, _HAIR)
    )
    scale = np.maximum(apart / np.maximum(fall, 0.1), _STEP)
    beyond = np.maximum(value - below_x, 0.0)
    tail = 1 - (1 - below_p) * np.exp(-beyond / scale)
    return np.where(value > below_x, tail, found)


def randomised_pit(
    truth: NDArray[np.floating],
    quantiles: NDArray[np.floating],
    p_zero: NDArray[np.floating],
    chance: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Where in its forecast distribution each truth lies, 0..1: even where forecasts are right.

    Randomised where truths can repeat (Czado, Gneiting and Held, *Biometrics* 65, 2009): a truth
    stands for all that rounds to the same fifteenth, nought for the whole probability of nought;
    `chance`, even in 0..1 and of the same shape, says where in it. NaN where the truth is.
    """
    truth = np.asarray(truth, dtype=np.float64)
    is_zero = truth <= 0.0
    low = np.where(is_zero, 0.0, cdf(truth - _STEP / 2, quantiles, p_zero))
    high = cdf(np.where(is_zero, 0.0, truth + _STEP / 2), quantiles, p_zero)
    pit = low + np.asarray(chance, dtype=np.float64) * (high - low)
    return np.where(np.isfinite(truth), pit, np.nan)


def within_80(pit: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether the 80 % interval held the truth."""
    return np.asarray((pit >= _LOWEST) & (pit <= _HIGHEST))


def pinball(truth: NDArray[np.floating], quantiles: NDArray[np.floating]) -> NDArray[np.float64]:
    """The pinball loss of each quantile, shape (..., q), in aircraft; less is better.

    Of the median it is half the absolute error.

    >>> pinball(np.array(3.0), np.array([1.0, 2.0, 3.0, 4.0, 5.0])).round(2).tolist()
    [0.2, 0.25, 0.0, 0.25, 0.2]
    """
    over = np.asarray(truth, dtype=np.float64)[..., None] - np.asarray(quantiles, np.float64)
    return np.maximum(_LEVELS * over, (_LEVELS - 1) * over) + 0.0
