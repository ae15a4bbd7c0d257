"""What a past of weeks is asked for, and that no question goes through all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text

from sectorwatch.store import schema
from sectorwatch.store.queries_history import _FLIGHTS, _REVISIONS, _going_on
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from sqlalchemy import Select

    from sectorwatch.store import Store

NOW_S = 1_754_524_800
SINCE_S, FIRST_S = NOW_S - DAY_S, NOW_S - 3 * DAY_S
# By number, when a flight was first seen and when it ended.
FLIGHTS = {
    1: (NOW_S - 3_600, None),
    2: (NOW_S - 3_600, NOW_S + 3_600),
    3: (NOW_S - 2 * DAY_S, SINCE_S),
    4: (NOW_S - 2 * DAY_S, SINCE_S - 1),
    5: (NOW_S - 40 * DAY_S, None),
    6: (NOW_S - 40 * DAY_S, NOW_S - 39 * DAY_S),
    7: (FIRST_S, SINCE_S + 60),
    8: (FIRST_S - 1, SINCE_S + 60),
    9: (NOW_S, None),
}


@pytest.fixture
def flown(store: Store) -> Store:
    """A store with these flights."""
    rows = [
        {
            "flight_id": number,
            "cid": 1_000_000 + number,
            "callsign": f"QFA{number}",
            "first_seen_s": first_s,
            "ended_s": ended_s,
            "logon_time_s": first_s,
            "server": "",
            "pilot_rating": 0,
            "reconnects": 0,
        }
        for number, (first_s, ended_s) in FLIGHTS.items()
    ]
    with store.database.write("flying") as connection:
        connection.execute(insert(schema.flight), rows)
    return store


def test_those_under_way_at_the_start_of_a_period_are_found(flown: Store) -> None:
    """Who had not ended a day before; of those first seen more than three days ago, who is there."""
    found = flown.history.flights_before(NOW_S, SINCE_S, FIRST_S)
    assert sorted(row[0] for rows in found for row in rows) == [1, 2, 3, 5, 7]


@pytest.mark.parametrize("question", [_FLIGHTS, _REVISIONS], ids=["flights", "plans"])
def test_who_was_under_way_is_found_without_going_through_the_past(
    flown: Store, question: Select[tuple[int]]
) -> None:
    """By when flights ended, or within two moments of when they were first seen: never all before."""
    for of_flight in _going_on(NOW_S, SINCE_S, FIRST_S):
        asked = question.where(*of_flight)
        words = str(asked.compile(flown.database.engine, compile_kwargs={"literal_binds": True}))
        with flown.database.read("asking how") as connection:
            steps = connection.execute(text(f"EXPLAIN QUERY PLAN {words}")).all()
        plan = " ".join(step.detail for step in steps if "flight USING" in step.detail)
        assert "ended_s=?" in plan or "first_seen_s>? AND first_seen_s<?" in plan, plan
