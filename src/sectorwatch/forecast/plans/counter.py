"""The plan-based count itself: who will be where, of all that are known now.

Flights in the air go on from where they are, the others begin their way when they take off, which
they do with the probability of their state; both are then looked up in tables of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.edges import expand
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.plans.ahead import Ahead, passages_ahead
from sectorwatch.forecast.plans.carried import Carried, Passages, leaving_of
from sectorwatch.forecast.plans.count import Part, summed
from sectorwatch.forecast.plans.hazards import OFF_STEPS
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
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.count import PlanCount
    from sectorwatch.forecast.plans.learned import LearnedPlans
    from sectorwatch.forecast.plans.navigation import Navigation
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.contract import KnownPlaces, Space

__all__ = ["PlanCounter"]

_HOUR_S = 3_600.0


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
        """`count_of` what is `carried`."""
        return self.count_of(self.carried(situation, learned, usual=usual), leads_s, bin_s)

    def carried(
        self, situation: Situation, learned: LearnedPlans, *, usual: UsualTakeOffs | None = None
    ) -> Carried:
        """The flights of a situation carried forward, for all who ask about them.

        `usual` knows when flights took off on the days before, where that is known.
        """
        leaving = leaving_of(situation, learned, usual)
        airborne = situation.stage == Stage.AIRBORNE
        airborne &= np.isfinite(situation.latitude) & np.isfinite(situation.longitude)
        return Carried(
            situation=situation,
            learned=learned,
            air=self.ahead(situation, np.flatnonzero(airborne), learned),
            ground=self.since_off(situation, leaving.row, learned),
            leaving=leaving,
        )

    def count_of(
        self, carried: Carried, leads_s: NDArray[np.int64] = LEADS, bin_s: float = BIN_S
    ) -> PlanCount:
        """The expected mean occupancy of bins of `bin_s`; as good as an instant at a second."""
        situation, learned = carried.situation, carried.learned
        leads_s = np.asarray(leads_s, dtype=np.int64)
        from_s = leads_s.astype(np.float64)
        air, waiting = carried.in_air(), carried.waiting()
        parts = [
            (air, self._air_shares(air, learned, from_s, bin_s)),
            (waiting, _waiting_shares(waiting, carried.leaving.off, learned, from_s, bin_s)),
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
            carried.leaving.take_offs,
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

    def _air_shares(
        self,
        air: Passages,
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
    waiting: Passages,
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
