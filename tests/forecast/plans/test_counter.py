"""Flights carried forward through a row of boxes, where it can be said by hand where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.plans.made_situation import (
    AIRPORTS,
    BOXES,
    NOW_S,
    boxes,
    in_the_air,
    situation,
)
from sectorwatch.forecast.airports.fields import known_movements
from sectorwatch.forecast.departed import Departures, pair_keys
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.plans import (
    LearnedPlans,
    Navigation,
    PlanCount,
    PlanCounter,
    entries_of,
)
from sectorwatch.forecast.plans.field_times import field_times
from sectorwatch.forecast.plans.routes import Point
from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
from sectorwatch.forecast.situation import UNKNOWN, Situation, Stage

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace

SURE = replace(
    LearnedPlans.priors(),
    bias_s=np.zeros((4, 4, 12), dtype=np.float32),
    sd_s=np.ones((4, 4, 12), dtype=np.float32),
    quits_per_h=0.0,
)
"""As if flights in the air were never late and never quit."""
PRIORS = LearnedPlans.priors()


@pytest.fixture(scope="module")
def airspace() -> Airspace:
    """The boxes."""
    return boxes()


def counted(
    airspace: Airspace, flights: Situation, learned: LearnedPlans = PRIORS, bin_s: float = 900
) -> PlanCount:
    """A count by somebody who has seen nothing before."""
    return PlanCounter(airspace, AIRPORTS).count(flights, learned, bin_s=bin_s)


def test_a_flight_at_its_level_is_in_each_box_for_as_long_as_it_takes_to_cross(
    airspace: Airspace,
) -> None:
    """60 NM at 420 kt: from the middle of B1 it leaves after 257 s, and B2 after 771 s."""
    count = counted(airspace, situation(airspace, [in_the_air(1.5)]), SURE)
    inside_s = count.airborne[:BOXES, 0] * 900
    assert inside_s == pytest.approx([0, 257, 515, 128, 0, 0], abs=8)
    assert count.mean.sum(axis=0)[0] == pytest.approx(2.0, abs=0.02)  # a box, and HIGH


def test_of_other_places_nothing_is_remembered_however_many_they_are(airspace: Airspace) -> None:
    """A list of as many airports in another order, and back: ways are by index into them."""
    here = situation(airspace, [{"stage": Stage.GROUND}])
    places = here.places
    back = np.arange(len(places.icao))[::-1]
    turned = replace(
        here,
        places=replace(
            places,
            icao=tuple(places.icao[::-1]),
            **{
                name: getattr(places, name)[back]
                for name in ("latitude", "longitude", "elevation_ft")
            },
        ),
    )
    made = PlanCounter(airspace, AIRPORTS)
    made.count(here, SURE)
    for each in (turned, here, turned):
        np.testing.assert_array_equal(
            made.count(each, SURE).mean, counted(airspace, each, SURE).mean
        )


def test_nobody_is_in_two_sectors_of_a_partition_at_once(airspace: Airspace) -> None:
    """Over the boxes together a flight in the air counts for one at most, in the end for none."""
    rows = [in_the_air(longitude) for longitude in (0.7, 2.5, 3.9)]
    total = counted(airspace, situation(airspace, rows)).airborne[:BOXES].sum(axis=0)
    assert (total <= 3.0 + 1e-4).all()
    assert total[0] == pytest.approx(3.0, abs=0.1)
    assert total[-1] < 0.05


def test_a_flight_that_flies_slower_than_filed_gets_there_later(airspace: Airspace) -> None:
    """Half as fast, it is in its box for twice as long: the pace is its own."""
    slow = in_the_air(1.5, groundspeed_kt=300)
    count = counted(airspace, situation(airspace, [slow]), SURE)
    assert count.airborne[1, 0] * 900 == pytest.approx(360, abs=8)


def test_the_sector_that_a_flight_is_seen_in_counts_whatever_its_way_says(
    airspace: Airspace,
) -> None:
    """A flight 40 NM off its way is in the box where it is, not where the way would have it."""
    astray = in_the_air(2.5, latitude=0.66)
    count = counted(airspace, situation(airspace, [astray]), SURE, bin_s=60)
    assert count.airborne[2, 0] == pytest.approx(1.0, abs=0.01)


def test_a_flight_on_the_ground_takes_off_when_its_state_does(airspace: Airspace) -> None:
    """Of flights on the ground the share in the air never exceeds who has taken off by then."""
    flights = situation(airspace, [{"first_seen_s": NOW_S - 1_500}])
    count = counted(airspace, flights)
    total = count.ground[:BOXES].sum(axis=0)
    assert total[0] < 0.35
    assert 0.5 < total[3] < 0.95
    assert total[-1] < 0.15
    assert count.airborne.sum() == 0


def test_who_taxies_leaves_before_who_stands(airspace: Airspace) -> None:
    """Moving is a sign of going, in what the real feeds taught."""
    stands = counted(airspace, situation(airspace, [{}])).ground[:BOXES, 0].sum()
    taxies = (
        counted(airspace, situation(airspace, [{"groundspeed_kt": 12}])).ground[:BOXES, 0].sum()
    )
    assert taxies > 2 * stands


def test_a_ghost_is_counted_once(airspace: Airspace) -> None:
    """A prefile of a member who is online under that callsign adds nothing."""
    prefile = {
        "stage": Stage.PREFILED, "cid": 7, "callsign": "GHOST", "latitude": np.nan,
        "longitude": np.nan, "first_seen_s": NOW_S - 600,
    }  # fmt: skip
    online = {"cid": 7, "callsign": "GHOST"}
    alone = counted(airspace, situation(airspace, [prefile]))
    both = counted(airspace, situation(airspace, [prefile, online]))
    assert alone.prefiled.sum() > 0.05
    assert both.prefiled.sum() == 0
    other = counted(airspace, situation(airspace, [prefile, {**online, "callsign": "OTHER"}]))
    assert other.prefiled.sum() == pytest.approx(alone.prefiled.sum())


def test_a_member_online_elsewhere_is_less_likely_to_come(airspace: Airspace) -> None:
    """The two have rates of their own."""
    prefile = {"stage": Stage.PREFILED, "latitude": np.nan, "longitude": np.nan}
    here = counted(airspace, situation(airspace, [prefile])).prefiled.sum()
    there = counted(airspace, situation(airspace, [{**prefile, "online_elsewhere": True}]))
    assert there.prefiled.sum() < 0.6 * here


def test_the_answer_depends_on_the_question_alone(airspace: Airspace) -> None:
    """A counter that has seen other flights before says the same to the last bit."""
    rows = [in_the_air(1.5), {}, in_the_air(3.1, latitude=0.6)]
    used = PlanCounter(airspace, AIRPORTS)
    used.count(situation(airspace, [in_the_air(2.0, tas_kt=300), {"route": "00N002E"}]), PRIORS)
    again = used.count(situation(airspace, rows), PRIORS)
    fresh = counted(airspace, situation(airspace, rows))
    assert np.array_equal(again.mean, fresh.mean)
    assert np.array_equal(again.variance, fresh.variance)


def test_mean_variance_and_emptiness_fit_each_other(airspace: Airspace) -> None:
    """The distribution has the mean; the bin's mean varies no more than a moment of it does."""
    rows = [in_the_air(0.6 + 0.2 * number) for number in range(20)] + [{}] * 10
    count = counted(airspace, situation(airspace, rows))
    for sector, lead in ((2, 0), (3, 1), (BOXES, 2)):
        pmf = count.distribution(sector, lead)
        assert (pmf * np.arange(pmf.size)).sum() == pytest.approx(
            count.mean[sector, lead], abs=1e-4
        )
        p = count.chances(sector, lead).astype(np.float64)
        assert 0 <= count.variance[sector, lead] <= (p * (1 - p)).sum() + 1e-6
        assert count.p_zero[sector, lead] <= pmf[0] + 1e-6


