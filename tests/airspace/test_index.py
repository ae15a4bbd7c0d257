from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.oracle import far_from_edges, look_up, scattered, sector
from sectorwatch.airspace import paint
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.index import Index, points_of, sector_areas_nm2
from sectorwatch.airspace.model import Sector, Volume
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Steps = tuple[Floats, Floats, Floats]

REAL = {
    "vatspy": "vatspy:{}/vatspy",
    "vatsys": "vatsys:{}/vatsys-australia",
    "artcc": "geojson:{}/perti-us/artcc.json?name=ICAOCODE",
    "high": "geojson:{}/perti-us/high.json?name=label&floor=FL240&ceiling=FL350",
    "superhigh": "geojson:{}/perti-us/superhigh.json?name=label&floor=FL350",
    "simaware": "geojson:{}/simaware/TRACONBoundaries.geojson?name=id&ceiling=18000",
}


def real_partitions(real_data: Path, name: str) -> list[list[Sector]]:
    """The sectors of a real data set, those of one kind together."""
    sectors = read_dataset(REAL[name].format(real_data / "airspace")).sectors
    kinds = dict.fromkeys(sector.kind for sector in sectors)
    return [[sector for sector in sectors if sector.kind == kind] for kind in kinds]


def where(sectors: list[Sector], *point: float) -> int:
    """What the index says of one point."""
    return int(Index(sectors).locate(*point)[0])


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_airspace_agrees_with_shapely(real_data: Path, name: str) -> None:
    """Of 100,000 points over real airspace none further than 1 m from an edge is answered wrong."""
    for sectors in real_partitions(real_data, name):
        points = scattered(sectors, 100_000, seed=len(sectors))
        differ = Index(sectors).locate(*points) != look_up(sectors, *points)
        lon, lat, _ = (value[differ] for value in points)
        assert not far_from_edges(sectors, lon, lat).any()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["vatspy", "vatsys", "high"])
def test_real_steps_that_are_settled_stay_in_one_sector(real_data: Path, name: str) -> None:
    """Everywhere on a settled step over real airspace the answer is that of its ends."""
    for sectors in real_partitions(real_data, name):
        lon, lat, altitude_ft = scattered(sectors, 20_000, seed=4)
        rng = np.random.default_rng(5)
        reach = 10.0 ** rng.uniform(-3, 0.3, lon.size)
        lon2, lat2 = lon + reach * rng.normal(0, 1, lon.size), lat + reach * rng.normal(0, 1)
        lat2 = np.clip(lat2, -90, 90)
        altitude2_ft = altitude_ft + rng.choice([0, 0, -300, 900, 10_000], lon.size)
        settled = check_settled(Index(sectors), (lon, lat, altitude_ft), (lon2, lat2, altitude2_ft))
        assert settled.mean() > 0.1


@pytest.mark.real_data
def test_most_real_steps_are_settled(real_data: Path) -> None:
    """Of steps of 2 NM all over the world most need no closer look."""
    sectors = read_dataset(REAL["vatspy"].format(real_data / "airspace")).sectors
    index = Index([sector for sector in sectors if sector.kind == "fir"])
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(-180, 180, 5_000), rng.uniform(-70, 70, 5_000)
    turn = rng.uniform(0, 2 * math.pi, 5_000)
    end = points_of(lon + np.sin(turn) / 30, lat + np.cos(turn) / 30, np.full(5_000, 35_000))
    settled = index.settled_points(points_of(lon, lat, np.full(5_000, 35_000)), end)
    assert settled.mean() > 0.85


def check_settled(index: Index, start: Steps, end: Steps, samples: int = 25) -> NDArray[np.bool_]:
    """Asserts that what is called settled is so at many points of the steps."""
    settled = index.settled_points(points_of(*start), points_of(*end))
    first = index.locate(*start)
    for part in np.linspace(0, 1, samples):
        # Straight as the numbers stand; what runs past 180 is the same place a turn further.
        there = [a + part * (b - a) if part < 1 else b for a, b in zip(start, end, strict=True)]
        assert np.array_equal(index.locate(*there)[settled], first[settled])
    return settled


