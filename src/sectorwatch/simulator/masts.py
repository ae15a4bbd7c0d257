"""Where a station's antennas stand: at aerodromes and on hills, spread over what it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import area_nm2
from sectorwatch.simulator.chance import choose, draw

if TYPE_CHECKING:
    from sectorwatch.airspace.model import Sector
    from sectorwatch.simulator.positions import AerodromesLike

__all__ = ["MOST_MASTS", "Masts", "joined", "sector_masts", "tower_mast"]

Floats = NDArray[np.float64]

MOST_MASTS = 43
"""As many as the real transceivers feed has on one station."""
# How far apart they stand. Estimates, from 3 to 20 masts of real centres that reach 60 to 350 NM.
_SPACING_NM = {"approach": 45.0, "enroute": 140.0, "fir": 150.0}
_MOST_OF_KIND = {"approach": 9, "enroute": 20, "fir": 30}
# Metres above the ground, and how common: the real feed's.
_HEIGHTS_M = (30.0, 10.0, 20.0, 50.0, 80.0, 120.0)
_HEIGHT_SHARES = (0.60, 0.12, 0.12, 0.08, 0.05, 0.03)
_HILL_M = 220.0
_FEET_M = 0.3048
_LARGEST_BASE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Masts:
    """Antennas, arrays of shape (m,): degrees, metres."""

    latitude: Floats
    longitude: Floats
    height_msl_m: Floats
    height_agl_m: Floats

    def __len__(self) -> int:
        return len(self.latitude)


def tower_mast(
    seed: int, key: int, latitude: float, longitude: float, elevation_ft: float
) -> Masts:
    """The one antenna of an aerodrome's own positions."""
    agl = np.array([_HEIGHTS_M])[0][choose(draw(seed, "tower mast", [key]), _HEIGHT_SHARES)]
    return Masts(np.array([latitude]), np.array([longitude]), elevation_ft * _FEET_M + agl, agl)


def sector_masts(seed: int, sector: Sector, aerodromes: AerodromesLike) -> Masts:
    """A sector's antennas: first at aerodromes in it, then wherever, evenly spread."""
    area = shapely.union_all([volume.polygon for volume in sector.volumes])
    spacing = _SPACING_NM[sector.kind]
    wanted = int(np.clip(area_nm2([area])[0] / spacing**2, 1, _MOST_OF_KIND[sector.kind]))
    key = sector.sector_id
    inside = shapely.contains_xy(area, aerodromes.longitude, aerodromes.latitude)
    at = np.flatnonzero(inside)[: max(1, (wanted + 1) // 2)]
    spread = _spread(area, wanted - len(at), draw(seed, "masts", key, [0, 1]))
    latitude = np.concatenate([aerodromes.latitude[at], spread[:, 1]])
    longitude = np.concatenate([aerodromes.longitude[at], spread[:, 0]])
    number = np.arange(len(latitude))
    agl = np.array(_HEIGHTS_M)[choose(draw(seed, "mast", key, number), _HEIGHT_SHARES)]
    ground = -_HILL_M * np.log1p(-draw(seed, "hill", key, number))
    ground[: len(at)] = aerodromes.elevation_ft[at] * _FEET_M
    return Masts(latitude, longitude, ground + agl, agl)


def joined(parts: list[Masts]) -> Masts:
    """All of them, the same place once, at most 43."""
    latitude = np.concatenate([part.latitude for part in parts])
    longitude = np.concatenate([part.longitude for part in parts])
    _, first = np.unique(np.stack([latitude, longitude]), axis=1, return_index=True)
    # In turn from all parts, so that none is left without where there are too many.
    turn = np.concatenate([np.arange(len(part)) for part in parts])
    kept = first[np.lexsort((first, turn[first]))][:MOST_MASTS]
    msl = np.concatenate([part.height_msl_m for part in parts])
    agl = np.concatenate([part.height_agl_m for part in parts])
    return Masts(latitude[kept], longitude[kept], msl[kept], agl[kept])


def _spread(area: shapely.Polygon | shapely.MultiPolygon, count: int, shift: Floats) -> Floats:
    """`count` places in `area`, (longitude, latitude), shape (count, 2), by Halton's sequence."""
    if count <= 0:
        return np.empty((0, 2))
    west, south, east, north = area.bounds
    tries = np.arange(1, 60 * count + 200)
    x = (_halton(tries, 2) + shift[0]) % 1.0 * (east - west) + west
    y = (_halton(tries, _LARGEST_BASE) + shift[1]) % 1.0 * (north - south) + south
    inside = shapely.contains_xy(area, x, y)
    places = np.stack([x[inside], y[inside]], axis=1)[:count]
    if len(places):
        return places
    point = area.representative_point()
    return np.array([[point.x, point.y]])


def _halton(index: NDArray[np.int64], base: int) -> Floats:
    """The radical inverse of each index (Halton 1960)."""
    value, scale, left = np.zeros(len(index)), 1.0, index.copy()
    while left.any():
        scale /= base
        value += scale * (left % base)
        left //= base
    return value
