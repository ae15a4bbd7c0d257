"""What the real tracker makes of simulated flights, held against the schedule that they fly."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.simulator import Behaviour, Network
from sectorwatch.traffic import Rules, Tracker
from simulator.flown import START_S, snapshot_of, timetable

if TYPE_CHECKING:
    from sectorwatch.simulator import Schedule
    from sectorwatch.traffic.tick import Flight

STEP_S = 15
HOURS = 2


@lru_cache(maxsize=1)
def schedule() -> Schedule:
    """Flights that take off and land within the hours looked at."""
    part = timetable().taking_off(START_S, START_S + HOURS * 3_600)
    return part.rows(part.on_s < START_S + HOURS * 3_600 - 600)


@lru_cache(maxsize=1)
def tracked() -> dict[int, Flight]:
    """The tracker's flights by number of member, of people who do nothing odd."""
    network = Network(schedule(), behaviour=Behaviour.none(), start_s=START_S - 1_800)
    tracker = Tracker(load_airspace(["made:australia"]), Airports.load(), Rules())
    found: dict[int, Flight] = {}
    for time_s in range(START_S - 1_800, START_S + HOURS * 3_600, STEP_S):
        tick = tracker.advance(snapshot_of(network.feed(time_s)))
        assert tick is not None
        found.update({flight.flight_id: flight for flight in tick.flights})
    return found


def test_each_flight_of_the_schedule_is_one_flight_of_the_tracker() -> None:
    """Between the airports filed, and no other."""
    by_route: dict[tuple[str | None, str | None], int] = {}
    for flight in tracked().values():
        key = flight.departed_from, flight.arrived_at
        by_route[key] = by_route.get(key, 0) + 1
    codes = schedule().airports.icao
    wanted: dict[tuple[str | None, str | None], int] = {}
    for origin, destination in zip(
        schedule().origin.tolist(), schedule().destination.tolist(), strict=True
    ):
        key = codes[origin], codes[destination]
        wanted[key] = wanted.get(key, 0) + 1
    assert by_route == wanted


def test_they_take_off_and_land_when_the_schedule_says() -> None:
    """To two samples: a take-off is known once it is 200 ft up, a landing once it is below 40 kt."""
    departed = np.sort([flight.departed_s or 0 for flight in tracked().values()])
    arrived = np.sort([flight.arrived_s or 0 for flight in tracked().values()])
    late_s = departed - np.sort(schedule().off_s)
    # A helicopter has no run: it counts as up between the last feed on the ground and the first above.
    assert late_s.min() >= -STEP_S
    assert late_s.max() <= 2 * STEP_S
    late_s = arrived - np.sort(schedule().on_s)
    # A helicopter has landed once it is under 100 ft, which is a little before it stands.
    assert late_s.min() >= -STEP_S
    assert late_s.max() <= 60


def test_nobody_moves_faster_than_his_groundspeed_says() -> None:
    """From one feed to the next, along the ground, to within ten knots and the rounding."""
    network = Network(schedule(), behaviour=Behaviour.none(), start_s=START_S)
    before = network.states(START_S + 3_600)
    for time_s in range(START_S + 3_615, START_S + 5_400, STEP_S):
        now = network.states(time_s)
        _, old, new = np.intersect1d(before.member, now.member, return_indices=True)
        gone_nm = distance_nm(
            before.latitude[old], before.longitude[old], now.latitude[new], now.longitude[new]
        )
        speed_kt = gone_nm / STEP_S * 3_600
        most = np.maximum(before.groundspeed_kt[old], now.groundspeed_kt[new])
        assert (speed_kt <= most + 12).all()
        before = now


def test_altitudes_are_between_the_fields_and_the_ceiling() -> None:
    """Nobody flies under the ground, and nobody jumps: at most 8,000 ft a minute."""
    network = Network(schedule(), behaviour=Behaviour.none(), start_s=START_S)
    before = network.states(START_S)
    for time_s in range(START_S + STEP_S, START_S + HOURS * 3_600, STEP_S * 3):
        now = network.states(time_s)
        assert now.altitude_ft.max(initial=0) <= 45_500
        assert now.altitude_ft.min(initial=0) >= -50
        _, old, new = np.intersect1d(before.member, now.member, return_indices=True)
        if time_s > START_S + STEP_S:
            climbed = np.abs(now.altitude_ft[new] - before.altitude_ft[old])
            assert climbed.max(initial=0) <= 8_000 * STEP_S * 3 / 60
        before = now


def test_who_has_changed_level_descends_from_there() -> None:
    """An amended level is left along the descent, not all at once where that begins."""
    behaviour = replace(Behaviour.none(), amended_share=1.0)
    network = Network(schedule(), behaviour=behaviour, start_s=START_S)
    before = network.states(START_S)
    for time_s in range(START_S + 5, START_S + HOURS * 3_600, 5):
        now = network.states(time_s)
        _, old, new = np.intersect1d(before.member, now.member, return_indices=True)
        assert (before.altitude_ft[old] - now.altitude_ft[new]).max(initial=0) <= 8_000 * 5 / 60
        before = now
