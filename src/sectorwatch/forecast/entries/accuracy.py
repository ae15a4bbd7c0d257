"""How estimates of entries fared, by stage and look-ahead, summed up by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.entries.errors_seen import LOOK_AHEAD_S, STAGES, class_of
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.entries.estimates import EntryEstimates

__all__ = ["EntryFigures", "LookAheadAccuracy"]

_CLASSES = len(STAGES) * (LOOK_AHEAD_S.size - 1)
_SUMS = ("told", "unknown", "promised", "entered", "inside", "early", "late", "bias_s", "error_s")


@dataclass(frozen=True, slots=True)
class LookAheadAccuracy:
    """Estimates so far ahead of flights at a stage; None where there is nothing to divide by.

    Of `told` estimates `entered` came true within 4 h 15 min, of `expected` promised; the others
    never entered, and are counted in nothing else. `unknown` fell into a time without feeds.
    Of those that entered `coverage` is the share within the 80 % interval, `early` and `late` the
    shares before and after it; `bias_s` the mean of how much later they came than told,
    `mean_absolute_error_s` that of how far off.
    """

    stage: str
    from_s: int
    to_s: int
    told: int
    unknown: int
    expected: float
    entered: int
    coverage: float | None
    early: float | None
    late: float | None
    bias_s: float | None
    mean_absolute_error_s: float | None


class EntryFigures:
    """Sums over estimates, by class of stage and look-ahead."""

    def __init__(self) -> None:
        self.sums = np.zeros((len(_SUMS), _CLASSES))

    def add(self, told: EntryEstimates, entered_s: NDArray[np.int64]) -> None:
        """Estimates and what came of them: UNKNOWN is never, -2 that nobody knows."""
        number = class_of(told.as_of_s, told.stage, told.entry_s[:, 1])
        known = entered_s != NOBODY_KNOWS
        came = entered_s >= 0
        error_s = (entered_s - told.entry_s[:, 1]).astype(np.float64)
        early = came & (entered_s < told.entry_s[:, 0])
        late = came & (entered_s > told.entry_s[:, 2])
        weights = (
            known,
            ~known,
            np.where(known, told.probability, 0.0),
            came,
            came & ~early & ~late,
            early,
            late,
            np.where(came, error_s, 0.0),
            np.where(came, np.abs(error_s), 0.0),
        )
        for row, weight in enumerate(weights):
            self.sums[row] += np.bincount(number, weight, _CLASSES)

    def to_blob(self) -> bytes:
        """All of it, to be kept."""
        return pack_columns({"sums": self.sums})

    @classmethod
    def from_blob(cls, blob: bytes) -> EntryFigures:
        """What `to_blob` gave. Raises StoreError where it is damaged or of another version."""
        found = unpack_columns(blob).get("sums")
        figures = cls()
        if found is None or found.shape != figures.sums.shape:
            raise StoreError("figures of entries are of another version: they are begun anew")
        figures.sums = found.astype(np.float64)
        return figures

    def read(self) -> list[LookAheadAccuracy]:
        """Class by class, those of which nothing was told left out."""
        found = []
        ahead = LOOK_AHEAD_S.size - 1
        for number in range(_CLASSES):
            sums = dict(zip(_SUMS, self.sums[:, number].tolist(), strict=True))
            if not sums["told"] + sums["unknown"]:
                continue
            came = sums["entered"]
            found.append(
                LookAheadAccuracy(
                    stage=STAGES[number // ahead].name.lower(),
                    from_s=int(LOOK_AHEAD_S[number % ahead]),
                    to_s=int(LOOK_AHEAD_S[number % ahead + 1]),
                    told=round(sums["told"]),
                    unknown=round(sums["unknown"]),
                    expected=sums["promised"],
                    entered=round(came),
                    coverage=_ratio(sums["inside"], came),
                    early=_ratio(sums["early"], came),
                    late=_ratio(sums["late"], came),
                    bias_s=_ratio(sums["bias_s"], came),
                    mean_absolute_error_s=_ratio(sums["error_s"], came),
                )
            )
        return found


NOBODY_KNOWS = -2


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
