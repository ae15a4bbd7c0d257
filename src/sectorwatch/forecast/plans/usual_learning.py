"""How much it is worth to know when flights take off on other days: learned by what they did."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.departed import KEPT_S, Departures, pairs_flown
from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S
from sectorwatch.forecast.plans.usual_off import UsualTakeOffs, rates, sharpened
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.plans.count import TakeOffs
    from sectorwatch.forecast.plans.learned import LearnedPlans
    from sectorwatch.forecast.plans.outcomes import Outcomes
    from sectorwatch.forecast.situation import Situation

__all__ = ["UsualLearning"]

_SPREADS_S = (240.0, 600.0)
_LATE = (0.0, 0.4)
_FLOORS = (1e-4, 1e-3)
_WEIGHTS = (0.5, 1.0)
_ENOUGH = 500
_LEAST = 1e-9


class UsualLearning:
    """Counts how likely take-offs were said to be, for each way of believing the days before.

    `from_s` is the first moment that it will be asked about; moments may come in any order.
    """

    def __init__(self, history: History, local: LocalTime, from_s: int) -> None:
        departed_s = history.flights.departed_s
        chosen = departed_s > from_s - KEPT_S
        # All of it is kept, and of each moment what lies a day and more before is looked at alone.
        departures = Departures(kept_s=history.to_s)
        departures.add(departed_s[chosen], pairs_flown(history, chosen, history.to_s))
        self._usual = UsualTakeOffs(departures, local, history)
        self._choices = list(itertools.product(_SPREADS_S, _LATE, _FLOORS, _WEIGHTS))
        self._gained = np.zeros(len(self._choices))
        self._count = 0

    def add(self, situation: Situation, take_offs: TakeOffs, outcomes: Outcomes) -> None:
        """Look at those of `take_offs`, said without the days before, that did take off."""
        flight = outcomes.flights_of(situation)[take_offs.row]
        off_s = outcomes.off_s(flight, situation.as_of_s)
        step = np.maximum((off_s - situation.as_of_s) // STEP_S, 0)
        here = np.flatnonzero((off_s != UNKNOWN) & (step < OFF_STEPS))
        if not here.size:
            return
        said = self._usual.of(situation, take_offs.row[here])
        if not said.counts.any():
            return
        at = np.arange(here.size), step[here]
        off = np.zeros((here.size, OFF_STEPS + 1))
        off[:, :OFF_STEPS] = take_offs.chance[here]
        before = np.log(np.maximum(off[at], _LEAST))
        self._count += here.size
        way: tuple[float, float] | None = None
        rate = said.counts
        for number, (spread_s, late, floor, weight) in enumerate(self._choices):
            if way != (spread_s, late):
                way = spread_s, late
                rate = rates(said.counts, *way)[said.pair]
            chance = sharpened(off, rate, floor, weight)[at]
            self._gained[number] += (np.log(np.maximum(chance, _LEAST)) - before).sum()

    def learned(self, plans: LearnedPlans) -> LearnedPlans:
        """`plans` with the way by which take-offs were the likeliest; as they are without one."""
        best = int(np.argmax(self._gained))
        if self._count < _ENOUGH or self._gained[best] <= 0:
            return replace(plans, usual_weight=0.0)
        spread_s, late, floor, weight = self._choices[best]
        return replace(
            plans,
            usual_weight=weight,
            usual_spread_s=spread_s,
            usual_late=late,
            usual_floor=floor,
        )

    @property
    def gained(self) -> NDArray[np.float64]:
        """Nats a take-off, by choice."""
        return self._gained / max(self._count, 1)
