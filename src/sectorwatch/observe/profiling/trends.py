"""Trends that a few odd values cannot make or hide.

Slope: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968. Its
probability: M. G. Kendall, "Rank Correlation Methods", with the correction for ties.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Trend", "slope_of", "steadiness", "trend_of"]

_MOST_POINTS = 240
_FEWEST = 3


class Trend(NamedTuple):
    """How a series moves: units a second, the probability that it rises, and over how long."""

    slope: float
    p_rising: float
    span_s: float
    points: int


def trend_of(time_s: Sequence[float], values: Sequence[float]) -> Trend | None:
    """The robust trend of a series, in the order of its time; None below three points.

    >>> trend_of([0, 10, 20, 30, 40], [5, 6, 99, 8, 9]).slope
    0.1
    """
    if len(values) < _FEWEST:
        return None
    times, series = _thinned(np.asarray(time_s, float), np.asarray(values, float))
    earlier, later = np.triu_indices(len(series), 1)
    apart_s = times[later] - times[earlier]
    grown = series[later] - series[earlier]
    usable = apart_s > 0
    if not usable.any():
        return None
    slope = float(np.median(grown[usable] / apart_s[usable]))
    return Trend(slope, _p_rising(series, grown), float(times[-1] - times[0]), len(series))


def slope_of(time_s: Sequence[float], values: Sequence[float]) -> float:
    """The robust slope alone, 0 where there are too few points."""
    found = trend_of(time_s, values)
    return 0.0 if found is None else found.slope


def steadiness(
    time_s: Sequence[float],
    values: Sequence[float],
    parts: int = 4,
    *,
    whole: float | None = None,
) -> float:
    """The least slope among equal parts of the span, as a share of the whole's.

    `whole` is the slope where it is known already. 1 for a straight line; near 0, or below (-1 at
    least), for a step, and for what comes to rest.

    >>> round(steadiness([0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 9, 9, 9, 9]), 3)
    0.0
    """
    if whole is None:
        whole = slope_of(time_s, values)
    if whole == 0 or len(values) < 2 * parts:
        return 0.0
    times, series = np.asarray(time_s, float), np.asarray(values, float)
    edges = np.linspace(times[0], times[-1], parts + 1)
    # Level by level rather than slope by slope: within a part there may be few points.
    levels = []
    for at in range(parts):
        last = at == parts - 1
        inside = (times >= edges[at]) & (
            (times <= edges[at + 1]) if last else times < edges[at + 1]
        )
        if not inside.any():
            return 0.0
        levels.append((float(np.median(times[inside])), float(np.median(series[inside]))))
    slopes = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(levels)]
    # A whole that is next to nothing would make anything of its parts.
    return max(-1.0, min(slope / whole for slope in slopes))


def _thinned(
    times: NDArray[np.float64], series: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most 240 points of a series, evenly taken: pairs grow with the square of them."""
    if len(series) <= _MOST_POINTS:
        return times, series
    kept = np.linspace(0, len(series) - 1, _MOST_POINTS).astype(int)
    return times[kept], series[kept]


def _p_rising(series: NDArray[np.float64], grown: NDArray[np.float64]) -> float:
    """The probability that a series rises rather than not, by Mann and Kendall's test."""
    n = len(series)
    score = float(np.sign(grown).sum())
    ties = np.unique(series, return_counts=True)[1].astype(float)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    if variance <= 0:
        return 0.5
    z = (score - math.copysign(min(1.0, abs(score)), score)) / math.sqrt(variance)
    return 0.5 * math.erfc(-z / math.sqrt(2))
