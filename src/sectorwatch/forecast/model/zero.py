"""How likely a bin is empty throughout, by how busy it is expected to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.horizon import LEADS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["ZeroCurve"]


@dataclass(frozen=True, slots=True)
class ZeroCurve:
    """How likely a bin is empty, by the logarithm of its mean and by lead: knots (leads, k)."""

    log_mean: NDArray[np.float64]
    p_zero: NDArray[np.float64]

    @classmethod
    def expected(cls) -> ZeroCurve:
        """What it is before anything is learned."""
        none = np.empty(0)
        return cls.fit(none, none.astype(np.intp), none.astype(np.bool_))

    @classmethod
    def fit(
        cls, mean: NDArray[np.float64], lead: NDArray[np.intp], is_zero: NDArray[np.bool_]
    ) -> ZeroCurve:
        """From means that were forecast, and whether the bin was then empty; arrays (n,)."""
        log_mean = np.log(np.maximum(mean, 1e-3))
        edges = np.linspace(np.log(0.03), np.log(40.0), 25)
        at = np.searchsorted(edges, log_mean)
        middle = np.concatenate([[edges[0] - 0.3], (edges[1:] + edges[:-1]) / 2, [edges[-1] + 0.3]])
        # A Poisson count of visits that take turns; it counts where little has been seen.
        expected = np.exp(-1.5 * np.exp(middle))
        found = np.empty((len(LEADS_S), middle.size))
        overall = cls._shares(at, is_zero, expected, 20.0, middle.size)
        for number in range(len(LEADS_S)):
            of_lead = lead == number
            found[number] = cls._shares(at[of_lead], is_zero[of_lead], overall, 200.0, middle.size)
        found = np.minimum.accumulate(found, axis=1)
        return cls(np.broadcast_to(middle, found.shape).copy(), found)

    def of(self, mean: NDArray[np.float64], lead: NDArray[np.intp]) -> NDArray[np.float64]:
        """The probability of an empty bin, (n,)."""
        log_mean = np.log(np.maximum(mean, 1e-3))
        found = np.empty(mean.shape)
        for number in range(len(LEADS_S)):
            rows = lead == number
            found[rows] = np.interp(log_mean[rows], self.log_mean[number], self.p_zero[number])
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ZeroCurve:
        """What was kept; raises ModelFileError where it is something else."""
        log_mean, p_zero = (arrays.get(name, np.empty(0)) for name in ("log_mean", "p_zero"))
        if log_mean.ndim != 2 or len(log_mean) != len(LEADS_S) or p_zero.shape != log_mean.shape:  # noqa: PLR2004
            raise ModelFileError("its chances of an empty bin are not by lead")
        if not log_mean.shape[1] or not (np.isfinite(log_mean).all() and np.isfinite(p_zero).all()):
            raise ModelFileError("its chances of an empty bin are no numbers")
        if (np.diff(log_mean, axis=1) < 0).any() or p_zero.min() < 0 or p_zero.max() > 1:
            raise ModelFileError("its chances of an empty bin are not in order within 0..1")
        return cls(log_mean.astype(np.float64), p_zero.astype(np.float64))

    @staticmethod
    def _shares(
        at: NDArray[np.intp],
        is_zero: NDArray[np.bool_],
        expected: NDArray[np.float64],
        enough: float,
        cells: int,
    ) -> NDArray[np.float64]:
        zeros = np.bincount(at, is_zero, cells)
        return (zeros + enough * expected) / (np.bincount(at, minlength=cells) + enough)
