"""Where flights go: a few waypoints off the great circle, filed as coordinates and flown as filed.

The Earth is a sphere here, as everywhere in the house. A path is a chain of great circles; the
place at a distance along it comes without a loop over flights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import (
    EARTH_RADIUS_NM,
    destination,
    distance_nm,
    initial_bearing_deg,
    intermediate,
    unit_vectors,
)

if TYPE_CHECKING:
    from sectorwatch.simulator.draws import Draws

__all__ = ["MOST_WAYPOINTS", "Ends", "Paths", "Places", "paths_through", "route_text", "waypoints"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

MOST_WAYPOINTS = 5
_COUNT_EDGES_NM = (60.0, 200.0, 500.0, 1_200.0, 2_500.0)
_MINUTES = 60.0
_LEAST_NM = 1e-6
_FIX_NM = (1.5, 4.0)
"""From the field to where a departure turns on course, and from where an approach is straight."""
_ROOM_FOR_FIXES_NM = 40.0


class Ends(NamedTuple):
    """Where paths begin and end, arrays of shape (n,); courses are the runways'."""

    latitude: Floats
    longitude: Floats
    runway_deg: Floats
    latitude2: Floats
    longitude2: Floats
    runway2_deg: Floats


class Places(NamedTuple):
    """Places on paths and the course there, arrays of shape (n,), degrees."""

    latitude: Floats
    longitude: Floats
    course_deg: Floats


@dataclass(frozen=True, eq=False)
class Paths:
    """Chains of great circles: `along_nm` (n, legs + 1), `start` and `ahead` (n, legs, 3).

    A leg goes from the unit vector `start` towards `ahead`, which is at a right angle to it.
    """

    along_nm: Floats
    start: Floats
    ahead: Floats

    @property
    def length_nm(self) -> Floats:
        """How long each is, shape (n,)."""
        return np.asarray(self.along_nm[:, -1])

    def at(self, rows: Numbers, flown_nm: Floats) -> Places:
        """Where the paths `rows` are so far from their beginning, within their length."""
        along = self.along_nm[rows]
        leg = np.minimum((flown_nm[:, None] >= along[:, 1:]).sum(axis=1), along.shape[1] - 2)
        here = np.arange(len(rows))
        angle = (flown_nm - along[here, leg]) / EARTH_RADIUS_NM
        sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
        start, ahead = self.start[rows, leg], self.ahead[rows, leg]
        place = cosine * start + sine * ahead
        course = cosine * ahead - sine * start
        level = np.hypot(place[:, 0], place[:, 1])
        # East and north at the place, the latter by what it has of the pole's direction.
        east = (place[:, 0] * course[:, 1] - place[:, 1] * course[:, 0]) / np.maximum(level, 1e-12)
        north = course[:, 2] / np.maximum(level, 1e-12)
        return Places(
            latitude=np.degrees(np.arctan2(place[:, 2], level)),
            longitude=np.degrees(np.arctan2(place[:, 1], place[:, 0])),
            # Minus a hair has the remainder 360 itself.
            course_deg=np.degrees(np.arctan2(east, north)) % 360.0 % 360.0,
        )


