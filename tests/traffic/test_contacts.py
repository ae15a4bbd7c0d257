"""Contact from sample to sample, by the hands of a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import TrackerStateError
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.known import Known
from sectorwatch.traffic.tick import Contact
from traffic import made
from traffic.ledger import Ledger
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Record, parked, radios, snapshot, station

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorwatch.feed.records import Controller, Station
    from sectorwatch.traffic.tick import Tick

WORLD = made.airspace(*SMALL_WORLD)
WEST = made.controller("WEST_CTR")
EAST = made.controller("EAST_CTR", cid=902, frequency="120.500")
WEST_MAST = station("WEST_CTR", 130_900, height_ft=100)
EAST_MAST = station("EAST_CTR", 120_500, longitude=1.5, height_ft=100)
QFA1 = Record(0.5)


class Day:
    """A tracker with its ledger; moments are seconds after midnight."""

    def __init__(self) -> None:
        self.tracker = Tracker(WORLD, FIELDS)
        self.ledger = Ledger(WORLD)
        self.tick: Tick

    def feed(
        self, second: int, *records: Record, online: Iterable[Controller] = (WEST, EAST)
    ) -> Day:
        """The next data feed."""
        tick = self.tracker.advance(snapshot(DAY_S + second, *records, controllers=list(online)))
        assert tick is not None
        self.tick = tick
        self.ledger.take(tick)
        return self

    def hear(self, second: int, *stations: Station) -> Day:
        """The transceivers feed after it."""
        assert self.tracker.hear(radios(DAY_S + second, *stations))
        return self

    def contacts(self) -> list[tuple[str, str, int, int | None]]:
        """(flight, controller, start, end) of all rows that took time, by time."""
        ledger = self.ledger
        ledger.check()
        found = [
            (
                ledger.flights[row.flight_id].callsign,
                ledger.sessions[row.session_id].callsign,
                row.start_s - DAY_S,
                None if row.end_s is None else row.end_s - DAY_S,
            )
            for row in ledger.contacts.values()
            if row.end_s != row.start_s
        ]
        return sorted(found, key=lambda row: (row[2], row[0], row[1]))

    def in_contact(self, sector: str = "WEST") -> dict[int, int]:
        """By minute, flights in contact in a sector, of the minutes that are final."""
        numbers = {each.name: each.sector_id for each in WORLD.sectors}
        return {
            (minute_s - DAY_S) // 60: in_contact
            for (minute_s, sector_id), (_, _, in_contact) in self.ledger.demand.items()
            if sector_id == numbers[sector]
        }


def minutes(
    day: Day,
    samples: Mapping[int, tuple[Station, ...]],
    until_s: int,
    *records: Record,
    **more: Any,
) -> Day:
    """Feeds every 15 s until that second, radios after those that have some."""
    start_s = 0 if day.tracker.time_us is None else day.tracker.time_us // 1_000_000 - DAY_S + 15
    for second in range(start_s, until_s + 1, 15):
        day.feed(second, *records, **more)
        if second in samples:
            day.hear(second, *samples[second])
    return day


ON_WEST, ON_EAST = station("QFA1", 130_900), station("QFA1", 120_500)


def test_contact_begins_and_ends_halfway_between_samples() -> None:
    """Heard at one sample and not at the next: nobody knows when it changed, so halfway."""
    samples = {
        0: (WEST_MAST, EAST_MAST),
        60: (WEST_MAST, EAST_MAST, ON_WEST),
        120: (WEST_MAST, EAST_MAST, ON_WEST),
        180: (WEST_MAST, EAST_MAST, ON_EAST),
        240: (WEST_MAST, EAST_MAST, ON_EAST),
    }
    day = minutes(Day(), samples, 255, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 30, 150), ("QFA1", "EAST_CTR", 150, None)]
    (row,) = (row for row in day.ledger.contacts.values() if row.end_s is None)
    assert day.tick.live.contact.tolist() == [row.session_id]
    assert row.channel_khz == 120_500
    assert row.airborne


def test_several_radios_and_masts_are_one_contact() -> None:
    """Two radios, six masts, all in range: the time is counted once."""
    masts = station("WEST_CTR", 130_900, 130_900, 118_100, height_ft=500)
    pilot = station("QFA1", 130_900, 118_100)
    day = minutes(Day(), {0: (masts, pilot), 60: (pilot, masts)}, 75, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, None)]


def test_on_two_radios_a_flight_is_in_contact_with_two() -> None:
    """A row each; of a minute the flight is counted once."""
    both = station("QFA1", 130_900, 120_500)
    samples = {0: (WEST_MAST, EAST_MAST, both), 60: (WEST_MAST, EAST_MAST, both)}
    day = minutes(Day(), samples, 240, QFA1)
    assert [row[:3] for row in day.contacts()] == [
        ("QFA1", "EAST_CTR", 0),
        ("QFA1", "WEST_CTR", 0),
    ]
    assert day.in_contact() == {0: 1, 1: 1}


def test_only_real_controllers_are_in_contact() -> None:
    """Observers, ATIS stations and strangers are not, nor is a pilot with another pilot."""
    observer = made.controller("EAST_OBS", cid=903)
    day = Day().feed(0, QFA1, Record(0.6, cid=2, callsign="QFA2"), online=(observer,))
    others = ("EAST_OBS", "WEST_ATIS", "WEST_CTR", "QFA2")
    day.hear(0, ON_WEST, *(station(each, 130_900) for each in others))
    assert day.feed(15, QFA1, Record(0.6, cid=2, callsign="QFA2")).contacts() == []
    assert day.tick.live.contact.tolist() == [-1, -1]


def test_nobody_is_in_contact_with_himself() -> None:
    """A member who flies and controls at once, on his own channel."""
    own = made.controller("WEST_CTR", cid=QFA1.cid)
    day = Day().feed(0, QFA1, online=(own,)).hear(0, WEST_MAST, ON_WEST).feed(15, QFA1)
    assert day.contacts() == []


def test_contact_ends_with_the_controllers_session() -> None:
    """At the last snapshot that had the controller, though the pilot stays tuned."""
    samples = {0: (WEST_MAST, ON_WEST), 60: (WEST_MAST, ON_WEST)}
    day = minutes(Day(), samples, 75, QFA1)
    minutes(day, {}, 120, QFA1, online=(EAST,))
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, 75)]
    # The same connection again, heard at once: another row, from when it was back.
    minutes(day, {180: (WEST_MAST, ON_WEST)}, 195, QFA1)
    assert day.contacts()[1:] == [("QFA1", "WEST_CTR", 135, None)]


def test_contact_ends_with_the_flights_last_position() -> None:
    """Gone from the feed, a flight is in contact with nobody."""
    samples = {0: (WEST_MAST, ON_WEST), 60: (WEST_MAST, ON_WEST)}
    day = minutes(Day(), samples, 75, QFA1)
    minutes(day, {}, 120)
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, 75)]
    assert not any(row.end_s is None for row in day.ledger.contacts.values())


def test_taking_off_begins_another_row() -> None:
    """What was on the ground and what was in the air stay apart, without a hole between."""
    day = Day()
    samples = dict.fromkeys((0, 60, 120, 180), (WEST_MAST, ON_WEST))
    minutes(day, samples, 75, parked())
    minutes(day, samples, 240, QFA1.with_(longitude=0.21, altitude_ft=900, groundspeed_kt=140))
    rows = sorted(day.ledger.contacts.values(), key=lambda row: row.start_s)
    assert [(row.start_s - DAY_S, row.end_s, row.airborne) for row in rows] == [
        (0, DAY_S + 90, False),
        (90, None, True),
    ]
    # Minute 1 was on the ground at its beginning: it entered the sector, and counts nothing.
    assert minutes(day, {}, 300, QFA1.with_(longitude=0.22)).in_contact() == {1: 0, 2: 1}


def test_once_heard_it_holds_for_half_of_the_longest_step() -> None:
    """Before the first sample and after the last one 150 s are believed, and no more."""
    samples = {300: (WEST_MAST, ON_WEST)}
    day = minutes(Day(), samples, 600, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 150, None)]
    minutes(day, samples, 615, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 150, 450)]
    assert day.tick.live.heard_s is None
    minutes(day, samples, 720, QFA1)
    unknown = [minute for minute, count in day.in_contact().items() if count == -1]
    assert unknown == [0, 1, 2, 8, 9]
    assert {day.in_contact()[minute] for minute in range(3, 8)} == {1}


def test_samples_five_minutes_apart_leave_no_hole() -> None:
    """As in history flown at that cadence: every minute is known."""
    day = Day()
    for second in range(0, 1_501, 300):
        heard = ON_WEST if second < 900 else ON_EAST
        day.feed(second, QFA1.with_(longitude=0.5 + second / 1e5))
        day.hear(second, WEST_MAST, EAST_MAST, heard)
    day.feed(1_800, QFA1.with_(longitude=0.52))
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, 750), ("QFA1", "EAST_CTR", 750, None)]
    assert day.in_contact() == dict.fromkeys(range(1, 28), 1) | {0: 1}


def in_phases(day: Day) -> list[tuple[str, int, int | None, bool]]:
    """(controller, start, end, whether in the air) of all rows, by time."""
    day.ledger.check()
    found = [
        (
            day.ledger.sessions[row.session_id].callsign,
            row.start_s - DAY_S,
            None if row.end_s is None else row.end_s - DAY_S,
            row.airborne,
        )
        for row in day.ledger.contacts.values()
    ]
    return sorted(found, key=lambda row: row[1])


def test_landing_between_samples_five_minutes_apart_leaves_no_hole() -> None:
    """Heard before and after, it was in contact in the air until it landed, and on from there."""
    day = Day().feed(0, QFA1).hear(0, WEST_MAST, ON_WEST)
    day.feed(300, QFA1).hear(300, WEST_MAST, ON_WEST)
    day.feed(600, parked())
    day.tracker = Tracker.load(day.tracker.dump(), WORLD, FIELDS)
    day.hear(600, WEST_MAST, ON_WEST).feed(900, parked())
    assert in_phases(day) == [("WEST_CTR", 0, 600, True), ("WEST_CTR", 600, None, False)]
    assert day.in_contact() == dict.fromkeys(range(10), 1)


def test_handed_over_and_landed_between_two_samples_it_was_in_contact_until_it_landed() -> None:
    """Halfway the new controller has it, still in the air."""
    day = Day().feed(0, QFA1).hear(0, WEST_MAST, EAST_MAST, ON_WEST)
    day.feed(300, parked()).hear(300, WEST_MAST, EAST_MAST, ON_EAST).feed(600, parked())
    assert in_phases(day) == [
        ("WEST_CTR", 0, 150, True),
        ("EAST_CTR", 150, 300, True),
        ("EAST_CTR", 300, None, False),
    ]


def test_landed_and_not_heard_again_contact_ends_halfway() -> None:
    """As it does for one that flies on."""
    day = Day().feed(0, QFA1).hear(0, WEST_MAST, ON_WEST)
    day.feed(200, parked()).feed(280, parked()).hear(280, WEST_MAST).feed(300, parked())
    assert in_phases(day) == [("WEST_CTR", 0, 140, True)]


def test_landed_and_off_again_between_two_samples_contact_is_not_guessed() -> None:
    """It ends where the sample before speaks no longer, and begins with what is known after."""
    day = Day().feed(0, QFA1).hear(0, WEST_MAST, ON_WEST).feed(200, parked())
    flies = QFA1.with_(longitude=0.21, altitude_ft=900, groundspeed_kt=140)
    day.feed(250, flies).feed(280, flies).hear(280, WEST_MAST, ON_WEST).feed(300, flies)
    assert in_phases(day) == [
        ("WEST_CTR", 0, 150, True),
        ("WEST_CTR", 200, 250, False),
        ("WEST_CTR", 250, None, True),
    ]


def test_a_gap_ends_contact_at_the_last_snapshot() -> None:
    """Nothing is known of a gap, and what comes after it begins after it."""
    day = minutes(Day(), {0: (WEST_MAST, ON_WEST), 60: (WEST_MAST, ON_WEST)}, 75, QFA1)
    day.feed(500, QFA1).hear(500, WEST_MAST, ON_WEST).feed(515, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, 75), ("QFA1", "WEST_CTR", 500, None)]


def test_a_sample_is_heard_once_and_in_its_time() -> None:
    """Heard again, or of another time than the last snapshot's, it changes nothing."""
    day = Day()
    assert not day.tracker.hear(radios(DAY_S, WEST_MAST, ON_WEST))
    day.feed(0, QFA1).hear(0, WEST_MAST)
    state = day.tracker.dump()
    for second in (0, -15, 15):
        assert not day.tracker.hear(radios(DAY_S + second, WEST_MAST, ON_WEST))
    assert day.tracker.dump() == state


