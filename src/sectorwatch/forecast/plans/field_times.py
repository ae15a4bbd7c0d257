"""When flights take off and land: of those waiting and those in the air, as probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.errors_of_time import with_error
from sectorwatch.forecast.plans.profile import LANDING
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.ahead import Ahead
    from sectorwatch.forecast.plans.carried import Carried
    from sectorwatch.forecast.plans.learned import LearnedPlans

__all__ = ["FieldTimes", "field_times"]

_HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class FieldTimes:
    """Take-offs of the flights `waiting_row` (w,), landings of the flights `row` (n,).

    `off` (states, steps + 1) is the probability of a take-off in each of the next steps of 5 min,
    and last of none; `waiting_state` says which a flight has, `state` too, UNKNOWN for those in the
    air. They land `land_s` after the moment, those that wait so long after they took off, give or
    take `land_sd_s`, if they do not vanish on the way: they arrive with the probability `arrives`.
    Landings outside all sectors are not among these.
    """

    waiting_row: NDArray[np.intp]
    waiting_state: NDArray[np.intp]
    off: NDArray[np.float64]
    row: NDArray[np.intp]
    state: NDArray[np.intp]
    land_s: NDArray[np.float64]
    land_sd_s: NDArray[np.float64]
    arrives: NDArray[np.float64]


def field_times(carried: Carried) -> FieldTimes:
    """When the flights carried forward take off and land."""
    learned, leaving = carried.learned, carried.leaving
    air, ground = (_landings(each, learned) for each in (carried.air, carried.ground))
    row, land_s, land_sd_s = (np.concatenate(both) for both in zip(air, ground, strict=True))
    return FieldTimes(
        waiting_row=leaving.row,
        waiting_state=leaving.state,
        off=leaving.off,
        row=row,
        state=carried.state_of(UNKNOWN)[row],
        land_s=land_s,
        land_sd_s=land_sd_s,
        arrives=np.exp(-learned.quits_per_h * np.maximum(land_s, 0.0) / _HOUR_S),
    )


def _landings(
    ahead: Ahead, learned: LearnedPlans
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """(flight, when, give or take) of the passages that end on the ground, one a flight."""
    lands = np.flatnonzero(ahead.exit_phase == LANDING)
    # Of a flight's in several partitions the last.
    lands = lands[np.lexsort((ahead.exit_s[lands], ahead.row[lands]))]
    row = ahead.row[lands]
    lands = lands[np.append(row[1:] != row[:-1], True)[: row.size]]
    land_s, land_sd_s = with_error(
        ahead.exit_s[lands], ahead.now[lands], ahead.exit_phase[lands], learned
    )
    return ahead.row[lands], land_s, land_sd_s
