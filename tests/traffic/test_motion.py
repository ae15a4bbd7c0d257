"""Take-offs and landings on made feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.traffic import Tracker
from traffic import made
from traffic.ledger import Ledger, collect
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Record, advance, parked, snapshot

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Flight

WORLD = made.airspace(*SMALL_WORLD)


def track(*records: Record | None, step_s: int = 15) -> Ledger:
    """The rows of one aircraft's records, one a feed."""
    tracker = Tracker(WORLD, FIELDS)
    feeds = [snapshot(DAY_S + step_s * number, record) for number, record in enumerate(records)]
    return collect(WORLD, [advance(tracker, feed) for feed in feeds])


def moves(ledger: Ledger) -> list[tuple[str, str, int]]:
    """(kind, airport, seconds since the start) of all movements."""
    rows = sorted(ledger.movements.values(), key=lambda row: row.time_s)
    return [(row.kind, row.airport, row.time_s - DAY_S) for row in rows]


def only(ledger: Ledger) -> Flight:
    """The one flight there is."""
    (flight,) = ledger.flights.values()
    return flight


GATE = parked()
ROLLING = GATE.with_(groundspeed_kt=140)
CLIMBING = GATE.with_(groundspeed_kt=160, altitude_ft=600, longitude=0.21)
FINAL_B = Record(1.79, altitude_ft=5400, groundspeed_kt=120)
GATE_B = parked(1.8, altitude_ft=5000)


def test_a_flight_from_gate_to_gate() -> None:
    """Take-off at AAAA and landing at BBBB, each dated by the position that shows it."""
    cruise = CLIMBING.with_(longitude=0.22, altitude_ft=9000, groundspeed_kt=400)
    ledger = track(GATE, ROLLING, CLIMBING, cruise, step_s=15)
    assert moves(ledger) == [("departure", "AAAA", 30)]
    flight = only(ledger)
    assert (flight.departed_s, flight.departed_from) == (DAY_S + 30, "AAAA")
    assert flight.arrived_s is None
    ledger = track(FINAL_B, GATE_B.with_(groundspeed_kt=60), GATE_B)
    assert moves(ledger) == [("arrival", "BBBB", 30)]
    flight = only(ledger)
    assert (flight.arrived_s, flight.arrived_at) == (DAY_S + 30, "BBBB")
    assert flight.departed_s is None


def test_sectors_are_occupied_only_in_the_air() -> None:
    """A stay begins with the first position in the air and ends with the first on the ground."""
    down = CLIMBING.with_(groundspeed_kt=20, altitude_ft=0)
    ledger = track(GATE, ROLLING, CLIMBING, CLIMBING, down, GATE)
    visits = sorted((v.entry_s - DAY_S, (v.exit_s or 0) - DAY_S) for v in ledger.visits.values())
    assert visits == [(30, 60), (30, 60)]


def test_a_landing_in_another_sector_is_followed_to_the_ground() -> None:
    """A step that crosses a side and ends on the ground: entered, and left at its end."""
    tracker = Tracker(WORLD, FIELDS)
    before = Record(0.99, altitude_ft=600, groundspeed_kt=100)
    after = parked(1.01, altitude_ft=0)
    ticks = [
        advance(tracker, snapshot(DAY_S, before)),
        advance(tracker, snapshot(DAY_S + 45, after)),
    ]
    ledger = collect(WORLD, ticks)
    east = made.EAST.sector_id
    (visit,) = [visit for visit in ledger.visits.values() if visit.sector_id == east]
    assert (visit.entry_s - DAY_S, visit.exit_s) == (23, DAY_S + 45)


def test_first_seen_in_the_air_is_no_departure() -> None:
    """Nobody saw it take off."""
    ledger = track(CLIMBING, CLIMBING)
    assert moves(ledger) == []
    assert only(ledger).departed_s is None


def test_between_on_and_off_nothing_changes() -> None:
    """At 45 kt one who flies flies on, and one on the ground stays there."""
    slow = CLIMBING.with_(groundspeed_kt=45)
    assert moves(track(GATE, slow, slow)) == []
    assert moves(track(CLIMBING, slow, slow)) == []
    assert moves(track(GATE, CLIMBING, slow, GATE)) == [
        ("departure", "AAAA", 15),
        ("arrival", "AAAA", 45),
    ]


def test_fast_on_the_runway_is_on_the_ground() -> None:
    """140 kt at field height is no flight; nor are 199 ft above it."""
    assert moves(track(GATE, ROLLING, ROLLING.with_(altitude_ft=199))) == []
    assert moves(track(GATE, ROLLING.with_(altitude_ft=200))) == [("departure", "AAAA", 15)]


