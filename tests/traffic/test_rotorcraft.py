"""Which aircraft are helicopters."""

from __future__ import annotations

import pytest

from sectorwatch.feed.records import FlightPlan
from sectorwatch.traffic.rotorcraft import HELICOPTER_TYPES, is_helicopter


@pytest.mark.parametrize(
    ("aircraft", "short", "expected"),
    [
        ("EC35/L-SDFG/C", "EC35", True),
        ("EC35/L-SDFG/C", "", True),
        ("R44/L", " r44 ", True),
        ("H/B748/L", "", False),
        ("H/H47/L", "", True),
        ("H/B748/L", "B748", False),
        ("B738/M-SDE2E3FGHIRWXY/LB1", "B738", False),
        ("", "", False),
        ("/", "", False),
    ],
)
def test_the_type_says_it(aircraft: str, short: str, expected: bool) -> None:
    """By the short name, else by the type in the long one, whichever style it is filed in."""
    assert is_helicopter(FlightPlan(aircraft=aircraft, aircraft_short=short)) is expected


def test_codes_are_codes() -> None:
    """Two to four characters, upper case, each once."""
    assert all(2 <= len(code) <= 4 and code == code.upper() for code in HELICOPTER_TYPES)
    assert not HELICOPTER_TYPES & {"A320", "B738", "C172", "SW4", "F16", "A124", "S22T"}


def test_without_a_plan_nobody_is_one() -> None:
    """Nothing says what it flies."""
    assert not is_helicopter(None)
