"""The flights known at a moment carried forward: looked at once, for all who ask about them.

How many are in a sector, when each comes into it and what takes off and lands at an airport are
three questions about the same flights, their take-offs and their ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.count import TakeOffs
from sectorwatch.forecast.plans.delays import delay_minutes
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, cells_of
from sectorwatch.forecast.plans.errors_of_time import with_error
from sectorwatch.forecast.plans.hazards import OFF_STEPS
from sectorwatch.forecast.plans.usual_off import rates, sharpened
from sectorwatch.forecast.situation import Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.ahead import Ahead
    from sectorwatch.forecast.plans.learned import LearnedPlans
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.situation import Situation

__all__ = ["Carried", "Leaving", "Passages", "leaving_of"]

_LONG_GONE_S = -1e6
_LEAST_SD_S = 20.0


@dataclass(frozen=True, slots=True)
class Passages:
    """Passages (n,) of the flights `row`, from `enter_s` to `leave_s`, each give or take.

    Seconds after the moment for those in the air, after the take-off for the others, whose `state`
    says when that will be.
    """

    row: NDArray[np.intp]
    sector: NDArray[np.int32]
    enter_s: NDArray[np.float64]
    enter_sd_s: NDArray[np.float64]
    leave_s: NDArray[np.float64]
    leave_sd_s: NDArray[np.float64]
    state: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Flights that wait, `row` (n,) in the situation, and when they take off.

    `off` (k, steps + 1) is the probability of a take-off in each of the next steps of 5 min, and
    last of none; `state` (n,) says which of them a flight has.
    """

    row: NDArray[np.intp]
    state: NDArray[np.intp]
    off: NDArray[np.float64]

    @property
    def take_offs(self) -> TakeOffs:
        """The same by flight."""
        return TakeOffs(self.row, self.off[self.state, :OFF_STEPS].astype(np.float32))


@dataclass(frozen=True, slots=True)
class Carried:
    """The flights of `situation` as `learned` carries them forward; made by `PlanCounter.carried`.

    `air` are the passages to come of those in the air, `ground` those of `leaving`, since they take
    off, all before errors of time are allowed for.
    """

    situation: Situation
    learned: LearnedPlans
    air: Ahead
    ground: Ahead
    leaving: Leaving

    def in_air(self) -> Passages:
        """Passages of those in the air."""
        state = np.zeros(self.air.row.size, dtype=np.intp)
        return self._passages(self.air, state, _LONG_GONE_S, _LEAST_SD_S)

    def waiting(self) -> Passages:
        """Passages of those not in the air."""
        # At the first moment after it takes off it is in the sector of its field.
        return self._passages(self.ground, self.state_of()[self.ground.row], 0.0, 0.0)

    def _passages(
        self, ahead: Ahead, state: NDArray[np.intp], begun_s: float, begun_sd_s: float
    ) -> Passages:
        """With errors of time allowed for; what has begun did so at `begun_s`, give or take."""
        learned = self.learned
        enter_s, enter_sd_s = with_error(ahead.enter_s, ahead.now, ahead.enter_phase, learned)
        leave_s, leave_sd_s = with_error(ahead.exit_s, ahead.now, ahead.exit_phase, learned)
        has_begun = ahead.enter_s <= 0
        return Passages(
            row=ahead.row,
            sector=ahead.sector,
            enter_s=np.where(has_begun, begun_s, enter_s),
            enter_sd_s=np.where(has_begun, begun_sd_s, enter_sd_s),
            leave_s=leave_s,
            leave_sd_s=leave_sd_s,
            state=state,
        )

    def state_of(self, none: int = 0) -> NDArray[np.intp]:
        """The state of each flight of the situation, `none` for those that do not wait."""
        state_of = np.full(len(self.situation), none, dtype=np.intp)
        state_of[self.leaving.row] = self.leaving.state
        return state_of


def leaving_of(situation: Situation, learned: LearnedPlans, usual: UsualTakeOffs | None) -> Leaving:
    """When the flights of a situation that wait take off.

    A prefile of a callsign that its member is online with counts there alone.
    """
    rows_of: list[NDArray[np.intp]] = []
    cells: list[NDArray[np.intp]] = []
    tables: list[NDArray[np.float32]] = []
    for stage, table, kind in (
        (Stage.GROUND, learned.ground, GROUND),
        (Stage.PREFILED, learned.prefiled, PREFILED),
    ):
        rows = np.flatnonzero(situation.stage == stage)
        if stage == Stage.PREFILED:
            rows = rows[~_online_already(situation, rows)]
        delay_min = delay_minutes(situation, rows, learned.delay_weights)
        flat = table.reshape(-1, table.shape[-1])
        used, state = np.unique(cells_of(kind, situation, rows, delay_min), return_inverse=True)
        rows_of.append(rows)
        cells.append(state + sum(each.shape[0] for each in tables))
        tables.append(flat[used])
    rows, state = np.concatenate(rows_of), np.concatenate(cells)
    off = np.concatenate(tables).astype(np.float64)
    if usual is not None and learned.usual_weight > 0 and rows.size:
        said = usual.of(situation, rows)
        rate = rates(said.counts, learned.usual_spread_s, learned.usual_late)
        # Who waits in the same state between the same two airports leaves alike.
        both, state = np.unique(state * len(rate) + said.pair, return_inverse=True)
        off = sharpened(
            off[both // len(rate)],
            rate[both % len(rate)],
            learned.usual_floor,
            learned.usual_weight,
        )
    return Leaving(rows, state, off)


def _online_already(situation: Situation, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which prefiles are ghosts: the member is online under that callsign, and counts there."""
    online = np.flatnonzero(situation.stage != Stage.PREFILED)
    ghosts = np.isin(situation.cid[rows], situation.cid[online])
    of_members = online[np.isin(situation.cid[online], situation.cid[rows[ghosts]])]
    there = {(int(situation.cid[row]), situation.callsign[row]) for row in of_members.tolist()}
    for at in np.flatnonzero(ghosts).tolist():
        row = int(rows[at])
        ghosts[at] = (int(situation.cid[row]), situation.callsign[row]) in there
    return ghosts