def test_a_name_in_the_route_is_flown_over_where_navigation_data_know_it(
    airspace: Airspace,
) -> None:
    """By way of a fix far north of the boxes a flight is in B2 and B3 no longer."""
    navigation = Navigation({"NORTH": [Point(2.5, 3.0)]})
    flights = situation(airspace, [{"route": "DCT NORTH DCT", "first_seen_s": NOW_S - 1_500}])
    there = PlanCounter(airspace, AIRPORTS, navigation).count(flights, PRIORS).mean
    without = counted(airspace, flights).mean
    assert there[2:4].sum() < 0.2 * without[2:4].sum()


def test_any_leads_and_an_instant_can_be_asked_for(airspace: Airspace) -> None:
    """A bin of a second is an instant: after 300 s the flight is in B2, surely."""
    counter = PlanCounter(airspace, AIRPORTS)
    flights = situation(airspace, [in_the_air(1.5)])
    count = counter.count(flights, SURE, np.array([300, 2_745]), bin_s=1.0)
    assert count.mean.shape == (BOXES + 1, 2)
    assert count.airborne[2, 0] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    "row",
    [
        {"origin": UNKNOWN, "destination": UNKNOWN},
        {"destination": 0},
        {"filed_off_s": UNKNOWN, "tas_kt": UNKNOWN, "cruise_ft": UNKNOWN, "enroute_min": UNKNOWN},
        {"tas_kt": 2_000, "cruise_ft": 99_000},
        {"route": "00N002E " * 500},
        in_the_air(2.0, origin=UNKNOWN, destination=UNKNOWN),
        in_the_air(2.0, destination=0),
        in_the_air(2.0, groundspeed_kt=0),
        in_the_air(5.49, altitude_ft=300, groundspeed_kt=60),
        in_the_air(-179.9, latitude=89.9),
        in_the_air(0.0, latitude=np.nan),
        {"stage": Stage.PREFILED, "latitude": np.nan, "longitude": np.nan, "origin": UNKNOWN},
    ],
)
def test_whatever_is_filed_or_flown_the_count_is_sound(airspace: Airspace, row: dict) -> None:  # type: ignore[type-arg]
    """Nothing is negative, nothing is no number, nobody counts twice."""
    count = counted(airspace, situation(airspace, [row]))
    assert np.isfinite(count.mean).all()
    assert (count.mean >= 0).all()
    assert (count.mean[:BOXES].sum(axis=0) <= 1 + 1e-4).all()
    assert (count.variance >= 0).all()
    assert ((count.p_zero >= 0) & (count.p_zero <= 1)).all()


