"""Intervals that hold: what the trees say of uncertainty, corrected by how it went.

Split conformal calibration on the scale of probabilities (Kuleshov et al., ICML 2018; Chernozhukov
et al., PNAS 2021): of truths that the model was not trained on it is asked at which of its own
levels they lie. If a tenth of them lie below its 7 % quantile, that is the one to be given out as
the 10 % quantile. It is learned apart by size of the forecast and by lead, and goes on being
learned: each scored forecast moves the levels a little (adaptive conformal inference; Gibbs and
Candes, NeurIPS 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.horizon import LEADS, LEADS_S
from sectorwatch.forecast.model.distribution import HALF_STEP, LEVELS, at_level, settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["SIZE_EDGES", "Conformal", "size_class"]

SIZE_EDGES = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
"""Aircraft, expected: where one class of sizes ends and the next begins."""
SIZE_EDGES.setflags(write=False)

_SHAPE = (SIZE_EDGES.size + 1, len(LEADS_S), LEVELS.size)
_ENOUGH = 150
"""So many truths of a class and lead weigh as much as all of the class."""
_MEMORY_S = 4 * 86_400.0
_FEW = 10
_NEAREST = 1e-5
"""No level comes nearer to 0 or 1: what is beyond was never seen."""
_FARTHEST = 6.0


def size_class(mean: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Which class of sizes a forecast of `mean` aircraft belongs to."""
    return np.searchsorted(SIZE_EDGES, mean, side="right")


