from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_ticks import START_S, demand, flight, plan, positions, session, tick
from sectorwatch.store import Identity
from sectorwatch.store.segments import HOUR_S
from sectorwatch.traffic.tick import Gap, Ownership, PlanRevision, Positions, Visit

if TYPE_CHECKING:
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

STEP_S = 60
GAP_S = START_S + 100 * STEP_S
AFTER_S = GAP_S + 1_800
GONE_S = START_S + 40 * STEP_S - 3
"""The last position of flight 1002."""


def only(there: Positions, which: list[int]) -> Positions:
    """Some of them."""
    return Positions(*(getattr(there, name)[which] for name in Positions.__dataclass_fields__))


def minutely(seq: int) -> Tick:
    """A tick a minute, after an hour and forty minutes a gap; 1002 goes in minute 41."""
    now = START_S + (seq - 1) * STEP_S
    gap = None
    if now > GAP_S:
        now += 1_740
        gap = Gap(GAP_S, now) if now == AFTER_S else None
    us = now * 1_000_000
    here = [0, 1, 2] if now <= START_S + 40 * STEP_S else [0, 1]
    flights = [
        flight(1_000, "ALL", plan=plan(arrival="YBBN"), departed_s=START_S + 1_800),
        flight(1_001, "NOPLAN"),
        flight(1_002, "GONE", ended_s=GONE_S if len(here) < 3 else None),
    ]
    first = seq == 1
    plans = (PlanRevision(1_000, us, us, plan(arrival="YMML")),) if first else ()
    if seq == 51:
        plans = (PlanRevision(1_000, us, us, plan(arrival="YBBN")),)
    owned = Ownership(5, START_S, 42, "ML-GUN_CTR", "first in its list")
    return replace(
        tick(seq, time_s=now, gap=gap),
        positions=only(positions(3, now), here),
        flights=flights,
        plans=plans,
        visits=(Visit(1_000, 5, START_S, 1.0, 2.0, 9_000, GAP_S - 3, 1.0, 2.0, 9_000),),
        demand=demand((now // 60 * 60, 5, 1, 0)),
        sessions=(session(42, "ML-GUN_CTR", ended_s=None if now <= GAP_S else GAP_S),),
        ownerships=(owned if now <= GAP_S else replace_end(owned, GAP_S),),
    )


def replace_end(row: Ownership, end_s: int) -> Ownership:
    """The same, ended."""
    return Ownership(row.sector_id, row.start_s, row.session_id, row.callsign, row.why, end_s)


@pytest.fixture
def flown(either: Store) -> Store:
    """An hour and forty minutes, half an hour's gap, and twenty minutes."""
    either.identify(Identity("a1", "1", "k"))
    for seq in range(1, 122):
        either.commit(minutely(seq))
    return either


@pytest.mark.parametrize(
    ("at_s", "words", "gap"),
    [
        (START_S - 1, "before the first snapshot", None),
        (GAP_S + 900, "lies in a gap", Gap(GAP_S, AFTER_S)),
        (AFTER_S + 20 * STEP_S + 1, "later than the newest snapshot", None),
    ],
)
def test_what_is_not_known_is_said(flown: Store, at_s: int, words: str, gap: Gap | None) -> None:
    """Before the first snapshot, in a gap and after the last: no moment is known, and why."""
    moment = flown.moments.moment(at_s)
    assert not moment.known
    assert words in moment.statement
    assert moment.gap == gap


def test_before_anything_was_taken_in_nothing_is_known(store: Store) -> None:
    """A new instance says so."""
    moment = store.moments.moment(START_S)
    assert not moment.known
    assert "yet" in moment.statement


def test_a_moment_is_that_of_the_newest_snapshot_before_it(flown: Store) -> None:
    """To the second of a snapshot and until the next; the edges of a gap are known."""
    for at_s, seq in ((START_S, 1), (START_S + 59, 1), (START_S + 60, 2), (GAP_S, 101)):
        moment = flown.moments.moment(at_s)
        assert moment.known
        assert moment.snapshot_us == minutely(seq).time_us
        assert moment.airspace == "a1"
    assert flown.moments.moment(GAP_S).is_last
    assert flown.moments.moment(AFTER_S).known


def test_flights_are_where_they_were_however_much_is_sealed(flown: Store) -> None:
    """All in blobs, an hour sealed, all sealed: the same positions, of that moment."""
    for seal in (None, START_S, START_S + HOUR_S):
        if seal is not None:
            assert flown.seal(seal) is not None
        # 61 min: the window of three minutes begins in the hour before.
        for minute in (0, 39, 61, 99):
            now = START_S + minute * STEP_S
            found = flown.moments.flights(flown.moments.moment(now + 7))
            expected = positions(3, now)
            count = 3 if minute < 40 else 2
            assert found.known
            assert found.unread == []
            assert [each.callsign for each in found.flights] == ["ALL", "NOPLAN", "GONE"][:count]
            assert found.positions.flight_id.tolist() == [1_000, 1_001, 1_002][:count]
            assert found.positions.time_s.tolist() == [now - 3] * count
            longitude = np.rint(expected.longitude[:count] * 1e5)
            assert found.positions.longitude_e5.tolist() == longitude.tolist()


def test_who_left_is_gone_with_the_first_snapshot_that_has_it_no_more(flown: Store) -> None:
    """Not only when its last position is too old."""
    there = flown.moments.flights(flown.moments.moment(START_S + 40 * STEP_S + 59))
    gone = flown.moments.flights(flown.moments.moment(START_S + 41 * STEP_S))
    assert [each.callsign for each in there.flights] == ["ALL", "NOPLAN", "GONE"]
    assert [each.callsign for each in gone.flights] == ["ALL", "NOPLAN"]


def test_a_flight_knows_nothing_of_what_came_later(flown: Store) -> None:
    """The plan it had then, and no take-off before it took off."""
    early = flown.moments.flights(flown.moments.moment(START_S + 60)).flights[0]
    late = flown.moments.flights(flown.moments.moment(START_S + 52 * STEP_S)).flights[0]
    assert early.plan is not None
    assert (early.plan.arrival, early.departed_s) == ("YMML", None)
    assert late.plan is not None
    assert (late.plan.arrival, late.departed_s) == ("YBBN", START_S + 1_800)
    assert flown.moments.flights(flown.moments.moment(START_S + 60)).flights[1].plan is None


def test_visits_that_lasted_are_found_in_tables_and_files(flown: Store) -> None:
    """Half-open: at its last second a visit is over."""
    flown.commit(tick(122, time_s=START_S + 4 * 86_400))
    for _ in range(2):
        for at_s, count in ((START_S, 1), (START_S + HOUR_S, 1), (GAP_S, 0)):
            flights, sectors = flown.moments.visits(flown.moments.moment(at_s))
            assert (flights.tolist(), sectors.tolist()) == ([1_000] * count, [5] * count)
        flown.seal_due(START_S + 4 * 86_400)


def test_controllers_and_owners_of_then(flown: Store) -> None:
    """Until the last snapshot before the gap, that one included; afterwards nobody."""
    for at_s, count in ((START_S, 1), (GAP_S, 1), (AFTER_S, 0)):
        found = flown.moments.owners(flown.moments.moment(at_s))
        assert [each.callsign for each in found.sessions] == ["ML-GUN_CTR"] * count
        assert [each.why for each in found.owners] == ["first in its list"] * count


def test_a_damaged_hour_is_said_and_leaves_the_others(flown: Store) -> None:
    """Of a cut file nothing is known, in words; the hour after it answers, and says what lacks."""
    file = flown.seal(START_S)
    assert file is not None
    path = flown.directory.segments / file.path
    path.write_bytes(path.read_bytes()[:-100])
    inside = flown.moments.flights(flown.moments.moment(START_S + 600))
    assert not inside.known
    assert "damaged" in inside.unread[0]
    after = flown.moments.flights(flown.moments.moment(START_S + HOUR_S + 60))
    assert after.known
    assert len(after.flights) == 2
    assert len(after.unread) == 1
    assert flown.moments.flights(flown.moments.moment(START_S + HOUR_S + 300)).unread == []


def test_what_was_let_go_is_said(flown: Store) -> None:
    """Positions that are kept no longer are not nobody."""
    file = flown.seal(START_S)
    assert file is not None
    with flown.database.write("a test") as connection:
        flown.manifest.drop(connection, [file])
    found = flown.moments.flights(flown.moments.moment(START_S + 600))
    assert not found.known
    assert "no longer there" in found.unread[0]
