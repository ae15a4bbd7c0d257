from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sectorwatch.airspace.airports import Airport, Airports, read_vatspy_airports
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path


Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def world() -> Airports:
    """All airports there are."""
    return Airports.load()


def nearest_by_looking_at_all(
    airports: Airports, lat: Floats, lon: Floats, within_nm: float
) -> NDArray[np.intp]:
    """What `nearest` has to give, found the long way."""
    lat, lon = np.atleast_1d(lat), np.atleast_1d(lon)
    distance = distance_nm(lat[:, None], lon[:, None], airports.lat, airports.lon)
    return np.where(distance.min(axis=1) <= within_nm, distance.argmin(axis=1), -1)


def test_airports_are_known_by_icao_code_and_faa_identifier(world: Airports) -> None:
    """An airport is found by its ICAO code or FAA identifier in any case, else it is None."""
    sydney = world.get(" yssy ")
    assert sydney is not None
    assert sydney.icao == "YSSY"
    assert sydney.elevation_ft == pytest.approx(21, abs=5)
    assert (sydney.latitude, sydney.longitude) == pytest.approx((-33.946, 151.177), abs=1e-3)
    assert world.icao[sydney.index] == "YSSY"
    seaplanes = world.get("6N7")
    assert seaplanes is not None
    assert seaplanes.icao == "K6N7"
    assert world.get("ZZZZ") is None
    assert world.get("") is None


def test_arrays_stand_in_one_order(world: Airports) -> None:
    """Every array has an entry for each airport, and unknown elevations are NaN, never 0."""
    n = len(world)
    assert n > 25_000
    assert {len(world.icao), len(world.name), world.lat.size, world.elevation_ft.size} == {n}
    assert not (world.elevation_ft == 0).any()
    assert 0.5 < np.isfinite(world.elevation_ft).mean() < 1
    unknown = world.get("MMSM")  # 7,300 ft up, and 0 in the source
    assert unknown is not None
    assert unknown.elevation_ft is None


def test_nearest_agrees_with_looking_at_all_of_them(world: Airports) -> None:
    """Anywhere in the world, and at its edges, the nearest airport is the nearest of all."""
    rng = np.random.default_rng(3)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 400)))
    lon = rng.uniform(-180, 180, 400)
    lat[:6] = [90, -90, 89.99, -89.9, 89.2, -90]
    lon[6:40] = np.repeat([180, -180, 179.99, -179.99], [8, 8, 9, 9])
    close = rng.integers(0, len(world), 200)
    lat[200:] = np.clip(world.lat[close] + rng.normal(0, 0.1, 200), -90, 90)
    lon[200:] = world.lon[close] + rng.normal(0, 0.1, 200)
    for within_nm in (0.5, 5, 60, 700):
        expected = nearest_by_looking_at_all(world, lat, lon, within_nm)
        assert np.array_equal(world.nearest(lat, lon, within_nm), expected)


def test_nearest_without_a_limit_reaches_round_the_world(world: Airports) -> None:
    """With a limit beyond half the world every point has a nearest airport."""
    lat, lon = np.array([-48.9, 90.0]), np.array([-123.4, 0.0])  # as far from anywhere as can be
    expected = nearest_by_looking_at_all(world, lat, lon, 1e6)
    assert np.array_equal(world.nearest(lat, lon, 1e6), expected)
    assert (expected >= 0).all()


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(
    st.lists(places, min_size=1, max_size=12),
    st.lists(places, min_size=1, max_size=6),
    st.sampled_from([0.0, 5.0, 300.0, 4_000.0, 20_000.0]),
)
def test_nearest_of_any_airports_anywhere(
    where: list[tuple[float, float]], points: list[tuple[float, float]], within_nm: float
) -> None:
    """Wherever airports lie, what `nearest` gives is as near as the nearest of all and within."""
    airports = Airports(
        [Airport(0, f"X{i:03}", "", lat, lon, None) for i, (lat, lon) in enumerate(where)]
    )
    lat, lon = (np.array(part) for part in zip(*points, strict=True))
    found = airports.nearest(lat, lon, within_nm)
    distance = distance_nm(lat[:, None], lon[:, None], airports.lat, airports.lon)
    for index, row in zip(found, distance, strict=True):
        if index < 0:
            assert row.min() > within_nm - 1e-3
        else:
            assert row[index] <= row.min() + 1e-3
            assert row[index] <= within_nm + 1e-3


def test_across_the_antimeridian_and_over_the_pole() -> None:
    """An airport on the other side of the antimeridian or of a pole is near all the same."""
    airports = Airports(
        [
            Airport(0, "EAST", "", 0.0, 179.95, None),
            Airport(0, "NPOL", "", 89.97, 10.0, None),
            Airport(0, "SPOL", "", -90.0, 0.0, 9_300.0),
        ]
    )
    lat, lon = [0.0, 89.99, -89.95, 0.0], [-179.99, -170.0, 77.0, 0.0]
    assert airports.nearest(lat, lon, 5.0).tolist() == [0, 1, 2, -1]
    assert airports.nearest(lat, [lon[0] + 360, -530.0, 437.0, 0.0], 5.0).tolist() == [0, 1, 2, -1]


