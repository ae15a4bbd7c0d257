"""The tracker on made feeds whose truth is known."""

from __future__ import annotations

import pytest

from sectorwatch.errors import TrackerStateError
from sectorwatch.feed.records import Prefile, Snapshot
from sectorwatch.traffic import Rules, Tracker
from traffic import made
from traffic.ledger import Ledger, collect
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Line, Record, advance, fly, parked, snapshot

WORLD = made.airspace(*SMALL_WORLD)
STEADY = range(DAY_S, DAY_S + 900, 15)


def tracker(**rules: int) -> Tracker:
    """A tracker over the small world."""
    return Tracker(WORLD, FIELDS, Rules(**rules))


def spans(ledger: Ledger) -> dict[str, list[tuple[int, int | None]]]:
    """Each sector's visits as seconds since the start of the day."""
    found: dict[str, list[tuple[int, int | None]]] = {}
    for visit in sorted(ledger.visits.values(), key=lambda visit: visit.entry_s):
        name = next(s.name for s in WORLD.sectors if s.sector_id == visit.sector_id)
        exit_s = None if visit.exit_s is None else visit.exit_s - DAY_S
        found.setdefault(name, []).append((visit.entry_s - DAY_S, exit_s))
    return found


def test_a_snapshot_that_is_not_later_is_skipped() -> None:
    """The same time twice, or an earlier one, gives no tick and changes nothing."""
    t = tracker()
    advance(t, snapshot(DAY_S, Record(0.5)))
    kept = t.dump()
    assert t.advance(snapshot(DAY_S, Record(0.6))) is None
    assert t.advance(snapshot(DAY_S - 15, Record(0.6))) is None
    assert t.dump() == kept
    assert advance(t, snapshot(DAY_S + 0.5, Record(0.6, callsign="QFA2"))).seq == 2
    assert t.time_us == (DAY_S * 1_000_000 + 500_000)


def test_crossings_are_dated_to_the_second() -> None:
    """A flight leaves WEST and enters EAST in the first second past their common side."""
    line = Line(DAY_S, 0.5003)
    ledger = collect(WORLD, fly(tracker(), STEADY, line))
    at_side = line.reaches_longitude(1.0) - DAY_S
    at_end = line.reaches_longitude(2.0) - DAY_S
    assert (at_side, at_end) == (250, 750)
    assert spans(ledger) == {"WEST": [(0, 250)], "WHOLE": [(0, 750)], "EAST": [(250, 750)]}
    crossing = next(visit for visit in ledger.visits.values() if visit.entry_s == DAY_S + 250)
    assert crossing.entry_longitude == pytest.approx(1.0003)
    assert crossing.entry_latitude == 0.5
    assert crossing.entry_altitude_ft == 10_000


def test_a_climb_through_a_floor_is_dated_to_the_second() -> None:
    """EAST's ceiling is UPPER's floor: the flight changes over where it reaches 30,000 ft."""
    line = Line(
        DAY_S, 1.2, altitude_ft=29_000, climb_ft_s=7.0, degrees_s=(0.0, 0.0005), end_s=DAY_S + 600
    )
    ledger = collect(WORLD, fly(tracker(), STEADY, line))
    at_floor = 143  # 1,000 ft at 7 ft/s
    assert spans(ledger)["EAST"] == [(0, at_floor)]
    assert spans(ledger)["UPPER"] == [(at_floor, 585)]


def test_a_sector_crossed_wholly_between_two_positions_is_visited() -> None:
    """At 5-min steps the flight is in WEST, then past EAST; its stay in EAST is found all the same."""
    fast = Record(0.0, groundspeed_kt=864)
    line = Line(DAY_S, 0.9002, degrees_s=(0.004, 0.0), record=fast)
    ledger = collect(WORLD, fly(tracker(), range(DAY_S, DAY_S + 601, 300), line))
    assert spans(ledger) == {"WEST": [(0, 25)], "EAST": [(25, 275)], "WHOLE": [(0, 275)]}


