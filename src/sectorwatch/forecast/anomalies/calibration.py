"""How often a score as high as this one comes in ordinary times: counted, by size of sector.

A tail that is computed is as good as its assumptions; far out, where anomalies are told from
chance, none is good enough. So scores are counted as they come, sectors of one size together, and
the p-value of a score is the share of the ordinary ones that were at least as high.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.tails import at_least

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["CLASSES", "Calibration", "Dispersion", "size_class"]

EDGES = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
"""Mean occupancies that part one size of sector from the next."""
CLASSES = EDGES.size + 1
_STEP = 0.05
_TOP = 12.0
_BINS = round(2 * _TOP / _STEP)
_PRIOR_SD = 1.0
# As many minutes as a day of a dozen sectors has: minutes that follow each other say the same.
_PRIOR_WEIGHT = 20_000.0
_HALF_LIFE_S = 28 * 86_400
_SMALLEST = 1e-12


def size_class(mean: NDArray[np.floating]) -> NDArray[np.intp]:
    """Which size class each mean occupancy belongs to; NaN is in the last one."""
    return np.searchsorted(EDGES, mean, side="right")


class Calibration:
    """Counts of scores by size class, fading with a half-life of four weeks.

    Before there are many, a standard normal stands in for them: wider than what
    was measured, so that a new installation errs on the quiet side.
    """

    def __init__(self, counts: NDArray[np.float64] | None = None) -> None:
        edges = np.arange(_BINS + 1) * _STEP - _TOP
        above = at_least(edges / _PRIOR_SD)
        prior = _PRIOR_WEIGHT * (above[:-1] - above[1:])
        self._prior_above = np.append(np.cumsum(prior[::-1])[::-1], 0.0)
        fits = counts is not None and counts.shape == (CLASSES, _BINS)
        self.counts = np.array(counts, np.float64) if fits else np.zeros((CLASSES, _BINS))
        self._above = self._cumulated()

    def learn(
        self,
        classes: NDArray[np.intp],
        scores: NDArray[np.float64],
        weights: NDArray[np.float64],
        elapsed_s: float,
    ) -> None:
        """Count scores (n,), NaN left out, `elapsed_s` after those counted last."""
        known = ~np.isnan(scores)
        at = np.clip((scores[known] + _TOP) / _STEP, 0, _BINS - 1).astype(np.intp)
        self.counts *= 0.5 ** (max(0.0, elapsed_s) / _HALF_LIFE_S)
        np.add.at(self.counts, (classes[known], at), weights[known])

    def settle(self) -> None:
        """Let what was learned count from now on."""
        self._above = self._cumulated()

    def p(self, classes: NDArray[np.intp], scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of ordinary scores at least as high, shape (n,); NaN where the score is."""
        place = np.clip((np.nan_to_num(scores, nan=-_TOP) + _TOP) / _STEP, 0, _BINS)
        low = np.minimum(place.astype(np.intp), _BINS - 1)
        part = place - low
        above = self._above[classes, low] * (1 - part) + self._above[classes, low + 1] * part
        p = np.maximum(above / self._above[classes, 0], _SMALLEST)
        return np.asarray(np.where(np.isnan(scores), np.nan, p))

    def threshold(self, p: float) -> NDArray[np.float64]:
        """The score, by class, that ordinary ones reach with probability `p`."""
        share = self._above / self._above[:, :1]
        return np.asarray((share > p).sum(axis=1) * _STEP - _TOP)

    def _cumulated(self) -> NDArray[np.float64]:
        above = np.cumsum(self.counts[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(np.hstack([above, np.zeros((CLASSES, 1))]) + self._prior_above)


class Dispersion:
    """How much wider than chance counts scatter around what was expected, by size class.

    The ratio of variance to mean, from squared errors, fading like a `Calibration`.
    """

    def __init__(
        self, sums: NDArray[np.float64] | None = None, *, first_ratio: float = 2.0
    ) -> None:
        fits = sums is not None and sums.shape == (2, CLASSES)
        # What a dozen quarters of an hour at so many times the scatter of chance would have left.
        first = np.vstack([np.full(CLASSES, 12.0 * first_ratio), np.full(CLASSES, 12.0)])
        self.sums = np.array(sums, np.float64) if fits else first

    def learn(
        self,
        classes: NDArray[np.intp],
        error: NDArray[np.float64],
        mean: NDArray[np.float64],
        elapsed_s: float,
    ) -> None:
        """Take in errors (n,) around means (n,), NaN left out."""
        known = ~(np.isnan(error) | np.isnan(mean))
        self.sums *= 0.5 ** (max(0.0, elapsed_s) / _HALF_LIFE_S)
        self.sums[0] += np.bincount(classes[known], error[known] ** 2, CLASSES)
        self.sums[1] += np.bincount(classes[known], mean[known], CLASSES)

    def ratio(self) -> NDArray[np.float64]:
        """Variance over mean by class, shape (classes,); at least 0.2."""
        return np.asarray(np.maximum(self.sums[0] / np.maximum(self.sums[1], 1e-9), 0.2))


def kept(parts: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.float64] | None:
    """An array of numbers that was kept under a name; None where there is none that can be."""
    found = parts.get(name)
    if found is None or found.dtype.kind != "f" or not np.isfinite(found).all():
        return None
    return np.asarray(found, np.float64)
