from __future__ import annotations

import re

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from sectorwatch.airspace.geodesy import distance_nm, initial_bearing_deg
from sectorwatch.simulator import routes
from sectorwatch.simulator.draws import Draws
from sectorwatch.simulator.routes import Ends

latitudes = st.floats(-80.0, 80.0)
longitudes = st.floats(-180.0, 179.9)
courses = st.floats(0.0, 359.9)
_POINT = re.compile(r"(\d\d)(\d\d)([NS])(\d\d\d)(\d\d)([EW])")


def _ends(first: tuple[float, float, float], last: tuple[float, float, float]) -> Ends:
    return Ends(*(np.array([value]) for value in (*first, *last)))


def _paths(
    ends: Ends, member: int, detour: float
) -> tuple[routes.Paths, np.ndarray, np.ndarray, int]:
    draws, members = Draws(1), np.array([member])
    lat, lon, count = routes.waypoints(draws, members, ends, detour, np.zeros(1))
    return routes.paths_through(ends, lat, lon, count), lat[0], lon[0], int(count[0])


@given(
    st.tuples(latitudes, longitudes, courses),
    st.tuples(latitudes, longitudes, courses),
    st.integers(0, 2**40),
    st.floats(0.0, 0.06),
)
def test_a_path_goes_from_end_to_end_without_a_jump(
    first: tuple[float, float, float],
    last: tuple[float, float, float],
    member: int,
    detour: float,
) -> None:
    """It begins and ends where it should, and a mile along it is a mile on the ground at most."""
    apart = float(distance_nm(first[0], first[1], last[0], last[1]))
    assume(5 < apart < 9_000)
    paths, _, _, _ = _paths(_ends(first, last), member, detour)
    length = float(paths.length_nm[0])
    assert apart - 0.01 <= length <= apart * 1.5 + 40
    along = np.linspace(0.0, length, 300)
    places = paths.at(np.zeros(300, dtype=np.intp), along)
    for place, end in ((0, first), (-1, last)):
        off = distance_nm(places.latitude[place], places.longitude[place], end[0], end[1])
        assert float(off) < 0.01
    steps = distance_nm(
        places.latitude[:-1], places.longitude[:-1], places.latitude[1:], places.longitude[1:]
    )
    assert float(steps.max()) <= length / 299 + 0.001
    assert ((places.course_deg >= 0) & (places.course_deg < 360)).all()


@given(
    st.tuples(latitudes, longitudes, courses),
    st.tuples(latitudes, longitudes, courses),
    st.integers(0, 2**40),
)
def test_what_is_filed_is_what_is_flown(
    first: tuple[float, float, float], last: tuple[float, float, float], member: int
) -> None:
    """The text's coordinates, read again, lie on the path."""
    apart = float(distance_nm(first[0], first[1], last[0], last[1]))
    assume(70 < apart < 9_000)
    paths, lat, lon, count = _paths(_ends(first, last), member, 0.03)
    text = routes.route_text(lat[:count], lon[:count])
    points = _POINT.findall(text)
    assert len(points) == count >= 1
    assert text.split()[::2] == ["DCT"] * (count + 1)
    for number, point in enumerate(points):
        up = (int(point[0]) + int(point[1]) / 60) * (-1 if point[2] == "S" else 1)
        across = (int(point[3]) + int(point[4]) / 60) * (-1 if point[5] == "W" else 1)
        along = paths.along_nm[0, number + 2]
        place = paths.at(np.zeros(1, dtype=np.intp), np.array([along]))
        assert float(distance_nm(place.latitude, place.longitude, up, across)[0]) < 0.01


def test_the_course_is_that_of_the_great_circle() -> None:
    """Of a leg, at its beginning."""
    ends = _ends((-33.9, 151.2, 160.0), (-37.7, 144.8, 340.0))
    paths, _, _, _ = _paths(ends, 7, 0.02)
    for leg in range(paths.start.shape[1]):
        if paths.along_nm[0, leg + 1] - paths.along_nm[0, leg] < 1:
            continue
        ahead = paths.along_nm[0, leg] + 0.5
        here = paths.at(np.zeros(1, dtype=np.intp), np.array([ahead]))
        there = paths.at(np.zeros(1, dtype=np.intp), np.array([ahead + 0.2]))
        course = initial_bearing_deg(*here[:2], *there[:2])
        assert abs((float(here.course_deg[0] - course[0]) + 180) % 360 - 180) < 0.1
