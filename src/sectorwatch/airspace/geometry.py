"""Rings as data sets write them, made into polygons that an index can use.

Edges are straight in longitude and latitude. What crosses the antimeridian is cut there, whether
its longitudes run past 180 or jump from one end to the other; a ring around a pole is led over the
pole; a ring that crosses itself is repaired. Whatever had to be done is said in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["BadShapeError", "Repair", "Ring", "Shape", "as_ring", "build_shape", "union"]

Ring: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = Polygon | MultiPolygon

_MOST_POINTS = 200_000
_FARTHEST_LON = 540.0
# Where exact arithmetic gives up, points nearer than this are one; in degrees, 0.1 mm.
_GRID = 1e-9
# A point this far beyond a pole is a rounding error; in degrees.
_HAIR = 1e-6
_FEWEST_CORNERS = 3
_TURN = 360.0
_HALF_TURN = 180.0
_POLE = 90.0


class BadShapeError(ValueError):
    """Coordinates of which no polygon can be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Something done to a shape: one of few words, and what it was in a sentence."""

    kind: str
    message: str


def union(shapes: Iterable[Shape] | NDArray[np.object_]) -> Any:
    """All of these shapes as one; never fails over coordinates that lie next to each other."""
    together = np.asarray(list(shapes), dtype=object)
    try:
        return shapely.union_all(together)
    except shapely.GEOSException:
        return shapely.union_all(shapely.set_precision(together, _GRID))


def as_ring(coordinates: Any) -> Ring:
    """A ring's points as an array of shape (n, 2), longitude first; whatever follows is left out.

    Raises BadShapeError where they are not pairs of finite numbers within reach.
    """
    if not isinstance(coordinates, list | tuple | np.ndarray):
        raise BadShapeError(f"a ring is {type(coordinates).__name__}, not a list of points")
    if len(coordinates) > _MOST_POINTS:
        raise BadShapeError(f"a ring has {len(coordinates):,} points, more than {_MOST_POINTS:,}")
    try:
        points = np.asarray(coordinates, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        points = _ragged(coordinates)
    if points.ndim != 2 or points.shape[1] < 2:  # noqa: PLR2004 - points of a plane
        points = _ragged(coordinates)
    ring: Ring = np.array(points[:, :2], order="C")
    if not np.isfinite(ring).all():
        raise BadShapeError("a coordinate is not a finite number")
    worst = np.abs(ring).max(axis=0) if len(ring) else np.zeros(2)
    if worst[1] > _POLE + _HAIR:
        raise BadShapeError(f"a latitude of {worst[1]:g} is beyond the pole; is longitude first?")
    if worst[0] > _FARTHEST_LON:
        raise BadShapeError(f"a longitude of {worst[0]:g} is beyond {_FARTHEST_LON:g}")
    ring[:, 1] = np.clip(ring[:, 1], -_POLE, _POLE)
    return ring


def _ragged(coordinates: Iterable[Any]) -> Ring:
    """Points that are pairs and triples mixed; whatever is neither is an error."""
    pairs = []
    for point in coordinates:
        try:
            longitude, latitude = point[0], point[1]
            pairs.append((float(longitude), float(latitude)))
        except (TypeError, ValueError, IndexError, KeyError, OverflowError):
            raise BadShapeError(f"{str(point)[:40]!r} is no pair of numbers") from None
    return np.asarray(pairs, dtype=np.float64).reshape(len(pairs), 2)


def build_shape(parts: Iterable[Sequence[Ring]]) -> tuple[Shape, tuple[Repair, ...]]:
    """One valid shape of `parts`, each an outer ring and its holes, and what had to be repaired.

    Its longitudes are within -180..180. Raises BadShapeError where no area is left.
    """
    repairs: dict[str, str] = {}
    try:
        return _build(parts, repairs), tuple(Repair(*item) for item in repairs.items())
    except shapely.errors.ShapelyError as error:
        raise BadShapeError(f"its rings are beyond repair: {error}") from error


def _build(parts: Iterable[Sequence[Ring]], repairs: dict[str, str]) -> Shape:
    shapes: list[Shape] = []
    for rings in parts:
        shapes.extend(_part(rings, repairs))
    if not shapes:
        raise BadShapeError("no ring of it encloses an area")
    if len(shapes) == 1:
        whole = shapes[0]
    else:
        whole = MultiPolygon(_polygons(shapes))
        if not whole.is_valid:
            # Parts that overlap or share an edge: together they are one area.
            repairs.setdefault("touching_parts", "its parts touch or overlap and were joined")
            whole = union(shapes)
    return _plain(whole)


def _part(rings: Sequence[Ring], repairs: dict[str, str]) -> list[Shape]:
    """A polygon with holes, repaired, cut at the antimeridian."""
    usable = []
    for number, ring in enumerate(rings):
        closed = _closed(ring, repairs)
        if closed is not None:
            usable.append(_unrolled(closed, repairs))
        elif number == 0:
            return []
    if not usable:
        return []
    if all(np.abs(ring[:, 0]).max() <= _HALF_TURN for ring in usable):
        whole = _valid(Polygon(usable[0], usable[1:]), repairs)
    else:
        # A hole may be written a turn away from its ring: each is cut by itself.
        outer, *holes = (_cut(_valid(Polygon(ring), repairs), repairs) for ring in usable)
        whole = shapely.difference(outer, union(holes)) if holes else outer
    return [_plain(whole)] if whole.area > 0 else []


def _valid(shape: Shape, repairs: dict[str, str]) -> Shape:
    if shape.is_valid:
        return shape
    reason = shapely.is_valid_reason(shape)
    repairs.setdefault("invalid_shape", f"it was invalid ({reason}) and was repaired")
    return _plain(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def _closed(ring: Ring, repairs: dict[str, str]) -> Ring | None:
    """The ring with its first point at its end too; None where it has no three corners."""
    if len(ring) == 0:
        repairs.setdefault("short_ring", "a ring of it has no points and was left out")
        return None
    if not np.array_equal(ring[0], ring[-1]):
        repairs.setdefault("open_ring", "a ring of it does not end where it starts and was closed")
        ring = np.vstack([ring, ring[:1]])
    if len(np.unique(ring, axis=0)) < _FEWEST_CORNERS:
        repairs.setdefault("short_ring", "a ring of it has fewer than three corners: left out")
        return None
    return ring


def _unrolled(ring: Ring, repairs: dict[str, str]) -> Ring:
    """The ring with longitudes that run on where they jumped from one end of the map to the other.

    An edge over more than half the world is taken for the short way round. One over exactly all
    of it (-180 to 180) is either a step across the seam or the edge of a shape as wide as the map:
    the first where the ring then comes back to where it started and encloses something.
    """
    steps = np.diff(ring[:, 0])
    wide = np.abs(steps) > _HALF_TURN
    if not wide.any():
        return ring
    whole = np.abs(np.abs(steps) - _TURN) < _HAIR
    for jumps in (wide, wide & ~whole):
        if not jumps.any():
            continue
        run = _run_on(ring, steps, jumps)
        turns = round((run[-1, 0] - run[0, 0]) / _TURN)
        if turns == 0 and _encloses(run):
            repairs.setdefault("antimeridian", "it crosses the antimeridian and was cut there")
            return run
    run = _run_on(ring, steps, wide & ~whole)
    if round((run[-1, 0] - run[0, 0]) / _TURN) == 0 or whole.any():
        return ring
    # The ring goes once round the world: what it encloses is the pole on its side of the equator.
    pole = math.copysign(_POLE, float(run[:, 1].mean()))
    repairs.setdefault("around_pole", "it runs around a pole and was led over it")
    over = [[run[-1, 0], pole], [run[0, 0], pole], run[0].tolist()]
    return np.vstack([run, over])


def _run_on(ring: Ring, steps: Ring, jumps: NDArray[np.bool_]) -> Ring:
    moved = np.where(jumps, steps - np.sign(steps) * _TURN, steps)
    run = ring.copy()
    run[1:, 0] = ring[0, 0] + np.cumsum(moved)
    # Sums leave crumbs; every point is its own longitude and whole turns.
    run[:, 0] = ring[:, 0] + np.round((run[:, 0] - ring[:, 0]) / _TURN) * _TURN
    return run


def _encloses(ring: Ring) -> bool:
    x, y = ring[:, 0], ring[:, 1]
    return bool(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) > _HAIR)


def _cut(shape: Shape, repairs: dict[str, str]) -> Shape:
    """The shape with each of its pieces moved into -180..180."""
    if shape.is_empty:
        return shape
    west, _, east, _ = shape.bounds
    first = math.floor((west + _HALF_TURN) / _TURN)
    last = math.ceil((east - _HALF_TURN) / _TURN)
    if first == last == 0:
        return shape
    if not {"antimeridian", "around_pole"} & repairs.keys():
        repairs["past_180"] = "its longitudes run past 180 and it was cut there"
    pieces = []
    for turn in range(first, last + 1):
        start = turn * _TURN - _HALF_TURN
        piece = shapely.intersection(shape, shapely.box(start, -_POLE, start + _TURN, _POLE))
        pieces.append(shapely.transform(piece, lambda xy, t=turn: xy - [t * _TURN, 0.0]))
    return _plain(union(pieces))


def _polygons(shapes: Iterable[Any]) -> list[Polygon]:
    """All polygons in the shapes; points and lines, which repairs can leave, are left out."""
    parts = shapely.get_parts(np.asarray(list(shapes), dtype=object))
    nested = [part for part in parts if part.geom_type in {"MultiPolygon", "GeometryCollection"}]
    flat = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return flat + (_polygons(nested) if nested else [])


def _plain(shape: Any) -> Shape:
    """A Polygon where one is enough, else a MultiPolygon."""
    polygons = _polygons([shape])
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
