"""Point to sector: a grid that knows most answers, and a closer look where an edge passes.

Within one partition a point is in at most one sector: of those that hold it the smallest in area,
then the first listed. Laterally a volume is half-open as `airspace.edges` says, so a point on a
shared edge is in exactly one of the two; vertically floor <= altitude < ceiling. Longitudes may be
any number of turns round; a pole counts as the last hair before it on the longitude given. A point
with a coordinate that is not finite, or a latitude past a pole, is in none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from sectorwatch.airspace.edges import expand, pieces_of, polygon_edges, sound
from sectorwatch.airspace.geodesy import area_nm2
from sectorwatch.airspace.geometry import union
from sectorwatch.airspace.paint import Canvas
from sectorwatch.airspace.raster import Grid, looks, raster
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from shapely.geometry import MultiPolygon, Polygon

    from sectorwatch.airspace.model import Sector

__all__ = ["Index", "Points", "points_of", "sector_areas_nm2"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

# Points looked up together: their working arrays fit the processor's cache, and there are enough
# of them for the cost of a numpy call not to show.
_CHUNK = 65_536
# 4 MB a partition: the world in cells of 0.25 degrees (15 NM), a continent in finer ones.
_MOST_CELLS = 1_100_000
# Up to so many limits are compared one by one, which beats a binary search.
_FEW_LIMITS = 12
# How many cells each way make one of the coarser grid that long steps are tried on.
_COARSER = 4
_HALF_TURN, _POLE = 180.0, 90.0
_LAST_LATITUDE = float(np.nextafter(_POLE, 0.0))


@dataclass(frozen=True, slots=True)
class Points:
    """Places to look up, shape (n,): -180 <= lon < 180, -90 <= lat < 90, all finite.

    `known` is False where there was no such place (0 stands for it), None where all are good.
    """

    lon: Floats
    lat: Floats
    altitude_ft: Floats
    known: Bools | None


def points_of(lon: ArrayLike, lat: ArrayLike, altitude_ft: ArrayLike) -> Points:
    """Coordinates of shape (n,), or numbers, as places to look up.

    Raises ValueError where their shapes differ or have more than one dimension.
    """
    given = [np.atleast_1d(np.asarray(value, np.float64)) for value in (lon, lat, altitude_ft)]
    shapes = [value.shape for value in given]
    if len(set(shapes)) != 1 or len(shapes[0]) != 1:
        raise ValueError(f"lon, lat and altitude_ft need one shape (n,), not {shapes}")
    x, y, z = given
    if not len(x) or (
        _all_within(x, _HALF_TURN) and _all_within(y, _POLE) and np.isfinite(z).all()
    ):
        return Points(x, y, z, None)
    known = np.isfinite(x) & np.isfinite(z) & (np.abs(y) <= _POLE)
    x, y, z = (np.where(known, value, 0.0) for value in given)
    # What is in range stays as it is, to the last bit; a remainder can round up to the whole.
    turned = np.mod(x + _HALF_TURN, 2 * _HALF_TURN) - _HALF_TURN
    turned = np.where(turned < _HALF_TURN, turned, -_HALF_TURN)
    x = np.where((x >= -_HALF_TURN) & (x < _HALF_TURN), x, turned)
    return Points(x, np.minimum(y, _LAST_LATITUDE), z, None if known.all() else known)


class Index:
    """Which of `sectors`, one partition's, holds a point: `locate` gives its number or -1.

    Polygons are taken as they are, those that cross themselves repaired. `most_cells` bounds the
    grid and so what it holds in memory, 4 bytes a cell. Raises AirspaceError for coordinates
    outside -180..180 and -90..90.
    """

    def __init__(self, sectors: Sequence[Sector], *, most_cells: int = _MOST_CELLS) -> None:
        volumes = [
            (number, volume)
            for number, sector in enumerate(sectors)
            for volume in sector.volumes
            if volume.floor_ft < volume.ceiling_ft and not volume.polygon.is_empty
        ]
        shapes = [volume.polygon for _, volume in volumes]
        _check(shapes, [sectors[number].name for number, _ in volumes])
        sector = np.array([number for number, _ in volumes], dtype=np.int32)
        floor = np.array([volume.floor_ft for _, volume in volumes], dtype=np.float64)
        ceiling = np.array([volume.ceiling_ft for _, volume in volumes], dtype=np.float64)
        limits = np.unique(np.concatenate((floor, ceiling)))
        self._limits = limits[np.isfinite(limits)]
        # Level i lies between limits i - 1 and i; so level 0 has no floor, the last no ceiling.
        low = np.searchsorted(self._limits, floor, side="right").astype(np.int32)
        high = np.searchsorted(self._limits, ceiling, side="right").astype(np.int32)
        high[ceiling == np.inf] = len(self._limits) + 1

        edges = polygon_edges(sound(shapes))
        self._grid = Grid.around(edges.bounds, most_cells)
        pieces = pieces_of(edges, self._grid.per_degree)
        canvas = Canvas(self._grid.rows * self._grid.columns, len(self._limits) + 1)
        cells = list(raster(edges, pieces, self._grid, len(volumes)))
        area = sector_areas_nm2(sectors)[sector]
        for volume in np.lexsort((-np.arange(len(volumes)), -area)).tolist():
            inside, border = cells[volume]
            canvas.fill(inside, volume, int(sector[volume]), int(low[volume]), int(high[volume]))
            canvas.touch(border, volume)
        painted = canvas.finish()
        self._code = painted.code
        self._profiles = painted.profiles
        self._runs = _runs(painted.profiles)
        self._coarse = _coarser(painted.code.reshape(self._grid.rows, self._grid.columns))

        self._look_under = painted.under
        self._look_sector = sector[painted.volume]
        self._look_low, self._look_high = low[painted.volume], high[painted.volume]
        at_edges = painted.cell >= 0
        close = looks(edges, pieces, painted.volume[at_edges], painted.cell[at_edges], self._grid)
        self._look_odd = np.ones(len(at_edges), dtype=np.bool_)
        self._look_odd[at_edges] = close.odd
        self._look_first = np.zeros(len(at_edges) + 1, dtype=np.int32)
        self._look_first[1:][at_edges] = np.diff(close.first)
        np.cumsum(self._look_first, out=self._look_first)
        self._look_edge, self._edges = close.edge, close.edges

    def locate(self, lon: ArrayLike, lat: ArrayLike, altitude_ft: ArrayLike) -> Ints:
        """The number of the sector that holds each point, -1 for none: int32 of shape (n,)."""
        return self.locate_points(points_of(lon, lat, altitude_ft))

    def locate_points(self, points: Points) -> Ints:
        """As `locate`, for points made ready once for several partitions."""
        n = len(points.lon)
        found = np.empty(n, dtype=np.int32)
        for start in range(0, n, _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = self._locate(points.lon[part], points.lat[part], points.altitude_ft[part])
        if points.known is not None:
            found[~points.known] = -1
        return found

    def settled_points(self, start: Points, end: Points) -> Bools:
        """Where every point of the straight step from start to end certainly has one answer.

        Straight in longitude, latitude and altitude. True where the cells that the step can touch,
        at most two by two, share one profile and no change of sector in it lies between the two
        altitudes. False says nothing.
        """
        row, column = self._grid.cell_of(start.lon, start.lat)
        row2, column2 = self._grid.cell_of(end.lon, end.lat)
        box = [value.astype(np.int32) for value in (row, column, row2, column2)]
        code = _shared(self._code, self._grid.columns, *box)
        rest = np.flatnonzero(code < 0)
        coarse = [value[rest] // _COARSER for value in box]
        code[rest] = _shared(self._coarse.ravel(), self._coarse.shape[1], *coarse)
        settled = code >= 0
        if len(self._limits):
            profile = np.maximum(code, 0)
            level, level2 = self._level(start.altitude_ft), self._level(end.altitude_ft)
            settled &= self._runs[profile, level] == self._runs[profile, level2]
        for points in (start, end):
            if points.known is not None:
                settled &= points.known
        return settled

    def _level(self, altitude_ft: Floats) -> NDArray[np.intp]:
        if len(self._limits) > _FEW_LIMITS:
            return np.searchsorted(self._limits, altitude_ft, side="right")
        level = np.zeros(len(altitude_ft), dtype=np.int8)
        for limit in self._limits:
            level += altitude_ft >= limit
        return level.astype(np.intp)

    def _locate(self, lon: Floats, lat: Floats, altitude_ft: Floats) -> Ints:
        row, column = self._grid.cell_of(lon, lat)
        row *= self._grid.columns
        row += column
        code = self._code.take(row.astype(np.int32))
        level = self._level(altitude_ft)
        found = self._profile(np.maximum(code, 0), level)
        rest = np.flatnonzero(code < 0)
        code = code[rest]
        while len(rest):
            look = ~code
            has = (self._look_low[look] <= level[rest]) & (level[rest] < self._look_high[look])
            maybe = np.flatnonzero(has)
            there = rest[maybe]
            has[maybe] = self._look_closer(look[maybe], lon[there], lat[there])
            found[rest[has]] = self._look_sector[look[has]]
            rest, code = rest[~has], self._look_under[look[~has]]
            plain = code >= 0
            found[rest[plain]] = self._profile(code[plain], level[rest[plain]])
            rest, code = rest[~plain], code[~plain]
        return found

    def _profile(self, code: Ints, level: NDArray[np.intp]) -> Ints:
        levels = self._profiles.shape[1]
        flat = self._profiles.ravel()
        return flat.take(code if levels == 1 else code * np.intp(levels) + level)

    def _look_closer(self, look: Ints, lon: Floats, lat: Floats) -> Bools:
        """Whether the volumes of the looks have the points: rays cast as `airspace.edges` says."""
        first = self._look_first[look]
        whose, which = expand(self._look_first[look + 1] - first)
        edges = self._edges.take(self._look_edge[first[whose] + which], axis=0)
        y = lat[whose]
        crossed = (edges[:, 1] <= y) & (y < edges[:, 2])
        crossed &= edges[:, 0] + (y - edges[:, 1]) * edges[:, 3] <= lon[whose]
        crossings = np.bincount(whose[crossed], minlength=len(look))
        return self._look_odd[look] ^ (crossings & 1).astype(np.bool_)


def sector_areas_nm2(sectors: Sequence[Sector]) -> Floats:
    """The area that each sector covers, whatever the altitude, in square nautical miles."""
    footprints = []
    for sector in sectors:
        polygons = [volume.polygon for volume in sector.volumes]
        alone = len(polygons) == 1
        footprints.append(polygons[0] if alone else union(sound(polygons)))
    return area_nm2(footprints)


def _all_within(value: Floats, end: float) -> bool:
    """Whether all of -end <= value < end; not so where one is no number."""
    return bool(value.min() >= -end and value.max() < end)


def _check(polygons: Sequence[Polygon | MultiPolygon], names: Sequence[str]) -> None:
    points, owner = shapely.get_coordinates(polygons, return_index=True)
    # Not "any outside": a coordinate that is no number is neither within nor outside.
    bad = np.flatnonzero(~(np.abs(points) <= (_HALF_TURN, _POLE)).all(axis=1))
    if len(bad):
        lon, lat = points[bad[0]]
        raise AirspaceError(
            f"sector {names[owner[bad[0]]]!r} has a corner at longitude {lon:g}, latitude {lat:g};"
            " longitudes are -180..180 and latitudes -90..90: cut it at the antimeridian"
        )


def _runs(profiles: Ints) -> Ints:
    """For each level of a profile the number of changes of sector below it."""
    runs = np.zeros_like(profiles)
    np.cumsum(profiles[:, 1:] != profiles[:, :-1], axis=1, out=runs[:, 1:])
    return runs


def _coarser(code: Ints) -> Ints:
    """The grid in larger cells: the code where all cells in one share it, else -1."""
    rows, columns = (-(-length // _COARSER) * _COARSER for length in code.shape)
    padded = np.full((rows, columns), -1, dtype=np.int32)
    padded[: code.shape[0], : code.shape[1]] = code
    blocks = padded.reshape(rows // _COARSER, _COARSER, columns // _COARSER, _COARSER)
    lowest, highest = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return np.where(lowest == highest, lowest, -1)


def _shared(code: Ints, columns: int, row: Ints, column: Ints, row2: Ints, column2: Ints) -> Ints:
    """The code that all cells between two neighbouring ones share, -1 where there is none."""
    corner = code.take(row * columns + column)
    shared = (np.abs(row2 - row) <= 1) & (np.abs(column2 - column) <= 1)
    shared &= corner == code.take(row2 * columns + column2)
    shared &= corner == code.take(row * columns + column2)
    shared &= corner == code.take(row2 * columns + column)
    return np.where(shared, np.maximum(corner, -1), -1)
