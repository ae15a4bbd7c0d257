"""From what is known at a moment to the forecast of every sector: all parts put together.

No thread, no clock and no database: a running program gives it ticks, a back-test the situations of
the past, and both get the same numbers for the same knowledge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import BASES, Issued
from sectorwatch.forecast.now import situation_now
from sectorwatch.forecast.plan_basis import spread_of
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.past import Past
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.tick import Tick

__all__ = ["Forecaster"]


class Forecaster:
    """Issues forecasts for the sectors of `airspace`, in their order; belongs to one thread.

    `latest` and `situation` (what the newest was made of) may be read from any. `past` is what
    recent truth is known, None where that is nothing; it may be given later. `capacity` is asked at
    each issue; without one, what is configured counts.
    """

    def __init__(
        self,
        airspace: Airspace,
        airports: Airports,
        *,
        local: LocalTime,
        past: Past | None = None,
        learned: LearnedPlans | None = None,
        capacity: CapacityBook | None = None,
    ) -> None:
        self.airspace = airspace
        self.airports = airports
        self.local = local
        self.past = past
        self.latest: Issued | None = None
        self.situation: Situation | None = None
        self.learned = learned or LearnedPlans.priors()
        self.counter = PlanCounter(airspace, airports)
        self.sector_id = np.array([each.sector_id for each in airspace.sectors], dtype=np.int64)
        self._capacity = capacity or CapacityBook(airspace.sectors)

    def issue(self, tick: Tick, as_of_s: int | None = None) -> Issued:
        """The forecast by what a tick told, kept as `latest`.

        It is as of when the tick was received, or of another, later moment by which nothing else
        was.
        """
        received_at_us = None if as_of_s is None else as_of_s * 1_000_000
        situation = situation_now(tick, self.airspace, self.airports, received_at_us=received_at_us)
        return self.issue_of(situation, tick.final_minute_s, seq=tick.seq)

    def issue_of(self, situation: Situation, until_s: int | None, *, seq: int = 0) -> Issued:
        """The forecast by what is known in `situation`, kept as `latest`.

        Of the past, minutes after `until_s`, the last that is final then, do not count.
        """
        shape = self.sector_id.size, LEADS.size
        plan = self.counter.count(situation, self.learned)
        mean = np.asarray(plan.mean, dtype=np.float32)
        p_zero = np.asarray(plan.p_zero, dtype=np.float32)
        quantiles = spread_of(mean, plan.variance, p_zero)
        capacity = self._capacity.now
        issued = Issued(
            as_of_s=situation.as_of_s,
            seq=seq,
            model="",
            sector_id=self.sector_id,
            leads_s=LEADS,
            basis=np.full(shape[0], BASES.index("insufficient_history"), dtype=np.int8),
            current=np.asarray(situation.occupancy, dtype=np.int32),
            capacity=capacity.value,
            mean=mean,
            quantiles=quantiles,
            p_zero=p_zero,
            p_over_capacity=capacity.p_over(quantiles, p_zero),
            plan_mean=mean,
            naive=self._naive(situation.as_of_s, until_s),
        )
        self.situation = situation
        self.latest = issued
        return issued

    def about(self) -> dict[str, Any]:
        """What forecasts rest on now, for whoever asks how they are."""
        return {
            "basis": "insufficient_history",
            "model": None,
            "sectors": int(self.sector_id.size),
            "time_zone": self.local.name,
        }

    def _naive(self, as_of_s: int, until_s: int | None) -> NDArray[np.float32]:
        """What was in the same bins a week before, by local time; NaN where nobody knows."""
        if self.past is None:
            return np.full((self.sector_id.size, LEADS.size), np.nan, dtype=np.float32)
        before_s = self.local.weeks_before(as_of_s + LEADS, 1)
        return np.asarray(self.past.bin_mean(before_s, until_s=until_s), dtype=np.float32)
