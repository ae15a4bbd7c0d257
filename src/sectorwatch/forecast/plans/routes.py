"""What a filed route says about where the flight goes: the points in it that can be resolved.

Coordinates stand in the text itself (ICAO Doc 4444, appendix 2, item 15: `34S151E`, `3340S15110E`;
oceanic points as North America files them: `5230N` is 52 N 30 W, `52N30` too are understood where
the form is plain). Names of fixes need the navigation data that the user installs; airports are
known anyway. What cannot be resolved, or lies so far off that it cannot be meant, is left out.
"""

from __future__ import annotations

import re
from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, NamedTuple

from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.forecast.plans.navigation import Navigation
    from sectorwatch.traffic.contract import KnownPlaces

__all__ = ["MOST_POINTS", "Course", "Point", "apart_nm", "course_of"]

MOST_POINTS = 60
"""Of one route; a real one has up to 50."""
_LONGEST_ROUTE = 4_096
_COORDINATES = re.compile(r"(\d{2})(\d{2})?(\d{2})?([NS])/?(\d{3})(\d{2})?(\d{2})?([EW])", re.ASCII)
_SHORT = re.compile(r"(\d{2})([NS])(\d{2})([EW])", re.ASCII)
_LONG_WEST = re.compile(r"(\d{2})(\d{2})N", re.ASCII)
_AIRPORT = re.compile(r"[A-Z]{4}", re.ASCII)
_NAME = re.compile(r"[A-Z]{2,5}|[A-Z]{1,3}\d{1,3}[A-Z]?", re.ASCII)
_NO_NAMES = frozenset(("DCT", "VFR", "IFR", "GPS", "SID", "STAR", "NAT"))
# A way through a point may be so much longer than the direct one, and so many miles more.
_DETOUR, _DETOUR_NM = 1.25, 80.0
_POLE, _HALF_TURN = 90.0, 180.0


class Point(NamedTuple):
    """A place in degrees."""

    latitude: float
    longitude: float


class Course(NamedTuple):
    """From corner to corner, n of them, which are `legs_nm` (n - 1,) apart."""

    corners: list[Point]
    legs_nm: list[float]


def coordinates(token: str) -> Point | None:
    """The place that a token of a route spells out, None where it spells none.

    >>> coordinates("34S151E"), coordinates("3330S15115E")
    (Point(latitude=-34.0, longitude=151.0), Point(latitude=-33.5, longitude=151.25))
    >>> coordinates("5230N"), coordinates("41N170W")
    (Point(latitude=52.0, longitude=-30.0), Point(latitude=41.0, longitude=-170.0))
    >>> coordinates("95N170W"), coordinates("N0450F350")
    (None, None)
    """
    match = _COORDINATES.fullmatch(token)
    if match is not None:
        up, up_min, up_s, side, across, across_min, across_s, way = match.groups()
        latitude = int(up) + int(up_min or 0) / 60 + int(up_s or 0) / 3_600
        longitude = int(across) + int(across_min or 0) / 60 + int(across_s or 0) / 3_600
    elif (match := _SHORT.fullmatch(token)) is not None:
        up, side, across, way = match.groups()
        latitude, longitude = float(up), float(across)
    elif (match := _LONG_WEST.fullmatch(token)) is not None:
        # ARINC 424, 7.2.5: five letters for a whole degree north and west.
        latitude, longitude, side, way = float(match[1]), float(match[2]), "N", "W"
    else:
        return None
    if latitude > _POLE or longitude > _HALF_TURN:
        return None
    return Point(-latitude if side == "S" else latitude, -longitude if way == "W" else longitude)


def course_of(
    route: str,
    start: Point,
    end: Point,
    airports: KnownPlaces,
    navigation: Navigation | None = None,
) -> Course:
    """From `start` to `end` through the points of a route that can be resolved, in order."""
    corners, legs_nm = [start], []
    here, left_nm = start, apart_nm(start, end)
    for word in route[:_LONGEST_ROUTE].upper().split()[: 4 * MOST_POINTS]:
        token = word
        if "/" in word and _COORDINATES.fullmatch(word) is None:
            # Behind a stroke stand speed and level, or a runway.
            token = word.split("/", 1)[0]
        options = _options(token, airports, navigation)
        if not options:
            continue
        point, leg_nm, after_nm = _least_detour(options, here, end)
        if leg_nm + after_nm > _DETOUR * left_nm + _DETOUR_NM:
            continue
        if point not in (here, start, end):
            corners.append(point)
            legs_nm.append(leg_nm)
            here, left_nm = point, after_nm
        if len(legs_nm) == MOST_POINTS:
            break
    corners.append(end)
    legs_nm.append(left_nm)
    return Course(corners, legs_nm)


def _options(token: str, airports: KnownPlaces, navigation: Navigation | None) -> Sequence[Point]:
    # Every other word of a route is one of these.
    if token in _NO_NAMES:
        return ()
    point = coordinates(token)
    if point is not None:
        return (point,)
    if _NAME.fullmatch(token) is None:
        return ()
    named = navigation.find(token) if navigation is not None else ()
    if named:
        return named
    if _AIRPORT.fullmatch(token) is not None and (place := airports.get(token)) is not None:
        return (Point(place.latitude, place.longitude),)
    return ()


def _least_detour(options: Sequence[Point], here: Point, end: Point) -> tuple[Point, float, float]:
    """The option that is least out of the way, how far it is to it, and from it to the end."""
    least, leg_nm, after_nm = options[0], apart_nm(here, options[0]), apart_nm(options[0], end)
    for point in options[1:]:
        there_nm, left_nm = apart_nm(here, point), apart_nm(point, end)
        if there_nm + left_nm < leg_nm + after_nm:
            least, leg_nm, after_nm = point, there_nm, left_nm
    return least, leg_nm, after_nm


def apart_nm(point: Point, other: Point) -> float:
    """As `geodesy.distance_nm`, for two points alone, where an array would cost ten times as much.

    >>> round(apart_nm(Point(-33.946111, 151.177222), Point(-37.673333, 144.843333)), 1)
    380.9
    """
    a, b = radians(point.latitude), radians(other.latitude)
    across = sin(radians(other.longitude - point.longitude) / 2)
    chord = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * across**2
    return 2 * EARTH_RADIUS_NM * asin(sqrt(min(chord, 1.0)))