@dataclass(slots=True)
class Conformal:
    """At which of the model's own levels each of `LEVELS` is found: shape (class, lead, 5).

    `zero_shift` (class, lead) is what is added to the log odds of an empty bin.
    """

    levels: NDArray[np.float64]
    zero_shift: NDArray[np.float64]

    @classmethod
    def untaught(cls) -> Conformal:
        """One that takes the model at its word."""
        return cls(np.broadcast_to(LEVELS, _SHAPE).copy(), np.zeros(_SHAPE[:2]))

    @classmethod
    def fit(
        cls, lies_at: NDArray[np.float64], mean: NDArray[np.float64], lead: NDArray[np.intp]
    ) -> Conformal:
        """From where truths lie (`pit` of the model's own distribution), arrays of shape (n,).

        `mean` is what was forecast, `lead` an index into `LEADS`. None of them may have been
        trained on.
        """
        made = cls.untaught()
        sizes = size_class(mean)
        everywhere = _levels(lies_at, LEVELS, _ENOUGH)
        for size in range(_SHAPE[0]):
            of_size = sizes == size
            pooled = _levels(lies_at[of_size], everywhere, _ENOUGH)
            for number in range(_SHAPE[1]):
                of_both = lies_at[of_size & (lead == number)]
                made.levels[size, number] = _levels(of_both, pooled, _ENOUGH)
        return made

    def corrected(
        self,
        mean: NDArray[np.float64],
        lead: NDArray[np.intp],
        quantiles: NDArray[np.float64],
        p_zero: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Quantiles (..., 5) and p_zero (...) that hold, from the model's own."""
        cell = size_class(mean), lead
        levels = self.levels[cell]
        odds = np.clip(p_zero, 1e-12, 1 - 1e-12)
        zero = odds * np.exp(self.zero_shift[cell])
        zero /= zero + 1 - odds
        own = settled(quantiles, zero)
        found = [at_level(levels[..., each], own, zero) for each in range(LEVELS.size)]
        return settled(np.stack(found, axis=-1), zero), zero

    def adapt(
        self,
        mean: NDArray[np.floating[Any]],
        lead_s: NDArray[np.int64],
        quantiles: NDArray[np.floating[Any]],
        p_zero: NDArray[np.floating[Any]],
        truth: NDArray[np.floating[Any]],
        elapsed_s: float,
    ) -> None:
        """Learn from forecasts as they were given out, arrays (n,) and (n, 5), and their truths.

        `elapsed_s` is the time since the last such call: however often it is called, what is older
        than some days is forgotten. Where the truth is NaN it is not known and does not count.
        """
        counts = np.isfinite(truth) & np.isin(lead_s, LEADS)
        mean, lead_s, quantiles, p_zero, truth = (
            part[counts] for part in (mean, lead_s, quantiles, p_zero, truth)
        )
        if not truth.size:
            return
        cell = size_class(mean) * _SHAPE[1] + np.searchsorted(LEADS, lead_s)
        cells = _SHAPE[0] * _SHAPE[1]
        # Of a truth of zero, the share of the levels within p_zero that it lies below on average.
        zero = np.maximum(p_zero, 1e-9)[:, None]
        is_zero = truth <= 0
        # And as `pit` has it, a truth is anything that rounds to the same fifteenth.
        reached = np.clip((quantiles - truth[:, None]) / (2 * HALF_STEP) + 0.5, 0, 1)
        below = np.where(is_zero[:, None], np.minimum(LEVELS / zero, 1.0), reached)
        seen = np.bincount(cell, minlength=cells).astype(np.float64)
        held = np.stack(
            [np.bincount(cell, below[:, each], cells) for each in range(LEVELS.size)], axis=-1
        )
        # What few say of a lead, all of their class say with them.
        together = (
            held.reshape(_SHAPE).sum(axis=1)
            / np.maximum(seen.reshape(_SHAPE[:2]).sum(axis=1), 1)[:, None]
        )
        share = (held + _FEW * np.repeat(together, _SHAPE[1], axis=0)) / (seen + _FEW)[:, None]
        of_class = np.repeat(seen.reshape(_SHAPE[:2]).sum(axis=1), _SHAPE[1])
        step = (1 - np.exp(-max(elapsed_s, 0.0) / _MEMORY_S)) * of_class / (of_class + _FEW)
        # On their log odds, so that levels far out move as far as others do; it comes to
        # LEVELS - share where a level is what it says.
        level = np.clip(self.levels.reshape(cells, -1), _NEAREST, 1 - _NEAREST)
        odds = _odds(level) + step[:, None] * (LEVELS - share) / (LEVELS * (1 - LEVELS))
        moved = np.where(step[:, None] > 0, _of_odds(odds), level)
        self.levels = _ordered(moved).reshape(_SHAPE)
        # Newton's step towards the shift at which as many are empty as were said to be.
        surplus = np.bincount(cell, is_zero - p_zero, cells)
        slope = np.bincount(cell, p_zero * (1 - p_zero), cells)
        shift = self.zero_shift.reshape(cells) + step * np.clip(surplus / (slope + 1), -2, 2)
        self.zero_shift = np.clip(shift, -_FARTHEST, _FARTHEST).reshape(_SHAPE[:2])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What has been learned, by name."""
        return {"levels": self.levels, "zero_shift": self.zero_shift}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Conformal:
        """What `to_arrays` gave; raises ModelFileError where it is something else."""
        levels = np.asarray(arrays.get("levels", ()), dtype=np.float64)
        shift = np.asarray(arrays.get("zero_shift", ()), dtype=np.float64)
        if levels.shape != _SHAPE or shift.shape != _SHAPE[:2]:
            raise ModelFileError(
                f"its intervals have the shapes {levels.shape} and {shift.shape}, not {_SHAPE} "
                f"and {_SHAPE[:2]}"
            )
        if not ((levels >= 0) & (levels <= 1)).all() or (np.diff(levels, axis=-1) < 0).any():
            raise ModelFileError("the levels of its intervals are not in order within 0..1")
        if not (np.abs(shift) <= _FARTHEST).all():
            raise ModelFileError("its odds of an empty bin are shifted by what is no shift")
        return cls(levels.copy(), shift.copy())


def _levels(
    lies_at: NDArray[np.float64], otherwise: NDArray[np.float64], enough: int
) -> NDArray[np.float64]:
    """Below which levels the shares `LEVELS` of `lies_at` are, drawn to `otherwise` if few are."""
    if not lies_at.size:
        return otherwise
    # Ranks that also count the one that is still to come, outward: split conformal's correction.
    outward = (lies_at.size + 1) / lies_at.size
    ranks = np.where(LEVELS < 0.5, 1 - (1 - LEVELS) * outward, LEVELS * outward)  # noqa: PLR2004
    found = np.quantile(lies_at, np.clip(ranks, 0, 1))
    weight = lies_at.size / (lies_at.size + enough)
    drawn = weight * _odds(_ordered(found)) + (1 - weight) * _odds(_ordered(otherwise))
    return _ordered(_of_odds(drawn))


def _odds(level: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(level / (1 - level))


def _of_odds(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-odds))


def _ordered(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum.accumulate(np.clip(levels, _NEAREST, 1 - _NEAREST), axis=-1)
