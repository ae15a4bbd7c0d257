from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from sectorwatch.errors import ScheduleError
from sectorwatch.simulator import MadeTimetable, made_schedule
from sectorwatch.simulator.gravity import DAY_S
from sectorwatch.simulator.regions import REGIONS

MONDAY_S = 1_795_392_000  # 2026-11-23T00:00:00Z


@lru_cache(maxsize=4)
def timetable(region: str = "australia", seed: int = 1) -> MadeTimetable:
    """A timetable, made once."""
    return MadeTimetable(region, seed=seed)


def test_the_same_seed_makes_the_same_flights_however_they_are_asked_for() -> None:
    """A week at once or an hour at a time, in any order: a day depends on its date alone."""
    week = timetable().taking_off(MONDAY_S, MONDAY_S + 7 * DAY_S)
    other = MadeTimetable("australia", seed=1)
    for start_s in (MONDAY_S + 5 * DAY_S + 3_600, MONDAY_S + 7_200, MONDAY_S + 3 * DAY_S):
        hour = other.taking_off(start_s, start_s + 3_600)
        same = week.taking_off(start_s, start_s + 3_600)
        assert len(hour) > 5
        for name in ("flight_id", "origin", "destination", "filed_off_s", "off_s", "on_s"):
            assert getattr(hour, name).tolist() == getattr(same, name).tolist()
    another = timetable(seed=2).taking_off(MONDAY_S, MONDAY_S + DAY_S)
    assert another.off_s.tolist() != week.taking_off(MONDAY_S, MONDAY_S + DAY_S).off_s.tolist()


@pytest.mark.parametrize("seed", [2**63, 2**64 + 1, 10**30])
def test_a_seed_may_be_any_number(seed: int) -> None:
    """However large, and another one gives other flights."""
    made, other = (
        MadeTimetable("australia", seed=each).taking_off(MONDAY_S, MONDAY_S + DAY_S)
        for each in (seed, seed + 1)
    )
    assert made.off_s.tolist() != other.off_s.tolist()


def test_a_schedule_of_some_days_has_the_flights_of_those_days() -> None:
    """In the order of take-off, each with an id of its own."""
    schedule = made_schedule("australia", start_s=MONDAY_S, days=2)
    assert schedule.off_s.min() >= MONDAY_S
    assert schedule.off_s.max() < MONDAY_S + 2 * DAY_S
    assert (np.diff(schedule.off_s) >= 0).all()
    assert len(set(schedule.flight_id.tolist())) == len(schedule)
    assert (schedule.origin != schedule.destination).all()


@pytest.mark.parametrize("region", REGIONS)
def test_no_more_are_in_the_air_than_was_asked_for(region: str) -> None:
    """At any minute of a week; and not far fewer at its busiest."""
    made = timetable(region)
    week = made.taking_off(MONDAY_S - DAY_S, MONDAY_S + 7 * DAY_S)
    minutes = np.arange(MONDAY_S, MONDAY_S + 7 * DAY_S, 60)
    airborne = np.searchsorted(week.off_s, minutes, side="right") - np.searchsorted(
        np.sort(week.on_s), minutes, side="right"
    )
    assert 0.6 * made.peak_airborne <= airborne.max() <= 1.03 * made.peak_airborne
    if region == "australia":
        assert airborne.max() <= 150


def test_speeds_are_such_as_aircraft_fly() -> None:
    """On the mean from take-off to landing."""
    world = timetable("world").taking_off(MONDAY_S, MONDAY_S + DAY_S)
    speed_kt = world.distance_nm / ((world.on_s - world.off_s) / 3_600)
    assert speed_kt.min() > 60
    assert speed_kt.max() < 700
    long = world.distance_nm > 1_000
    assert 400 < np.median(speed_kt[long]) < 480


def test_most_take_off_in_the_evening_where_they_are_and_at_the_weekend() -> None:
    """The rhythm is of the local clock, the week's that of people who are free on Saturday."""
    weeks = timetable().taking_off(MONDAY_S, MONDAY_S + 28 * DAY_S)
    local_h = (weeks.off_s / 3_600 + weeks.airports.longitude[weeks.origin] / 15) % 24
    by_hour = np.bincount(local_h.astype(int), minlength=24)
    assert by_hour[17:21].min() > 5 * by_hour[2:5].max()
    day = ((weeks.off_s + 10 * 3_600) // DAY_S + 3) % 7
    by_day = np.bincount(day, minlength=7)
    assert by_day[5] > 1.2 * by_day[0]


def test_some_evenings_everybody_flies_to_one_airport() -> None:
    """Its arrivals then are several times what they are on the same evening of other weeks."""
    weeks = timetable().taking_off(MONDAY_S, MONDAY_S + 56 * DAY_S)
    day = (weeks.on_s - MONDAY_S + 10 * 3_600) // DAY_S
    counts = np.zeros((len(weeks.airports), 60), dtype=np.int64)
    np.add.at(counts, (weeks.destination, np.clip(day, 0, 59)), 1)
    busiest = counts[:, 1:56].max(axis=1)
    usual = np.median(counts[:, 1:56], axis=1)
    large = usual >= 10
    assert ((busiest - usual)[large] > 25).any()


def test_what_cannot_be_made_is_said() -> None:
    """With the value, and what can be."""
    with pytest.raises(
        ScheduleError, match=r"no schedule is made for 'mars'.*australia, us, world"
    ):
        MadeTimetable("mars")
    with pytest.raises(ScheduleError, match="100000 in the air at most"):
        MadeTimetable("us", peak_airborne=100_000)
