"""Where flights go and when they enter, on flights whose way can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.airspace import Airports
from sectorwatch.airspace.airports import Airport
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.estimates import EntryEstimate, entries_on, entry_estimates
from sectorwatch.traffic.paths import paths_ahead
from traffic import made
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Record, advance, parked, snapshot

if TYPE_CHECKING:
    from sectorwatch.traffic import Live

WORLD = made.airspace(*SMALL_WORLD)
NAMES = [sector.name for sector in WORLD.sectors]
TO_B = made.plan(altitude="10000")
# Along the parallel of both fields.
DEGREE_NM = float(distance_nm(0.5, 0.0, 0.5, 1.0))


def live(*records: Record) -> Live:
    """The present with these aircraft in it."""
    return advance(Tracker(WORLD, FIELDS), snapshot(DAY_S, *records)).live


def into(name: str, *records: Record) -> list[EntryEstimate]:
    """Who is thought to enter the sector."""
    return entry_estimates(live(*records), WORLD, NAMES.index(name), FIELDS, DAY_S)


def only(name: str, record: Record) -> EntryEstimate:
    """The one flight that enters the sector."""
    (found,) = into(name, record)
    return found


class TestInFlight:
    """In the air: the great circle to the filed destination at the speed it has."""

    def test_the_entry_is_where_its_way_crosses_the_side(self) -> None:
        """Half a degree west of EAST at 400 kt."""
        found = only("EAST", Record(0.5, flight_plan=TO_B))
        expected_s = 0.5 * DEGREE_NM / 400 * 3600
        assert found.entry_s - DAY_S == pytest.approx(expected_s, abs=1.1)
        assert found.basis == "great circle to BBBB at 400 kt"
        assert (found.index, found.flight.callsign) == (0, "QFA1")

    def test_who_is_inside_is_not_inbound(self) -> None:
        """It entered already."""
        assert into("WEST", Record(0.5, flight_plan=TO_B)) == []

    def test_a_position_of_a_while_ago_is_taken_for_what_it_is(self) -> None:
        """The way is counted from the position's own time."""
        fresh = only("EAST", Record(0.5, flight_plan=TO_B))
        old = only("EAST", Record(0.5, flight_plan=TO_B, lag_s=100))
        assert fresh.entry_s - old.entry_s == 100

    def test_soonest_first(self) -> None:
        """The list is in the order in which they enter."""
        records = [
            Record(longitude, callsign=f"A{k}", flight_plan=TO_B)
            for k, longitude in enumerate((0.1, 0.9, 0.5))
        ]
        assert [found.index for found in into("EAST", *records)] == [1, 2, 0]

    def test_a_floor_is_entered_where_the_climb_reaches_it(self) -> None:
        """From 10,000 ft at 2,000 ft a minute to 30,000 ft, by then over UPPER's ground."""
        plan = made.plan(arrival="FARR", altitude="35000")
        far = Airport(0, "FARR", "Far", 0.5, 60.0, 0.0)
        fields = Airports([far])
        here = live(Record(0.9, flight_plan=plan, groundspeed_kt=300))
        (found,) = entry_estimates(here, WORLD, NAMES.index("UPPER"), fields, DAY_S)
        assert found.entry_s - DAY_S == pytest.approx(600, abs=1.1)

    def test_a_descent_to_the_destination_leaves_the_upper_sector(self) -> None:
        """35 NM out at 35,000 ft is above three degrees: the way is down through EAST."""
        high = Record(0.7, altitude_ft=35_000, flight_plan=made.plan(altitude="35000"))
        assert into("UPPER", high) == []
        assert only("EAST", high).entry_s > DAY_S

    def test_without_a_destination_it_goes_straight_on_for_a_quarter_of_an_hour(self) -> None:
        """Eastward at the speed it has; where it has not come by then, nobody knows."""
        near = only("EAST", Record(0.5, groundspeed_kt=200))
        assert near.entry_s - DAY_S == pytest.approx(0.5 * DEGREE_NM / 200 * 3600, rel=0.01)
        assert near.basis == "straight ahead at 200 kt: no known destination is filed"
        assert into("EAST", Record(0.1, groundspeed_kt=120)) == []
        unknown = made.plan(arrival="ZZZZ")
        assert "straight ahead" in only("EAST", Record(0.8, flight_plan=unknown)).basis

    def test_no_further_than_four_hours(self) -> None:
        """A slow one enters later than anybody plans for."""
        far = Record(-10.0, groundspeed_kt=100, flight_plan=TO_B)
        assert into("EAST", far) == []

    def test_one_that_stands_still_goes_nowhere(self) -> None:
        """A hovering helicopter has no estimate."""
        hover = parked(0.99, altitude_ft=3000, flight_plan=made.plan(aircraft_short="EC35"))
        near_a = hover.with_(longitude=0.2)
        assert into("EAST", near_a) == []

    def test_over_the_antimeridian(self) -> None:
        """From 179.5 E into FARWEST, which begins at 180."""
        to = Airport(0, "WWWW", "West", 0.5, -170.0, 0.0)
        here = live(Record(179.5, flight_plan=made.plan(arrival="WWWW")))
        (found,) = entry_estimates(here, WORLD, NAMES.index("FARWEST"), Airports([to]), DAY_S)
        assert found.entry_s - DAY_S == pytest.approx(0.5 * DEGREE_NM / 400 * 3600, abs=1.1)


