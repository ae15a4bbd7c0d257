"""The plan-based count itself: who will be where, of all that are known now.

Flights in the air go on from where they are, the others begin their way when they take off, which
they do with the probability of their state; both are then looked up in tables of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.edges import expand
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.plans.ahead import Ahead, passages_ahead
from sectorwatch.forecast.plans.count import Part, TakeOffs, summed
from sectorwatch.forecast.plans.delays import delay_minutes
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, cells_of
from sectorwatch.forecast.plans.errors_of_time import with_error
from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S
from sectorwatch.forecast.plans.known_ways import KnownWays
from sectorwatch.forecast.plans.learned import WAITING
from sectorwatch.forecast.plans.timing import (
    SPREADS_S,
    Crossings,
    Shares,
    normal_tables,
    off_tables,
    shares_of,
    spread_class,
)
from sectorwatch.forecast.plans.usual_off import rates, sharpened
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.count import PlanCount
    from sectorwatch.forecast.plans.learned import LearnedPlans
    from sectorwatch.forecast.plans.navigation import Navigation
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.contract import KnownPlaces, Space

__all__ = ["EntryOutlook", "PlanCounter"]

_HOUR_S = 3_600.0
_LONG_GONE_S = -1e6
_QUANTILES = (0.1, 0.5, 0.9)
_NORMAL_QUANTILES = (-1.2815515655446004, 0.0, 1.2815515655446004)
_LEAST_SD_S = 20.0


@dataclass(frozen=True, slots=True)
class EntryOutlook:
    """Entries to come, shape (n,): of the flight `row` of the situation into `sector`.

    `probability` that it comes at all, within 4 h; `entry_s` (n, 3) are the moments before which it
    comes with 10, 50 and 90 % if it comes. Flights inside now are not among these.
    """

    row: NDArray[np.intp]
    sector: NDArray[np.int32]
    probability: NDArray[np.float64]
    entry_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Passages:
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


class PlanCounter:
    """Counts the flights that are known at a moment forward, through one airspace.

    It keeps the ways of plans that it has seen, a bounded number; what it answers depends on what
    it is asked alone, not on what it was asked before. Not for several threads at once.
    """

    def __init__(
        self, airspace: Space, airports: KnownPlaces, navigation: Navigation | None = None
    ) -> None:
        self._airspace = airspace
        self._known = KnownWays(airspace, airports, navigation)
        self._normal = normal_tables()
        self._pairs_of: LearnedPlans | None = None
        self._pairs: dict[tuple[str, str], float] = {}

    def count(
        self,
        situation: Situation,
        learned: LearnedPlans,
        leads_s: NDArray[np.int64] = LEADS,
        bin_s: float = BIN_S,
        *,
        usual: UsualTakeOffs | None = None,
    ) -> PlanCount:
        """The expected mean occupancy of bins of `bin_s`; as good as an instant at a second.

        `usual` knows when flights took off on the days before, where that is known.
        """
        leads_s = np.asarray(leads_s, dtype=np.int64)
        from_s = leads_s.astype(np.float64)
        air = self._airborne(situation, learned)
        waiting, off, take_offs = self._waiting(situation, learned, usual)
        parts = [
            (air, self._air_shares(air, learned, from_s, bin_s)),
            (waiting, _waiting_shares(waiting, off, learned, from_s, bin_s)),
        ]
        row, sector, length_s = (
            np.concatenate(values)
            for values in zip(
                *((each.row, each.sector, each.leave_s - each.enter_s) for each, _ in parts),
                strict=True,
            )
        )
        # One row a flight and sector, however often it comes there.
        key = sector.astype(np.int64) * max(len(situation), 1) + row
        order = np.argsort(key, kind="stable")
        is_first = np.diff(key[order], prepend=-1) != 0
        first, again = order[is_first], order[~is_first]
        into = (np.cumsum(is_first) - 1)[~is_first]
        row, sector = row[first], sector[first]
        passage_s = length_s[first]
        np.maximum.at(passage_s, into, length_s[again])
        share, touch = (
            _together(values, first, into, again)
            for values in (
                np.concatenate([of.share for _, of in parts]),
                np.concatenate([of.touch for _, of in parts]),
            )
        )
        return summed(
            Part(row.astype(np.int32), sector.astype(np.int32), share),
            touch,
            passage_s,
            situation.stage,
            situation.as_of_s,
            leads_s,
            bin_s,
            len(self._airspace.sectors),
            take_offs,
        )

    def passages(
        self,
        situation: Situation,
        learned: LearnedPlans,
        *,
        usual: UsualTakeOffs | None = None,
    ) -> EntryOutlook:
        """Into which sectors each flight will come, how likely and when."""
        air = self._airborne(situation, learned)
        waiting, off, _ = self._waiting(situation, learned, usual)
        to_come = air.enter_s > 0
        alive = np.exp(-learned.quits_per_h * np.maximum(air.enter_s, 0.0) / _HOUR_S)
        spread = np.array(_NORMAL_QUANTILES)[None, :] * air.enter_sd_s[:, None]
        air_s = air.enter_s[:, None] + spread
        ever = off[:, :OFF_STEPS].sum(axis=1)
        by = np.cumsum(off[:, :OFF_STEPS], axis=1) / np.maximum(ever, 1e-12)[:, None]
        ends_s = np.arange(1, OFF_STEPS + 1) * float(STEP_S)
        off_s = np.array(
            [np.interp(_QUANTILES, row, ends_s) for row in by], dtype=np.float64
        ).reshape(-1, len(_QUANTILES))
        middle = off_s[waiting.state, 1:2]
        # Both spreads together, each as far from the middle as it is.
        aside = np.hypot(
            off_s[waiting.state] - middle,
            np.array(_NORMAL_QUANTILES)[None, :] * waiting.enter_sd_s[:, None],
        )
        side = np.sign(np.array(_NORMAL_QUANTILES))[None, :]
        waiting_s = waiting.enter_s[:, None] + middle + side * aside
        return EntryOutlook(
            row=np.concatenate([air.row[to_come], waiting.row]),
            sector=np.concatenate([air.sector[to_come], waiting.sector]),
            probability=np.concatenate([alive[to_come], ever[waiting.state]]),
            entry_s=situation.as_of_s
            + np.maximum(np.concatenate([air_s[to_come], waiting_s]), 0.0),
        )

    def take_offs(
        self,
        situation: Situation,
        learned: LearnedPlans,
        *,
        usual: UsualTakeOffs | None = None,
    ) -> TakeOffs:
        """When each flight that waits will take off."""
        rows, state, off = _leaving(situation, learned, usual)
        return TakeOffs(rows, off[state, :OFF_STEPS].astype(np.float32))

    def _airborne(self, situation: Situation, learned: LearnedPlans) -> _Passages:
        airborne = situation.stage == Stage.AIRBORNE
        airborne &= np.isfinite(situation.latitude) & np.isfinite(situation.longitude)
        ahead = self.ahead(situation, np.flatnonzero(airborne), learned)
        enter_s, enter_sd_s = with_error(ahead.enter_s, ahead.now, ahead.enter_phase, learned)
        leave_s, leave_sd_s = with_error(ahead.exit_s, ahead.now, ahead.exit_phase, learned)
        inside = ahead.enter_s <= 0
        return _Passages(
            row=ahead.row,
            sector=ahead.sector,
            enter_s=np.where(inside, _LONG_GONE_S, enter_s),
            enter_sd_s=np.where(inside, _LEAST_SD_S, enter_sd_s),
            leave_s=leave_s,
            leave_sd_s=leave_sd_s,
            state=np.zeros(ahead.row.size, dtype=np.intp),
        )

    def ahead(self, situation: Situation, rows: NDArray[np.intp], learned: LearnedPlans) -> Ahead:
        """What flights in the air, `rows`, still pass, before errors of time are allowed for."""
        pace = self._pace(situation, rows, learned)
        return passages_ahead(situation, rows, self._known, self._airspace, pace)

    def since_off(
        self, situation: Situation, rows: NDArray[np.intp], learned: LearnedPlans
    ) -> Ahead:
        """What flights that wait, `rows`, will pass: as `ahead`, in seconds since they take off."""
        number = self._known.numbers(situation, rows)
        with_way = np.flatnonzero(number != UNKNOWN)
        rows, number = rows[with_way], number[with_way]
        pace = self._pace(situation, rows, learned)
        ways = self._known.ways
        which, index = expand(np.diff(ways.passage_first)[number])
        passage = ways.passage_first[number][which] + index
        return Ahead(
            row=rows[which],
            sector=ways.sector[passage],
            enter_s=ways.enter_s[passage] * pace[which],
            exit_s=ways.exit_s[passage] * pace[which],
            now=np.full(which.size, WAITING, dtype=np.int8),
            enter_phase=ways.enter_phase[passage],
            exit_phase=ways.exit_phase[passage],
        )

    def _pace(
        self, situation: Situation, rows: NDArray[np.intp], learned: LearnedPlans
    ) -> NDArray[np.float64]:
        """How much longer than reckoned flights between the two airports of each row take."""
        if learned is not self._pairs_of:
            self._pairs_of = learned
            pairs = zip(learned.pair_from.tolist(), learned.pair_to.tolist(), strict=True)
            self._pairs = dict(zip(pairs, learned.pair_pace.tolist(), strict=True))
        if not self._pairs:
            return np.full(rows.size, learned.usual_pace)
        icao, find, usual = situation.places.icao, self._pairs.get, learned.usual_pace
        return np.array(
            [
                usual if UNKNOWN in pair else find((icao[pair[0]], icao[pair[1]]), usual)
                for pair in zip(
                    situation.origin[rows].tolist(),
                    situation.destination[rows].tolist(),
                    strict=True,
                )
            ],
            dtype=np.float64,
        )

    def _waiting(
        self, situation: Situation, learned: LearnedPlans, usual: UsualTakeOffs | None
    ) -> tuple[_Passages, NDArray[np.float64], TakeOffs]:
        """Passages of those not in the air, when their states take off, and each flight does."""
        rows, state, off = _leaving(situation, learned, usual)
        ahead = self.since_off(situation, rows, learned)
        enter_s, enter_sd_s = with_error(ahead.enter_s, ahead.now, ahead.enter_phase, learned)
        leave_s, leave_sd_s = with_error(ahead.exit_s, ahead.now, ahead.exit_phase, learned)
        # At the first moment after it takes off it is in the sector of its field.
        begins = ahead.enter_s <= 0
        state_of = np.zeros(len(situation), dtype=np.intp)
        state_of[rows] = state
        waiting = _Passages(
            row=ahead.row,
            sector=ahead.sector,
            enter_s=np.where(begins, 0.0, enter_s),
            enter_sd_s=np.where(begins, 0.0, enter_sd_s),
            leave_s=leave_s,
            leave_sd_s=leave_sd_s,
            state=state_of[ahead.row],
        )
        return waiting, off, TakeOffs(rows, off[state, :OFF_STEPS].astype(np.float32))

    def _air_shares(
        self,
        air: _Passages,
        learned: LearnedPlans,
        from_s: NDArray[np.float64],
        bin_s: float,
    ) -> Shares:
        shares = shares_of(
            self._normal,
            Crossings(air.state, air.enter_s, air.enter_sd_s),
            Crossings(air.state, air.leave_s, air.leave_sd_s),
            from_s,
            bin_s,
        )
        alive = np.exp(-learned.quits_per_h * (from_s + bin_s / 2) / _HOUR_S).astype(np.float32)
        return Shares(shares.share * alive, shares.touch * alive)


def _together(
    shares: NDArray[np.float32],
    first: NDArray[np.intp],
    into: NDArray[np.intp],
    again: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Rows `first` of shares, each with those of `again` that go `into` it; 1 at the most."""
    found = shares.take(first, axis=0)
    more, where = np.unique(into, return_inverse=True)
    besides = np.zeros((more.size, shares.shape[1]), dtype=shares.dtype)
    np.add.at(besides, where, shares[again])
    found[more] += besides
    return np.minimum(found, 1.0, out=found)


def _waiting_shares(
    waiting: _Passages,
    off: NDArray[np.float64],
    learned: LearnedPlans,
    from_s: NDArray[np.float64],
    bin_s: float,
) -> Shares:
    spreads = len(SPREADS_S)
    shares = shares_of(
        off_tables(off[:, :OFF_STEPS]),
        Crossings(waiting.state * spreads + spread_class(waiting.enter_sd_s), waiting.enter_s, 1.0),
        Crossings(waiting.state * spreads + spread_class(waiting.leave_sd_s), waiting.leave_s, 1.0),
        from_s,
        bin_s,
    )
    # In the air for about as long as it is to the middle of the passage.
    flown_s = np.maximum((waiting.enter_s + waiting.leave_s) / 2, 0.0)
    alive = np.exp(-learned.quits_per_h * flown_s / _HOUR_S).astype(np.float32)[:, None]
    return Shares(shares.share * alive, shares.touch * alive)


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


def _leaving(
    situation: Situation, learned: LearnedPlans, usual: UsualTakeOffs | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Flights that wait (n,), the state of each, and when states take off (k, steps + 1)."""
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
    return rows, state, off
