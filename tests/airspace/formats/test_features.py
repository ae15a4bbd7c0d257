from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from made_airspace import box_ring, write_geojson
from sectorwatch.airspace.formats.features import (
    Piece,
    join_pieces,
    label_point,
    raw_features,
    shape_of,
)
from sectorwatch.airspace.formats.reading import Findings
from sectorwatch.airspace.geometry import BadShapeError
from sectorwatch.airspace.model import Volume
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path


def _piece(
    name: str,
    bounds: tuple[float, float, float, float],
    label: tuple[float, float] | None = None,
    ceiling: float = 100.0,
) -> Piece:
    return Piece(name, name, Volume(box(*bounds), 0.0, ceiling), label)


def _joined(*pieces: Piece) -> tuple[dict[str, int], dict[str, int]]:
    findings = Findings()
    joined = join_pieces(pieces, findings)
    return {name: len(group) for name, group in joined.items()}, dict(findings.counts)


def test_shapes_of_one_name_are_one_sector() -> None:
    """A domestic and an oceanic part of a FIR belong together."""
    pieces = [_piece("A", (0, 0, 1, 1)), _piece("B", (5, 5, 6, 6)), _piece("A", (2, 2, 3, 3))]
    assert _joined(*pieces) == ({"A": 2, "B": 1}, {"repeated_name": 1})


def test_a_copy_is_left_out() -> None:
    """The same shape at the same levels twice is once; at other levels it is another volume."""
    assert _joined(_piece("A", (0, 0, 1, 1)), _piece("A", (0, 0, 1, 1))) == (
        {"A": 1},
        {"identical_copy": 1},
    )
    assert _joined(_piece("A", (0, 0, 1, 1)), _piece("A", (0, 0, 1, 1), ceiling=200.0)) == (
        {"A": 2},
        {"repeated_name": 1},
    )


def test_a_shape_under_a_neighbours_name_is_left_out() -> None:
    """As CZQM and CZQX: each is there a second time as a piece of the other."""
    moncton, gander = (2.0, 5.0), (15.0, 5.0)
    pieces = [
        _piece("MON", (0, 0, 10, 10), moncton),
        _piece("MON", (11, 0, 20, 10), moncton),
        _piece("GAN", (10, 0, 20, 10), gander),
        _piece("GAN", (0, 0, 9, 10), gander),
    ]
    assert _joined(*pieces) == ({"MON": 1, "GAN": 1}, {"misplaced_copy": 2})


def test_a_part_away_from_its_label_stays() -> None:
    """A second part in nobody else's airspace is a part, and so is one with a label of its own."""
    apart = [_piece("A", (0, 0, 1, 1), (0.5, 0.5)), _piece("A", (5, 5, 6, 6), (0.5, 0.5))]
    assert _joined(*apart)[0] == {"A": 2}
    labelled = [
        _piece("A", (0, 0, 1, 1), (0.5, 0.5)),
        _piece("A", (5, 5, 6, 6), (7.0, 7.0)),
        _piece("B", (4, 4, 8, 8), (7.0, 7.0)),
    ]
    assert _joined(*labelled)[0] == {"A": 2, "B": 1}
    elsewhere = [
        _piece("A", (0, 0, 1, 1), (0.5, 0.5)),
        _piece("A", (5, 5, 6, 6), (0.5, 0.5), ceiling=50.0),
        _piece("B", (4, 4, 8, 8), (7.0, 7.0)),
    ]
    assert _joined(*elsewhere)[0] == {"A": 2, "B": 1}


@pytest.mark.parametrize(
    ("properties", "point"),
    [
        ({"label_lon": "-62.37", "label_lat": "45.18"}, (-62.37, 45.18)),
        ({"label_lon": 1, "label_lat": 2}, (1.0, 2.0)),
        ({"label_lon": "west", "label_lat": 2}, None),
        ({"label_lon": None, "label_lat": 2}, None),
        ({"label_lon": "nan", "label_lat": 2}, None),
        ({}, None),
    ],
)
def test_labels_are_numbers_or_text(
    properties: dict[str, Any], point: tuple[float, float] | None
) -> None:
    """Real labels are strings; a bad one is no label, and no error."""
    assert label_point(properties) == point


def test_polygons_in_a_collection_are_found() -> None:
    """A GeometryCollection of polygons is their sum."""
    square = {"type": "Polygon", "coordinates": [box_ring(0, 0, 1, 1)]}
    other = {"type": "MultiPolygon", "coordinates": [[box_ring(2, 2, 3, 3)]]}
    collection = {"type": "GeometryCollection", "geometries": [square, other]}
    assert shape_of(collection)[0].area == 2


def _nested(depth: int) -> dict[str, Any]:
    geometry: dict[str, Any] = {"type": "Polygon", "coordinates": [box_ring(0, 0, 1, 1)]}
    for _ in range(depth):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    return geometry


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        "POLYGON",
        {},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "MultiPolygon", "coordinates": [1]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "Polygon", "coordinates": []},
        {"type": "GeometryCollection", "geometries": {}},
        {"type": "GeometryCollection", "geometries": []},
        _nested(9),
    ],
)
def test_a_geometry_without_polygon_is_refused(geometry: Any) -> None:
    """It costs this feature alone, so it is the error that readers catch."""
    with pytest.raises(BadShapeError):
        shape_of(geometry)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats(-500, 500) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)
geometries = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "GeometryCollection", "Point", None]),
        "coordinates": json_values,
        "geometries": json_values,
    }
)


@given(geometries | json_values)
def test_any_geometry_is_a_shape_or_refused(geometry: Any) -> None:
    """Whatever JSON stands in a feature, nothing but BadShapeError comes out."""
    try:
        shape, _ = shape_of(geometry)
    except BadShapeError:
        return
    assert shape.is_valid
    assert shape.area > 0


@pytest.mark.parametrize("content", ["[]", "7", '{"type": "Polygon"}', '{"type": "FeatureCollection"}', '{"type": "FeatureCollection", "features": 1}'])  # fmt: skip
def test_a_file_without_features_is_refused(tmp_path: Path, content: str) -> None:
    """JSON that is no FeatureCollection is named as such."""
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(AirspaceError, match="no GeoJSON FeatureCollection"):
        list(raw_features(path, "a list", Findings()))


def test_a_file_of_too_many_features_is_refused(tmp_path: Path) -> None:
    """No airspace has 50,001 sectors."""
    path = write_geojson(tmp_path / "x.json", [None] * 50_001)
    with pytest.raises(AirspaceError, match="50,001 features"):
        list(raw_features(path, "a list", Findings()))
