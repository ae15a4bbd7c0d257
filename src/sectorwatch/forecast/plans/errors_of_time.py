"""How much earlier or later flights come than is reckoned, and how sure that is; by counting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.learned import AHEAD_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.learned import LearnedPlans

__all__ = ["TimeErrors", "with_error"]

_LEAST_SD_S = 20.0
_PRIOR_COUNT = 50.0
_FEW = 20
_CLIPPED_AT = 4.0
_QUARTILE = 0.6745


def with_error(
    at_s: NDArray[np.float64],
    now: NDArray[np.int8],
    phase: NDArray[np.int8],
    learned: LearnedPlans,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times ahead as they turn out on the whole, and how far they may be off."""
    last = AHEAD_S.size - 1
    knot = np.clip(np.searchsorted(AHEAD_S, at_s, side="right") - 1, 0, last - 1)
    part = np.clip((at_s - AHEAD_S[knot]) / (AHEAD_S[knot + 1] - AHEAD_S[knot]), 0.0, 1.0)
    kind = (now.astype(np.intp) * learned.bias_s.shape[1] + phase) * AHEAD_S.size + knot
    found = []
    for table in (learned.bias_s, learned.sd_s):
        flat = table.ravel().astype(np.float64)
        found.append(flat[kind] + part * (flat[kind + 1] - flat[kind]))
    return at_s + found[0], np.maximum(found[1], _LEAST_SD_S)


class TimeErrors:
    """Errors as they were seen: by what a flight did, its phase when it came, how far ahead."""

    def __init__(self) -> None:
        self._kind: list[NDArray[np.intp]] = []
        self._error_s: list[NDArray[np.float32]] = []

    def add(
        self,
        now: NDArray[np.int8],
        phase: NDArray[np.int8],
        reckoned_s: NDArray[np.float64],
        was_s: NDArray[np.float64],
    ) -> None:
        """Times reckoned and as they were, shape (n,); left out where the latter is NaN."""
        rows = np.flatnonzero(np.isfinite(was_s))
        between = (AHEAD_S[1:] + AHEAD_S[:-1]) / 2
        knot = np.searchsorted(between, reckoned_s[rows])
        kind = (now[rows].astype(np.intp) * 4 + phase[rows]) * AHEAD_S.size + knot
        self._kind.append(kind)
        self._error_s.append((was_s[rows] - reckoned_s[rows]).astype(np.float32))

    def learned(
        self, bias_s: NDArray[np.float32], sd_s: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bias and standard deviation as of these errors, near the prior ones where they are few.

        A few that are far off, for another reason than the time, do not count for more than four
        standard deviations.
        """
        kind = np.concatenate([np.zeros(0, dtype=np.intp), *self._kind])
        error_s = np.concatenate([np.zeros(0, dtype=np.float32), *self._error_s])
        order = np.argsort(kind, kind="stable")
        ends = np.searchsorted(kind[order], np.arange(bias_s.size + 1))
        bias, square = bias_s.ravel().astype(np.float64), sd_s.ravel().astype(np.float64) ** 2
        for number in range(bias.size):
            mine = error_s[order[ends[number] : ends[number + 1]]].astype(np.float64)
            if mine.size < _FEW:
                continue
            low, middle, high = np.percentile(mine, (25, 50, 75))
            robust = max((high - low) / 2 / _QUARTILE, _LEAST_SD_S)
            mine = np.clip(mine, middle - _CLIPPED_AT * robust, middle + _CLIPPED_AT * robust)
            weight = mine.size / (mine.size + _PRIOR_COUNT)
            bias[number] += weight * (mine.mean() - bias[number])
            square[number] += weight * (mine.var() - square[number])
        return (
            bias.reshape(bias_s.shape).astype(np.float32),
            np.sqrt(square).reshape(sd_s.shape).astype(np.float32),
        )
