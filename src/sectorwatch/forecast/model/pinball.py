"""Quantiles of the rows in a leaf, found without sorting them all.

A forest of quantiles sets each leaf to that of its rows. scikit-learn sorts them for it, for every
leaf of every tree, which takes a fifth of the time that fitting takes. It is enough to sort those
near the quantile, once it is known what those below weigh: what is found is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["pinball_loss", "weighted_quantile"]

_FEW = 1_500
_LOOKED_AT = 300
_ASIDE = 0.1
"""So far from the quantile, of all weight, it is still looked for among those near it."""


def weighted_quantile(
    values: NDArray[np.float64], weights: NDArray[np.float64], level: float
) -> float:
    """The least of `values` (n,) up to which `weights` come to a share of `level`, 0 < level < 1.

    Weights are above zero.

    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5)
    2.0
    """
    if values.size <= _FEW:
        return _of_sorted(values, weights, level * weights.sum(), 0.0)
    step = values.size // _LOOKED_AT
    looked, share = values[::step], weights[::step]
    order = np.argsort(looked)
    share = np.cumsum(share[order])
    share /= share[-1]
    first, last = np.searchsorted(share, (level - _ASIDE, level + _ASIDE))
    low, high = looked[order[first]], looked[order[min(int(last), order.size - 1)]]
    wanted = level * weights.sum()
    below = values < low
    # Up to the ends, which the few that were looked at say little of.
    if level <= _ASIDE:
        below[:] = False
    near = ~below
    if level < 1 - _ASIDE:
        near &= values <= high
    before, inside = weights[below].sum(), weights[near].sum()
    if not before < wanted <= before + inside:
        return _of_sorted(values, weights, wanted, 0.0)
    return _of_sorted(values[near], weights[near], wanted, before)


def _of_sorted(
    values: NDArray[np.float64], weights: NDArray[np.float64], wanted: float, before: float
) -> float:
    """The least up to which weights, with what comes before all of them, come to what is wanted."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, wanted - before))
    return float(values[order[min(at, order.size - 1)]])


def pinball_loss(level: float) -> Any:
    """scikit-learn's loss of a quantile of weighted rows, with leaves found as above."""
    from sklearn._loss import PinballLoss  # noqa: PLC0415 - in a training alone

    class Loss(PinballLoss):  # type: ignore[misc]
        def fit_intercept_only(
            self, y_true: NDArray[np.float64], sample_weight: NDArray[np.float64]
        ) -> np.float64:
            return np.float64(weighted_quantile(y_true, sample_weight, level))

    return Loss(sample_weight=np.ones(1), quantile=level)