def test_a_feed_without_a_station_says_nothing() -> None:
    """The voice network is away: nobody knows who is in contact, which is not nobody."""
    day = minutes(Day(), {0: (WEST_MAST, ON_WEST)}, 60, QFA1)
    assert not day.tracker.hear(radios(DAY_S + 60))
    minutes(day, {}, 480, QFA1)
    assert day.contacts() == [("QFA1", "WEST_CTR", 0, 150)]
    assert day.in_contact() == dict.fromkeys(range(3), 1) | dict.fromkeys(range(3, 6), -1)


def test_of_two_stations_with_one_callsign_it_is_always_the_same_one() -> None:
    """In whatever order the feed has them."""
    twins = (WEST, made.controller("WEST_CTR", cid=905))
    found = [
        Day().feed(0, QFA1, online=online).hear(0, WEST_MAST, ON_WEST).feed(15, QFA1, online=online)
        for online in (twins, twins[::-1])
    ]
    assert found[0].ledger.contacts == found[1].ledger.contacts
    assert len(found[0].ledger.contacts) == 1


def test_what_was_heard_before_a_restart_comes_out_after_it() -> None:
    """A state that is kept between radios and the next feed has it."""
    day = Day().feed(0, QFA1).hear(0, WEST_MAST, ON_WEST)
    day.tracker = Tracker.load(day.tracker.dump(), WORLD, FIELDS)
    assert day.feed(15, QFA1).contacts() == [("QFA1", "WEST_CTR", 0, None)]
    assert day.tick.live.contact.tolist() != [-1]