def test_the_antimeridian_is_crossed_the_short_way() -> None:
    """From 179.95 E to 179.95 W the flight goes through FAREAST and FARWEST, not round the world."""
    line = Line(DAY_S, 179.95 - 0.0001, degrees_s=(0.002, 0.0))
    ledger = collect(WORLD, fly(tracker(), range(DAY_S, DAY_S + 200, 45), line))
    at_180 = line.reaches_longitude(180.0) - DAY_S
    assert at_180 == 26
    assert spans(ledger) == {"FAREAST": [(0, 26)], "FARWEST": [(26, None)]}
    entered = next(visit for visit in ledger.visits.values() if visit.exit_s is None)
    assert -180 <= entered.entry_longitude < -179.99


def test_nothing_is_interpolated_over_more_than_five_minutes() -> None:
    """Positions 301 s apart end one stay at the first and begin another at the second."""
    t = tracker()
    first = snapshot(DAY_S, Record(0.5, lag_s=10))
    second = snapshot(DAY_S + 291, Record(1.5))
    ledger = collect(WORLD, [advance(t, first), advance(t, second)])
    assert spans(ledger) == {
        "WEST": [(-10, -10)],
        "EAST": [(291, None)],
        "WHOLE": [(-10, -10), (291, None)],
    }
    t = tracker()
    first = snapshot(DAY_S, Record(0.5, lag_s=9))
    ledger = collect(WORLD, [advance(t, first), advance(t, second)])
    assert spans(ledger) == {"WEST": [(-9, 141)], "EAST": [(141, None)], "WHOLE": [(-9, None)]}


def test_a_jump_is_not_flown() -> None:
    """A flight set elsewhere by its pilot ends its stay where it was; what lies between is unseen."""
    t = tracker()
    ticks = [
        advance(t, snapshot(DAY_S, Record(0.5))),
        advance(t, snapshot(DAY_S + 15, Record(1.9))),
        advance(t, snapshot(DAY_S + 30, Record(1.901))),
    ]
    ledger = collect(WORLD, ticks)
    assert spans(ledger) == {
        "WEST": [(0, 0)],
        "EAST": [(15, None)],
        "WHOLE": [(0, 0), (15, None)],
    }
    assert len(ledger.flights) == 1


def test_absent_from_the_feed_a_flight_occupies_nothing() -> None:
    """A record missing for one feed ends the stay at the last position and begins a new one."""
    t = tracker()
    line = Line(DAY_S, 0.5)
    feeds = [snapshot(DAY_S + 15 * k, line.at(DAY_S + 15 * k)) for k in range(6)]
    feeds[3] = snapshot(DAY_S + 45)
    ticks = [advance(t, feed) for feed in feeds]
    assert ticks[3].live.occupancy.sum() == 0
    ledger = collect(WORLD, ticks)
    assert spans(ledger)["WEST"] == [(0, 30), (60, None)]
    assert len(ledger.flights) == 1
    assert ledger.flights[ticks[0].flights[0].flight_id].reconnects == 0


def test_a_position_three_minutes_old_says_nothing_of_now() -> None:
    """A flight whose position has not moved on for 3 min occupies nothing, until it has a new one."""
    t = tracker()
    stuck = [
        advance(t, snapshot(DAY_S + k, Record(0.5, groundspeed_kt=100, lag_s=k)))
        for k in range(0, 211, 15)
    ]
    occupied = [int(tick.live.occupancy.sum()) for tick in stuck]
    assert occupied == [2] * 12 + [0] * 3
    assert stuck[12].visits[0].exit_s == DAY_S
    again = advance(t, snapshot(DAY_S + 225, Record(0.51, groundspeed_kt=100)))
    assert again.live.occupancy.sum() == 2
    collect(WORLD, [*stuck, again])


def test_what_is_final_stays_true() -> None:
    """A crossing found when its minute was final is dated at the first second that was not."""
    t = tracker()
    ticks = [advance(t, snapshot(DAY_S - 60))]
    stuck = Record(0.998, groundspeed_kt=100)
    # The position stays that of DAY_S + 5 for 170 s; in its next step the side is crossed at once.
    ticks += [
        advance(t, snapshot(DAY_S + after_s, stuck.with_(lag_s=after_s - 5)))
        for after_s in range(5, 176, 10)
    ]
    ticks.append(advance(t, snapshot(DAY_S + 182, stuck.with_(lag_s=177))))
    assert ticks[-1].final_minute_s == DAY_S
    late = Record(1.098, groundspeed_kt=100)
    ticks.append(advance(t, snapshot(DAY_S + 184, late.with_(lag_s=2))))
    ticks += [
        advance(t, snapshot(DAY_S + after_s, late.with_(longitude=1.098 + after_s / 1e4)))
        for after_s in range(200, 601, 50)
    ]
    ledger = collect(WORLD, ticks)
    # Evenly flown, the side was crossed at second 9.
    assert spans(ledger)["EAST"] == [(60, None)]
    assert spans(ledger)["WEST"] == [(5, 60)]