coarse = st.integers(-8, 8).map(lambda n: n / 4)
fine = st.floats(-2, 2)
coordinates = st.one_of(coarse, fine)
limits = st.sampled_from([-math.inf, 0.0, 1_000.0, 2_000.0, 3_000.0, math.inf])


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """Polygons of all sorts around 0 N 0 E: boxes on the grid, stars, with holes and without."""
    if draw(st.booleans()):
        west, south = draw(coordinates), draw(coordinates)
        outer = box(west, south, west + draw(st.integers(1, 8)) / 4, south + draw(fine) ** 2 + 0.01)
    else:
        n = draw(st.integers(3, 12))
        radii = np.array(draw(st.lists(st.floats(0.05, 1.5), min_size=n, max_size=n)))
        angles = np.arange(n) / n * 2 * math.pi + draw(st.floats(0, 1))
        centre = draw(coordinates), draw(coordinates)
        outer = Polygon(np.column_stack((np.cos(angles), np.sin(angles))) * radii[:, None] + centre)
    if draw(st.booleans()):
        middle = outer.representative_point()
        hole = outer.intersection(middle.buffer(outer.area / 20, quad_segs=2))
        outer = outer.difference(hole.buffer(-1e-6))
    return outer


@st.composite
def airspaces(draw: st.DrawFn) -> list[Sector]:
    """A few sectors of a few volumes each, that overlap as they like."""
    sectors = []
    for number in range(draw(st.integers(1, 5))):
        volumes = [
            Volume(shape, draw(limits), draw(limits))
            for shape in draw(st.lists(polygons(), min_size=1, max_size=3))
        ]
        sectors.append(sector(str(number), *volumes))
    return sectors


@settings(max_examples=150)
@given(airspaces(), st.integers(0, 2**32 - 1), st.sampled_from([1_000, 10_000, 1_100_000]))
def test_any_airspace_agrees_with_shapely(
    sectors: list[Sector], seed: int, most_cells: int
) -> None:
    """However sectors lie and overlap, and however fine the grid, shapely says the same."""
    rng = np.random.default_rng(seed)
    corners = shapely.get_coordinates([v.polygon for s in sectors for v in s.volumes])
    lon, lat = corners[rng.integers(0, len(corners), 300)].T + rng.normal(0, 0.2, (2, 300))
    altitude_ft = rng.choice([-1.0, 0.0, 500.0, 1_000.0, 2_500.0, 3_000.0], 300)
    found = Index(sectors, most_cells=most_cells).locate(lon, lat, altitude_ft)
    differ = found != look_up(sectors, lon, lat, altitude_ft)
    assert not (differ & far_from_edges(sectors, lon, lat)).any()


def test_corners_that_all_but_touch_make_a_sector_all_the_same() -> None:
    """Volumes whose exact union geometry gives up on: one corner is a denormal number from zero."""
    tiny = 2.2250738585072014e-313
    volumes = [
        Volume(box(0, 0.5, 1.25, 0.51), -math.inf, math.inf),
        Volume(box(0.75, tiny, 2, 0.01), -math.inf, math.inf),
        Volume(box(1, -1, 1.25, 3.01), -math.inf, math.inf),
    ]
    found = Index([sector("touching", *volumes)]).locate(
        np.array([1.5, 1.1, 0.5]), np.array([0.005, 2.0, 0.2]), np.zeros(3)
    )
    assert found.tolist() == [0, 0, -1]


steps = st.tuples(coordinates, coordinates, st.sampled_from([-5.0, 0.0, 999.0, 1_000.0, 2_500.0]))


@settings(max_examples=150)
@given(
    airspaces(),
    st.lists(st.tuples(steps, steps), min_size=1, max_size=30),
    st.sampled_from([1_000, 1_100_000]),
)
def test_a_settled_step_stays_in_one_sector(
    sectors: list[Sector],
    pairs: list[tuple[tuple[float, float, float], tuple[float, float, float]]],
    most_cells: int,
) -> None:
    """Where a step is called settled every point on it has the answer of its ends."""
    start, end = (tuple(np.array(part).T) for part in zip(*pairs, strict=True))
    check_settled(Index(sectors, most_cells=most_cells), start, end, samples=60)


