"""Mixes that are changed in real traffic, and told or not.

As `anomalies.py`, over the traffic of us2001 itself: who is in each sector, from where to where, at
what level, looked at every 10 min. The detector learns for eleven days and is tried for four:
on the traffic as it was, where all it tells counts as a false alarm, and with destinations changed.
Once a day in each sector, for an hour, some of its flights are bound for an airport that is not
among its usual ones; as many flights as before are in it. Nothing is learned of that: it is there
a hundred times as often as such things are.

What is detectable at all is reckoned by the exact beta-binomial tail of that one destination: the
fewest flights that come by chance, in any of the destinations seen, no more than once a
sector-month of hours; four at least.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from _schedule_demand import STEP_S, ScheduleDemand, schedule_demand

from sectorwatch.feed.records import FlightPlan, Reference
from sectorwatch.forecast.anomalies.mix import LEAST_ALIKE, LEAST_FLIGHTS, MixWatch
from sectorwatch.forecast.anomalies.present import Present
from sectorwatch.forecast.anomalies.tails import share_at_least
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.traffic.tick import Flight, Live

Array = np.ndarray[Any, Any]
DAY = 86_400 // STEP_S
LEARNED_FROM, TRIED_FROM, TRIED_TO = 84 * DAY, 95 * DAY, 99 * DAY
EVERY = 2
HOUR = 12
WORTH = 0.9
_WEIGHT = 25.0


@dataclass(frozen=True)
class Change:
    """An hour of a sector in which `alike` of `flights` go elsewhere; `limit` is detectable."""

    sector: int
    begin: int
    alike: int
    flights: int
    limit: int


class Traffic:
    """Who is where, step by step, as the detector is given it."""

    def __init__(self, demand: ScheduleDemand) -> None:
        visits = demand.visits
        self.visits = visits[:, (visits[2] > LEARNED_FROM) & (visits[1] < TRIED_TO)]
        self.visits = self.visits[:, np.argsort(self.visits[1], kind="stable")]
        self.longest = int((self.visits[2] - self.visits[1]).max())
        self.airports = demand.airports
        self.start_s = demand.start_s
        self.plans: dict[tuple[int, int], FlightPlan] = {}

    def at(self, step: int, elsewhere: dict[int, int]) -> Present:
        """The present; `elsewhere` has destinations by the visit's place."""
        first, last = np.searchsorted(self.visits[1], [step - self.longest, step + 1])
        here = np.arange(first, last)[self.visits[2, first:last] > step]
        sector, _, _, from_, to, flight = self.visits[:, here]
        now_s = self.start_s + step * STEP_S
        count = here.size
        flights = [
            self._flight(int(number), int(one), elsewhere.get(place, int(other)))
            for place, number, one, other in zip(
                here.tolist(), flight.tolist(), from_.tolist(), to.tolist(), strict=True
            )
        ]
        none = np.zeros(count, np.int32)
        live = Live(
            flights=flights,
            plan_since_s=np.zeros(count, np.int64),
            filed=(),
            time_s=np.full(count, now_s),
            latitude=np.zeros(count),
            longitude=np.zeros(count),
            altitude_ft=np.full(count, 33_000, np.int32),
            groundspeed_kt=none,
            heading_deg=none,
            transponder=none,
            qnh_mb=none,
            airborne=np.ones(count, np.bool_),
            sector=sector.astype(np.int32)[None],
            occupancy=none,
            contact=np.full(count, -1),
            heard_s=None,
            owners=(),
            sessions=(),
            controllers=(),
            atis=(),
            prefiles=(),
            reference=Reference(),
        )
        return Present(now_s, live, flight.astype(np.int64), is_stalled=False)

    def _flight(self, number: int, from_: int, to: int) -> Flight:
        plan = self.plans.get((from_, to))
        if plan is None:
            plan = FlightPlan(
                flight_rules="I",
                departure=self.airports[from_],
                arrival=self.airports[to],
                cruise_tas_kt=450,
            )
            self.plans[from_, to] = plan
        return Flight(number, number, "X", 0, 0, "", 0, plan)


