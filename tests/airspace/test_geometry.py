from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from sectorwatch.airspace.geometry import BadShapeError, Ring, as_ring, build_shape


def _box(west: float, south: float, east: float, north: float) -> Ring:
    return as_ring([[west, south], [east, south], [east, north], [west, north], [west, south]])


def _kinds(parts: Any) -> list[str]:
    return [repair.kind for repair in build_shape(parts)[1]]


def test_a_sound_ring_stays_as_it_is() -> None:
    """Not one coordinate of a good polygon changes."""
    shape, repairs = build_shape([[_box(10, 20, 30, 40), _box(15, 25, 20, 30)]])
    assert repairs == ()
    assert shape.equals_exact(Polygon(_box(10, 20, 30, 40), [_box(15, 25, 20, 30)]), 0)


def test_altitudes_behind_coordinates_are_left_out() -> None:
    """A third number in a point is no matter, nor is one in some points only."""
    assert as_ring([[1, 2, 300], [3, 4, 500]]).tolist() == [[1, 2], [3, 4]]
    assert as_ring([[1, 2, 300], [3, 4]]).tolist() == [[1, 2], [3, 4]]


def test_text_that_is_a_number_is_one() -> None:
    """Coordinates written as text are read."""
    assert as_ring([["1.5", "2"], [3, 4]]).tolist() == [[1.5, 2], [3, 4]]


@pytest.mark.parametrize(
    "coordinates",
    [
        None,
        "ring",
        {"a": 1},
        7,
        [[1]],
        [1, 2, 3],
        [[1, None]],
        [["x", "y"]],
        [[1, 2], None],
        [[float("nan"), 1]],
        [[float("inf"), 1]],
        [[1, 91]],
        [[151, -33], [-33, 151]],
        [[541, 1]],
        [[[1, 2]], [[3, 4]]],
        [[10**400, 2]],
        [{"lon": 1, "lat": 2}],
    ],
)
def test_coordinates_that_are_none_are_refused(coordinates: Any) -> None:
    """What is no list of pairs of finite numbers on the map makes no ring."""
    with pytest.raises(BadShapeError):
        as_ring(coordinates)


def test_a_ring_of_too_many_points_is_refused() -> None:
    """Nobody draws a border with 200,001 points."""
    with pytest.raises(BadShapeError, match="200,001 points"):
        as_ring(np.zeros((200_001, 2)))


def test_a_latitude_a_hair_past_the_pole_is_the_pole() -> None:
    """Rounding errors are forgiven."""
    assert as_ring([[0, 90.0000001]])[0, 1] == 90.0


def test_an_open_ring_is_closed() -> None:
    """A ring that does not end where it starts is closed, and it is said."""
    shape, repairs = build_shape([[_box(0, 0, 10, 10)[:-1]]])
    assert shape.area == 100
    assert [repair.kind for repair in repairs] == ["open_ring"]


@pytest.mark.parametrize("ring", [[], [[0, 0]], [[0, 0], [1, 1]], [[0, 0], [1, 1], [0, 0]]])
def test_a_ring_without_area_leaves_no_shape(ring: Any) -> None:
    """Fewer than three corners enclose nothing."""
    with pytest.raises(BadShapeError, match="encloses an area"):
        build_shape([[as_ring(ring).reshape(-1, 2)]])


def test_a_flat_ring_leaves_no_shape() -> None:
    """Three corners on one line enclose nothing either."""
    with pytest.raises(BadShapeError, match="encloses an area"):
        build_shape([[as_ring([[0, 0], [1, 1], [2, 2], [0, 0]])]])


def test_no_ring_at_all_leaves_no_shape() -> None:
    """A polygon without rings, and one that is flat across the antimeridian, are nothing."""
    for rings in ([], [as_ring([[179, 0], [181, 0], [183, 0], [179, 0]])]):
        with pytest.raises(BadShapeError, match="encloses an area"):
            build_shape([rings])


def test_a_hole_without_corners_is_left_out() -> None:
    """A bad hole costs the hole, not the polygon."""
    shape, repairs = build_shape([[_box(0, 0, 10, 10), as_ring([[1, 1], [2, 2], [1, 1]])]])
    assert shape.area == 100
    assert [repair.kind for repair in repairs] == ["short_ring"]


def test_a_ring_that_crosses_itself_is_repaired() -> None:
    """A bow tie is the two triangles that it shows."""
    shape, repairs = build_shape([[as_ring([[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]])]])
    assert shape.is_valid
    assert shape.area == 50
    assert [repair.kind for repair in repairs] == ["invalid_shape"]


def test_parts_that_touch_or_overlap_are_one_area() -> None:
    """A point in two parts is not in a hole."""
    shape, repairs = build_shape([[_box(0, 0, 10, 10)], [_box(5, 0, 15, 10)]])
    assert shape.area == 150
    assert [repair.kind for repair in repairs] == ["touching_parts"]