@given(st.integers(0, 2**32 - 1), st.integers(3, 40))
def test_a_point_on_a_shared_edge_is_in_exactly_one(seed: int, n: int) -> None:
    """Of a tiling's cells exactly one has a point that lies on their edges or corners."""
    rng = np.random.default_rng(seed)
    seeds = shapely.MultiPoint(np.round(rng.uniform(-3, 3, (n, 2)), rng.integers(0, 6)))
    world = box(-20, -20, 20, 20)
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=world))
    # Points that are rounded together can leave a mosaic that is no tiling.
    assume(shapely.coverage_is_valid(cells) and shapely.is_valid(cells).all())
    corners = [shapely.get_coordinates(cell) for cell in cells]
    points = np.vstack([*corners, *((c[1:] + c[:-1]) / 2 for c in corners)])
    inner = shapely.contains_xy(box(-9, -9, 9, 9), points[:, 0], points[:, 1])
    lon, lat = points[inner].T
    holders = np.zeros(len(lon), dtype=int)
    for cell in cells:
        holders += Index([sector("one", cell)], most_cells=2_000).locate(lon, lat, 0 * lon) == 0
    assert (holders == 1).all()
    together = Index([sector(str(i), cell) for i, cell in enumerate(cells)])
    assert (together.locate(lon, lat, 0 * lon) >= 0).all()


@pytest.mark.parametrize(
    ("lon", "lat", "inside"),
    [
        (10.1, 20.5, True),
        (11.1, 20.5, False),
        (10.5, 20.1, True),
        (10.5, 21.1, False),
        (10.1, 20.1, True),
        (11.1, 21.1, False),
        (10.1, 21.1, False),
        (11.1, 20.1, False),
    ],
    ids=["west", "east", "south", "north", "southwest", "northeast", "northwest", "southeast"],
)
def test_western_and_southern_edges_are_inside(lon: float, lat: float, inside: bool) -> None:
    """A polygon holds its western and southern edges and not its eastern and northern ones."""
    assert (where([sector("A", box(10.1, 20.1, 11.1, 21.1))], lon, lat, 0.0) == 0) is inside


def test_edges_on_the_borders_of_cells_are_half_open_too() -> None:
    """Boxes on whole degrees share their edges as any others, in cells that no edge passes."""
    index = Index([sector("W", box(0, 0, 1, 1)), sector("E", box(1, 0, 2, 1))])
    lon, lat = [0, 1, 2, 0.5, 0.5, 1.5, -1e-300], [0.5, 0.5, 0.5, 0, 1, 0, 0.5]
    assert index.locate(lon, lat, np.zeros(7)).tolist() == [0, 1, -1, 0, -1, 1, -1]


def test_floor_is_inside_and_ceiling_is_not() -> None:
    """A volume holds floor <= altitude < ceiling."""
    index = Index([sector("A", Volume(box(0, 0, 1, 1), 10_000, 20_000))])
    altitude_ft = [9_999.9, 10_000, 19_999.9, 20_000]
    assert index.locate([0.5] * 4, [0.5] * 4, altitude_ft).tolist() == [-1, 0, 0, -1]


def test_stacked_volumes_answer_by_altitude() -> None:
    """One above the other, each volume has its own levels, and a gap between them has none."""
    shape = box(0.1, 0.1, 3.1, 3.1)
    index = Index(
        [
            sector("low", Volume(shape, -math.inf, 5_000)),
            sector("mid", Volume(shape, 5_000, 15_000)),
            sector("high", Volume(shape, 20_000, math.inf)),
        ]
    )
    altitude_ft = np.array([-1_300, 4_999, 5_000, 15_000, 20_000, 99_000])
    for lon, lat in ((1.5, 1.5), (0.15, 0.15)):
        found = index.locate(np.full(6, lon), np.full(6, lat), altitude_ft)
        assert found.tolist() == [0, 0, 1, -1, 2, 2]


def test_a_sector_of_several_volumes_is_one() -> None:
    """Volumes of one sector, side by side and one above the other, give that sector."""
    index = Index(
        [
            sector("steps", Volume(box(0, 0, 1, 1), 0, 5_000), Volume(box(1, 0, 2, 1), 5_000)),
            sector("below", Volume(box(1, 0, 2, 1), 0, 5_000)),
        ]
    )
    assert index.locate([0.5, 1.5, 1.5], [0.5] * 3, [1_000, 6_000, 1_000]).tolist() == [0, 0, 1]


