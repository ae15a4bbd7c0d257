"""The present as values."""

from __future__ import annotations

from sectorwatch.feed.records import Atis, Prefile
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.present import pressure_mb, squawk_number
from sectorwatch.traffic.tick import NetworkCounts
from traffic import made
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Record, advance, parked, snapshot

WORLD = made.airspace(*SMALL_WORLD)


def test_everybody_stands_in_the_order_of_the_feed() -> None:
    """Arrays and flights share one index: the feed's."""
    records = [Record(0.5 + k / 10, callsign=f"A{9 - k}", transponder=f"{k}000") for k in range(6)]
    live = advance(Tracker(WORLD, FIELDS), snapshot(DAY_S, *records)).live
    assert [flight.callsign for flight in live.flights] == [each.callsign for each in records]
    assert live.longitude.tolist() == [each.longitude for each in records]
    assert live.transponder.tolist() == [0, 1000, 2000, 3000, 4000, 5000]
    names = [WORLD.sectors[k].name for k in live.sector[0].tolist()]
    assert names == ["WEST"] * 5 + ["EAST"]


def test_positions_are_only_those_that_are_new() -> None:
    """A flight whose position did not move on has no row, but is in the present."""
    tracker = Tracker(WORLD, FIELDS)
    still = Record(0.5)
    advance(tracker, snapshot(DAY_S, still, Record(0.7, callsign="QFA2")))
    tick = advance(
        tracker, snapshot(DAY_S + 15, still.with_(lag_s=15), Record(0.71, callsign="QFA2"))
    )
    assert tick.positions.longitude.tolist() == [0.71]
    assert tick.positions.time_s.tolist() == [DAY_S + 15]
    assert tick.live.time_s.tolist() == [DAY_S, DAY_S + 15]


def test_the_present_is_nobodys_to_write_to() -> None:
    """A later tick changes nothing of what an earlier one gave."""
    tracker = Tracker(WORLD, FIELDS)
    first = advance(tracker, snapshot(DAY_S, Record(0.5)))
    before = (first.live.longitude.copy(), first.live.sector.copy(), first.live.occupancy.copy())
    advance(tracker, snapshot(DAY_S + 150, Record(1.2)))
    after = (first.live.longitude, first.live.sector, first.live.occupancy)
    assert [each.tolist() for each in before] == [each.tolist() for each in after]


def test_squawks_are_numbers_of_their_digits() -> None:
    """What is no number is -1."""
    codes = ("7000", "0021", "", "70A0", "٣٤", "1" * 12)
    assert [squawk_number(code) for code in codes] == [7000, 21, -1, -1, -1, -1]


def test_pressures_fit_their_column() -> None:
    """Unknown is -1; absurd ones are kept as far as the column goes."""
    given = (None, 1013, -13057, 10**12, -(10**12))
    assert [pressure_mb(value) for value in given] == [-1, 1013, -13057, 2**31 - 1, -(2**31)]


def test_what_a_pilot_changes_is_shown_at_once() -> None:
    """Squawk, pressure and plan are those of the last record, also where nothing moved."""
    tracker = Tracker(WORLD, FIELDS)
    first = Record(0.5, flight_plan=made.plan())
    advance(tracker, snapshot(DAY_S, first, Record(0.6, callsign="QFA2")))
    changed = first.with_(transponder="7700", qnh_mb=None, flight_plan=b"", lag_s=15)
    tick = advance(tracker, snapshot(DAY_S + 15, changed, Record(0.6, callsign="QFA2")))
    assert tick.live.transponder.tolist() == [7700, 2000]
    assert tick.live.qnh_mb.tolist() == [-1, 1013]
    assert tick.network.with_plan == 0
    again = advance(tracker, snapshot(DAY_S + 30, first.with_(lag_s=30)))
    assert (again.live.transponder.tolist(), again.network.with_plan) == ([2000], 1)


def test_the_network_is_counted() -> None:
    """Who is in the air, who filed, who controls, and what the feed says of itself."""
    atis = Atis(5, "AAAA_ATIS", "128.000", 4, 3, "S", 50, "A", (), DAY_S, DAY_S)
    filed = Prefile(7, "PRE7", made.plan(), DAY_S)
    feed = snapshot(
        DAY_S,
        Record(0.5, flight_plan=made.plan()),
        parked(callsign="QFA2"),
        parked(callsign="QFA3"),
        controllers=[made.controller("WEST_CTR"), made.controller("X_OBS", facility=0)],
        atis=[atis],
        prefiles=[filed],
    )
    tick = advance(Tracker(WORLD, FIELDS), feed)
    assert tick.network == NetworkCounts(
        pilots=3,
        airborne=1,
        on_ground=2,
        with_plan=1,
        controllers=1,
        observers=1,
        atis=1,
        prefiles=1,
        connected_clients=5,
        unique_users=5,
    )
    assert (tick.live.atis, tick.live.prefiles) == ([atis], [filed])
