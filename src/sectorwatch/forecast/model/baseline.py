"""The linear forecast that the trees stand on, and what they are asked in its units.

Trees know no more aircraft than they were shown, and sectors are of 0.1 to 200. So a linear
forecast of few features comes first, without a constant, which holds for any size alike; what the
trees are shown are deviations from it in its own standard deviations, and what they say is in
these, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.features import FEATURES, PARTS
from sectorwatch.forecast.horizon import LEADS_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Baseline", "design", "spread"]

LEAST = 0.05
"""Aircraft: no forecast that trees stand on is less."""
_WHERE = {name: column for column, name in enumerate(FEATURES)}
_RIDGE = 2e-3
"""Of all rows' weight: so strongly is a lead drawn to what holds for all leads."""
_AT_ONCE = 32_768


@dataclass(frozen=True, slots=True)
class Baseline:
    """Coefficients of `PARTS` by lead: shape (leads, parts)."""

    coefficients: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        rows: NDArray[np.float32],
        lead: NDArray[np.intp],
        truth: NDArray[np.floating[Any]],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> Baseline:
        """By least squares of relative errors, each lead by its own; arrays of n rows."""
        parts = _parts(rows)
        # A count's variance grows with it.
        scale = np.sqrt(1 + np.maximum(parts[:, _OF_SIZE].mean(axis=1), 0))
        wanted = np.asarray(truth, dtype=np.float64) / scale
        parts /= scale[:, None]
        if weight is not None:
            root = np.sqrt(weight)
            parts *= root[:, None]
            wanted *= root
        begin = np.zeros(len(PARTS))
        begin[_OF_SIZE] = 1 / len(_OF_SIZE)
        pooled = _solved(parts, wanted, begin)
        found = [_solved(parts[lead == n], wanted[lead == n], pooled) for n in range(len(LEADS_S))]
        return cls(np.stack(found))

    def of(self, rows: NDArray[np.float32], lead: NDArray[np.intp]) -> NDArray[np.float64]:
        """Aircraft, for n rows of features and the leads they are of."""
        linear = np.empty(len(rows))
        # Some at a time: all of a training's at once would take a sixth of its memory.
        for first in range(0, len(rows), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            parts, coefficients = _parts(rows[some]), self.coefficients[lead[some]]
            linear[some] = np.einsum("np,np->n", parts, coefficients)
        return np.asarray(np.maximum(linear, LEAST), dtype=np.float64)

    @classmethod
    def from_array(cls, coefficients: NDArray[Any]) -> Baseline:
        """What was kept; raises ModelFileError where it is something else."""
        wanted = len(LEADS_S), len(PARTS)
        if coefficients.shape != wanted or not np.isfinite(coefficients).all():
            raise ModelFileError(f"its linear part has shape {coefficients.shape}, not {wanted}")
        return cls(np.asarray(coefficients, dtype=np.float64))


def spread(baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit of deviations from a baseline, aircraft: a Poisson count's, and one of a zero."""
    return np.asarray(np.sqrt(baseline + 1), dtype=np.float64)


def design(rows: NDArray[np.float32], baseline: NDArray[np.float64]) -> NDArray[np.float32]:
    """What the trees are asked, from n rows of features: as many values a row.

    Occupancies as deviations from the baseline, differences of occupancies, both in `spread`;
    the rest as it is. The first column is the logarithm of the baseline.
    """
    unit = spread(baseline).astype(np.float32)[:, None]
    asked = np.empty((len(rows), 1 + rows.shape[1]), dtype=np.float32)
    asked[:, 0] = np.log(baseline + 0.1)
    asked[:, 1:] = rows
    asked[:, LEVEL] = (asked[:, LEVEL] - baseline.astype(np.float32)[:, None]) / unit
    asked[:, DIFFERENCE] /= unit
    return asked


def _columns(kind: str) -> list[int]:
    """Where features of a kind stand in what is asked."""
    return [1 + column for column, of in enumerate(FEATURES.values()) if of == kind]


LEVEL, DIFFERENCE = _columns("occupancy"), _columns("difference")
_OF_SIZE = [PARTS.index(name) for name in ("plan_and_unseen", "usual", "weeks", "alike")]


def _parts(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The parts of the linear forecast; what is not known is as what is nearest to it."""

    def of(name: str) -> NDArray[np.float64]:
        return rows[:, _WHERE[name]].astype(np.float64)

    known, usual, weeks = of("plan_and_unseen"), of("usual"), of("weeks")
    usual = np.where(np.isnan(usual), np.nan_to_num(known), usual)
    known = np.where(np.isnan(known), usual, known)
    weeks = np.where(np.isnan(weeks), usual, weeks)
    alike = of("alike")
    alike = np.where(np.isnan(alike), usual, alike)
    made = {"plan_and_unseen": known, "usual": usual, "weeks": weeks, "alike": alike}
    made["alike_5_excess"] = np.nan_to_num(of("alike_5") - alike)
    return np.column_stack(
        [made[name] if name in made else np.nan_to_num(of(name)) for name in PARTS]
    )


def _solved(
    parts: NDArray[np.float64], wanted: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not len(parts):
        return prior
    square = parts.T @ parts
    ridge = _RIDGE * (np.diag(square) + square.trace() / len(square) * 0.1 + 1e-9)
    square[np.diag_indices_from(square)] += ridge
    return np.linalg.solve(square, parts.T @ wanted + ridge * prior)
