"""Weighted samples of a quantity, and how far two of them are apart (Kolmogorov-Smirnov)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Sample", "ks_distance"]

Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """Values of one quantity and what each weighs; both of shape (n,), finite, weights above 0."""

    values: Floats
    weights: Floats

    def quantiles(self, at: Iterable[float]) -> list[float]:
        """The least value with at least each share (0..1) of the weight up to it."""
        order = np.argsort(self.values, kind="stable")
        share = np.cumsum(self.weights[order]) / self.weights.sum()
        place = np.searchsorted(share, np.asarray(list(at)) - 1e-12)
        return [float(v) for v in self.values[order][np.minimum(place, len(order) - 1)]]

    def share(self, low: float, high: float) -> float:
        """What part of the weight lies in low <= value < high."""
        inside = (self.values >= low) & (self.values < high)
        return float(self.weights[inside].sum() / self.weights.sum())


def ks_distance(one: Sample, other: Sample) -> float:
    """The Kolmogorov-Smirnov distance: the most that the two weighted distributions are apart.

    0 where they are the same, 1 where they do not overlap. Raises ValueError where one is empty.

    >>> one, two = (Sample(np.array(v), np.ones(len(v))) for v in ([1.0, 2, 3, 4], [3.0, 4, 5, 6]))
    >>> ks_distance(one, one), ks_distance(one, two)
    (0.0, 0.5)
    """
    if not len(one.values) or not len(other.values):
        raise ValueError("a distribution without values has no distance to another")
    at = np.union1d(one.values, other.values)
    return float(np.abs(_cumulative(one, at) - _cumulative(other, at)).max())


def _cumulative(sample: Sample, at: Floats) -> Floats:
    order = np.argsort(sample.values, kind="stable")
    summed = np.concatenate(([0.0], np.cumsum(sample.weights[order])))
    place = np.searchsorted(sample.values[order], at, side="right")
    return np.asarray(summed[place] / summed[-1])
