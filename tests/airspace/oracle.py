"""What the index has to answer, found by shapely the long way: nothing here is shared with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from sectorwatch.airspace.index import sector_areas_nm2
from sectorwatch.airspace.model import Sector, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]

METRE_DEG = 9e-6
"""A metre, in degrees of latitude."""


def sector(name: str, *volumes: Volume | shapely.Geometry) -> Sector:
    """A sector of these volumes; a bare polygon is one without limits."""
    made = tuple(v if isinstance(v, Volume) else Volume(v) for v in volumes)
    return Sector("test", "enroute", name, name, made)


def look_up(
    sectors: Sequence[Sector], lon: Floats, lat: Floats, altitude_ft: Floats
) -> NDArray[np.intp]:
    """The smallest, then the first sector whose closed polygon covers each point, else -1."""
    owner, volumes = zip(*((i, v) for i, s in enumerate(sectors) for v in s.volumes), strict=True)
    floor = np.array([volume.floor_ft for volume in volumes])
    ceiling = np.array([volume.ceiling_ft for volume in volumes])
    tree = shapely.STRtree([valid(volume.polygon) for volume in volumes])
    point, volume = tree.query(places(lon, lat), predicate="intersects")
    altitude = np.asarray(altitude_ft)[point]
    within = (floor[volume] <= altitude) & (altitude < ceiling[volume])
    point, number = point[within], np.array(owner)[volume[within]]
    in_order = np.lexsort((np.arange(len(sectors)), sector_areas_nm2(sectors)))
    rank = np.empty(len(sectors) + 1, dtype=int)
    rank[in_order] = np.arange(len(sectors))
    best = np.full(len(lon), len(sectors))
    np.minimum.at(best, point, rank[number])
    answer: NDArray[np.intp] = np.append(in_order, -1)[best]
    return answer


def far_from_edges(sectors: Sequence[Sector], lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Which points lie more than a metre from every edge of every volume."""
    edges = shapely.boundary([valid(v.polygon) for s in sectors for v in s.volumes])
    near, _ = shapely.STRtree(edges).query(
        places(lon, lat), predicate="dwithin", distance=METRE_DEG
    )
    far = np.ones(len(lon), dtype=bool)
    far[near] = False
    return far


def places(lon: Floats, lat: Floats) -> NDArray[np.object_]:
    """The points, 180 being the same meridian as -180."""
    points: NDArray[np.object_] = shapely.points(np.where(lon == 180, -180.0, lon), lat)
    return points


def valid(polygon: shapely.Geometry) -> shapely.Geometry:
    """The polygon, repaired where it crosses itself."""
    return polygon if polygon.is_valid else shapely.make_valid(polygon)


def scattered(sectors: Sequence[Sector], n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Points all over the world and thick where it is hard: corners, poles, the antimeridian."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(-180, 180, n), rng.uniform(-90, 90, n)
    corners = shapely.get_coordinates([v.polygon for s in sectors for v in s.volumes])
    third = n // 3
    near = corners[rng.integers(0, len(corners), third)]
    jitter = rng.normal(0, 1, (third, 2)) * 10.0 ** rng.uniform(-6, 0, (third, 1))
    lon[:third], lat[:third] = (near + jitter).T
    few = n // 100
    lat[third : third + 3 * few] = np.repeat([90.0, -90.0, 89.99999], few)
    lon[third + 3 * few : third + 6 * few] = np.repeat([180.0, -180.0, 179.999999], few)
    lon = np.where(np.abs(lon) > 180, lon - 360 * np.sign(lon), lon)
    limits = [x for s in sectors for v in s.volumes for x in (v.floor_ft, v.ceiling_ft)]
    levels = np.array([x for x in limits if math.isfinite(x)] or [0.0])
    altitude = rng.uniform(-1_000, 65_000, n)
    altitude[::4] = rng.choice(levels, len(altitude[::4]))
    return lon, np.clip(lat, -90, 90), altitude