def waypoints(
    draws: Draws,
    members: NDArray[np.int64],
    ends: Ends,
    detour_share: float,
    ring_nm: Floats,
) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """Filed waypoints: latitude and longitude (n, 5), to the whole minute, and how many count.

    Those that do not count repeat the last, or the end. Where `ring_nm` is above 0 they go round
    the beginning at about that distance: somebody who flies out and comes back.
    """
    length = distance_nm(ends.latitude, ends.longitude, ends.latitude2, ends.longitude2)
    count = np.searchsorted(_COUNT_EDGES_NM, length, side="right")
    counts: NDArray[np.int8] = np.where(ring_nm > 0, 3, count).astype(np.int8)
    swing = draws.normal(members, "swing") * detour_share * length
    skew = draws.normal(members, "skew") * detour_share * length
    latitude = np.repeat(ends.latitude2[:, None], MOST_WAYPOINTS, axis=1)
    longitude = np.repeat(ends.longitude2[:, None], MOST_WAYPOINTS, axis=1)
    first_deg = draws.between(members, "ring", 0.0, 360.0)
    turn_deg = np.where(draws.happens(members, "ring turns left", 0.5), -1.0, 1.0)
    for number in range(MOST_WAYPOINTS):
        used = np.flatnonzero(number < counts)
        part = (number + 1) / (counts[used] + 1)
        course = initial_bearing_deg(
            ends.latitude[used], ends.longitude[used], ends.latitude2[used], ends.longitude2[used]
        )
        lat, lon = intermediate(
            ends.latitude[used],
            ends.longitude[used],
            ends.latitude2[used],
            ends.longitude2[used],
            part,
        )
        aside = swing[used] * np.sin(np.pi * part) + 0.5 * skew[used] * np.sin(2 * np.pi * part)
        lat, lon = destination(lat, lon, course + 90.0, aside)
        ring = ring_nm[used]
        around = first_deg[used] + turn_deg[used] * 70.0 * number
        ring_lat, ring_lon = destination(
            ends.latitude[used], ends.longitude[used], around, ring * (0.8 + 0.15 * number)
        )
        lat, lon = np.where(ring > 0, ring_lat, lat), np.where(ring > 0, ring_lon, lon)
        latitude[used, number] = np.round(lat * _MINUTES) / _MINUTES
        longitude[used, number] = np.round(lon * _MINUTES) / _MINUTES
    return latitude, longitude, counts


def paths_through(
    ends: Ends, latitude: Floats, longitude: Floats, count: NDArray[np.int8]
) -> Paths:
    """The paths from runway to runway through waypoints of shape (n, 5), of which `count` count."""
    apart = distance_nm(ends.latitude, ends.longitude, ends.latitude2, ends.longitude2)
    room = (apart >= _ROOM_FOR_FIXES_NM) | (count > 0)
    out_nm, in_nm = (np.where(room, fix_nm, 0.0) for fix_nm in _FIX_NM)
    out = destination(ends.latitude, ends.longitude, ends.runway_deg, out_nm)
    into = destination(ends.latitude2, ends.longitude2, ends.runway2_deg + 180.0, in_nm)
    through = [(ends.latitude, ends.longitude), out]
    for number in range(MOST_WAYPOINTS):
        used = number < count
        through.append(
            (
                np.where(used, latitude[:, number], into[0]),
                np.where(used, longitude[:, number], into[1]),
            )
        )
    through += [into, (ends.latitude2, ends.longitude2)]
    points = np.stack([np.stack(unit_vectors(lat, lon), axis=-1) for lat, lon in through], axis=1)
    start, end = points[:, :-1], points[:, 1:]
    level = (start * end).sum(axis=2)[..., None]
    ahead = end - level * start
    size = np.linalg.norm(ahead, axis=2)[..., None]
    legs_nm = np.arctan2(size[..., 0], level[..., 0]) * EARTH_RADIUS_NM
    legs_nm = np.where(legs_nm > _LEAST_NM, legs_nm, 0.0)
    along = np.concatenate([np.zeros((len(legs_nm), 1)), np.cumsum(legs_nm, axis=1)], axis=1)
    return Paths(along_nm=along, start=start, ahead=ahead / np.maximum(size, 1e-15))


def route_text(latitude: Floats, longitude: Floats) -> str:
    """The waypoints of one flight as filed (ICAO Doc 4444, item 15: degrees and minutes).

    >>> route_text(np.array([-33.66666667, 1.0]), np.array([151.16666667, -0.5]))
    'DCT 3340S15110E DCT 0100N00030W DCT'
    """
    parts = ["DCT"]
    for lat, lon in zip(latitude.tolist(), longitude.tolist(), strict=True):
        up, across = round(abs(lat) * _MINUTES), round(abs(lon) * _MINUTES)
        parts.append(
            f"{up // 60:02d}{up % 60:02d}{'S' if lat < 0 else 'N'}"
            f"{across // 60:03d}{across % 60:02d}{'W' if lon < 0 else 'E'}"
        )
        parts.append("DCT")
    return " ".join(parts)
