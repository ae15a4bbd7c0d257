"""When flights take off and land: of those waiting and those in the air, as probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.delays import delay_minutes
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, cells_of
from sectorwatch.forecast.plans.errors_of_time import with_error
from sectorwatch.forecast.plans.profile import LANDING
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.ahead import Ahead
    from sectorwatch.forecast.plans.counter import PlanCounter
    from sectorwatch.forecast.plans.learned import LearnedPlans
    from sectorwatch.forecast.situation import Situation

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


def field_times(counter: PlanCounter, situation: Situation, learned: LearnedPlans) -> FieldTimes:
    """When the flights of a situation take off and land.

    A prefile of a callsign that its member is online with counts there alone.
    """
    online = np.flatnonzero(situation.stage != Stage.PREFILED)
    there = {(int(situation.cid[row]), situation.callsign[row]) for row in online.tolist()}
    rows_of: list[NDArray[np.intp]] = []
    states: list[NDArray[np.intp]] = []
    tables: list[NDArray[np.float64]] = []
    for stage, table, kind in (
        (Stage.GROUND, learned.ground, GROUND),
        (Stage.PREFILED, learned.prefiled, PREFILED),
    ):
        rows = np.flatnonzero(situation.stage == stage)
        if stage == Stage.PREFILED:
            keys = [(int(situation.cid[row]), situation.callsign[row]) for row in rows.tolist()]
            rows = rows[np.array([key not in there for key in keys], np.bool_)]
        late_min = delay_minutes(situation, rows, learned.delay_weights)
        cells, state = np.unique(cells_of(kind, situation, rows, late_min), return_inverse=True)
        rows_of.append(rows)
        states.append(state + sum(len(each) for each in tables))
        tables.append(table.reshape(-1, table.shape[-1])[cells].astype(np.float64))
    waiting_row, waiting_state = np.concatenate(rows_of), np.concatenate(states)
    airborne = situation.stage == Stage.AIRBORNE
    airborne &= np.isfinite(situation.latitude) & np.isfinite(situation.longitude)
    air = _landings(counter.ahead(situation, np.flatnonzero(airborne), learned), learned)
    ground = _landings(counter.since_off(situation, waiting_row, learned), learned)
    state_of = np.full(len(situation), UNKNOWN, np.intp)
    state_of[waiting_row] = waiting_state
    row, land_s, land_sd_s = (np.concatenate(both) for both in zip(air, ground, strict=True))
    return FieldTimes(
        waiting_row=waiting_row,
        waiting_state=waiting_state,
        off=np.concatenate(tables),
        row=row,
        state=state_of[row],
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
