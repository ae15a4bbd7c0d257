"""In the air or not, rule by rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace import Airports
from sectorwatch.traffic.airborne import airborne_now, heights_ft
from sectorwatch.traffic.rules import Rules
from traffic.made import FIELDS

RULES = Rules()
UNKNOWN = math.nan


def one(was: bool, helicopter: bool, groundspeed_kt: int, height_ft: float) -> bool:
    """The rule for one flight."""
    now = airborne_now(
        np.array([was]),
        np.array([helicopter]),
        np.array([groundspeed_kt], dtype=np.int32),
        np.array([height_ft]),
        RULES,
    )
    return bool(now[0])


@pytest.mark.parametrize(
    ("was", "helicopter", "groundspeed_kt", "height_ft", "expected"),
    [
        (False, False, 50, 200.0, True),
        (False, False, 49, 200.0, False),
        (False, False, 50, 199.9, False),
        (False, False, 300, 0.0, False),
        (False, False, 80, UNKNOWN, True),
        (False, False, 79, UNKNOWN, False),
        (True, False, 40, 0.0, True),
        (True, False, 39, 30_000.0, False),
        (True, False, 39, UNKNOWN, False),
        (False, True, 0, 200.0, True),
        (False, True, 120, 199.0, False),
        (True, True, 0, 100.0, True),
        (True, True, 120, 99.0, False),
        (False, True, 80, UNKNOWN, True),
        (True, True, 0, UNKNOWN, True),
    ],
)
def test_thresholds(
    was: bool, helicopter: bool, groundspeed_kt: int, height_ft: float, expected: bool
) -> None:
    """Each threshold on both its sides."""
    assert one(was, helicopter, groundspeed_kt, height_ft) is expected


@given(st.booleans(), st.integers(0, 600), st.floats(-1000, 40_000) | st.just(UNKNOWN))
def test_it_settles_at_once(helicopter: bool, groundspeed_kt: int, height_ft: float) -> None:
    """The same position again changes nothing more, whatever was before."""
    for was in (False, True):
        now = one(was, helicopter, groundspeed_kt, height_ft)
        assert one(now, helicopter, groundspeed_kt, height_ft) is now


def test_height_is_above_the_nearest_field() -> None:
    """NaN where no airport is within 5 NM or where its height is not known."""
    height_ft, field = heights_ft(
        FIELDS,
        np.array([0.5, 0.5, 1.5, 1.5]),
        np.array([0.2, 1.8, 1.8, 0.5]),
        np.array([100, 5100, 5100, 5100], dtype=np.int32),
        RULES,
    )
    assert field.tolist() == [0, 1, 2, -1]
    assert height_ft[:2].tolist() == [100.0, 100.0]
    assert np.isnan(height_ft[2:]).all()


def test_without_any_airport_every_field_is_unknown() -> None:
    """No airports, no heights."""
    zero = np.zeros(2)
    height_ft, field = heights_ft(Airports([]), zero, zero, zero.astype(np.int32), RULES)
    assert np.isnan(height_ft).all()
    assert field.tolist() == [-1, -1]