@pytest.mark.parametrize(("heard_s", "start_s"), [(240, -900), (600, 450)])
def test_a_contact_of_before_goes_on_where_it_is_heard_soon(heard_s: int, start_s: int) -> None:
    """A tracker that begins in the middle of a history joins nothing across an unknown time."""
    (flight,) = Day().feed(0, QFA1).tracker.standing().flights
    (session,) = Day().feed(0, QFA1, online=(WEST,)).tracker.standing().sessions
    early = msgspec.structs.replace(flight, first_seen_s=DAY_S - 1_000)
    online = msgspec.structs.replace(session, first_seen_s=DAY_S - 1_000)
    before = Contact(early.flight_id, online.session_id, DAY_S - 900, 130_900, airborne=True)
    day = Day()
    known = Known(flights=[early], sessions=[online], contacts=[before])
    day.tracker = Tracker(WORLD, FIELDS, known=known)
    minutes(day, {heard_s: (WEST_MAST, ON_WEST)}, heard_s + 15, QFA1)
    assert [row[2] for row in day.contacts()] == [start_s]


def test_a_state_whose_contacts_are_of_another_size_is_refused() -> None:
    """As with the columns of flights and visits."""
    tracker = Day().feed(0, QFA1).tracker
    tracker._contacts.phase = tracker._contacts.phase[:-1]
    with pytest.raises(TrackerStateError, match="does not agree with itself"):
        Tracker.load(tracker.dump(), WORLD, FIELDS)


