"""What must hold whatever the feeds are: weird ones made up by hypothesis, and lines with a truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.feed.records import Prefile, TransceiverSnapshot
from sectorwatch.traffic import Tracker
from traffic import made
from traffic.ledger import Ledger, collect
from traffic.made import (
    DAY_S,
    FIELDS,
    LATER_LOGON,
    LOGON,
    SMALL_WORLD,
    Line,
    Record,
    fly,
    snapshot,
)

if TYPE_CHECKING:
    from sectorwatch.feed.records import Snapshot

WORLD = made.airspace(*SMALL_WORLD)
PLANS = [
    b"",
    made.plan(),
    made.plan("BBBB", "AAAA"),
    made.plan("AAAA", "AAAA", deptime="0300"),
    made.plan(aircraft_short="EC35"),
]
CONTROLLERS = [
    made.controller("WEST_CTR"),
    made.controller("WEST_CTR", logon_time_s=DAY_S),
    made.controller("WEST__CTR", cid=901),
    made.controller("EAST_CTR", cid=902, frequency="120.500"),
    made.controller("EAST_OBS", cid=903),
]

steps_s = st.sampled_from(
    [0.4, 1, 15, 15, 15, 30, 47, 61, 120, 179, 299, 300, 301, 900, 4000, -15, 0]
)
records = st.builds(
    Record,
    longitude=st.one_of(
        st.sampled_from([0.2, 0.99, 1.0, 1.01, 1.8, 2.0, 179.99, -180.0, -179.99, -40.0]),
        st.floats(-0.2, 2.2),
    ),
    latitude=st.sampled_from([0.5, 0.5, 0.0, 1.5, 2.0, -0.1, 89.9, -90.0]),
    altitude_ft=st.sampled_from([-300, 0, 90, 150, 250, 5000, 5300, 29_999, 30_000, 41_000]),
    groundspeed_kt=st.sampled_from([0, 30, 39, 40, 49, 50, 79, 80, 250, 400, 1636, 5000]),
    cid=st.sampled_from([1, 2]),
    callsign=st.sampled_from(["QFA1", "RSCU", ""]),
    logon_time=st.sampled_from([LOGON, LOGON, LOGON, LATER_LOGON, "x"]),
    lag_s=st.sampled_from([0, 0, 0, 3, 8, 20, 60, 119, 121, 177, 179, 180, 181, 400, 5000]),
    flight_plan=st.sampled_from(PLANS),
    transponder=st.sampled_from(["2000", "", "9999"]),
)
stations = st.builds(
    lambda callsign, channels, longitude, height_ft: made.station(
        callsign, *channels, longitude=longitude, height_ft=height_ft
    ),
    st.sampled_from(["QFA1", "RSCU", "", "WEST_CTR", "WEST__CTR", "EAST_CTR", "EAST_OBS"]),
    st.lists(st.sampled_from([130_900, 120_500, 122_800, 199_998]), max_size=3),
    st.sampled_from([0.5, 1.5, 2.5, -40.0]),
    st.sampled_from([-50.0, 100.0, 30_000.0]),
)
weird = st.lists(
    st.tuples(
        steps_s,
        st.lists(records, max_size=5),
        st.lists(st.sampled_from(CONTROLLERS), max_size=3),
        st.lists(st.sampled_from(PLANS), max_size=2),
        st.booleans(),
        st.one_of(st.none(), st.lists(stations, max_size=6)),
    ),
    min_size=1,
    max_size=25,
)


Heard = TransceiverSnapshot | None


def feeds(made_up: list[Any]) -> list[tuple[Snapshot, bool, Heard]]:
    """Feeds one after another by their steps, whether the tracker is dumped before each, radios."""
    found, now_s = [], float(DAY_S)
    for step_s, here, online, filed, dumped, tuned in made_up:
        now_s += step_s
        prefiles = [Prefile(9, "PRE9", plan, DAY_S) for plan in filed]
        feed = snapshot(now_s, *here, controllers=online, prefiles=prefiles)
        found.append((feed, dumped, None if tuned is None else made.radios(now_s, *tuned)))
    return found


@settings(max_examples=300)
@given(weird)
def test_whatever_the_feeds_the_rows_hold_together(made_up: list[Any]) -> None:
    """No two sectors of a partition at once, occupancy is the open visits, demand is the visits'.

    And time never runs back, keys are unique, and a tracker that is dumped and loaded on the way
    gives the same rows.
    """
    plain, dumped = Tracker(WORLD, FIELDS), Tracker(WORLD, FIELDS)
    one, other = Ledger(WORLD), Ledger(WORLD)
    for feed, is_dumped, heard in feeds(made_up):
        if is_dumped:
            dumped = Tracker.load(dumped.dump(), WORLD, FIELDS)
        tick, again = plain.advance(feed), dumped.advance(feed)
        assert (tick is None) == (again is None)
        if tick is not None and again is not None:
            one.take(tick)
            other.take(again)
        if heard is not None:
            plain.hear(heard)
            dumped.hear(heard)
            # A restart hears again what it has heard, and that changes nothing.
            assert not dumped.hear(heard)
    one.check()
    assert one.rows() == other.rows()
    assert plain.dump() == dumped.dump()


# Always well above BBBB's 5,000 ft: one that is lower near it is on the ground, and in no sector.
lines = st.builds(
    Line,
    start_s=st.integers(DAY_S, DAY_S + 300),
    longitude=st.floats(-0.5, 2.5),
    latitude=st.floats(-0.2, 2.2),
    altitude_ft=st.floats(7000, 40_000),
    degrees_s=st.tuples(st.floats(-0.002, 0.002), st.floats(-0.002, 0.002)),
    climb_ft_s=st.floats(-1, 20),
    end_s=st.integers(DAY_S + 300, DAY_S + 1500),
)


@settings(max_examples=60)
@given(st.lists(lines, min_size=1, max_size=4), st.sampled_from([15, 30, 60, 120, 300]))
def test_how_often_feeds_come_changes_little(given_lines: list[Line], step_s: int) -> None:
    """Aircraft on lines are in the same sectors at every second, however long the steps are.

    But for the altitude, which feeds give in whole feet, and the second that this is worth.
    """
    named = [
        Line(
            **{name: getattr(line, name) for name in Line.__dataclass_fields__ if name != "record"},
            record=Record(0.0, callsign=f"A{number}"),
        )
        for number, line in enumerate(given_lines)
    ]
    until_s = DAY_S + 1500
    ledger = collect(WORLD, fly(Tracker(WORLD, FIELDS), range(DAY_S, until_s, step_s), *named))
    by_callsign = {flight.callsign: flight.flight_id for flight in ledger.flights.values()}
    for line in named:
        if line.record.callsign not in by_callsign:
            continue
        flight_id = by_callsign[line.record.callsign]
        first_s = -(-(line.start_s - DAY_S) // step_s) * step_s + DAY_S
        last_s = max(t for t in range(DAY_S, until_s, step_s) if line.at(t) is not None)
        for now_s in range(first_s, last_s, 7):
            here = [line.at(now_s + near) or line.at(now_s) for near in (-1, 0, 1)]
            places = [record for record in here if record is not None]
            heights = [record.altitude_ft + extra for record in places for extra in (-2, 0, 2)]
            found = WORLD.locate(
                [record.longitude for record in places for _ in range(3)],
                [record.latitude for record in places for _ in range(3)],
                heights,
            )
            if (found != found[:, :1]).any():
                continue  # a side, floor or ceiling is too near to say
            expected = {WORLD.sectors[index].sector_id for index in found[:, 0] if index >= 0}
            inside = {
                visit.sector_id
                for visit in ledger.visits.values()
                if visit.flight_id == flight_id
                and visit.entry_s <= now_s < (visit.exit_s or until_s)
            }
            assert inside == expected
