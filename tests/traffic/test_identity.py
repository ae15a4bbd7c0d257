"""The rules of what continues a flight, as functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.feed.records import FlightPlan
from sectorwatch.traffic.identity import may_continue, new_departure_filed, reach_nm
from sectorwatch.traffic.rules import Rules

RULES = Rules()


def test_reach_grows_with_time_and_speed() -> None:
    """5 NM and 750 kt for all, 1.25 times its groundspeed for who is faster than 600 kt."""
    assert reach_nm([0, 3600], [0, 0], RULES).tolist() == [5.0, 755.0]
    assert float(reach_nm(3600, 1000, RULES)) == 1255.0


def test_time_that_runs_back_reaches_no_further() -> None:
    """A step of negative length has the slack alone."""
    assert float(reach_nm(-100, 400, RULES)) == 5.0


@given(st.floats(0, 1e6), st.integers(0, 10**6), st.booleans(), st.booleans())
def test_long_absence_always_ends_a_flight(
    absent_s: float, elapsed_s: int, same_logon: bool, reachable: bool
) -> None:
    """More than 15 min of feeds without it, and nothing continues it."""
    goes_on = may_continue(
        same_logon=same_logon,
        absent_s=absent_s,
        elapsed_s=elapsed_s,
        reachable=reachable,
        rules=RULES,
    )
    if absent_s > 900:
        assert not goes_on
    elif same_logon:
        assert goes_on
    else:
        assert goes_on == (reachable and elapsed_s <= 900)


@pytest.mark.parametrize(
    ("before", "after", "arrived_at", "expected"),
    [
        (("A", "B", "0100"), ("B", "A", "0300"), "B", True),
        (("A", "B", "0100"), ("B", "A", "0300"), None, True),
        (("A", "B", "0100"), ("C", "B", "0100"), "B", True),
        (("A", "B", "0100"), ("A", "B", "0200"), "B", False),
        (("A", "A", "0100"), ("A", "A", "0200"), "A", True),
        (("A", "A", "0100"), ("A", "B", "0100"), "A", True),
        (("A", "A", "0100"), ("A", "A", "0100"), "A", False),
        (("A", "B", "0100"), ("", "A", "0300"), "B", False),
        (None, ("A", "B", "0100"), "A", True),
        (None, ("", "", ""), "A", False),
    ],
)
def test_new_departures(
    before: tuple[str, ...] | None,
    after: tuple[str, ...],
    arrived_at: str | None,
    expected: bool,
) -> None:
    """A plan from elsewhere; or again from where it landed, to elsewhere or at another time."""
    old = None if before is None else _plan(*before)
    assert new_departure_filed(old, _plan(*after), arrived_at) is expected


def _plan(departure: str, arrival: str, deptime: str) -> FlightPlan:
    return FlightPlan(departure=departure, arrival=arrival, deptime=deptime)
