"""The edges of polygons as arrays, and the pieces of them that lie in each row of a grid.

The rule that all of this serves is ray casting, half-open: a point (x, y) is in a polygon where an
odd number of its edges are crossed by the ray from the point to the west; an edge from (x1, y1) up
to (x2, y2) is crossed where y1 <= y < y2 and the edge's x at that y is not east of the point. So a
point on a western or southern edge is inside and one on an eastern or northern edge is not, and of
two polygons that share an edge exactly one has the points on it: both compute the same x, because
every edge is stored pointing up, whichever way its ring runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from sectorwatch.airspace.geometry import union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry import MultiPolygon, Polygon

__all__ = ["Edges", "Pieces", "expand", "pieces_of", "polygon_edges", "sound"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# How far (in degrees; 0.1 mm) a cell's "an edge passes here" reaches past the edge, so that no
# rounding of a crossing can fall in a cell that was told nothing passes.
_MARGIN_DEG = 1e-9


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges of shape (n,) in the order of their polygons, each pointing up: y1 <= y2."""

    owner: Ints
    """The index of the polygon."""
    x1: Floats
    y1: Floats
    x2: Floats
    y2: Floats
    slope: Floats
    """dx/dy, 0 for level edges, which no ray crosses."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) of all of them, zeros where there are none."""
        if not len(self.owner):
            return 0.0, 0.0, 0.0, 0.0
        west, east = min(self.x1.min(), self.x2.min()), max(self.x1.max(), self.x2.max())
        return float(west), float(self.y1.min()), float(east), float(self.y2.max())


@dataclass(frozen=True, slots=True)
class Pieces:
    """Edges cut at the rows of a grid; columns `first`..`last` are those a piece passes through.

    Cells are half-open like polygons, so a piece that only runs along a cell's border passes
    through no cell there: `last` is then `first - 1`, and cells from `first` on lie east of it.
    """

    edge: Ints
    row: Ints
    first: Ints
    last: Ints


def sound(polygons: Sequence[Polygon | MultiPolygon]) -> NDArray[np.object_]:
    """The polygons as an array of shape (n,), those that cross themselves made valid."""
    shapes = np.empty(len(polygons), dtype=object)
    shapes[:] = polygons
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    for index in broken:
        parts = shapely.get_parts(shapely.make_valid(shapes[index]))
        areas = [part for part in shapely.get_parts(parts) if shapely.get_dimensions(part) == 2]  # noqa: PLR2004 - two dimensions: a surface
        shapes[index] = union(areas)
    return shapes


def polygon_edges(polygons: NDArray[np.object_]) -> Edges:
    """All edges of an array of polygons, shape (n,); edges of no length are left out."""
    rings, owner_of_ring = _rings(polygons)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = (ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1)
    start, end = points[:-1][same], points[1:][same]
    owner = owner_of_ring[ring[1:][same]]
    # Up, and where level to the east: one edge is one row of numbers, whoever's ring it is in.
    turn = (start[:, 1] > end[:, 1]) | ((start[:, 1] == end[:, 1]) & (start[:, 0] > end[:, 0]))
    low = np.where(turn[:, None], end, start)
    high = np.where(turn[:, None], start, end)
    rise = high[:, 1] - low[:, 1]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        slope = (high[:, 0] - low[:, 0]) / rise
    # Level, or so nearly level that the slope overflows: crossed at its lower end.
    slope[~np.isfinite(slope)] = 0.0
    return Edges(owner.astype(np.int32), low[:, 0], low[:, 1], high[:, 0], high[:, 1], slope)


def pieces_of(edges: Edges, per_degree: int) -> Pieces:
    """The edges cut at rows of a grid of `per_degree` cells a degree, in the order of `edges`.

    `per_degree` is a power of two, so that a coordinate times it is exact and a point that lies on
    a border of cells is never taken for one beside it. Rows and columns count from 0 N 0 E.
    """
    bottom = np.floor(edges.y1 * per_degree).astype(np.int32)
    # An edge that ends on a border of rows does not reach the row above it.
    top = np.ceil(edges.y2 * per_degree).astype(np.int32) - 1
    edge, step = expand(top - bottom + 1)
    row = bottom[edge] + step
    x1, y1, x2, y2 = edges.x1[edge], edges.y1[edge], edges.x2[edge], edges.y2[edge]
    slope = edges.slope[edge]
    south, north = row / per_degree, (row + 1) / per_degree
    enter = np.where(y1 >= south, x1, x1 + (south - y1) * slope)
    leave = np.where(y2 <= north, x2, x1 + (north - y1) * slope)
    west, east = np.minimum(x1, x2), np.maximum(x1, x2)
    left = np.clip(np.minimum(enter, leave) - _MARGIN_DEG, west, east)
    right = np.clip(np.maximum(enter, leave) + _MARGIN_DEG, west, east)
    return Pieces(
        edge=edge,
        row=row,
        first=np.floor(left * per_degree).astype(np.int32),
        last=np.ceil(right * per_degree).astype(np.int32) - 1,
    )


def expand(counts: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """For counts of shape (n,): (whose, which), each i repeated counts[i] times, numbered from 0.

    >>> [part.tolist() for part in expand(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [0, 1, 0, 1, 2]]
    """
    whose = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    ends = np.cumsum(counts)
    which = np.arange(len(whose)) - np.repeat(ends - counts, counts)
    return whose, which.astype(np.int32)


def _rings(polygons: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part]