def test_who_comes_up_late_begins_no_earlier_than_what_is_open() -> None:
    """A new flight with an old position does not change a minute that is final."""
    t = tracker()
    ticks = [advance(t, snapshot(time_s)) for time_s in (DAY_S - 60, DAY_S + 185)]
    assert ticks[-1].final_minute_s == DAY_S
    ticks.append(advance(t, snapshot(DAY_S + 190, Record(0.5, lag_s=179))))
    ticks.append(advance(t, snapshot(DAY_S + 420)))
    assert spans(collect(WORLD, ticks))["WEST"] == [(60, 60)]


def test_positions_that_run_back_are_not_taken() -> None:
    """A record older than the position we have moves nothing."""
    t = tracker()
    first = advance(t, snapshot(DAY_S, Record(0.5)))
    second = advance(t, snapshot(DAY_S + 15, Record(0.4, lag_s=20)))
    assert second.live.longitude.tolist() == [0.5]
    assert second.live.time_s.tolist() == [DAY_S]
    assert second.positions.flight_id.size == 0
    collect(WORLD, [first, second])


def test_one_record_a_member_and_callsign_counts() -> None:
    """Where a feed was decoded with duplicates, the first of each is taken, known or not."""
    t = tracker()
    twice = (Record(0.5), Record(0.9), Record(0.7, callsign="QFA2"))
    first = advance(t, snapshot(DAY_S, *twice))
    assert first.live.longitude.tolist() == [0.5, 0.7]
    second = advance(t, snapshot(DAY_S + 15, *(each.with_(latitude=0.6) for each in twice)))
    assert second.live.longitude.tolist() == [0.5, 0.7]
    assert len(collect(WORLD, [first, second]).flights) == 2


def test_an_empty_network_is_a_network() -> None:
    """Feeds without anybody tick on, and demand has no rows."""
    t = tracker()
    ledger = collect(WORLD, [advance(t, snapshot(time_s)) for time_s in STEADY])
    assert ledger.demand == {}
    assert ledger.final_minute_s == DAY_S + 660
    assert not ledger.flights