def test_of_those_that_overlap_the_smallest_has_the_point() -> None:
    """Where sectors overlap the one smaller in area has the point, wherever it is listed."""
    large, small = sector("large", box(0, 0, 4, 4)), sector("small", box(1, 1, 2, 2))
    assert where([large, small], 1.5, 1.5, 0.0) == 1
    assert where([small, large], 1.5, 1.5, 0.0) == 0
    assert where([small, large], 3.0, 3.0, 0.0) == 1


def test_area_is_that_of_the_sphere_and_of_all_volumes_together() -> None:
    """What is smallest is measured on the ground: the same box is smaller towards a pole."""
    north, south = sector("north", box(0, 50, 4, 60)), sector("south", box(0, 40, 4, 51))
    apart = sector("apart", box(0, 0, 1, 1), box(5, 0, 6, 1), box(0.5, 0, 1, 1))
    areas = sector_areas_nm2([north, south, apart])
    assert areas[0] < areas[1]
    assert areas[2] == pytest.approx(2 * sector_areas_nm2([sector("one", box(0, 0, 1, 1))])[0])
    assert where([south, north], 2.0, 50.5, 0.0) == 1


def test_of_equals_the_first_listed_has_the_point() -> None:
    """Of two sectors with the same area the first listed has the point."""
    assert where([sector("one", box(0, 0, 1, 1)), sector("two", box(0, 0, 1, 1))], 0.5, 0.5, 0) == 0


