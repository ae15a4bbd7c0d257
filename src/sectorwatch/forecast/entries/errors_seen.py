"""How estimates of entries turned out, by how far ahead they were: what the next are set right by.

An error is measured in the width of the interval that the plan gave on its side of the middle: -1
is at the early end, 1 at the late one. Errors are counted in classes that are fine near zero and
coarse far from it, and are forgotten by half a week; where few are known, the plan's own interval
counts for as much as `_PRIOR` of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.situation import Stage
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LOOK_AHEAD_S", "STAGES", "ErrorsSeen", "class_of"]

LOOK_AHEAD_S = np.array([0, 10, 20, 30, 60, 120, 240], np.int64) * 60
"""Between the classes of how far ahead an entry is expected."""
STAGES = (Stage.GROUND, Stage.AIRBORNE)
_CLASSES = len(STAGES) * (LOOK_AHEAD_S.size - 1)
_FINE, _STEP, _HALF = 20.0, 0.02, 325
_PRIOR = 30.0
_HALF_LIFE_S = 3.5 * 86_400
_LEAST_WIDTH_S = 30.0
_CHANCES = (0.1, 0.5, 0.9)
_CERTAIN = 1e-3
_FORM = 1


class ErrorsSeen:
    """Errors by class of stage and look-ahead; `add` belongs to one thread."""

    def __init__(self) -> None:
        # Of each class how many errors were in each class of size; entries promised, and come true.
        self._counts = np.zeros((_CLASSES, 2 * _HALF + 1))
        self._told = np.zeros(_CLASSES)
        self._promised = np.zeros(_CLASSES)
        self._entered = np.zeros(_CLASSES)
        self._at_s = 0

    def add(
        self,
        as_of_s: int,
        stage: NDArray[np.int8],
        plan_s: NDArray[np.int64],
        promised: NDArray[np.floating],
        entered_s: NDArray[np.int64],
    ) -> None:
        """Estimates of one moment and what came of them: `entered_s` below zero where nothing did.

        `plan_s` (n, 3) and `promised` (n,) are as the plan had them.
        """
        self._forget(as_of_s)
        number = class_of(as_of_s, stage, plan_s[:, 1])
        came = entered_s >= 0
        error = _in_widths(plan_s[came], entered_s[came])
        size = np.rint(np.arcsinh(error * _FINE) / _STEP).astype(np.int64)
        at = np.clip(size, -_HALF, _HALF) + _HALF
        np.add.at(self._counts, (number[came], at), 1.0)
        self._told += np.bincount(number, minlength=_CLASSES)
        self._promised += np.bincount(number, promised, _CLASSES)
        self._entered += np.bincount(number[came], minlength=_CLASSES)

    def allowed_for(
        self,
        as_of_s: int,
        stage: NDArray[np.int8],
        plan_s: NDArray[np.int64],
        probability: NDArray[np.floating],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Estimates (n, 3) and probabilities (n,) of the plan, with all this allowed for.

        None is before `as_of_s`, and none before the one on its left.
        """
        number = class_of(as_of_s, stage, plan_s[:, 1])
        shift = self._quantiles()[number]
        early_s, late_s = _widths(plan_s)
        width_s = np.where(shift < 0, early_s[:, None], late_s[:, None])
        moved = np.rint(plan_s[:, 1:2] + shift * width_s).astype(np.int64)
        moved = np.maximum.accumulate(np.maximum(moved, as_of_s), axis=1)
        odds = np.clip(np.asarray(probability, np.float64), _CERTAIN, 1 - _CERTAIN)
        odds = np.log(odds / (1 - odds)) + self._odds()[number]
        return moved, 1 / (1 + np.exp(-odds))

    def to_blob(self) -> bytes:
        """All of it, to be kept."""
        return pack_columns(
            {
                "form": np.array([_FORM, self._at_s], np.int64),
                "counts": self._counts,
                "told": self._told,
                "promised": self._promised,
                "entered": self._entered,
            }
        )

    @classmethod
    def from_blob(cls, blob: bytes) -> ErrorsSeen:
        """What `to_blob` gave. Raises StoreError where it is damaged or of another version."""
        columns = unpack_columns(blob)
        seen = cls()
        form = columns.get("form", np.zeros(1, np.int64))
        if form.shape != (2,) or form[0] != _FORM:
            raise StoreError("what was seen of entries is of another version: it is begun anew")
        for name in ("counts", "told", "promised", "entered"):
            given, here = columns.get(name), getattr(seen, f"_{name}")
            if given is None or given.shape != here.shape or not np.isfinite(given).all():
                raise StoreError(f"what was seen of entries has no sound {name!r}: begun anew")
            setattr(seen, f"_{name}", given.astype(np.float64))
        seen._at_s = int(form[1])
        return seen

    def _forget(self, as_of_s: int) -> None:
        passed_s = max(0, as_of_s - self._at_s) if self._at_s else 0
        part = 0.5 ** (passed_s / _HALF_LIFE_S)
        for sums in (self._counts, self._told, self._promised, self._entered):
            np.multiply(sums, part, out=sums)
        self._at_s = max(self._at_s, as_of_s)

    def _quantiles(self) -> NDArray[np.float64]:
        """The errors that a tenth, half and nine tenths are below, shape (classes, 3)."""
        total = self._counts.sum(axis=1)
        edges = np.sinh((np.arange(2 * _HALF + 2) - _HALF - 0.5) * _STEP) / _FINE
        found = np.empty((_CLASSES, len(_CHANCES)))
        for number, counts in enumerate(self._counts):
            below = np.concatenate([[0.0], np.cumsum(counts)]) / max(total[number], 1e-9)
            found[number] = np.interp(_CHANCES, below, edges)
        weight = (total / (total + _PRIOR))[:, None]
        return np.asarray(weight * found + (1 - weight) * np.array([-1.0, 0.0, 1.0]))

    def _odds(self) -> NDArray[np.float64]:
        """By how much log-odds of entering are to be moved, shape (classes,)."""
        told = self._told + _PRIOR
        promised = np.where(self._told > 0, self._promised / np.maximum(self._told, 1e-9), 0.5)
        came = (self._entered + _PRIOR * promised) / told
        here, there = (np.clip(each, _CERTAIN, 1 - _CERTAIN) for each in (promised, came))
        return np.asarray(np.log(there / (1 - there)) - np.log(here / (1 - here)))


def class_of(
    as_of_s: int, stage: NDArray[np.int8], middle_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class of each estimate, by stage and by how far ahead it is expected."""
    ahead = np.searchsorted(LOOK_AHEAD_S, middle_s - as_of_s, side="right") - 1
    ahead = np.clip(ahead, 0, LOOK_AHEAD_S.size - 2)
    return np.asarray((stage == Stage.AIRBORNE) * (LOOK_AHEAD_S.size - 1) + ahead)


def _widths(plan_s: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    early_s = np.maximum(plan_s[:, 1] - plan_s[:, 0], _LEAST_WIDTH_S).astype(np.float64)
    late_s = np.maximum(plan_s[:, 2] - plan_s[:, 1], _LEAST_WIDTH_S).astype(np.float64)
    return early_s, late_s


def _in_widths(plan_s: NDArray[np.int64], entered_s: NDArray[np.int64]) -> NDArray[np.float64]:
    error_s = (entered_s - plan_s[:, 1]).astype(np.float64)
    early_s, late_s = _widths(plan_s)
    return error_s / np.where(error_s < 0, early_s, late_s)