def test_where_the_field_is_unknown_80_kt_count() -> None:
    """Away from airports, and at one whose height nobody knows."""
    away = parked(0.7, latitude=1.5)
    assert moves(track(away, away.with_(groundspeed_kt=79))) == []
    flying = track(away, away.with_(groundspeed_kt=80), away.with_(groundspeed_kt=39))
    assert moves(flying) == []  # in the air and down again, but at no airport
    assert len(flying.visits) == 2
    assert (only(flying).departed_s, only(flying).arrived_s) == (None, None)
    there = parked(1.8, latitude=1.5)
    assert moves(track(there, there.with_(groundspeed_kt=80), there)) == [
        ("departure", "CCCC", 15),
        ("arrival", "CCCC", 30),
    ]


def test_a_departure_is_at_the_field_it_left() -> None:
    """At long steps the first position in the air may be far away: the field is where it stood."""
    away = CLIMBING.with_(longitude=0.6, altitude_ft=9000, groundspeed_kt=300)
    assert moves(track(GATE, away, step_s=300)) == [("departure", "AAAA", 300)]


def test_a_paused_simulator_neither_lands_nor_departs() -> None:
    """Standing still high above a field is off by its speed, but no movement."""
    high = Record(0.2, altitude_ft=20_000)
    ledger = track(high, high.with_(groundspeed_kt=0), high)
    assert moves(ledger) == []
    assert only(ledger).arrived_s is None
    assert sorted(visit.entry_s - DAY_S for visit in ledger.visits.values()) == [0, 0, 30, 30]


def test_a_jump_is_no_movement() -> None:
    """Set from the gate onto another field's final, or from the air to a gate: nobody flew that."""
    assert moves(track(GATE, FINAL_B)) == []
    assert moves(track(CLIMBING, GATE_B)) == []


def test_circuits_keep_the_first_departure_and_the_last_arrival() -> None:
    """Each movement is a row; the flight says where it began and, when down, where it ended."""
    ledger = track(GATE, CLIMBING, GATE, CLIMBING)
    assert [move[0] for move in moves(ledger)] == ["departure", "arrival", "departure"]
    flight = only(ledger)
    assert (flight.departed_s, flight.arrived_s, flight.arrived_at) == (DAY_S + 15, None, None)
    flight = only(track(GATE, CLIMBING, GATE, CLIMBING, GATE))
    assert (flight.departed_s, flight.arrived_s) == (DAY_S + 15, DAY_S + 60)


def test_a_landing_while_it_was_absent_counts() -> None:
    """In the air before an absence and on the ground after it: it landed there, seen then."""
    ledger = track(CLIMBING, None, None, GATE)
    assert moves(ledger) == [("arrival", "AAAA", 45)]


class TestHelicopter:
    """By height alone: speed says nothing of a helicopter."""

    plan = made.plan(aircraft_short="EC45")

    def at(self, height_ft: int, groundspeed_kt: int = 0) -> Record:
        """A helicopter so high above AAAA."""
        return parked(altitude_ft=height_ft, flight_plan=self.plan, callsign="RSCU1").with_(
            groundspeed_kt=groundspeed_kt
        )

    def test_it_hovers_in_the_air(self) -> None:
        """At 200 ft without speed it has taken off, below 100 ft it is down."""
        ledger = track(self.at(0), self.at(199), self.at(200), self.at(100), self.at(99))
        assert moves(ledger) == [("departure", "AAAA", 30), ("arrival", "AAAA", 60)]

    def test_fast_and_low_is_on_the_ground(self) -> None:
        """Air taxiing at 60 kt and 50 ft is no flight."""
        assert moves(track(self.at(0), self.at(50, 60))) == []

    def test_over_an_unknown_field_it_flies_on(self) -> None:
        """Away from airports its height is unknown: it goes on at 80 kt, and hovering changes nothing."""
        away = self.at(500, 90).with_(longitude=0.7, latitude=1.5)
        hover = away.with_(groundspeed_kt=0)
        ledger = track(away, hover, hover)
        assert {visit.exit_s for visit in ledger.visits.values()} == {None}

    def test_the_plan_says_what_it_is_from_the_first_record_on(self) -> None:
        """First seen hovering, it is in the air."""
        assert len(track(self.at(300)).visits) == 2
        assert len(track(self.at(300).with_(flight_plan=made.plan())).visits) == 0
