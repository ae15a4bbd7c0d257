"""When flights will enter a sector: a first answer, by route and speed, to the second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from sectorwatch.airspace.geodesy import unit_vectors
from sectorwatch.traffic.paths import paths_ahead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.airspace.model import Sector
    from sectorwatch.traffic.contract import KnownPlaces, Space
    from sectorwatch.traffic.paths import Paths
    from sectorwatch.traffic.tick import Flight, Live

__all__ = ["EntryEstimate", "entries_on", "entry_estimates"]

_STEP_S = 60
_WIDE_DEG = 90.0
# Edges are straight in longitude and latitude, so they bow out of the circle round their ends.
_MARGIN_DEG = 3.0
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class EntryEstimate:
    """A flight that is thought to enter a sector; `index` is its place in `Live.flights`."""

    index: int
    flight: Flight
    entry_s: int
    basis: str


def entry_estimates(
    live: Live, airspace: Space, sector: int, airports: KnownPlaces, now_s: int
) -> list[EntryEstimate]:
    """The flights that will enter a sector within 4 h, soonest first; `sector` is its index.

    Those inside it now are not among them. `now_s` is the time of the snapshot that `live` is of.
    """
    return entries_on(paths_ahead(live, airports, now_s), live, airspace, sector, now_s)


def entries_on(
    paths: Paths, live: Live, airspace: Space, sector: int, now_s: int
) -> list[EntryEstimate]:
    """As `entry_estimates`, on paths that were made before, for several sectors."""
    partition = _partition_of(airspace, sector)
    outside = np.flatnonzero(live.sector[partition, paths.index] != sector)
    outside = outside[_pass_near(paths, outside, airspace.sectors[sector])]
    first_s = np.maximum(paths.start_s[outside], now_s)
    # The last step is cut short by the path's end.
    count = np.maximum(-((first_s - paths.end_s[outside]) // _STEP_S), 0)
    row = np.repeat(np.arange(outside.size), count)
    number = np.arange(row.size) - (np.cumsum(count) - count)[row]
    time_s = np.minimum(first_s[row] + (number + 1) * _STEP_S, paths.end_s[outside][row])
    inside = _inside(paths, outside[row], time_s, airspace, partition, sector)
    row, time_s = row[inside], time_s[inside]
    # The earliest of each: rows come in order of time.
    row, at = np.unique(row, return_index=True)
    which, until_s = outside[row], time_s[at]
    # The minute before it, second by second; who is inside at its start was so from the beginning.
    second = np.arange(_STEP_S)
    seconds = (until_s[:, None] - second[::-1]).ravel()
    closer = _inside(paths, np.repeat(which, _STEP_S), seconds, airspace, partition, sector)
    entry_s = until_s - _STEP_S + 1 + closer.reshape(-1, _STEP_S).argmax(axis=1)
    found = [
        EntryEstimate(index, live.flights[index], entry, paths.basis[path])
        for path, index, entry in zip(
            which.tolist(), paths.index[which].tolist(), entry_s.tolist(), strict=True
        )
    ]
    return sorted(found, key=lambda each: (each.entry_s, each.flight.flight_id))


def _partition_of(airspace: Space, sector: int) -> int:
    for number, part in enumerate(airspace.partitions):
        if part.first <= sector < part.first + part.count:
            return number
    raise IndexError(f"sector {sector} is none of the airspace's {len(airspace.sectors)}")


def _pass_near(paths: Paths, which: NDArray[np.intp], sector: Sector) -> NDArray[np.bool_]:
    """Which great circles come near enough to the sector for a closer look; false for most."""
    points = shapely.get_coordinates([volume.polygon for volume in sector.volumes])
    if np.ptp(points[:, 0]) > _WIDE_DEG:
        # Round a pole or on both sides of the antimeridian: no circle round it says much.
        return np.ones(which.shape, dtype=bool)
    corners = np.column_stack(unit_vectors(points[:, 1], points[:, 0]))
    middle = corners.mean(axis=0)
    middle /= np.linalg.norm(middle)
    reach = np.arccos(np.clip(corners @ middle, -1, 1)).max() + np.radians(_MARGIN_DEG)
    start = np.column_stack(unit_vectors(paths.latitude[which], paths.longitude[which]))
    end = np.column_stack(unit_vectors(paths.latitude2[which], paths.longitude2[which]))
    normal = np.cross(start, end)
    length = np.linalg.norm(normal, axis=1)
    # The angle between the sector's middle and the plane of the great circle; a path that is a
    # point, or half-way round, lies in no one plane and is looked at.
    aside = np.abs(normal @ middle) <= np.sin(min(reach, np.pi / 2)) * length
    return np.asarray(aside | (length < _HAIR))


def _inside(
    paths: Paths,
    which: NDArray[np.intp],
    time_s: NDArray[np.int64],
    airspace: Space,
    partition: int,
    sector: int,
) -> NDArray[np.bool_]:
    """Where the paths at `which` are inside the sector at these times, shape of both."""
    longitude, latitude, altitude_ft = paths.at(which, time_s)
    west, south, east, north = shapely.total_bounds(
        [volume.polygon for volume in airspace.sectors[sector].volumes]
    )
    near = (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)
    inside = np.zeros(which.shape, dtype=bool)
    if near.any():
        found = airspace.locate(longitude[near], latitude[near], altitude_ft[near])
        inside[near] = found[partition] == sector
    return inside
