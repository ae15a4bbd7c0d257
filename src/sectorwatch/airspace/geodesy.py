"""Great circles on a sphere of the Earth's mean radius, for whole arrays at once.

Latitudes, longitudes and bearings in degrees, distances in nautical miles. Every argument may be a
number or an array; they are broadcast against each other, and the answer has the broadcast shape.
Formulae after Ed Williams, *Aviation Formulary* 1.47, and R. W. Sinnott, "Virtues of the
Haversine", Sky and Telescope 68 (1984). Against the WGS 84 ellipsoid a distance is off by at most
0.56 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from shapely.geometry import MultiPolygon, Polygon

__all__ = [
    "EARTH_RADIUS_NM",
    "area_nm2",
    "destination",
    "distance_nm",
    "initial_bearing_deg",
    "intermediate",
    "unit_vectors",
]

EARTH_RADIUS_NM = 3440.065
"""The mean radius (2a + b) / 3 of WGS 84, 6,371.0 km, in nautical miles of 1,852 m."""

# In radians, 6 millimetres on the ground.
_HAIR = 1e-9
_FULL_TURN = 360.0

Floats = NDArray[np.float64]


def distance_nm(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """The great-circle distance between two points, in nautical miles (haversine).

    >>> round(float(distance_nm(-33.946111, 151.177222, -37.673333, 144.843333)), 1)  # YSSY-YMML
    380.9
    >>> round(float(distance_nm(0, 179.5, 0, -179.5) / distance_nm(0, -0.5, 0, 0.5)), 9)
    1.0
    """
    a, b = _radians(lat1), _radians(lat2)
    d_lon = _radians(lon2) - _radians(lon1)
    chord = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(d_lon / 2) ** 2
    # Rounding can take a half-way round the world a hair above 1, where arcsin has no answer.
    return np.asarray(2 * EARTH_RADIUS_NM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def initial_bearing_deg(
    lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike
) -> Floats:
    """The true course on which a great circle leaves the first point for the second, 0 <= b < 360.

    Zero where the two are one point.

    >>> [float(initial_bearing_deg(0, 0, *to)) for to in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    [0.0, 90.0, 180.0, 270.0]
    >>> round(float(initial_bearing_deg(33.9425, -118.408056, 40.639722, -73.778889)), 1)  # LAX-JFK
    65.9
    """
    a, b = _radians(lat1), _radians(lat2)
    d_lon = _radians(lon2) - _radians(lon1)
    east = np.sin(d_lon) * np.cos(b)
    north = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(d_lon)
    return _remainder(np.degrees(np.arctan2(east, north)))


def intermediate(
    lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike, fraction: ArrayLike
) -> tuple[Floats, Floats]:
    """(latitude, longitude) of the point at `fraction` (0..1) of the great circle between two.

    Longitudes are -180 <= lon < 180. Between points exactly opposite each other every great circle
    is as short as any other; the one that leaves northward is taken.

    >>> [round(float(value), 6) for value in intermediate(0, 170, 0, -170, 0.75)]
    [0.0, -175.0]
    >>> [round(float(value), 6) for value in intermediate(0, 20, 0, -160, 0.25)]
    [45.0, 20.0]
    """
    start = unit_vectors(lat1, lon1)
    end = unit_vectors(lat2, lon2)
    part = np.asarray(fraction, dtype=np.float64)
    # Kahan's angle, exact to rounding at both ends, where haversine is not at the far one.
    apart = np.sqrt(sum((p - q) ** 2 for p, q in zip(start, end, strict=True)))
    summed = np.sqrt(sum((p + q) ** 2 for p, q in zip(start, end, strict=True)))
    angle = 2 * np.arctan2(apart, summed)
    sine = np.sin(angle)
    # The weights below are 0 / 0 where the points are one (the straight line is the great circle)
    # or opposite each other (they give no direction).
    together, opposite = angle < _HAIR, np.pi - angle < _HAIR
    divisor = np.where(together | opposite, 1.0, sine)
    first = np.where(together, 1 - part, np.sin((1 - part) * angle) / divisor)
    second = np.where(together, part, np.sin(part * angle) / divisor)
    x, y, z = (first * p + second * q for p, q in zip(start, end, strict=True))
    latitude = np.degrees(np.arctan2(z, np.hypot(x, y)))
    longitude = _wrapped(np.degrees(np.arctan2(y, x)))
    if not opposite.any():
        return latitude, longitude
    north = destination(lat1, lon1, 0.0, part * angle * EARTH_RADIUS_NM)
    return np.where(opposite, north[0], latitude), np.where(opposite, north[1], longitude)


def destination(
    lat: ArrayLike, lon: ArrayLike, bearing_deg: ArrayLike, distance: ArrayLike
) -> tuple[Floats, Floats]:
    """(latitude, longitude) that is `distance` nautical miles from a point on an initial bearing.

    Longitudes are -180 <= lon < 180.

    >>> [round(float(value), 6) for value in destination(0, 179, 90, distance_nm(0, 0, 0, 2))]
    [0.0, -179.0]
    """
    a, course = _radians(lat), _radians(bearing_deg)
    angle = np.asarray(distance, dtype=np.float64) / EARTH_RADIUS_NM
    sine = np.sin(a) * np.cos(angle) + np.cos(a) * np.sin(angle) * np.cos(course)
    end = np.arcsin(np.clip(sine, -1.0, 1.0))
    turn = np.arctan2(
        np.sin(course) * np.sin(angle) * np.cos(a), np.cos(angle) - np.sin(a) * np.sin(end)
    )
    return np.asarray(np.degrees(end)), _wrapped(np.asarray(lon, dtype=float) + np.degrees(turn))


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The points as unit vectors (x, y, z), x through 0 N 0 E and z through the North Pole.

    >>> [round(float(value), 12) for value in unit_vectors(0, 90)]
    [0.0, 1.0, 0.0]
    """
    phi, lam = _radians(lat), _radians(lon)
    level = np.cos(phi)
    return level * np.cos(lam), level * np.sin(lam), np.sin(phi) + 0.0 * lam


def area_nm2(polygons: Sequence[Polygon | MultiPolygon]) -> Floats:
    """The area of each polygon in square nautical miles, its edges straight in lon and lat.

    Exact on the sphere: a ring's area is the line integral of sin(lat) d(lon), which has a closed
    form along an edge on which latitude is linear in longitude. Shape (n,), 0 for empty ones.

    >>> from shapely.geometry import box
    >>> whole_world = 4 * np.pi * EARTH_RADIUS_NM**2
    >>> bool(np.isclose(area_nm2([box(-180, -90, 180, 90)])[0], whole_world))
    True
    """
    shapes = np.asarray(polygons, dtype=object)
    parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    inner = ring_of_point[1:] == ring_of_point[:-1]
    d_lon, half = _radians(np.diff(points[:, 0])), _radians(np.diff(points[:, 1]) / 2)
    middle = _radians((points[1:, 1] + points[:-1, 1]) / 2)
    integral = d_lon * np.sin(middle) * np.sinc(half / np.pi)
    ring_area = np.abs(
        np.bincount(ring_of_point[1:][inner], weights=integral[inner], minlength=len(rings))
    )
    # The rings of a part come with the outer one first; the others are holes.
    is_hole = np.zeros(len(rings), dtype=bool)
    is_hole[1:] = part_of_ring[1:] == part_of_ring[:-1]
    signed = np.where(is_hole, -ring_area, ring_area)
    total = np.bincount(shape_of_part[part_of_ring], weights=signed, minlength=len(shapes))
    return np.asarray(total * EARTH_RADIUS_NM**2)


def _radians(degrees: ArrayLike) -> Floats:
    return np.asarray(np.radians(np.asarray(degrees, dtype=np.float64)))


def _wrapped(lon: Floats) -> Floats:
    return np.asarray(_remainder(lon + 180.0) - 180.0)


def _remainder(angle_deg: Floats) -> Floats:
    remainder = angle_deg % _FULL_TURN
    # Minus a hair has the remainder 360 - hair, which rounds to 360 itself.
    return np.asarray(np.where(remainder >= _FULL_TURN, 0.0, remainder))
