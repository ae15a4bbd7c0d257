"""Which record is which flight: each rule by a sequence of feeds made for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sectorwatch.clock import parse_us
from sectorwatch.traffic import Rules, Tracker
from sectorwatch.traffic.ids import flight_id
from traffic import made
from traffic.ledger import Ledger, collect
from traffic.made import DAY_S, FIELDS, LATER_LOGON, SMALL_WORLD, Record, advance, parked, snapshot

if TYPE_CHECKING:
    from sectorwatch.feed.records import Snapshot
    from sectorwatch.traffic.tick import Flight

WORLD = made.airspace(*SMALL_WORLD)
HERE = Record(0.5)


def track(*feeds: Snapshot) -> Ledger:
    """The rows of these feeds."""
    tracker = Tracker(WORLD, FIELDS)
    return collect(WORLD, [advance(tracker, feed) for feed in feeds])


def flights(*feeds: Snapshot) -> list[Flight]:
    """The flights of these feeds, in the order they were first seen."""
    return sorted(track(*feeds).flights.values(), key=lambda flight: flight.first_seen_s)


def absent(record: Record, back: Record, minutes: float) -> list[Snapshot]:
    """A feed with `record`, feeds each minute without it, then one with `back`."""
    until_s = DAY_S + round(minutes * 60)
    between = [snapshot(time_s) for time_s in range(DAY_S + 60, until_s, 60)]
    return [snapshot(DAY_S, record), *between, snapshot(until_s, back)]


def only(*feeds: Snapshot) -> Flight:
    """The one flight of these feeds."""
    (flight,) = flights(*feeds)
    return flight


class TestFirstSeen:
    """A flight begins with the first record of a member under a callsign."""

    def test_it_has_the_number_of_member_callsign_and_first_position(self) -> None:
        """flight_id hashes what the flight is; first seen is the time of its first position."""
        flight = only(snapshot(DAY_S, HERE.with_(lag_s=7, server="S", pilot_rating=3)))
        assert flight.first_seen_s == DAY_S - 7
        assert flight.flight_id == flight_id(1, "QFA1", DAY_S - 7)
        assert 0 < flight.flight_id < 2**63
        assert (flight.server, flight.pilot_rating, flight.plan) == ("S", 3, None)
        assert flight.logon_time_s == parse_us(made.LOGON) // 1_000_000

    def test_without_a_plan_it_is_still_a_flight(self) -> None:
        """A plan is no condition."""
        assert only(snapshot(DAY_S, parked())).plan is None

    def test_a_member_may_fly_two_callsigns_at_once(self) -> None:
        """One member under two callsigns is two flights, one callsign of two members as well."""
        both = (HERE, HERE.with_(callsign="QFA2"), HERE.with_(cid=2))
        assert len(flights(snapshot(DAY_S, *both))) == 3

    def test_an_ancient_position_does_not_date_it(self) -> None:
        """A first position older than a reconnect may be dates the flight no further back."""
        flight = only(snapshot(DAY_S, HERE.with_(lag_s=5000)))
        assert flight.first_seen_s == DAY_S - 900

    def test_a_logon_time_that_is_none_is_zero(self) -> None:
        """What cannot be read as a time does not stop anything."""
        assert only(snapshot(DAY_S, HERE.with_(logon_time="soon"))).logon_time_s == 0

    def test_it_ends_at_its_last_position(self) -> None:
        """Gone from the feed, a flight has ended at the time of its last position."""
        feeds = [snapshot(DAY_S, HERE), snapshot(DAY_S + 15, HERE.with_(lag_s=4))]
        assert only(*feeds, snapshot(DAY_S + 30)).ended_s == DAY_S + 11


class TestReconnect:
    """Absent and back: itself within 15 min of feeds we have, where it could have come."""

    def test_within_15_minutes_it_goes_on(self) -> None:
        """A new logon 15 min later at the same place continues the flight and is counted."""
        flight = only(*absent(HERE, HERE.with_(logon_time=LATER_LOGON), 15))
        assert flight.reconnects == 1
        assert flight.ended_s is None
        assert flight.logon_time_s == parse_us(LATER_LOGON) // 1_000_000

    def test_after_15_minutes_it_is_another(self) -> None:
        """The same a minute later is another flight; the first ended where it was last seen."""
        first, second = flights(*absent(HERE, HERE.with_(logon_time=LATER_LOGON), 16))
        assert first.ended_s == DAY_S
        assert second.first_seen_s == DAY_S + 960
        assert (first.reconnects, second.reconnects) == (0, 0)

    def test_on_the_same_connection_15_minutes_count_too(self) -> None:
        """A record that was missing for longer than that begins another flight, same logon or not."""
        assert len(flights(*absent(HERE, HERE, 15))) == 1
        assert len(flights(*absent(HERE, HERE, 16))) == 2

    def test_a_record_missing_by_mistake_is_no_reconnect(self) -> None:
        """Back on the same connection, nothing is counted."""
        assert only(*absent(HERE, HERE, 3)).reconnects == 0

    def test_where_it_cannot_have_come_it_is_another(self) -> None:
        """In 10 min nobody flies 400 NM: that is a new flight of the same member."""
        far = HERE.with_(longitude=7.5, logon_time=LATER_LOGON)
        assert len(flights(*absent(HERE, far, 10))) == 2

    def test_where_it_can_have_come_it_goes_on(self) -> None:
        """In 10 min a jet does 72 NM."""
        near = HERE.with_(longitude=1.7, logon_time=LATER_LOGON)
        assert only(*absent(HERE, near, 10)).reconnects == 1

    def test_a_fast_aircraft_reaches_further(self) -> None:
        """At 1,300 kt, 220 NM in 10 min are within reach."""
        fast = HERE.with_(groundspeed_kt=1300)
        far = fast.with_(longitude=4.1, logon_time=LATER_LOGON)
        assert len(flights(*absent(fast, far, 10))) == 1
        assert len(flights(*absent(HERE, far.with_(groundspeed_kt=400), 10))) == 2

    def test_between_two_feeds_it_goes_on_or_not_by_place(self) -> None:
        """A new logon without an absence in any feed: the place decides."""
        near = HERE.with_(longitude=0.53, logon_time=LATER_LOGON)
        far = HERE.with_(longitude=1.9, logon_time=LATER_LOGON)
        assert only(snapshot(DAY_S, HERE), snapshot(DAY_S + 15, near)).reconnects == 1
        first, second = flights(snapshot(DAY_S, HERE), snapshot(DAY_S + 15, far))
        assert (first.ended_s, second.first_seen_s) == (DAY_S, DAY_S + 15)

    def test_a_position_that_is_no_news_proves_nothing(self) -> None:
        """A reconnect with the position we had goes on, whatever it says of the place."""
        far = HERE.with_(longitude=1.9, logon_time=LATER_LOGON, lag_s=15)
        assert only(snapshot(DAY_S, HERE), snapshot(DAY_S + 15, far)).reconnects == 1

    def test_a_jump_on_one_connection_is_the_same_flight(self) -> None:
        """A pilot who sets the aircraft elsewhere is still connected: the flight goes on."""
        far = HERE.with_(longitude=1.9)
        assert only(snapshot(DAY_S, HERE), snapshot(DAY_S + 15, far)).reconnects == 0

    def test_server_and_rating_are_those_of_the_last_logon(self) -> None:
        """Nobody changes either while connected; a reconnect may bring others."""
        again = HERE.with_(server="B", pilot_rating=1, logon_time=LATER_LOGON)
        flight = only(snapshot(DAY_S, HERE), snapshot(DAY_S + 15, again))
        assert (flight.server, flight.pilot_rating, flight.reconnects) == ("B", 1, 1)

    def test_a_flight_of_old_comes_back_as_another_with_another_number(self) -> None:
        """Even with the very position it had 20 min ago, it is not the flight that ended."""
        feeds = absent(HERE, HERE.with_(lag_s=1200), 20)
        first, second = flights(*feeds)
        assert first.flight_id != second.flight_id


class TestOwnGap:
    """Across a gap of our own, member, callsign and logon time decide."""

    def test_the_same_logon_goes_on_after_any_time(self) -> None:
        """Three hours without a feed end no flight of somebody who stayed online."""
        feeds = [snapshot(DAY_S, HERE), snapshot(DAY_S + 10_800, HERE.with_(longitude=40.0))]
        flight = only(*feeds)
        assert (flight.ended_s, flight.reconnects) == (None, 0)

    def test_another_logon_is_another_flight(self) -> None:
        """Who logged on anew in a long gap flies another flight, even at the same place."""
        back = HERE.with_(logon_time=LATER_LOGON)
        assert len(flights(snapshot(DAY_S, HERE), snapshot(DAY_S + 10_800, back))) == 2

    def test_in_a_short_one_a_reconnect_is_one(self) -> None:
        """The whole time being under 15 min, a new logon at a place in reach goes on."""
        near = HERE.with_(longitude=1.2, logon_time=LATER_LOGON)
        flight = only(snapshot(DAY_S, HERE), snapshot(DAY_S + 600, near))
        assert flight.reconnects == 1

    def test_only_feeds_we_have_count_as_absence(self) -> None:
        """10 min absent, an hour without feeds, 4 min absent: on the same connection it goes on."""
        before = [snapshot(time_s) for time_s in range(DAY_S + 60, DAY_S + 601, 60)]
        after = [snapshot(time_s) for time_s in range(DAY_S + 4200, DAY_S + 4441, 60)]
        back = [snapshot(DAY_S + 4500, HERE)]
        assert len(flights(snapshot(DAY_S, HERE), *before, *after, *back)) == 1
        assert (
            len(flights(snapshot(DAY_S, HERE), *before, *after, snapshot(DAY_S + 4560, HERE))) == 2
        )


class TestPlan:
    """Plans: filing and amending in flight changes nothing, a new departure after landing all."""

    def test_filed_in_flight_it_is_the_same_flight(self) -> None:
        """A plan that comes, and one that is amended, are revisions of one flight."""
        revisions = [
            HERE,
            HERE.with_(flight_plan=made.plan()),
            HERE.with_(flight_plan=made.plan("BBBB", "AAAA", revision_id=2)),
        ]
        feeds = [snapshot(DAY_S + 15 * k, record) for k, record in enumerate(revisions)]
        ledger = track(*feeds)
        (flight,) = ledger.flights.values()
        assert flight.plan is not None
        assert (flight.plan.departure, flight.plan.revision_id) == ("BBBB", 2)
        revised = sorted(ledger.plans.values(), key=lambda plan: plan.snapshot_time_us)
        assert [plan.plan.departure for plan in revised] == ["AAAA", "BBBB"]
        assert [plan.received_at_us for plan in revised] == [f.received_at_us for f in feeds[1:]]

    def test_one_that_vanishes_is_kept(self) -> None:
        """A plan that the feed no longer has is the last one known, and no revision."""
        filed = HERE.with_(flight_plan=made.plan())
        ledger = track(
            snapshot(DAY_S, filed), snapshot(DAY_S + 15, HERE), snapshot(DAY_S + 30, filed)
        )
        (flight,) = ledger.flights.values()
        assert flight.plan is not None
        assert len(ledger.plans) == 1

    def test_other_bytes_that_mean_the_same_are_no_revision(self) -> None:
        """Only what the plan says counts, not how its JSON is written."""
        first = HERE.with_(flight_plan=made.plan())
        second = HERE.with_(flight_plan=made.plan().replace(b": ", b":"))
        assert len(track(snapshot(DAY_S, first), snapshot(DAY_S + 15, second)).plans) == 1

    @pytest.mark.parametrize(
        ("filed", "is_new"),
        [
            (made.plan("BBBB", "AAAA"), True),
            (made.plan("CCCC", "AAAA"), True),
            (made.plan("AAAA", "BBBB", remarks="LANDED"), False),
            (made.plan("AAAA", "CCCC"), False),
            (made.plan("", "CCCC"), False),
        ],
        ids=["back", "from elsewhere", "amended", "other destination", "no departure"],
    )
    def test_after_a_landing_a_new_departure_begins_another(
        self, filed: bytes, *, is_new: bool
    ) -> None:
        """AAAA to BBBB, landed at BBBB: a plan from there is the next flight, others are not."""
        at_gate = parked(1.8, altitude_ft=5000, flight_plan=made.plan())
        feeds = [
            snapshot(DAY_S, at_gate.with_(groundspeed_kt=120, altitude_ft=5300)),
            snapshot(DAY_S + 15, at_gate),
            snapshot(DAY_S + 30, at_gate.with_(flight_plan=filed)),
            snapshot(DAY_S + 45, at_gate.with_(flight_plan=filed)),
        ]
        found = flights(*feeds)
        assert found[0].arrived_at == "BBBB"
        assert len(found) == 1 + is_new
        if is_new:
            assert found[0].ended_s == DAY_S + 30
            assert found[1].first_seen_s == DAY_S + 31
            assert found[1].arrived_s is None
            assert found[0].plan != found[1].plan

    def test_round_trips_begin_another_by_their_time(self) -> None:
        """From BBBB to BBBB again at another time is another flight, the same plan amended is not."""
        trip = made.plan("BBBB", "BBBB")
        at_gate = parked(1.8, altitude_ft=5000, flight_plan=trip)
        flown = [
            snapshot(DAY_S, at_gate.with_(groundspeed_kt=120, altitude_ft=5300)),
            snapshot(DAY_S + 15, at_gate),
        ]
        later = at_gate.with_(flight_plan=made.plan("BBBB", "BBBB", deptime="0130"))
        amended = at_gate.with_(flight_plan=made.plan("BBBB", "BBBB", altitude="5000"))
        assert len(flights(*flown, snapshot(DAY_S + 30, later))) == 2
        assert len(flights(*flown, snapshot(DAY_S + 30, amended))) == 1

    def test_a_first_plan_filed_after_a_landing_is_for_the_next_flight(self) -> None:
        """A flight without a plan that landed has no departure to amend."""
        feeds = [
            snapshot(DAY_S, HERE.with_(longitude=0.2, groundspeed_kt=90, altitude_ft=400)),
            snapshot(DAY_S + 15, parked()),
            snapshot(DAY_S + 30, parked(flight_plan=made.plan())),
        ]
        first, second = flights(*feeds)
        assert first.plan is None
        assert second.plan is not None

    def test_before_any_landing_a_new_departure_is_an_amendment(self) -> None:
        """On the ground, not having flown, a pilot may file what they like."""
        feeds = [
            snapshot(DAY_S, parked(flight_plan=made.plan("AAAA", "BBBB"))),
            snapshot(DAY_S + 15, parked(flight_plan=made.plan("BBBB", "AAAA"))),
        ]
        assert len(flights(*feeds)) == 1

    def test_the_position_belongs_to_the_flight_that_ended(self) -> None:
        """In the feed that splits a flight, its position is not given twice."""
        at_gate = parked(1.8, altitude_ft=5000, flight_plan=made.plan())
        back = at_gate.with_(flight_plan=made.plan("BBBB", "AAAA"))
        tracker = Tracker(WORLD, FIELDS)
        advance(tracker, snapshot(DAY_S, at_gate.with_(groundspeed_kt=120, altitude_ft=5300)))
        landed = advance(tracker, snapshot(DAY_S + 15, at_gate))
        split = advance(tracker, snapshot(DAY_S + 30, back))
        assert split.positions.flight_id.tolist() == [landed.flights[0].flight_id]
        gone = advance(tracker, snapshot(DAY_S + 45))
        (ended,) = gone.flights
        assert ended.first_seen_s == ended.ended_s == DAY_S + 31


def test_two_flights_of_one_second_have_two_numbers() -> None:
    """A flight split off at a gate and then replaced within the second: first seen a second later."""
    at_gate = parked(1.8, altitude_ft=5000, flight_plan=made.plan())
    back = at_gate.with_(flight_plan=made.plan("BBBB", "AAAA"))
    elsewhere = parked(0.2, logon_time=LATER_LOGON)
    feeds = [
        snapshot(DAY_S, at_gate.with_(groundspeed_kt=120, altitude_ft=5300)),
        snapshot(DAY_S + 15, at_gate),
        snapshot(DAY_S + 30, back),
        snapshot(DAY_S + 31, elsewhere),
    ]
    found = [flight.first_seen_s - DAY_S for flight in flights(*feeds)]
    assert found == [0, 31, 32]


def test_forgotten_flights_leave_room() -> None:
    """Slots of flights long gone are used again: a day of other callsigns needs no more of them."""
    tracker = Tracker(WORLD, FIELDS, Rules(reconnect_within_s=60))
    for number in range(300):
        records = [HERE.with_(callsign=f"A{number}-{k}") for k in range(20)]
        advance(tracker, snapshot(DAY_S + 60 * number, *records))
    assert tracker._table.capacity == 256
    assert len(tracker._table.slot_of) == 40


def test_more_flights_than_slots_are_no_matter() -> None:
    """The table grows, and what it held stays."""
    many = [replace(HERE, callsign=f"A{number}", latitude=0.001 * number) for number in range(1000)]
    ledger = track(
        snapshot(DAY_S, *many[:200]), snapshot(DAY_S + 15, *many), snapshot(DAY_S + 30, *many)
    )
    assert len(ledger.flights) == 1000
    assert {flight.ended_s for flight in ledger.flights.values()} == {None}
