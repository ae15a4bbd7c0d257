"""What can be resolved of what pilots write into their routes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace import Airports
from sectorwatch.airspace.airports import Airport
from sectorwatch.errors import ConfigError
from sectorwatch.forecast.plans.navigation import Navigation, read_navigation
from sectorwatch.forecast.plans.routes import MOST_POINTS, Point, apart_nm, coordinates, course_of

if TYPE_CHECKING:
    from pathlib import Path

AIRPORTS = Airports([Airport(0, "EGLL", "Heathrow", 51.5, -0.5, 80.0)])
FROM, TO = Point(49.0, 2.5), Point(40.6, -73.8)


def through(
    route: str, start: Point, end: Point, navigation: Navigation | None = None
) -> list[Point]:
    """What a course goes through between its ends; they are its ends, and its legs are as long."""
    course = course_of(route, start, end, AIRPORTS, navigation)
    assert (course.corners[0], course.corners[-1]) == (start, end)
    assert course.legs_nm == [apart_nm(*leg) for leg in itertools.pairwise(course.corners)]
    return course.corners[1:-1]


@pytest.mark.parametrize(
    ("token", "point"),
    [
        ("52N030W", (52, -30)),
        ("5230N", (52, -30)),
        ("3400S15100E", (-34, 151)),
        ("34S151E", (-34, 151)),
        ("4900N01230W", (49, -12.5)),
        ("41N70W", (41, -70)),
        ("520000N0300000W", (52, -30)),
    ],
)
def test_coordinates_are_read_in_the_forms_that_are_filed(
    token: str, point: tuple[float, float]
) -> None:
    """ICAO's, with and without minutes and seconds, and North America's short one."""
    assert coordinates(token) == pytest.approx(point)


@pytest.mark.parametrize("token", ["N0450F350", "91N030W", "52N181W", "UL607", "DCT", "", "5230"])
def test_what_spells_no_place_is_none(token: str) -> None:
    """Speed and level groups, airways, and places that the world has not."""
    assert coordinates(token) is None


def test_a_route_gives_its_coordinates_in_order_speeds_and_levels_left_out() -> None:
    """As filed by somebody across the Atlantic, with a change of level behind a stroke."""
    route = "OPALE6A KOK UL10 N0450F350 50N010W/M083F360 DCT 51N020W 52N030W NAT 50N050W KJFK/22L"
    assert through(route, FROM, TO) == [(50, -10), (51, -20), (52, -30), (50, -50)]


def test_airports_in_the_route_are_places_unless_far_off() -> None:
    """Heathrow is on the way from Paris to New York, and not from there to Rome."""
    assert through("DCT EGLL DCT", FROM, TO) == [(51.5, -0.5)]
    assert through("DCT EGLL DCT", Point(45.0, 9.0), Point(41.8, 12.2)) == []


def test_of_fixes_with_one_name_the_one_on_the_way_is_meant() -> None:
    """Names repeat all over the world."""
    navigation = Navigation({"ABC": [Point(-30.0, 150.0), Point(50.0, -10.0)]})
    assert through("ABC", FROM, TO, navigation) == [(50, -10)]
    assert through("ABC", FROM, TO) == []


@given(st.text(max_size=300))
def test_any_text_is_a_route(text: str) -> None:
    """Whatever is written there gives a bounded number of places in the world."""
    points = through(text, FROM, TO)
    assert len(points) <= MOST_POINTS
    assert all(abs(lat) <= 90 and abs(lon) <= 180 for lat, lon in points)


def test_navigation_data_are_read_and_rows_without_a_place_passed_over(tmp_path: Path) -> None:
    """Columns in any order, others beside them."""
    path = tmp_path / "fixes.csv"
    path.write_text(
        "kind,lon,name,lat\nfix,-10,abc,50\nfix,150,ABC,-30\nfix,x,BAD,1\nfix,0,POLE,99\n"
    )
    navigation = read_navigation(path)
    assert navigation.find("ABC") == [(50, -10), (-30, 150)]
    assert navigation.find("BAD") == ()
    assert (len(navigation), navigation.passed_over) == (1, 2)


def test_a_file_that_is_none_says_what_it_should_be(tmp_path: Path) -> None:
    """A missing column or file is a setting that cannot be used."""
    path = tmp_path / "fixes.csv"
    path.write_text("ident,lat,lon\nABC,1,2\n")
    with pytest.raises(ConfigError, match="no column 'name'"):
        read_navigation(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_navigation(tmp_path / "none.csv")
