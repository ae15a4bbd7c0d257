"""Floors and ceilings as people write them, in feet.

Data sets write `24500`, `FL245`, `GND`, `UNL`, nothing at all, or a number of flight levels.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

__all__ = ["HIGHEST_FT", "Unit", "level_ft", "limits_ft"]

Unit = Literal["ft", "fl"]

HIGHEST_FT = 1_000_000.0
"""What is higher, 189 miles, is a mistake; the highest real one is 99,999."""

_SURFACE = frozenset({"GND", "SFC", "MSL", "SURFACE", "GROUND"})
_UNLIMITED = frozenset({"UNL", "UNLTD", "UNLIM", "UNLIMITED", "UNLD"})
_NOTHING = frozenset({"", "NONE", "NULL", "NIL", "-", "N/A"})
_WRITTEN = re.compile(r"(FL|F|A)?\s*([+-]?\d{1,7}(?:\.\d{1,6})?)\s*(FT|FEET|M)?", re.ASCII)
_FEET_PER_METRE = 1 / 0.3048
_FEET_PER_LEVEL = 100.0


def level_ft(value: Any, *, unit: Unit = "ft") -> float | None:
    """A written level in feet; None where nothing is said, -inf the surface, +inf no limit.

    `unit` is that of a bare number. What is zero or below is the surface: a flight low over the sea
    on a day of high pressure reads a few feet less than nothing, and is in that airspace all the
    same. Raises ValueError for what is no level.

    >>> [level_ft(text) for text in ("FL245", "24500 ft", "A095", 24500, "GND", "UNL", None)]
    [24500.0, 24500.0, 9500.0, 24500.0, -inf, inf, None]
    >>> level_ft(245, unit="fl")
    24500.0
    """
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no level")  # noqa: TRY004 - one kind of error for callers
    if isinstance(value, int | float):
        return _checked(float(value) * (_FEET_PER_LEVEL if unit == "fl" else 1.0), value)
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is no level")  # noqa: TRY004 - as above
    text = value.strip().upper()
    if text in _NOTHING:
        return None
    if text in _SURFACE:
        return -math.inf
    if text in _UNLIMITED:
        return math.inf
    match = _WRITTEN.fullmatch(text)
    if match is None or (match[1] and match[3]):
        raise ValueError(f"{value[:40]!r} is no level such as 24500, FL245, GND or UNL")
    prefix, number, suffix = match.groups()
    if suffix:
        scale = _FEET_PER_METRE if suffix == "M" else 1.0
    else:
        scale = _FEET_PER_LEVEL if prefix or unit == "fl" else 1.0
    return _checked(float(number) * scale, value)


def limits_ft(floor_ft: float | None, ceiling_ft: float | None) -> tuple[float, float, bool]:
    """Floor and ceiling without gaps, and whether they had been written the wrong way round.

    No floor is the surface, no ceiling no limit. Raises ValueError where nothing is left between.

    >>> limits_ft(24500.0, None)
    (24500.0, inf, False)
    >>> limits_ft(60000.0, 18000.0)
    (18000.0, 60000.0, True)
    """
    low = -math.inf if floor_ft is None else floor_ft
    high = math.inf if ceiling_ft is None else ceiling_ft
    if high == low:
        raise ValueError(f"nothing is left between a floor of {low:g} and a ceiling of {high:g} ft")
    return min(low, high), max(low, high), high < low


def _checked(feet: float, written: object) -> float:
    if math.isnan(feet) or abs(feet) > HIGHEST_FT:
        raise ValueError(f"{str(written)[:40]!r} is no level: it is beyond {HIGHEST_FT:,.0f} ft")
    return feet if feet > 0 else -math.inf