@pytest.mark.parametrize(
    "ring",
    [
        [[175, -10], [-175, -10], [-175, 10], [175, 10], [175, -10]],
        [[-175, 10], [175, 10], [175, -10], [-175, -10], [-175, 10]],
        [
            [175, -10],
            [180, -10],
            [-180, -10],
            [-175, -10],
            [-175, 10],
            [-180, 10],
            [180, 10],
            [175, 10],
        ],
        [[175, -10], [185, -10], [185, 10], [175, 10], [175, -10]],
        [[-185, -10], [-175, -10], [-175, 10], [-185, 10], [-185, -10]],
    ],
    ids=["jump", "jump back", "jump at the seam", "past 180", "before -180"],
)
def test_what_crosses_the_antimeridian_is_cut_there(ring: Any) -> None:
    """However it is written, it is the same 10 by 20 degrees in two pieces."""
    shape, repairs = build_shape([[as_ring(ring)]])
    expected = shapely.union_all([shapely.box(175, -10, 180, 10), shapely.box(-180, -10, -175, 10)])
    assert shape.equals(expected)
    assert {repair.kind for repair in repairs} & {"antimeridian", "past_180"}


def test_a_hole_follows_its_ring_across_the_antimeridian() -> None:
    """The hole is written west of -180 degrees' other end, its polygon east of it."""
    outer = [[170, -10], [-170, -10], [-170, 10], [170, 10], [170, -10]]
    hole = [[-178, -2], [-176, -2], [-176, 2], [-178, 2], [-178, -2]]
    shape, _ = build_shape([[as_ring(outer), as_ring(hole)]])
    assert shape.area == pytest.approx(20 * 20 - 2 * 4)
    assert not shape.contains(Point(-177, 0))
    assert shape.contains(Point(177, 0))


def test_a_shape_as_wide_as_the_map_is_no_jump() -> None:
    """A box from -180 to 180 is the whole way round."""
    assert build_shape([[_box(-180, -90, 180, -60)]])[0].area == 360 * 30
    ragged = [[-180, -90], [-180, -65], [-90, -70], [0, -65], [90, -70], [180, -65], [180, -90]]
    shape, _ = build_shape([[as_ring(ragged)]])
    assert shape.contains(Point(12, -80))
    assert shape.bounds == (-180, -90, 180, -65)


@pytest.mark.parametrize("latitude", [-60.0, 60.0])
def test_a_ring_around_a_pole_holds_the_pole(latitude: float) -> None:
    """A ring once round the world is led over the pole on its side."""
    ring = [[lon, latitude] for lon in (0, 90, 180, -90, 0)]
    shape, repairs = build_shape([[as_ring(ring)]])
    assert [repair.kind for repair in repairs] == ["around_pole"]
    assert shape.area == pytest.approx(360 * 30)
    assert shape.contains(Point(45, latitude * 89 / 60))


def test_a_hole_round_a_pole_and_nested_parts_survive() -> None:
    """Nothing in the chain of repairs raises anything but BadShapeError."""
    ring = as_ring([[lon, 60] for lon in (0, 90, 180, -90, 0)])
    shape, _ = build_shape([[_box(-180, 0, 180, 90), ring]])
    assert shape.area == pytest.approx(360 * 60)


corners = st.lists(
    st.tuples(st.integers(-40, 40), st.integers(-30, 30)), min_size=3, max_size=12, unique=True
)


@given(corners, st.integers(-360, 360))
def test_moving_a_ring_round_the_world_moves_its_shape(
    points: list[tuple[int, int]], shift: int
) -> None:
    """Cut or not, jumping or not, it has the area and holds the points of the shape it was."""
    ring = np.array(points, dtype=float)
    try:
        still, _ = build_shape([[ring]])
    except BadShapeError:
        return
    moved = ring + np.array([shift, 0])
    wrapped = moved.copy()
    wrapped[:, 0] = (wrapped[:, 0] + 180) % 360 - 180
    for version in (moved, wrapped):
        shape, _ = build_shape([[version]])
        west, _, east, _ = shape.bounds
        assert west >= -180
        assert east <= 180
        assert shape.is_valid
        assert shape.area == pytest.approx(still.area, rel=1e-9)
        inside = still.representative_point()
        there = (inside.x + shift + 180) % 360 - 180
        assert shape.buffer(1e-9).contains(Point(there, inside.y))


@given(
    st.lists(
        st.lists(
            st.lists(
                st.floats(-600, 600, width=32) | st.none() | st.text(max_size=3),
                min_size=0,
                max_size=3,
            ),
            max_size=8,
        ),
        max_size=3,
    )
)
def test_any_coordinates_are_a_valid_shape_or_refused(rings: Any) -> None:
    """Whatever JSON brings, no other error comes out, and what comes out is fit for an index."""
    rings = json.loads(json.dumps(rings))
    try:
        shape, _ = build_shape([[as_ring(ring) for ring in rings]])
    except BadShapeError:
        return
    west, south, east, north = shape.bounds
    assert shape.is_valid
    assert shape.area > 0
    assert (west >= -180, south >= -90, east <= 180, north <= 90) == (True,) * 4
