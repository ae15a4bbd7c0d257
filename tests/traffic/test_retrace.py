"""Positions followed again give the visits and the demand that came of the snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.traffic import Tracker
from sectorwatch.traffic.retrace import Retrace
from traffic import made
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Line, Record, fly

if TYPE_CHECKING:
    from sectorwatch.traffic import Tick
    from sectorwatch.traffic.tick import Visit

WORLD = made.airspace(*SMALL_WORLD)

lines = st.builds(
    Line,
    start_s=st.integers(DAY_S, DAY_S + 300),
    longitude=st.floats(-0.5, 2.5),
    latitude=st.floats(-0.2, 2.2),
    altitude_ft=st.floats(1_000, 40_000),
    degrees_s=st.tuples(st.floats(-0.002, 0.002), st.floats(-0.002, 0.002)),
    climb_ft_s=st.floats(-20, 20),
    end_s=st.integers(DAY_S + 300, DAY_S + 1_500),
    record=st.builds(Record, longitude=st.just(0.0), lag_s=st.sampled_from([0, 3, 9, 14])),
)


def kept(visits: list[Visit]) -> dict[Any, Visit]:
    """The newest row of each visit."""
    return {(each.flight_id, each.sector_id, each.entry_s): each for each in visits}


def of_demand(ticks: list[Any]) -> list[Any]:
    """All rows of demand, without who was in contact."""
    columns = [
        np.concatenate([getattr(each, name) for each in ticks]).tolist()
        for name in ("minute_s", "sector_id", "occupancy", "entries")
    ]
    return sorted(zip(*columns, strict=True))


def again(ticks: list[Tick]) -> tuple[dict[Any, Visit], list[Any]]:
    """Visits and demand from the ticks' positions alone."""
    trace = Retrace(WORLD, FIELDS)
    visits, demand = [], []
    for tick in ticks:
        changed, minutes = trace.step(tick.time_us, tick.positions)
        visits += changed
        demand.append(minutes)
    found = kept(visits)
    assert {key for key, each in found.items() if each.exit_s is None} == set(
        kept(trace.standing())
    )
    return found, of_demand(demand)


@settings(max_examples=80)
@given(
    st.lists(lines, min_size=1, max_size=5),
    st.sampled_from([15, 60, 120, 300]),
    st.sampled_from([0, 0, 400, 900]),
)
def test_the_same_sectors_give_the_same(given_lines: list[Line], step_s: int, gap_s: int) -> None:
    """Whoever flies how, however often feeds come, and across a gap: every visit, every minute."""
    named = [
        Line(
            **{name: getattr(line, name) for name in Line.__dataclass_fields__ if name != "record"},
            record=line.record.with_(callsign=f"A{number}"),
        )
        for number, line in enumerate(given_lines)
    ]
    times = [*range(DAY_S, DAY_S + 700, step_s), *range(DAY_S + 700 + gap_s, DAY_S + 2_400, step_s)]
    ticks = fly(Tracker(WORLD, FIELDS), times, *named)
    visits, demand = again(ticks)
    assert visits == kept([each for tick in ticks for each in tick.visits])
    assert demand == of_demand([tick.demand for tick in ticks])


def test_a_step_of_five_minutes_is_no_gap_however_its_milliseconds_fall() -> None:
    """As for the tracker: what was kept of such a history comes out again."""
    times = [DAY_S + second for second in (0, 300.9, 600.1, 900.8, 1_200.9)]
    line = Line(DAY_S, 0.1, degrees_s=(0.0005, 0.0), record=Record(0.0))
    tracker = Tracker(WORLD, FIELDS)
    ticks = [made.advance(tracker, made.snapshot(time_s, line.at(int(time_s)))) for time_s in times]
    visits, demand = again(ticks)
    assert visits == kept([each for tick in ticks for each in tick.visits])
    assert demand == of_demand([tick.demand for tick in ticks])
    assert len(demand) > 20


def test_several_positions_of_a_flight_come_in_one_step() -> None:
    """As where snapshots are lacking: they are taken one after another."""
    line = Line(DAY_S, 0.5, record=Record(0.0))
    ticks = fly(Tracker(WORLD, FIELDS), range(DAY_S, DAY_S + 600, 15), line)
    every = Retrace(WORLD, FIELDS)
    visits = [each for tick in ticks for each in every.step(tick.time_us, tick.positions)[0]]
    rare = Retrace(WORLD, FIELDS)
    found: list[Visit] = []
    for first in range(0, len(ticks), 4):
        some = ticks[first : first + 4]
        names = type(some[0].positions).__dataclass_fields__
        together = type(some[0].positions)(
            **{n: np.concatenate([getattr(t.positions, n) for t in some]) for n in names}
        )
        found += rare.step(some[-1].time_us, together)[0]
    assert kept(found) == kept(visits)
    assert len(kept(visits)) == 3


def test_who_was_in_contact_is_counted_where_it_is_known() -> None:
    """By the minute: of the flights inside those that are given, and nobody where none are."""
    line = Line(DAY_S, 0.5, record=Record(0.0))
    ticks = fly(Tracker(WORLD, FIELDS), range(DAY_S, DAY_S + 600, 15), line)
    flight = np.array([ticks[0].flights[0].flight_id], np.int64)
    known = DAY_S + 60
    trace = Retrace(WORLD, FIELDS, in_contact=lambda m: flight if m == known else None)
    rows = [trace.step(tick.time_us, tick.positions)[1] for tick in ticks]
    counted = {
        (minute, number)
        for each in rows
        for minute, number in zip(each.minute_s.tolist(), each.in_contact.tolist(), strict=True)
    }
    assert (known, 1) in counted
    assert (known + 60, -1) in counted


def test_what_comes_after_is_not_joined_where_all_was_lost() -> None:
    """A visit ends at the last position before, another begins at the first one after."""
    line = Line(DAY_S, 0.1, record=Record(0.0))
    ticks = fly(Tracker(WORLD, FIELDS), range(DAY_S, DAY_S + 120, 15), line)
    trace = Retrace(WORLD, FIELDS)
    visits = []
    for number, tick in enumerate(ticks):
        if number == 4:
            trace.lose_all()
        visits += trace.step(tick.time_us, tick.positions)[0]
    west = [each for each in kept(visits).values() if each.sector_id == made.WEST.sector_id]
    assert [each.exit_s for each in west] == [DAY_S + 45, None]
    assert west[1].entry_s == DAY_S + 60
