"""How fast and how high a flight is along its way: up, at its level, down.

A height above the field comes from the distance flown since take-off and the distance left to go;
the speed from the height. All closed form, for whole arrays at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CLIMBING",
    "DESCENDING",
    "FASTEST_KT",
    "LANDING",
    "LEVEL",
    "PHASES",
    "SLOWEST_KT",
    "climb_from",
    "climb_rate_ft_min",
    "climbed_ft",
    "descent_ft",
    "speed_kt",
]

Floats = NDArray[np.float64]

CLIMBING, LEVEL, DESCENDING, LANDING = range(4)
PHASES = ("climbing", "level", "descending", "landing")
"""Of a flight at a moment of its way."""
SLOWEST_KT, FASTEST_KT = 60.0, 1_300.0
"""What is filed or flown beyond these says nothing of a flight's way."""
# 250 kt indicated are 290 kt true at 10,000 ft, 290 kt are 420 at FL240: nearly a straight line.
_LOW_KT, _KT_PER_FT = 170.0, 0.0110
_DESCENT_FT_NM = 318.0
"""Three degrees."""
_SLOWEST_CLIMB, _FASTEST_CLIMB = 500.0, 2_000.0


def speed_kt(height_ft: Floats, cruise_kt: Floats) -> Floats:
    """The groundspeed at a height above the field, at most that of the cruise."""
    low = _LOW_KT + _KT_PER_FT * np.maximum(height_ft, 0.0)
    return np.asarray(np.minimum(low, cruise_kt))


def climb_rate_ft_min(cruise_kt: Floats) -> Floats:
    """How fast aircraft of a cruising speed climb, on the whole; 2,000 ft/min from 450 kt on.

    >>> climb_rate_ft_min(np.array([120.0, 250.0, 450.0])).tolist()
    [500.0, 1000.0, 2000.0]
    """
    return np.asarray(np.clip(5.0 * cruise_kt - 250.0, _SLOWEST_CLIMB, _FASTEST_CLIMB))


def climbed_ft(distance_nm: Floats, rate_ft_min: Floats) -> Floats:
    """The height above the field so far from it, climbing all the way.

    At speed a + b h and rate r, dh/ds = 60 r / (a + b h); this is its solution.
    """
    way = np.maximum(distance_nm, 0.0)
    root = np.sqrt(_LOW_KT**2 + 2.0 * _KT_PER_FT * 60.0 * rate_ft_min * way)
    return np.asarray((root - _LOW_KT) / _KT_PER_FT)


def climb_from(height_ft: Floats, rate_ft_min: Floats) -> Floats:
    """How far from the field a flight is at a height: the inverse of `climbed_ft`.

    >>> rate = np.array([2000.0])
    >>> climb_from(climbed_ft(np.array([60.0]), rate), rate).round(9).tolist()
    [60.0]
    """
    height = np.maximum(height_ft, 0.0)
    return np.asarray((_LOW_KT * height + 0.5 * _KT_PER_FT * height**2) / (60.0 * rate_ft_min))


def descent_ft(left_nm: Floats) -> Floats:
    """The height above the field on the way down, so far before it."""
    return np.asarray(_DESCENT_FT_NM * np.maximum(left_nm, 0.0))