def test_the_poles_and_the_antimeridian() -> None:
    """A pole is in what reaches it, 180 is -180, and longitudes may go round again."""
    index = Index([sector("east", box(0, -90, 180, 90)), sector("west", box(-180, -90, 0, 90))])
    lon = np.array([10.0, 10, -10, 180, -180, 179.99, -180.01, 540, -540, 370, -350, -0.0])
    lat = np.array([90.0, -90, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert index.locate(lon, lat, 0 * lon).tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0]


def test_a_hair_west_of_the_antimeridian_stays_in_the_world() -> None:
    """A longitude that rounds to a whole turn is still a place, and so is an enormous one."""
    index = Index([sector("world", box(-180, -90, 180, 90))])
    lon = np.array([-180 - 3e-14, np.nextafter(180, 0), np.nextafter(-180, -181), 1e300, -1e300])
    assert index.locate(lon, 0 * lon, 0 * lon).tolist() == [0] * 5


def test_what_is_no_place_is_nowhere() -> None:
    """A coordinate that is not finite, or a latitude past a pole, is in no sector and unsettled."""
    index = Index([sector("world", box(-180, -90, 180, 90))])
    nan, inf = math.nan, math.inf
    lon, lat = [nan, 0, 0, inf, 0, 0, 0, 0], [0, nan, 0, 0, -inf, 0, 90.1, 0]
    altitude_ft = [0, 0, nan, 0, 0, inf, 0, 0]
    assert index.locate(lon, lat, altitude_ft).tolist() == [-1] * 7 + [0]
    points = points_of(lon, lat, altitude_ft)
    assert index.settled_points(points, points).tolist() == [False] * 7 + [True]


def test_no_points_and_no_sectors() -> None:
    """No points have no answers, and without sectors no point is in one."""
    for sectors in (
        [],
        [sector("empty")],
        [sector("a", Polygon())],
        [sector("b", box(0, 0, 1, 1))],
    ):
        index = Index(sectors)
        assert index.locate([], [], []).shape == (0,)
        assert index.settled_points(points_of([], [], []), points_of([], [], [])).shape == (0,)
        assert index.locate(5.0, 5.0, 5.0).tolist() == [-1]


def test_a_volume_without_height_holds_nothing() -> None:
    """Where the ceiling is not above the floor, or one of them is no number, nothing is inside."""
    for floor_ft, ceiling_ft in ((5_000, 5_000), (6_000, 5_000), (math.nan, 5_000)):
        volume = Volume(box(0, 0, 1, 1), floor_ft, ceiling_ft)
        assert where([sector("flat", volume)], 0.5, 0.5, 5_000) == -1


def test_shapes_that_do_not_match_are_refused() -> None:
    """Coordinates of different shapes are an error that names the shapes."""
    with pytest.raises(ValueError, match=r"\(2,\)"):
        Index([]).locate([1, 2], [1], [1])
    with pytest.raises(ValueError, match=r"one shape"):
        Index([]).locate([[1]], [[1]], [[1]])


@pytest.mark.parametrize(
    "corner", [(181.0, 0.0), (0.0, -91.0), (math.nan, 0.0), (math.inf, 0.0)], ids=str
)
def test_a_corner_outside_the_world_is_refused(corner: tuple[float, float]) -> None:
    """A polygon that reaches out of the world is an error that names sector and corner."""
    shape = shapely.from_wkt("POLYGON ((0 0, 1 0, 1 1, 0 0))")
    with np.errstate(invalid="ignore"):
        shape = shapely.transform(shape, lambda xy: np.where(xy == (1, 1), corner, xy))
    with pytest.raises(AirspaceError, match="'far' has a corner at longitude"):
        Index([sector("far", shape)])


def test_a_polygon_that_crosses_itself_is_repaired() -> None:
    """A bow tie is its two halves, and what degenerates to a line is nothing."""
    bow_tie = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    line = Polygon([(5, 5), (6, 6), (5, 5), (6, 6)])
    index = Index([sector("bow", bow_tie), sector("line", line)])
    lon, lat = [0.2, 1.8, 1.0, 1.0, 5.5], [1.0, 1.0, 0.2, 1.8, 5.5]
    assert index.locate(lon, lat, np.zeros(5)).tolist() == [0, 0, -1, -1, -1]


def test_parts_that_touch_leave_no_seam() -> None:
    """Parts of a multipolygon that share an edge hold it once, and holes hold nothing."""
    parts = MultiPolygon([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    ring = Polygon(box(4, 0, 7, 3).exterior, [box(5, 1, 6, 2).exterior])
    index = Index([sector("parts", parts), sector("ring", ring)])
    assert index.locate([1.0, 5.5, 5.0, 6.0], [0.5, 1.5, 1.5, 1.5], np.zeros(4)).tolist() == [
        0,
        -1,
        -1,
        1,
    ]


def test_more_points_than_are_looked_up_together() -> None:
    """Many points are answered as few are."""
    index = Index([sector("A", Polygon([(0, 0), (3, 1), (1, 3)]))])
    rng = np.random.default_rng(8)
    lon, lat = rng.uniform(-1, 4, (2, 200_000))
    whole = index.locate(lon, lat, 0 * lon)
    parts = [index.locate(lon[i::7], lat[i::7], 0 * lon[i::7]) for i in range(7)]
    for i, part in enumerate(parts):
        assert np.array_equal(whole[i::7], part)


def test_stacks_beyond_what_profiles_may_hold_are_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where profiles would grow too large the answers are the same, only slower."""
    rng = np.random.default_rng(9)
    sectors = [
        sector(str(i), Volume(box(x, y, x + 3.1, y + 3.1), 100 * i, 100 * i + 2_000))
        for i, (x, y) in enumerate(rng.uniform(0, 3, (40, 2)))
    ]
    lon, lat = rng.uniform(0, 6, (2, 5_000))
    altitude_ft = rng.uniform(0, 6_000, 5_000)
    usual = Index(sectors).locate(lon, lat, altitude_ft)
    monkeypatch.setattr(paint, "_MOST_IN_PROFILES", 100)
    assert np.array_equal(Index(sectors).locate(lon, lat, altitude_ft), usual)
    assert np.array_equal(look_up(sectors, lon, lat, altitude_ft), usual)


def test_settled_where_no_edge_is_near_and_not_across_one() -> None:
    """A step far from edges is settled; one that crosses an edge or a limit is not."""
    index = Index(
        [sector("low", Volume(box(0, 0, 9, 9), 0, 9_000)), sector("high", box(0, 0, 9, 9))]
    )
    start = points_of([4.0, 4.0, 4.0, 8.99], [4.0] * 4, [5_000.0] * 4)
    end = points_of([4.03, 4.03, 4.6, 9.02], [4.03] * 4, [5_500.0, 9_000.0, 5_000.0, 5_000.0])
    assert index.settled_points(start, end).tolist() == [True, False, True, False]


def test_a_step_that_leaves_and_comes_back_is_not_settled() -> None:
    """Both ends in one sector do not settle a step that passes through another on the way."""
    index = Index([sector("gap", box(1.0, 0, 1.01, 9)), sector("around", box(0, 0, 9, 9))])
    start, end = points_of([0.9], [5.0], [0.0]), points_of([1.1], [5.0], [0.0])
    assert index.settled_points(start, end).tolist() == [False]