def run() -> dict[str, Any]:
    """Learn, try as it was, try with changes."""
    demand = schedule_demand()
    traffic, sectors = Traffic(demand), len(demand.airspace.sectors)
    local = LocalTime("America/Chicago")
    quiet = MixWatch(sectors)
    watch(quiet, traffic, local, LEARNED_FROM, TRIED_FROM, {})
    learned = {name: each.copy() for name, each in quiet.to_arrays().items()}
    began, took_ms = watch(quiet, traffic, local, TRIED_FROM, TRIED_TO, {})
    false = len(began) / (sectors * (TRIED_TO - TRIED_FROM) / DAY / 30)
    changes, elsewhere = put_in(traffic, learned, sectors)
    odd = MixWatch(sectors, learned)
    told, _ = watch(odd, traffic, local, TRIED_FROM, TRIED_TO, elsewhere)
    by_sector: dict[int, list[int]] = {}
    for sector, step in told:
        by_sector.setdefault(sector, []).append(step)

    def hit(change: Change) -> bool:
        steps = by_sector.get(change.sector, [])
        return any(change.begin <= step <= change.begin + HOUR + 6 for step in steps)

    figures: dict[str, str] = {"false alarms a sector-month": f"{false:.2f}"}
    above = [each for each in changes if each.alike >= each.limit]
    for low, high in ((0, 1), (1, 1.25), (1.25, 1.5), (1.5, 2), (2, 99)):
        part = [hit(each) for each in changes if low <= each.alike / each.limit < high]
        figures[f"{low} to {high} times the limit"] = (
            f"{sum(part) / max(len(part), 1):.3f} of {len(part):,}"
        )
    for least, most in ((LEAST_FLIGHTS, 10), (10, 20), (20, 40), (40, 10**6)):
        limits = [each.limit / each.flights for each in changes if least <= each.flights < most]
        if limits:
            figures[f"limit with {least} to {most} flights an hour"] = (
                f"{100 * np.median(limits):.0f} % of them (median)"
            )
    figures["a look at 351 sectors"] = f"{took_ms:.1f} ms"
    recall = sum(map(hit, above)) / max(len(above), 1)
    return {
        "target": "anomalies (mix)",
        "what": "destinations changed in the traffic of us2001, 351 sectors, 4 days: recall where "
        "that is detectable at all",
        "against": "the exact test of that destination, at one false alarm a sector-month",
        "reach": "recall ≥ 0.9 at ≤ 1 false alarm a sector-month",
        "figures": figures | {"changes above the limit": f"{len(above):,}"},
        "ratio": round(recall, 3),
        "met": recall >= WORTH and false <= 1.0,
    }


def watch(
    mix: MixWatch,
    traffic: Traffic,
    local: LocalTime,
    begin: int,
    end: int,
    elsewhere: dict[int, int],
) -> tuple[list[tuple[int, int]], float]:
    """What began: (sector, step); and what a look took."""
    told: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    spent_s, looks = 0.0, 0
    for step in range(begin, end, EVERY):
        now = traffic.at(step, elsewhere)
        began_s = time.process_time()
        look = mix.look(now, int(local.hour_of_week(now.now_s)), learns=not elsewhere)
        spent_s, looks = spent_s + time.process_time() - began_s, looks + 1
        for each in () if look is None else look.found:
            is_open = each.sector in seen and step - seen[each.sector] <= 2 * EVERY
            if each.begins and not is_open:
                told.append((each.sector, step))
            if each.begins or (is_open and each.goes_on):
                seen[each.sector] = step
    return told, 1e3 * spent_s / max(looks, 1)


def put_in(
    traffic: Traffic, learned: dict[str, Any], sectors: int, seed: int = 1
) -> tuple[list[Change], dict[int, int]]:
    """An hour a day in each sector with some flights bound elsewhere."""
    chance = np.random.default_rng(seed)
    changes, elsewhere = [], {}
    order = np.argsort(traffic.visits[0], kind="stable")
    edges = np.searchsorted(traffic.visits[0][order], np.arange(sectors + 1))
    for sector in range(sectors):
        places = order[edges[sector] : edges[sector + 1]]
        of_sector = traffic.visits[:, places]
        if learned["mix_flights"][sector, 0] < 200:
            continue
        usual = np.bincount(of_sector[4], minlength=len(traffic.airports))
        rare = np.flatnonzero(usual <= 0.002 * usual.sum())
        if not rare.size:
            continue
        for day in range(TRIED_FROM, TRIED_TO - DAY + 1, DAY):
            begin = day + int(chance.integers(HOUR, DAY - 2 * HOUR))
            inside = (of_sector[1] < begin + HOUR) & (of_sector[2] > begin)
            within = np.flatnonzero(inside)
            if within.size < LEAST_FLIGHTS:
                continue
            to = int(chance.choice(rare))
            limit = detectable(of_sector[4, within], usual, to)
            alike = round(limit * chance.uniform(0.6, 2.5))
            if not 0 < alike <= within.size:
                continue
            for each in chance.choice(within, alike, replace=False):
                elsewhere[int(places[each])] = to
            changes.append(Change(sector, begin, alike, within.size, limit))
    return changes, elsewhere


def detectable(to: Array, usual: Array, wanted: int) -> int:
    """The fewest flights for `wanted` that are seen by chance once in a sector-month of hours."""
    total = to.size
    count = np.arange(1, total + 1)
    share = max(usual[wanted] / usual.sum(), 1e-4)
    p = share_at_least(
        count,
        np.full(count.size, total),
        np.full(count.size, share),
        np.full(count.size, _WEIGHT),
    )
    seen = np.unique(to).size
    enough = np.flatnonzero((p * seen <= 1 / 720) & (count >= LEAST_ALIKE))
    # More than there are: not to be detected.
    return int(count[enough[0]]) if enough.size else total + 1


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1, ensure_ascii=False))
