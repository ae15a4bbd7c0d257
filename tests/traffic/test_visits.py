"""The book of visits, asked directly for what feeds seldom bring about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sectorwatch.traffic.crossings import Crossings
from sectorwatch.traffic.visits import Places, VisitBook

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Demand

IDS = np.array([501, 502], dtype=np.int64)
FLIGHTS = np.array([71, 72, 73], dtype=np.int64)


def book() -> VisitBook:
    """A book of one partition with two sectors, for three slots."""
    return VisitBook(1, 3, [501, 502])


def at(slot: int, time_s: int) -> Places:
    """One flight somewhere."""
    return Places(
        np.array([slot]),
        np.array([time_s]),
        np.array([1.5]),
        np.array([2.5]),
        np.array([900], dtype=np.int32),
    )


def minutes(visits: VisitBook, minutes_s: list[int]) -> Demand:
    """The demand of these minutes, of whose radio contact nobody knows."""
    return visits.demand(minutes_s, FLIGHTS, [None] * len(minutes_s))


def into(*sectors: int) -> np.ndarray:
    """The sectors of places, one partition."""
    return np.array([sectors], dtype=np.int32)


def crossing(time_s: int, previous: int, sector: int) -> Crossings:
    """One change of sector, of the first flight."""
    one = np.zeros(1, dtype=np.intp)
    here = np.ones(1)
    return Crossings(
        one,
        one,
        np.array([time_s]),
        here,
        here,
        here,
        np.array([previous], dtype=np.int32),
        np.array([sector], dtype=np.int32),
        into(sector),
    )


def test_a_visit_has_a_row_when_it_opens_and_one_when_it_closes() -> None:
    """The second replaces the first: the same key."""
    visits = book()
    visits.open(at(1, 100), into(0), FLIGHTS)
    (opened,) = visits.rows()
    visits.close(at(1, 160), FLIGHTS)
    (closed,) = visits.rows()
    assert (opened.flight_id, opened.sector_id, opened.entry_s, opened.exit_s) == (
        72,
        501,
        100,
        None,
    )
    assert (closed.flight_id, closed.sector_id, closed.entry_s, closed.exit_s) == (
        72,
        501,
        100,
        160,
    )
    assert (closed.exit_latitude, closed.exit_longitude, closed.exit_altitude_ft) == (1.5, 2.5, 900)
    assert visits.rows() == []


def test_opened_and_closed_at_once_it_has_one_row() -> None:
    """A tick gives the newest row of a key alone."""
    visits = book()
    visits.open(at(1, 100), into(0), FLIGHTS)
    visits.close(at(1, 100), FLIGHTS)
    assert [row.exit_s for row in visits.rows()] == [100]


def test_nothing_opens_before_the_horizon() -> None:
    """A flight that comes up late with an old position is counted from the first open minute."""
    visits = book()
    minutes(visits, [0])
    assert visits.horizon_s == 60
    visits.open(at(0, 20), into(1), FLIGHTS)
    visits.close(at(0, 30), FLIGHTS)
    (row,) = visits.rows()
    assert (row.entry_s, row.exit_s) == (60, 60)
    demand = minutes(visits, [60])
    assert (demand.occupancy.tolist(), demand.entries.tolist()) == ([0], [1])


def test_crossings_found_late_keep_a_flights_visits_together() -> None:
    """What is left and what is entered before the horizon change over at it."""
    visits = book()
    visits.open(at(0, 10), into(0), FLIGHTS)
    minutes(visits, [0])
    visits.cross(crossing(30, 0, 1), np.array([0]), FLIGHTS)
    rows = visits.rows()
    assert [(row.sector_id, row.entry_s, row.exit_s) for row in rows] == [
        (501, 10, 60),
        (502, 60, None),
    ]


def test_left_and_entered_again_within_a_second_it_never_left() -> None:
    """Back and forth before the horizon: one visit, counted once."""
    visits = book()
    visits.open(at(0, 10), into(0), FLIGHTS)
    minutes(visits, [0])
    for previous, sector in ((0, 1), (1, 0), (0, 1)):
        visits.cross(crossing(30, previous, sector), np.array([0]), FLIGHTS)
    rows = {(row.sector_id, row.entry_s): row.exit_s for row in visits.rows()}
    assert rows == {(501, 10): 60, (501, 60): 60, (502, 60): None}
    demand = minutes(visits, [60])
    assert dict(zip(demand.sector_id.tolist(), demand.entries.tolist(), strict=True)) == {
        501: 1,
        502: 1,
    }


def test_closed_visits_are_forgotten_when_their_minutes_are_final() -> None:
    """The memory holds no more than a few minutes of them."""
    visits = book()
    for second in range(0, 6000, 30):
        visits.open(at(0, second), into(0), FLIGHTS)
        visits.close(at(0, second + 20), FLIGHTS)
        visits.rows()
        if second % 60 == 0:
            minutes(visits, [second - 180])
        assert len(visits.closed) < 12


def test_who_is_in_contact_is_counted_once_a_visit() -> None:
    """Open and closed visits alike; what nobody knows is -1."""
    visits = book()
    for slot in range(3):
        visits.open(at(slot, 10), into(slot % 2), FLIGHTS)
    visits.close(at(0, 100), FLIGHTS)
    demand = visits.demand([60, 120], FLIGHTS, [np.array([71, 72]), None])
    assert demand.minute_s.tolist() == [60, 60, 120, 120]
    assert demand.sector_id.tolist() == [501, 502, 501, 502]
    assert demand.occupancy.tolist() == [2, 1, 1, 1]
    assert demand.in_contact.tolist() == [1, 1, -1, -1]


def test_demand_of_no_minutes_has_no_rows() -> None:
    """Most ticks finish no minute."""
    demand = minutes(book(), [])
    assert demand.minute_s.size == demand.sector_id.size == demand.occupancy.size == 0


def test_a_book_of_another_size_is_refused() -> None:
    """Columns have to fit."""
    visits = book()
    visits.open(at(1, 100), into(0), FLIGHTS)
    state = visits.dump()
    again = book()
    again.load(state)
    assert again.dump() == state
    with pytest.raises(ValueError, match="reshape"):
        VisitBook(1, 4, [501, 502]).load(state)
