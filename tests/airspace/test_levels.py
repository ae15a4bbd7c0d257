from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.levels import HIGHEST_FT, Unit, level_ft, limits_ft


@pytest.mark.parametrize(
    ("written", "unit", "feet"),
    [
        (24500, "ft", 24_500.0),
        ("24500", "ft", 24_500.0),
        ("24,500", "ft", ValueError),
        ("FL245", "ft", 24_500.0),
        ("fl 245", "ft", 24_500.0),
        ("F245", "ft", 24_500.0),
        ("A095", "ft", 9_500.0),
        (245, "fl", 24_500.0),
        ("245", "fl", 24_500.0),
        ("2500 ft", "fl", 2_500.0),
        ("3000M", "ft", 3_000 / 0.3048),
        ("FL245FT", "ft", ValueError),
        (0, "ft", -math.inf),
        ("0", "ft", -math.inf),
        (-500, "ft", -math.inf),
        ("GND", "ft", -math.inf),
        ("sfc", "ft", -math.inf),
        ("UNL", "ft", math.inf),
        ("Unlimited", "fl", math.inf),
        (None, "ft", None),
        ("", "ft", None),
        (" - ", "ft", None),
        ("high", "ft", ValueError),
        (True, "ft", ValueError),
        ([245], "ft", ValueError),
        (math.nan, "ft", ValueError),
        (1e9, "ft", ValueError),
        (99_999, "fl", ValueError),
    ],
)
def test_levels_are_read_as_people_write_them(
    written: Any, unit: Unit, feet: float | type[ValueError] | None
) -> None:
    """Feet, flight levels, words, nothing; what is none of them is refused."""
    if isinstance(feet, type):
        with pytest.raises(feet, match="no level"):
            level_ft(written, unit=unit)
    else:
        assert level_ft(written, unit=unit) == feet


@pytest.mark.parametrize(
    ("floor", "ceiling", "limits"),
    [
        (None, None, (-math.inf, math.inf, False)),
        (24_500.0, None, (24_500.0, math.inf, False)),
        (None, 24_500.0, (-math.inf, 24_500.0, False)),
        (60_000.0, 24_500.0, (24_500.0, 60_000.0, True)),
        (60_000.0, -math.inf, (-math.inf, 60_000.0, True)),
    ],
)
def test_a_missing_limit_is_open_and_a_swapped_pair_is_put_right(
    floor: float | None, ceiling: float | None, limits: tuple[float, float, bool]
) -> None:
    """No floor is the surface, no ceiling is no limit, and floor stands below ceiling."""
    assert limits_ft(floor, ceiling) == limits


@pytest.mark.parametrize("both", [24_500.0, -math.inf, math.inf])
def test_nothing_between_floor_and_ceiling_is_an_error(both: float) -> None:
    """A volume without height holds no flight."""
    with pytest.raises(ValueError, match="nothing is left"):
        limits_ft(both, both)


@given(st.text(max_size=20) | st.integers() | st.floats() | st.none() | st.binary(max_size=4))
def test_whatever_is_written_is_a_level_or_a_value_error(written: Any) -> None:
    """A level is none, the surface, no limit, or between them and below what can be."""
    for unit in ("ft", "fl"):
        try:
            feet = level_ft(written, unit=unit)
        except ValueError:
            continue
        assert feet is None or abs(feet) == math.inf or 0 < feet <= HIGHEST_FT
