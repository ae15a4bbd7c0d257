"""Steps through sectors against an oracle that looks at every second by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from sectorwatch.airspace import Airspace, DataSet, Sector, Volume
from sectorwatch.traffic.crossings import Crossings, Steps, find_crossings
from traffic import made

TRIANGLE = Polygon([(0.31, 0.29), (1.71, 0.83), (0.57, 1.91)])
NOTCHED = Polygon([(0, 0), (2, 0), (2, 2), (1.3, 2), (1.1, 0.6), (0.9, 2), (0, 2)])
SHAPES = Airspace(
    [
        DataSet(
            "shapes",
            "test:shapes",
            (
                Sector("shapes", "enroute", "LOW", "Low", (Volume(TRIANGLE, 0.0, 9_000.0),)),
                Sector("shapes", "enroute", "HIGH", "High", (Volume(TRIANGLE, 9_000.0, 20_000.0),)),
                Sector("shapes", "enroute", "AROUND", "Around", (Volume(NOTCHED, 2_000.0),)),
                Sector("shapes", "fir", "FIR", "Fir", (Volume(Polygon(NOTCHED.exterior)),)),
            ),
        )
    ]
)
WORLD = made.airspace(*made.SMALL_WORLD)


def steps(*rows: tuple[float, ...], lands: bool = False) -> Steps:
    """Steps from rows (seconds, lon, lat, feet, lon2, lat2, feet2)."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    start_s = np.full(len(table), made.DAY_S, dtype=np.int64)
    return Steps(
        time_s=start_s,
        longitude=table[:, 1].copy(),
        latitude=table[:, 2].copy(),
        altitude_ft=table[:, 3].copy(),
        time2_s=start_s + table[:, 0].astype(np.int64),
        longitude2=table[:, 4].copy(),
        latitude2=table[:, 5].copy(),
        altitude2_ft=table[:, 6].copy(),
        lands=np.full(len(table), lands),
    )


def begin(airspace: Airspace, given: Steps) -> np.ndarray:
    """The sectors where the steps begin."""
    return airspace.locate(given.longitude, given.latitude, given.altitude_ft)


def found(airspace: Airspace, given: Steps) -> Crossings:
    """The crossings of steps that begin where the airspace says they do."""
    return find_crossings(airspace, given, begin(airspace, given))


def named(crossings: Crossings, airspace: Airspace) -> list[tuple[int, str, str]]:
    """(second, from, to) of each crossing."""
    names = [*(sector.name for sector in airspace.sectors), ""]
    return [
        (int(time_s) - made.DAY_S, names[before], names[after])
        for time_s, before, after in zip(
            crossings.time_s, crossings.previous, crossings.sector, strict=True
        )
    ]


places = st.tuples(st.floats(-0.3, 2.3), st.floats(-0.3, 2.3), st.integers(-500, 25_000).map(float))


@given(st.lists(st.tuples(st.integers(1, 300), places, places, st.booleans()), max_size=12))
def test_every_second_is_where_the_crossings_say(
    rows: list[tuple[int, tuple[float, ...], tuple[float, ...], bool]],
) -> None:
    """Second by second the sectors after the crossings are those of the point flown over."""
    given_steps = steps(*((seconds, *start, *end) for seconds, start, end, _ in rows))
    given_steps = replace(given_steps, lands=np.array([row[3] for row in rows], dtype=bool))
    crossings = found(SHAPES, given_steps)
    assert (np.diff(crossings.step) >= 0).all()
    for number, (seconds, start, end, is_landing) in enumerate(rows):
        sector = begin(SHAPES, given_steps)[:, number]
        mine = crossings.step == number
        assert (np.diff(crossings.time_s[mine]) >= 0).all()
        for second in range(1, seconds + (not is_landing)):
            part = second / seconds
            x, y, z = (
                b if second == seconds else a + part * (b - a)
                for a, b in zip(start, end, strict=True)
            )
            here = SHAPES.locate([x], [y], [z])[:, 0]
            now = mine & (crossings.time_s == made.DAY_S + second)
            for at in np.flatnonzero(now):
                partition = crossings.partition[at]
                assert crossings.previous[at] == sector[partition]
                assert crossings.longitude[at] == pytest.approx(x)
                assert crossings.latitude[at] == pytest.approx(y)
                assert crossings.altitude_ft[at] == pytest.approx(z)
                sector[partition] = crossings.sector[at]
            assert (sector == here).all()
        assert (sector == crossings.after[:, number]).all()


@given(places, places)
def test_the_sectors_are_those_of_shapely(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    """What a step's crossings say of its end is what the polygons themselves say."""
    crossings = found(SHAPES, steps((60, *start, *end)))
    sector = int(crossings.after[0, 0])
    point, altitude_ft = Point(end[0], end[1]), end[2]
    inside = TRIANGLE.contains(point)
    if min(TRIANGLE.boundary.distance(point), NOTCHED.boundary.distance(point)) < 1e-9:
        return
    if inside and 0 <= altitude_ft < 20_000:
        assert SHAPES.sectors[sector].name == ("LOW" if altitude_ft < 9_000 else "HIGH")
    elif NOTCHED.contains(point) and altitude_ft >= 2_000:
        assert SHAPES.sectors[sector].name == "AROUND"
    else:
        assert sector == -1


def test_a_clipped_corner_is_found() -> None:
    """In and out of a sector on the tip that the step cuts off, both ends outside."""
    crossings = found(WORLD, steps((100, -0.051, 0.05, 10_000, 0.05, -0.051, 10_000)))
    assert named(crossings, WORLD) == []
    crossings = found(WORLD, steps((100, -0.05, 0.0551, 10_000, 0.0551, -0.05, 10_000)))
    assert named(crossings, WORLD) == [
        (48, "", "WEST"),
        (48, "", "WHOLE"),
        (53, "WEST", ""),
        (53, "WHOLE", ""),
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (179.9, -179.9, [(50, "FAREAST", "FARWEST")]),
        (-179.9, 179.9, [(51, "FARWEST", "FAREAST")]),
        (-180.0, -179.8, []),
        (179.999999999, -179.9, [(1, "FAREAST", "FARWEST")]),
    ],
)
def test_the_antimeridian(start: float, end: float, expected: list[tuple[int, str, str]]) -> None:
    """Steps across 180 degrees go the short way, either way, and a sector begins at -180 itself."""
    crossings = found(WORLD, steps((100, start, 1.0, 10_000, end, 1.0, 10_000)))
    assert named(crossings, WORLD) == expected
    assert ((crossings.longitude >= -180) & (crossings.longitude < 180)).all()


def test_a_landing_is_not_looked_at_on_its_end() -> None:
    """Who is on the ground at the end of the step does not enter the sector that begins there."""
    row = (10, 0.95, 0.5, 900.0, 1.0, 0.5, 0.0)
    assert named(found(WORLD, steps(row)), WORLD) == [(10, "WEST", "EAST")]
    assert named(found(WORLD, steps(row, lands=True)), WORLD) == []
    one_second = (1, 0.95, 0.5, 900.0, 1.0, 0.5, 0.0)
    landing = found(WORLD, steps(one_second, lands=True))
    assert landing.after.tolist() == begin(WORLD, steps(one_second)).tolist()


def test_no_steps_have_no_crossings() -> None:
    """Nobody moved, nothing happens."""
    assert found(WORLD, steps()).step.size == 0
