"""How far a forecast is to be trusted: measured, and drawn to the like of it while little is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.scoring.figures import Figures

__all__ = ["FEW", "confidence_of"]

FEW = 60.0
"""So many forecasts of its own that counted weigh as much as those of all series of its size.

And so many of all of them as nothing measured at all, which is worth 0: one forecast that came near
is no reason to trust the next.

Forecasts come every five minutes and resemble the one before: these are five hours of a busy
sector, not sixty trials.
"""
_SIZES = np.array([1.0, 2.5, 5.0, 10.0, 20.0, 40.0])


def confidence_of(figures: Figures) -> NDArray[np.float64]:
    """For each series and lead, the share of forecasts near the truth, shape (series, leads).

    Of those where forecast or truth was five aircraft or more, drawn to the share of the series of
    its size, that to the share of all, and that to 0, which it is before anything is measured: it
    rises as cases come, and is never far from 0 by a few. 0 where none of a series is scored, and
    where none of any counted.
    """
    sums = figures.by_series
    judged, hits = sums["judged"].astype(np.float64), sums["hits"].astype(np.float64)
    scored = sums["count"].astype(np.float64)
    nothing = np.zeros(judged.shape[1])
    everywhere = _drawn(hits.sum(axis=0), judged.sum(axis=0), nothing)
    # A series' size is what it really had, over all leads: that is the same bins each time.
    size = sums["truth"].sum(axis=1) / np.maximum(scored.sum(axis=1), 1.0)
    group = np.searchsorted(_SIZES, size, side="right")
    found = np.zeros(judged.shape)
    for each in np.unique(group):
        of_size = group == each
        alike = _drawn(hits[of_size].sum(axis=0), judged[of_size].sum(axis=0), everywhere)
        found[of_size] = _drawn(hits[of_size], judged[of_size], alike)
    # Nobody has measured anything where nothing at this lead has counted yet.
    found[(scored == 0) | (judged.sum(axis=0) == 0)] = 0.0
    return found


def _drawn(
    hits: NDArray[np.float64], count: NDArray[np.float64], to: NDArray[np.float64]
) -> NDArray[np.float64]:
    share: NDArray[np.float64] = (hits + FEW * to) / (count + FEW)
    return share
