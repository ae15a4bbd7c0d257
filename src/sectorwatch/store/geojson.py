"""Lines and points as GeoJSON (RFC 7946): longitude first, cut at the antimeridian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METRES_A_FOOT", "line_geometry"]

METRES_A_FOOT = 0.3048
_HALF_TURN = 180.0


def line_geometry(points: NDArray[np.float64]) -> dict[str, Any] | None:
    """The geometry of a path of `points`, shape (n, 3): longitude, latitude, height in metres.

    A single point is a Point, a line that crosses the antimeridian one of several parts, none at
    all is None.

    >>> line_geometry(np.array([[170.0, 0, 0], [-170.0, 2, 0]]))["coordinates"]
    [[[170.0, 0.0, 0.0], [180.0, 1.0, 0.0]], [[-180.0, 1.0, 0.0], [-170.0, 2.0, 0.0]]]
    """
    if len(points) == 0:
        return None
    if len(points) == 1:
        return {"type": "Point", "coordinates": points[0].tolist()}
    crossings = np.flatnonzero(np.abs(np.diff(points[:, 0])) > _HALF_TURN)
    if len(crossings) == 0:
        return {"type": "LineString", "coordinates": points.tolist()}
    lines: list[object] = []
    start = points[0]
    first = 0
    for last in crossings.tolist():
        leave, enter = _cut(points[last], points[last + 1])
        lines.append([start.tolist(), *points[first + (first == 0) : last + 1].tolist(), leave])
        start, first = np.array(enter), last + 1
    lines.append([start.tolist(), *points[first:].tolist()])
    return {"type": "MultiLineString", "coordinates": lines}


def _cut(
    before: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[list[float], list[float]]:
    """The two faces of the antimeridian between two points, same latitude and height."""
    side = _HALF_TURN if before[0] > 0 else -_HALF_TURN
    beyond = after[0] + 2 * side
    span = beyond - before[0]
    part = (side - before[0]) / span if span else 0.0
    middle = before + (after - before) * part
    return [side, *middle[1:].round(5).tolist()], [-side, *middle[1:].round(5).tolist()]