def test_of_two_in_one_place_the_first_is_nearest() -> None:
    """Of airports equally near the first one is given."""
    airports = Airports([Airport(0, code, "", 1.0, 1.0, None) for code in ("AAAA", "BBBB")])
    assert airports.nearest(1.0, 1.0, 0.0).tolist() == [0]


def test_what_is_not_finite_is_near_nothing(world: Airports) -> None:
    """A point that is no place has no nearest airport, and no points have none."""
    lat, lon = [math.nan, 0.0, math.inf, 91.0], [0.0, math.inf, 0.0, 0.0]
    assert world.nearest(lat, lon, 1e5).tolist() == [-1] * 4
    assert world.nearest([], [], 5.0).shape == (0,)


@pytest.mark.parametrize("within_nm", [-1.0, math.nan])
def test_a_distance_that_is_none_is_refused(world: Airports, within_nm: float) -> None:
    """A negative distance, or none, is an error that names it."""
    with pytest.raises(ValueError, match=f"within_nm is {within_nm}"):
        world.nearest(0.0, 0.0, within_nm)


def test_no_airports_at_all() -> None:
    """Without airports nothing is near."""
    assert Airports([]).nearest([1.0, 2.0], [1.0, 2.0], 5.0).tolist() == [-1, -1]


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 0.0), (0.0, 181.0), (math.nan, 0.0)])
def test_an_airport_nowhere_is_refused(lat: float, lon: float) -> None:
    """An airport whose position is none is an error that names it."""
    with pytest.raises(ValueError, match="airport XXXX is at latitude"):
        Airports([Airport(0, "XXXX", "", lat, lon, None)])


def test_a_code_that_stands_there_twice_is_refused() -> None:
    """Codes are unique."""
    with pytest.raises(ValueError, match="twice"):
        Airports([Airport(0, "XXXX", "", 0.0, 0.0, None)] * 2)


def test_an_overlay_moves_and_adds() -> None:
    """An overlay's position counts; the elevation stays where the airport did not move away."""
    rows = [
        ("YSSY", "Sydney", -33.95, 151.18),
        ("YMML", "Elsewhere", -30.0, 140.0),
        ("YXYZ", "New", -31.0, 141.0),
        ("6N7", "Skyports", 40.73, -73.97),
    ]
    airports = Airports.load(rows)
    moved, away, new = (airports.get(code) for code in ("YSSY", "YMML", "YXYZ"))
    assert moved is not None
    assert away is not None
    assert new is not None
    assert (moved.latitude, moved.longitude) == (-33.95, 151.18)
    assert moved.elevation_ft == pytest.approx(21, abs=5)
    assert (away.latitude, away.elevation_ft) == (-30.0, None)
    assert (new.name, new.elevation_ft) == ("New", None)
    seaplanes = airports.get("K6N7")
    assert seaplanes is not None
    assert seaplanes == airports.get("6N7")
    assert (seaplanes.latitude, seaplanes.longitude) == (40.73, -73.97)


def test_vatspy_airports_are_read_line_by_line(tmp_path: Path) -> None:
    """Comments, pseudo airports, rows cut short or without numbers, and repeats are left out."""
    (tmp_path / "VATSpy.dat").write_text(
        "[Countries]\nAustralia|YM|Centre|1|2|3|0\n[Airports]\n;ICAO|Name|Lat|Lon|IATA|FIR|Pseudo\n"
        "YSSY|Sydney|-33.946111|151.177222|SYD|YMMM|0\nYSSY|Again|0|0|SYD|YMMM|0\n"
        "YXXX|Pseudo|-33|151||YMMM|1\nYBAD|Bad|south|151||YMMM|0\nYFAR|Far|-93|151||YMMM|0\n"
        "YNAN|Nan|nan|151||YMMM|0\nYCUT|Cut|-33\n|Nameless|-33|151||YMMM|0\n[FIRs]\n"
        "YMMM|Melbourne|A|B|C|D|0\n"
    )
    assert read_vatspy_airports(tmp_path) == [("YSSY", "Sydney", -33.946111, 151.177222)]


def test_a_vatspy_folder_without_its_file_says_so(tmp_path: Path) -> None:
    """Where there is no `VATSpy.dat` the error names it."""
    with pytest.raises(AirspaceError, match=r"VATSpy\.dat"):
        read_vatspy_airports(tmp_path)


@pytest.mark.real_data
def test_real_vatspy_airports_add_thousands(real_data: Path, world: Airports) -> None:
    """The real VATSpy data set adds thousands of airports and loses none."""
    rows = read_vatspy_airports(real_data / "airspace" / "vatspy")
    assert len(rows) > 17_000
    both = Airports.load(rows)
    assert len(both) > len(world) + 4_000
    assert set(world.icao) <= set(both.icao)
    assert np.isfinite(both.elevation_ft).sum() > 0.95 * np.isfinite(world.elevation_ft).sum()