def test_of_nobody_the_count_is_nought(airspace: Airspace) -> None:
    """No flights at all are a situation too."""
    count = counted(airspace, situation(airspace, []))
    assert count.mean.shape == (BOXES + 1, LEADS.size)
    assert count.mean.sum() == 0
    assert (count.p_zero == 1).all()
    assert count.distribution(0, 0).tolist() == [1.0]


def test_sectors_entries_and_airports_have_a_flight_go_when_others_usually_do(
    airspace: Airspace,
) -> None:
    """Others went in 90 min on each of the days before: all three have it go then, not at once."""
    departures = Departures()
    key = pair_keys(np.array([b"WEST"]), np.array([b"EAST"]))
    departures.add(NOW_S + 5_400 - 86_400 * np.arange(29, 0, -1), np.repeat(key, 29))
    flights = situation(airspace, [{}])
    counter = PlanCounter(airspace, AIRPORTS)
    usual = UsualTakeOffs(departures, LocalTime("UTC"))
    believing = replace(
        PRIORS, usual_weight=1.0, usual_spread_s=240.0, usual_late=0.0, usual_floor=1e-5
    )
    plain = counter.carried(flights, PRIORS)
    carried = counter.carried(flights, believing, usual=usual)
    count = counter.count_of(carried).mean
    assert LEADS[count[0].argmax()] in (5_400, 6_300)
    entries = entries_of(carried)
    first = entries.sector == 0
    assert entries.entry_s[first][0, 1] - NOW_S == pytest.approx(5_400, abs=400)
    assert entries_of(plain).entry_s[first][0, 1] - NOW_S < 3_600
    airport = known_movements(flights, field_times(carried))
    before = known_movements(flights, field_times(plain))
    off = airport.kind == 0
    assert LEADS[airport.chance[off][0].argmax()] in (4_500, 5_400)
    assert before.chance[off][0].argmax() < 4
    # It lands later then as well; whether it goes at all stays what its plan says.
    on, lead_s = airport.kind == 1, LEADS / LEADS.sum()
    assert airport.chance[on][0] @ lead_s > before.chance[on][0] @ lead_s
    assert carried.leaving.off[0, -1] == pytest.approx(plain.leaving.off[0, -1])


def test_entries_are_told_with_when_and_how_likely(airspace: Airspace) -> None:
    """A flight in B1 comes into B2 after 257 s, and not into B1, where it is."""
    there = situation(airspace, [in_the_air(1.5), {}])
    entries = entries_of(PlanCounter(airspace, AIRPORTS).carried(there, PRIORS))
    mine = (entries.row == 0) & (entries.sector == 2)
    assert entries.entry_s[mine][0, 1] - NOW_S == pytest.approx(262, abs=10)
    assert entries.probability[mine][0] > 0.98
    assert not ((entries.row == 0) & (entries.sector == 1)).any()
    waiting = entries.row == 1
    assert waiting.sum() == BOXES + 1
    assert (np.diff(entries.entry_s, axis=1) >= 0).all()
    assert (entries.probability[waiting] < 1).all()
