"""A tracker that is told what was open before its first snapshot goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.feed.records import Prefile
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.known import Known
from traffic import made
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Line, Record, advance, snapshot

if TYPE_CHECKING:
    from sectorwatch.feed.records import Snapshot

WORLD = made.airspace(*SMALL_WORLD)
STATION = made.controller("WEST_CTR", cid=900)
LINES = (
    Line(DAY_S, 0.2, record=Record(0.0, callsign="A0", cid=1, flight_plan=made.plan())),
    Line(DAY_S + 60, 0.4, record=Record(0.0, callsign="A1", cid=2)),
    # Gone before the other one begins.
    Line(DAY_S, 0.6, end_s=DAY_S + 240, record=Record(0.0, callsign="A2", cid=3)),
)


def feed(time_s: int) -> Snapshot:
    """Three aircraft and a controller."""
    return snapshot(time_s, *(line.at(time_s) for line in LINES), controllers=[STATION])


def test_it_goes_on_under_the_same_numbers() -> None:
    """Flights, visits, sessions and owners are those of the tracker that saw all of it."""
    whole = Tracker(WORLD, FIELDS)
    before = [advance(whole, feed(time_s)) for time_s in range(DAY_S, DAY_S + 300, 15)]
    standing = whole.standing()
    assert {each.callsign for each in standing.flights} == {"A0", "A1"}
    assert len(standing.visits) == 4
    gone = [each for tick in before for each in tick.flights if each.callsign == "A2"][-1]
    known = Known(
        flights=[*standing.flights, gone],
        visits=standing.visits,
        sessions=standing.sessions,
        ownerships=standing.ownerships,
        frequency_of={each.session_id: each.frequency for each in standing.sessions},
    )
    later = Tracker(WORLD, FIELDS, known=known)
    for time_s in range(DAY_S + 300, DAY_S + 900, 15):
        one, other = advance(whole, feed(time_s)), advance(later, feed(time_s))
        assert one.live.flights == other.live.flights
        assert one.live.owners == other.live.owners
        assert one.live.sessions == other.live.sessions
    assert whole.standing() == later.standing()
    assert min(each.entry_s for each in later.standing().visits) == DAY_S


def test_another_member_or_logon_is_another_flight() -> None:
    """Only the same member under the same callsign, on the same connection, goes on."""
    first = Tracker(WORLD, FIELDS)
    advance(first, snapshot(DAY_S, Record(0.5, callsign="A0", cid=1)))
    known = Known(flights=first.standing().flights)
    number = known.flights[0].flight_id
    for record, same in (
        (Record(0.5, callsign="A0", cid=1), True),
        (Record(0.5, callsign="A0", cid=2), False),
        (Record(0.5, callsign="A1", cid=1), False),
        (Record(0.5, callsign="A0", cid=1, logon_time=made.LATER_LOGON), False),
    ):
        tick = advance(Tracker(WORLD, FIELDS, known=known), snapshot(DAY_S + 15, record))
        assert (tick.live.flights[0].flight_id == number) == same


def test_what_is_not_there_any_more_is_not_made_up() -> None:
    """Of rows that nothing in the first snapshot goes on with, no row comes."""
    first = Tracker(WORLD, FIELDS)
    advance(first, feed(DAY_S))
    standing = first.standing()
    known = Known(flights=standing.flights, visits=standing.visits, sessions=standing.sessions)
    tick = advance(Tracker(WORLD, FIELDS, known=known), snapshot(DAY_S + 15))
    assert (tick.flights, tick.visits, tick.sessions) == ([], [], [])


def test_a_prefile_that_the_first_snapshot_no_longer_has_is_gone_with_it() -> None:
    """One that it has goes on under its number, as for the tracker that saw all of it."""
    plans = [Prefile(9, name, made.plan(), DAY_S) for name in ("PRE1", "PRE2")]
    whole = Tracker(WORLD, FIELDS)
    advance(whole, snapshot(DAY_S, prefiles=plans))
    later = Tracker(WORLD, FIELDS, known=Known(prefiles=whole.standing().prefiles))
    second = snapshot(DAY_S + 900, prefiles=plans[1:])
    one, other = advance(whole, second), advance(later, second)
    assert [each.gone_s for each in one.prefiles] == [DAY_S + 900]
    assert [each for each in other.prefiles if each.gone_s is not None] == one.prefiles
    assert whole.standing().prefiles == later.standing().prefiles
