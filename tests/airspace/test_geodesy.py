from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.geodesy import (
    EARTH_RADIUS_NM,
    area_nm2,
    destination,
    distance_nm,
    initial_bearing_deg,
    intermediate,
    unit_vectors,
)

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
places = st.tuples(latitudes, longitudes)
HALF_ROUND_NM = math.pi * EARTH_RADIUS_NM


@given(places, places)
def test_distance_is_the_same_both_ways_and_at_most_half_round(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    """A distance is symmetric, not negative, and never more than half way round the world."""
    there, back = float(distance_nm(*a, *b)), float(distance_nm(*b, *a))
    assert there == pytest.approx(back, abs=1e-9)
    assert 0 <= there <= HALF_ROUND_NM + 1e-9


@given(places, places)
def test_distance_is_the_angle_between_vectors(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    """The distance is the angle between the two places seen from the Earth's centre."""
    u, v = np.array(unit_vectors(*a)), np.array(unit_vectors(*b))
    angle = 2 * math.atan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
    # Haversine loses half its digits at the far side of the world: 1e-4 NM is 18 cm.
    assert float(distance_nm(*a, *b)) == pytest.approx(angle * EARTH_RADIUS_NM, abs=1e-4)


@given(places, st.floats(0, 360), st.floats(0, 10_000))
def test_destination_is_as_far_as_asked(
    start: tuple[float, float], bearing: float, distance: float
) -> None:
    """Whoever flies a distance on a great circle is that far from where it began."""
    lat, lon = destination(*start, bearing, distance)
    assert -90 <= float(lat) <= 90
    assert -180 <= float(lon) < 180
    assert float(distance_nm(*start, lat, lon)) == pytest.approx(distance, abs=1e-3)


@given(st.tuples(st.floats(-85, 85), longitudes), st.floats(0, 359.9), st.floats(1, 5_000))
def test_the_bearing_to_a_destination_is_the_one_flown(
    start: tuple[float, float], bearing: float, distance: float
) -> None:
    """The initial bearing towards a destination is the one that led there."""
    back = float(initial_bearing_deg(*start, *destination(*start, bearing, distance)))
    assert 0 <= back < 360
    assert abs((back - bearing + 180) % 360 - 180) < 1e-4


@given(places, places, st.floats(0, 1))
def test_an_intermediate_point_divides_the_distance(
    a: tuple[float, float], b: tuple[float, float], fraction: float
) -> None:
    """The point at a fraction of the way is that fraction of the distance from the start."""
    whole = float(distance_nm(*a, *b))
    lat, lon = intermediate(*a, *b, fraction)
    assert float(distance_nm(*a, lat, lon)) == pytest.approx(fraction * whole, abs=1e-2)
    assert float(distance_nm(lat, lon, *b)) == pytest.approx((1 - fraction) * whole, abs=1e-2)


def test_arrays_and_numbers_are_broadcast() -> None:
    """One place against many gives one answer for each of them."""
    lat, lon = np.array([0.0, 10.0, 20.0]), np.array([0.0, 10.0, 20.0])
    assert distance_nm(0, 0, lat, lon).shape == (3,)
    assert initial_bearing_deg(0, 0, lat, lon).shape == (3,)
    assert intermediate(0, 0, lat, lon, 0.5)[0].shape == (3,)
    assert destination(lat, lon, 90, 60)[1].shape == (3,)
    assert unit_vectors(0, lon)[2].shape == (3,)


def test_one_point_is_its_own_intermediate_and_its_bearing_is_north() -> None:
    """Between a point and itself lies that point, and the bearing is 0."""
    lat, lon = intermediate(-33.9, 151.2, -33.9, 151.2, 0.4)
    assert (float(lat), float(lon)) == pytest.approx((-33.9, 151.2))
    assert float(initial_bearing_deg(-33.9, 151.2, -33.9, 151.2)) == 0.0


def test_a_hair_west_of_the_antimeridian_is_minus_180() -> None:
    """Longitudes stay below 180 even where rounding would give it."""
    assert float(destination(0.0, -180.0, 270.0, 1e-13)[1]) < 180
    assert float(initial_bearing_deg(0.0, 0.0, 1.0, -1e-17)) == 0.0


def test_area_of_a_box_is_that_of_a_zone() -> None:
    """A box's area is the closed form of a zone of the sphere between two meridians."""
    box = shapely.box(-20, 30, 40, 60)
    zone = math.radians(60) * (math.sin(math.radians(60)) - math.sin(math.radians(30)))
    assert area_nm2([box])[0] == pytest.approx(zone * EARTH_RADIUS_NM**2)


def test_area_of_slanted_edges_is_the_sum_of_many_thin_boxes() -> None:
    """A triangle's area is what thin boxes under its slanted edge add up to."""
    triangle = shapely.Polygon([(0, 10), (30, 10), (30, 70)])
    x = (np.arange(20_000) + 0.5) * 30 / 20_000
    top = np.radians(10 + 2 * x)
    strips = (np.sin(top) - math.sin(math.radians(10))) * math.radians(30 / 20_000)
    assert area_nm2([triangle])[0] == pytest.approx(strips.sum() * EARTH_RADIUS_NM**2, rel=1e-7)


def test_holes_and_parts_count_whichever_way_they_run() -> None:
    """Holes are taken off and parts added, whatever the direction of their rings."""
    holed = shapely.Polygon(shapely.box(0, 0, 4, 4).exterior, [shapely.box(1, 1, 2, 2).exterior])
    parts = shapely.MultiPolygon([shapely.box(0, 0, 4, 4, ccw=False), shapely.box(9, 0, 10, 1)])
    hole, small, whole = area_nm2(
        [shapely.box(1, 1, 2, 2), shapely.box(9, 0, 10, 1), shapely.box(0, 0, 4, 4)]
    )
    assert area_nm2([holed, parts, shapely.Polygon()]).tolist() == pytest.approx(
        [whole - hole, whole + small, 0.0]
    )


def test_area_of_nothing_is_nothing() -> None:
    """No polygons have no areas."""
    assert area_nm2([]).shape == (0,)