def test_a_table_that_grows_takes_contacts_with_it() -> None:
    """More flights than there was room for: each keeps its own."""
    fleet = [Record(0.5, cid=number, callsign=f"A{number}") for number in range(1, 400)]
    tuned = [station(each.callsign, 130_900) for each in fleet]
    day = Day().feed(0, *fleet[:200]).hear(0, WEST_MAST, *tuned).feed(60, *fleet)
    day.hear(60, WEST_MAST, *tuned[1:]).feed(75, *fleet)
    rows = day.contacts()
    assert len(rows) == 399
    assert [row[0] for row in rows if row[3] is not None] == ["A1"]


tunings = st.lists(st.sampled_from([(), (130_900,), (120_500,), (130_900, 120_500)]), max_size=20)


@given(tunings, st.sampled_from([15, 60, 120]), st.randoms(use_true_random=False))
def test_contact_time_is_a_share_of_the_time_in_the_air(
    tuned: list[tuple[int, ...]], every_s: int, random: Any
) -> None:
    """Whatever is tuned: the union lies within, its minutes are counted, order does not matter."""
    days = Day(), Day()
    for day, shuffled in zip(days, (False, True), strict=True):
        for number, channels in enumerate(tuned):
            second = number * every_s
            day.feed(second, QFA1)
            heard = [WEST_MAST, EAST_MAST, station("QFA1", *channels)]
            if shuffled:
                random.shuffle(heard)
            day.hear(second, *heard)
        day.feed(len(tuned) * every_s, QFA1)
    assert days[0].contacts() == days[1].contacts()
    assert days[0].ledger.rows() == days[1].ledger.rows()
    end_s = len(tuned) * every_s
    seconds = {
        second
        for _, _, start_s, until_s in days[0].contacts()
        for second in range(start_s, end_s if until_s is None else until_s)
    }
    assert len(seconds) <= end_s
    assert len(seconds) >= every_s * max(0, sum(bool(each) for each in tuned) - 1)
    for minute, in_contact in days[0].in_contact().items():
        assert in_contact == (minute * 60 in seconds)