class TestGap:
    """A step of more than 5 min between snapshots: nothing is known of what was in it."""

    def test_minutes_in_it_have_no_demand(self) -> None:
        """Rows end with the last minute wholly before the gap and begin with the first after it."""
        line = Line(DAY_S, 0.2, degrees_s=(0.0001, 0.0), record=Record(0.0, groundspeed_kt=90))
        times = [*range(DAY_S, DAY_S + 631, 15), *range(DAY_S + 2000, DAY_S + 2700, 15)]
        ledger = collect(WORLD, fly(tracker(), times, line))
        assert [(gap.start_s - DAY_S, gap.end_s - DAY_S) for gap in ledger.gaps] == [(630, 2000)]
        minutes = sorted({(minute - DAY_S) // 60 for minute, _ in ledger.demand})
        assert minutes == [*range(10), *range(34, 42)]

    def test_a_step_of_five_minutes_is_none(self) -> None:
        """At a 5-min cadence every minute is known, and crossings are interpolated."""
        line = Line(DAY_S, 0.2, degrees_s=(0.001, 0.0))
        ledger = collect(WORLD, fly(tracker(), range(DAY_S, DAY_S + 1801, 300), line))
        assert not ledger.gaps
        assert {minute for minute, _ in ledger.demand} == set(range(DAY_S, DAY_S + 1621, 60))
        assert spans(ledger)["EAST"] == [(800, 1800)]

    def test_stays_end_where_they_were_last_seen(self) -> None:
        """A flight that is there before and after stays itself and enters anew."""
        t = tracker()
        before = advance(t, snapshot(DAY_S, Record(0.5, lag_s=3)))
        after = advance(t, snapshot(DAY_S + 7200, Record(1.5)))
        assert after.gap is not None
        ledger = collect(WORLD, [before, after])
        assert spans(ledger)["WHOLE"] == [(-3, -3), (7200, None)]
        assert len(ledger.flights) == 1

    def test_five_minutes_are_no_gap_however_the_milliseconds_fall(self) -> None:
        """Feeds of 300 s come some milliseconds early or late; whole seconds count."""
        t = tracker()
        for time_s in (DAY_S + 0.1, DAY_S + 300.9, DAY_S + 600.0):
            assert advance(t, snapshot(time_s, Record(0.5))).gap is None
        assert advance(t, snapshot(DAY_S + 901.0, Record(0.5))).gap is not None

    def test_short_positions_across_it_are_not_interpolated(self) -> None:
        """Feeds 301 s apart are a gap even where a flight's own positions are 300 s apart."""
        t = tracker()
        before = advance(t, snapshot(DAY_S, Record(0.5)))
        after = advance(t, snapshot(DAY_S + 301, Record(1.5, lag_s=1)))
        ledger = collect(WORLD, [before, after])
        assert spans(ledger)["WHOLE"] == [(0, 0), (300, None)]


class TestMemory:
    """What `dump` gives and `load` takes."""

    def test_a_loaded_tracker_goes_on_as_the_dumped_one(self) -> None:
        """Dumped and loaded before every feed, the same rows come out, and the same state."""
        feeds = busy_feeds(60)
        plain, loaded = tracker(), tracker()
        one, other = Ledger(WORLD), Ledger(WORLD)
        for feed in feeds:
            loaded = Tracker.load(loaded.dump(), WORLD, FIELDS)
            one.take(advance(plain, feed))
            other.take(advance(loaded, feed))
            assert plain.dump() == loaded.dump()
        one.check()
        assert one.rows() == other.rows()
        assert len(one.movements) > 0
        assert len(one.sessions) > 0

    def test_another_airspace_is_refused(self) -> None:
        """A state over another airspace names both and says what to do."""
        data = tracker().dump()
        other = made.airspace(made.WEST)
        with pytest.raises(TrackerStateError, match=f"{other.fingerprint} is loaded") as caught:
            Tracker.load(data, other, FIELDS)
        assert WORLD.fingerprint in str(caught.value)
        assert "rebuild" in str(caught.value)

    def test_other_rules_are_refused(self) -> None:
        """A state made by other rules is not gone on from."""
        with pytest.raises(TrackerStateError, match="made by rules 3, and 3-"):
            Tracker.load(tracker().dump(), WORLD, FIELDS, Rules(off_speed_kt=30))
        data = tracker(off_speed_kt=30).dump()
        assert Tracker.load(data, WORLD, FIELDS, Rules(off_speed_kt=30)).dump() == data


def busy_feeds(count: int) -> list[Snapshot]:
    """Feeds with a bit of everything: crossings, take-offs, reconnects, plans, controllers."""
    lines = [
        Line(DAY_S, 0.1, record=Record(0.0, cid=1, flight_plan=made.plan())),
        Line(DAY_S + 60, 0.9, record=Record(0.0, cid=2, callsign="VOZ2"), end_s=DAY_S + 400),
        Line(
            DAY_S + 100, 1.9, degrees_s=(-0.003, 0.001), record=Record(0.0, cid=3, callsign="JST3")
        ),
        Line(
            DAY_S, 1.5, altitude_ft=29_500, climb_ft_s=3.0, record=Record(0.0, cid=4, callsign="A4")
        ),
    ]
    feeds = []
    for number in range(count):
        now_s = DAY_S + 15 * number
        records = [line.at(now_s) for line in lines]
        if number % 7 == 3:
            records[0] = None
        taxi = parked(cid=5, callsign="GND5", flight_plan=made.plan(revision_id=number // 9))
        if number > 20:
            taxi = taxi.with_(groundspeed_kt=150, altitude_ft=600, longitude=0.2 + number / 1000)
        if number > 40:
            taxi = taxi.with_(groundspeed_kt=10, altitude_ft=5000, longitude=1.8)
        records.append(taxi)
        online = [made.controller("WEST_CTR")] if 5 < number < 30 else []
        online += [made.controller("EAST_CTR", cid=901, frequency="120.500")] if number > 9 else []
        filed = [Prefile(7, "PRE7", made.plan(revision_id=number // 20), now_s)]
        feeds.append(snapshot(now_s, *records, controllers=online, prefiles=filed))
    return feeds
