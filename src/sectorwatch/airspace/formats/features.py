"""GeoJSON features, whoever wrote them, and what is done where a name stands more than once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely

from sectorwatch.airspace.formats.reading import read_json
from sectorwatch.airspace.geometry import BadShapeError, Ring, as_ring, build_shape
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sectorwatch.airspace.formats.reading import Findings
    from sectorwatch.airspace.geometry import Repair, Shape
    from sectorwatch.airspace.model import Volume

__all__ = ["Piece", "join_pieces", "label_point", "raw_features", "shape_of"]

_MOST_FEATURES = 50_000
_MOST_PARTS = 10_000
_DEEPEST = 8
# Share of a copy's area that has to lie in another sector for the copy to be taken for that one's.
_INSIDE = 0.999


@dataclass(frozen=True, slots=True)
class Piece:
    """One feature made into a volume: what a sector of that name is made of, or a part of it.

    `label_at` is where the data set would write the name, (longitude, latitude), if it says so.
    """

    name: str
    label: str
    volume: Volume
    label_at: tuple[float, float] | None = None


def raw_features(path: Path, what: str, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """The features of a GeoJSON file with their numbers, counted from 1, none of them checked.

    What is no feature at all is noted in `findings`. Raises AirspaceError where the file is no
    GeoJSON or holds more than 50,000.
    """
    document = read_json(path, what)
    kind = document.get("type") if isinstance(document, dict) else None
    features = [document] if kind == "Feature" else None
    if kind == "FeatureCollection":
        features = document.get("features")
    if not isinstance(features, list):
        raise AirspaceError(
            f"{path} is JSON but no GeoJSON FeatureCollection (its type is {str(kind)[:40]!r});"
            f" {what} is needed"
        )
    if len(features) > _MOST_FEATURES:
        raise AirspaceError(
            f"{path} holds {len(features):,} features, more than {_MOST_FEATURES:,};"
            " leave out what is no airspace"
        )
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if isinstance(properties, dict):
            yield number, feature
        else:
            findings.add("no_feature", f"feature {number}", "it has no properties: left out")


def shape_of(geometry: Any) -> tuple[Shape, tuple[Repair, ...]]:
    """A GeoJSON geometry as one valid shape, and what had to be repaired.

    Raises BadShapeError where it holds no polygon that encloses an area.
    """
    parts = list(_parts(geometry, 0))
    if not parts:
        raise BadShapeError("it has no polygon")
    return build_shape(parts)


def _parts(geometry: Any, depth: int) -> Iterator[list[Ring]]:
    if not isinstance(geometry, dict):
        raise BadShapeError("it has no geometry")
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        members = geometry.get("geometries")
        if depth >= _DEEPEST or not isinstance(members, list):
            raise BadShapeError("its geometry collection is no list, or is nested too deep")
        for member in members[:_MOST_PARTS]:
            yield from _parts(member, depth + 1)
        return
    if kind not in {"Polygon", "MultiPolygon"}:
        raise BadShapeError(f"its geometry is {str(kind)[:40]!r}, not a Polygon or MultiPolygon")
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or len(polygons) > _MOST_PARTS:
        raise BadShapeError(f"its coordinates are no list, or of more than {_MOST_PARTS:,} parts")
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) > _MOST_PARTS:
            raise BadShapeError("a polygon of it is no list of rings, or one of too many")
        yield [as_ring(ring) for ring in polygon]


def label_point(properties: Mapping[str, Any]) -> tuple[float, float] | None:
    """Where the name is to be written: `label_lon` and `label_lat`, numbers or text; None if bad.

    >>> label_point({"label_lon": "-62.37", "label_lat": 45})
    (-62.37, 45.0)
    """
    try:
        longitude, latitude = float(properties["label_lon"]), float(properties["label_lat"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        return None
    return longitude, latitude


def join_pieces(pieces: Sequence[Piece], findings: Findings) -> dict[str, list[Piece]]:
    """The pieces by name, in the order in which the names first stand; each name at least one.

    Where a name stands again, a copy of what is there is left out; so is what is another sector's
    shape under a wrong name: its label is that of another shape of the name, which holds it, and it
    lies in a sector that holds its own. What remains belongs to the one sector of that name.
    """
    by_name: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_name.setdefault(piece.name, []).append(piece)
    homes = [piece for piece in pieces if _holds(piece, piece.label_at)]
    for name, group in by_name.items():
        if len(group) == 1:
            continue
        kept: list[Piece] = []
        for piece in group:
            if any(_same(piece, other) for other in kept):
                findings.add("identical_copy", name, "the same shape stands twice; one was kept")
            else:
                kept.append(piece)
        kept = _without_misplaced(name, kept, homes, findings)
        if len(kept) > 1:
            findings.add("repeated_name", name, f"its {len(kept)} shapes were made one sector")
        by_name[name] = kept
    return by_name


def _same(one: Piece, other: Piece) -> bool:
    a, b = one.volume, other.volume
    if (a.floor_ft, a.ceiling_ft) != (b.floor_ft, b.ceiling_ft):
        return False
    return a.polygon.bounds == b.polygon.bounds and bool(shapely.equals(a.polygon, b.polygon))


def _holds(piece: Piece, point: tuple[float, float] | None) -> bool:
    return point is not None and bool(shapely.intersects_xy(piece.volume.polygon, *point))


def _without_misplaced(
    name: str, group: list[Piece], homes: Sequence[Piece], findings: Findings
) -> list[Piece]:
    kept = []
    for piece in group:
        owner = None
        label = piece.label_at
        rightful = [other for other in group if other.label_at == label and _holds(other, label)]
        if rightful and piece not in rightful:
            owner = _home_of(piece, homes)
        if owner is None:
            kept.append(piece)
        else:
            findings.add(
                "misplaced_copy",
                name,
                f"a second shape under this name lies in {owner}, away from its own label:"
                " it was left out",
            )
    return kept


def _home_of(piece: Piece, homes: Sequence[Piece]) -> str | None:
    """The sector of another name that a shape lies in, at the same levels."""
    volume = piece.volume
    for home in homes:
        other = home.volume
        if home.name == piece.name or not other.polygon.intersects(volume.polygon):
            continue
        level = (other.floor_ft, other.ceiling_ft) == (volume.floor_ft, volume.ceiling_ft)
        shared = shapely.intersection(other.polygon, volume.polygon).area
        if level and shared >= _INSIDE * volume.polygon.area:
            return home.name
    return None