class TestOnTheGround:
    """On the ground: filed time, ten minutes to taxi, filed speed."""

    def at_gate(self, **filed: Any) -> Record:
        """At AAAA with a plan to BBBB for 00:10Z, ten minutes from now."""
        return parked(flight_plan=made.plan(**({"altitude": "10000"} | filed)))

    def test_it_leaves_as_filed(self) -> None:
        """10 min to the filed time, 10 min to taxi, 48 NM at 450 kt."""
        found = only("EAST", self.at_gate())
        expected_s = 1200 + 0.8 * DEGREE_NM / 450 * 3600
        assert found.entry_s - DAY_S == pytest.approx(expected_s, abs=1.1)
        assert found.basis == (
            "departure filed for 00:10Z, 10 min to taxi, great circle to BBBB at 450 kt as filed"
        )

    def test_one_that_is_overdue_leaves_now(self) -> None:
        """Filed for an hour ago, it is thought to start to taxi now."""
        found = only("EAST", self.at_gate(deptime="2300"))
        expected_s = 600 + 0.8 * DEGREE_NM / 450 * 3600
        assert found.entry_s - DAY_S == pytest.approx(expected_s, abs=1.1)
        assert "23:00Z, overdue" in found.basis

    def test_its_own_sector_is_entered_with_the_take_off(self) -> None:
        """On the ground it occupies nothing; WEST begins at its runway."""
        assert only("WEST", self.at_gate()).entry_s - DAY_S == pytest.approx(1201, abs=1)

    def test_without_a_speed_the_time_en_route_gives_one(self) -> None:
        """96 NM in 20 min."""
        found = only("EAST", self.at_gate(cruise_tas="0", enroute_time="0020"))
        speed_kt = 1.6 * DEGREE_NM * 3
        assert found.entry_s - DAY_S == pytest.approx(
            1200 + 0.8 * DEGREE_NM / speed_kt * 3600, abs=1.1
        )

    @pytest.mark.parametrize(
        "filed",
        [
            {"deptime": "2100"},
            {"deptime": "0500"},
            {"deptime": "7000"},
            {"arrival": "ZZZZ"},
            {"arrival": ""},
            {"arrival": "AAAA"},
            {"departure": "BBBB", "arrival": "AAAA"},
            {"cruise_tas": "0", "enroute_time": "0000"},
            {"cruise_tas": "9999", "enroute_time": ""},
            {"cruise_tas": "", "enroute_time": "9000"},
        ],
        ids=" ".join,
    )
    def test_nothing_is_said_of_what_nobody_knows(self, filed: dict[str, str]) -> None:
        """Long overdue or far ahead, no time, no known destination, elsewhere, no speed."""
        assert into("EAST", self.at_gate(**filed)) == []

    def test_from_an_airport_nobody_knows_it_leaves_where_it_stands(self) -> None:
        """The place is what the feed says."""
        found = only("EAST", self.at_gate(departure="AFIL"))
        assert found.entry_s - DAY_S == pytest.approx(1200 + 0.8 * DEGREE_NM / 450 * 3600, abs=1.1)

    def test_without_a_plan_nothing_is_said(self) -> None:
        """Who filed nothing may go anywhere."""
        assert into("EAST", parked()) == []

    def test_who_has_landed_is_not_leaving(self) -> None:
        """A flight that ended its way does not begin it again."""
        tracker = Tracker(WORLD, FIELDS)
        plan = made.plan("BBBB", "AAAA")
        final = Record(1.79, altitude_ft=5400, groundspeed_kt=120, flight_plan=plan)
        advance(tracker, snapshot(DAY_S - 15, final))
        tick = advance(tracker, snapshot(DAY_S, parked(1.8, altitude_ft=5000, flight_plan=plan)))
        assert entry_estimates(tick.live, WORLD, NAMES.index("WEST"), FIELDS, DAY_S) == []


def test_paths_are_good_for_every_sector() -> None:
    """Made once and asked for each, the answers are the same."""
    here = live(*(Record(0.1 * k - 1, callsign=f"A{k}", flight_plan=TO_B) for k in range(12)))
    paths = paths_ahead(here, FIELDS, DAY_S)
    for sector in range(len(NAMES)):
        assert entries_on(paths, here, WORLD, sector, DAY_S) == entry_estimates(
            here, WORLD, sector, FIELDS, DAY_S
        )


def test_an_empty_sky_has_no_entries() -> None:
    """Nobody is online."""
    assert into("EAST") == []


def test_a_sector_that_is_none_is_refused() -> None:
    """By its number."""
    with pytest.raises(IndexError, match="sector 99 is none"):
        entry_estimates(live(), WORLD, 99, FIELDS, DAY_S)
