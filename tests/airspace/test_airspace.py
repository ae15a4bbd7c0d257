from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from airspace.oracle import far_from_edges, look_up, scattered
from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.airspace.model import DataSet, PositionRule, Problem, Sector, Volume
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sectorwatch.airspace.model import SectorKind


def sectors(dataset: str, kind: SectorKind, **shapes: Polygon) -> tuple[Sector, ...]:
    """Sectors of one partition by name, each worked by the centre that is called like it."""
    return tuple(
        Sector(
            dataset=dataset,
            kind=kind,
            name=name,
            label=name.title(),
            volumes=(Volume(shape),),
            positions=(PositionRule(name, ("CTR",), None, "its own callsign"),),
        )
        for name, shape in shapes.items()
    )


def dataset(name: str = "set", *groups: tuple[Sector, ...], **extra: Any) -> DataSet:
    """A data set of these sectors, else of two FIRs and a sector in the first of them."""
    some = groups or (
        sectors(name, "fir", WEST=box(0, 0, 4, 4), EAST=box(4, 0, 8, 4)),
        sectors(name, "enroute", INNER=box(1, 1, 2, 2)),
    )
    return DataSet(name, f"test:{name}", tuple(s for group in some for s in group), **extra)


@dataclass(frozen=True)
class Online:
    """A controller, as far as owners need one."""

    callsign: str
    frequency: str = "122.800"
    is_atc: bool = True


def test_sectors_of_a_partition_stand_together() -> None:
    """A partition is one data set's sectors of one kind, whatever order they came in."""
    west, east = sectors("set", "fir", WEST=box(0, 0, 4, 4), EAST=box(4, 0, 8, 4))
    (inner,) = sectors("set", "enroute", INNER=box(1, 1, 2, 2))
    airspace = Airspace([dataset("set", (west, inner, east)), dataset("other")])
    shown = [(p.name, p.kind, p.first, p.count) for p in airspace.partitions]
    assert shown == [
        ("set:fir", "fir", 0, 2),
        ("set:enroute", "enroute", 2, 1),
        ("other:fir", "fir", 3, 2),
        ("other:enroute", "enroute", 5, 1),
    ]
    for partition in airspace.partitions:
        part = airspace.sectors[partition.first : partition.first + partition.count]
        assert {sector.partition for sector in part} == {partition.name}


def test_locate_answers_for_every_partition() -> None:
    """One row a partition, in it the sector's index in `sectors` or -1."""
    airspace = Airspace([dataset("set"), dataset("other")])
    found = airspace.locate([1.5, 3.0, 6.0, 9.0, math.nan], [1.5] * 5, [0.0] * 5)
    assert found.dtype == np.int32
    assert found.tolist() == [
        [0, 0, 1, -1, -1],
        [2, -1, -1, -1, -1],
        [3, 3, 4, -1, -1],
        [5, -1, -1, -1, -1],
    ]
    assert airspace.locate([], [], []).shape == (4, 0)


def test_settled_asks_every_partition() -> None:
    """A step is settled where nothing happens on it in any partition."""
    airspace = Airspace([dataset()])
    start = ([3.0, 1.95, 3.95, 9.0], [3.0, 1.5, 3.0, 9.0], [0.0] * 4)
    end = ([3.05, 2.05, 4.05, 9.1], [3.0, 1.5, 3.0, 9.0], [10_000.0] * 4)
    assert airspace.settled(*start, *end).tolist() == [True, False, False, True]


def test_settled_needs_as_many_ends_as_starts() -> None:
    """Two starts and one end are an error that says so."""
    with pytest.raises(ValueError, match="2 first points, but 1"):
        Airspace([dataset()]).settled([0, 0], [0, 0], [0, 0], [0], [0], [0])


@given(st.integers(0, 2**32 - 1))
def test_whoever_is_settled_is_where_locate_says_all_along(seed: int) -> None:
    """Points along a settled step have the answers of its ends, in every partition."""
    rng = np.random.default_rng(seed)
    airspace = Airspace([dataset("set"), dataset("other")])
    start = np.array([*rng.uniform(-1, 9, (2, 60)), rng.uniform(0, 9_000, 60)])
    end = start + rng.normal(0, 1, start.shape) * np.array([[0.1], [0.1], [500]])
    settled = airspace.settled(*start, *end)
    first = airspace.locate(*start)
    for part in np.linspace(0, 1, 30):
        there = airspace.locate(*(start + part * (end - start)))
        assert np.array_equal(there[:, settled], first[:, settled])


def test_sectors_are_found_by_name_in_any_case() -> None:
    """A name finds its namesakes in all partitions, `partition/name` just the one."""
    airspace = Airspace([dataset("set"), dataset("other")])
    assert [s.partition for s in airspace.find(" west ")] == ["set:fir", "other:fir"]
    assert [s.partition for s in airspace.find("Other:FIR/West")] == ["other:fir"]
    assert airspace.find("NORTH") == []
    assert airspace.find("") == []


def test_nearest_names_begin_contain_or_resemble() -> None:
    """Names that begin with what was asked come first, then what contains it, then the like."""
    shapes = {name: box(i, 0, i + 1, 1) for i, name in enumerate(["YSSY_CTR", "XYSS", "YSAY", "K"])}
    airspace = Airspace([dataset("set", sectors("set", "enroute", **shapes))])
    assert airspace.nearest_names("yss") == ["YSSY_CTR", "XYSS", "YSAY"]
    assert airspace.nearest_names("YSSY", 1) == ["YSSY_CTR"]
    assert airspace.nearest_names("QQQQ" * 1_000) == []
    assert airspace.nearest_names("") == []


def test_a_sector_is_found_by_its_id() -> None:
    """An id gives the sector's place in `sectors`, and None where there is no such sector."""
    airspace = Airspace([dataset()])
    for number, sector in enumerate(airspace.sectors):
        assert airspace.index_of(sector.sector_id) == number
    assert airspace.index_of(1) is None


def test_data_sets_of_one_name_are_told_apart() -> None:
    """The second data set of a name gets a number, and so do its sectors' partitions and ids."""
    airspace = Airspace([dataset("set"), dataset("set"), dataset("SET")])
    assert [d.name for d in airspace.datasets] == ["set", "set-2", "SET-3"]
    assert [p.name for p in airspace.partitions[2::2]] == ["set-2:fir", "SET-3:fir"]
    assert len({sector.sector_id for sector in airspace.sectors}) == len(airspace.sectors) == 9
    assert [problem.kind for problem in airspace.problems] == ["repeated_dataset"] * 2


def test_sectors_of_one_name_in_a_partition_become_one() -> None:
    """Two sectors that would share an id are one sector with the volumes of both."""
    twice = (
        *sectors("set", "fir", A=box(0, 0, 1, 1)),
        *sectors("set", "fir", B=box(1, 0, 2, 1)),
        *sectors("set", "fir", A=box(2, 0, 3, 1)),
    )
    airspace = Airspace([dataset("set", twice)])
    assert [len(sector.volumes) for sector in airspace.sectors] == [2, 1]
    assert airspace.locate([0.5, 1.5, 2.5], [0.5] * 3, [0] * 3).tolist() == [[0, 1, 0]]
    assert [(p.kind, p.name) for p in airspace.problems] == [("repeated_sector", "A")]


def test_problems_of_data_sets_are_kept() -> None:
    """What the readers found is told, in the data sets' order."""
    problem = Problem("invalid_shape", "WEST", "it was repaired")
    assert Airspace([dataset(problems=(problem,))]).problems == (problem,)


def test_made_airspace_says_so() -> None:
    """Airspace of which any was made by us is made."""
    assert not Airspace([dataset()]).is_made
    assert Airspace([dataset(), dataset("mine", is_made=True)]).is_made


def test_bounds_hold_all_sectors() -> None:
    """The bounds are west, south, east and north of everything."""
    assert Airspace([dataset()]).bounds == (0.0, 0.0, 8.0, 4.0)


def test_owners_are_who_works_the_sectors() -> None:
    """Each sector has the controller whose callsign is in its list, or nobody."""
    airspace = Airspace([dataset("set"), dataset("set")])
    found = airspace.owners([Online("EAST_CTR"), Online("WEST_OBS", is_atc=False)])
    assert [None if match is None else match.controller for match in found] == [
        None,
        0,
        None,
        None,
        0,
        None,
    ]


def test_capacities_are_given_by_name() -> None:
    """A name gives all its namesakes a capacity, `partition/name` the one; the rest keep theirs."""
    airspace = Airspace(
        [dataset("set"), dataset("other")], {"west": 12, "other:fir/West": 9, "INER": 3}
    )
    assert [s.capacity for s in airspace.sectors] == [12, None, None, 9, None, None]
    (problem,) = airspace.problems
    assert (problem.kind, problem.name) == ("unknown_capacity", "INER")
    assert "INNER" in problem.message
    assert "near it" not in Airspace([dataset()], {"Q": 1}).problems[0].message


def test_positions_configured_for_no_sector_are_told() -> None:
    """A misspelt name in the settings is a problem, with the nearest names, as for capacities."""
    airspace = load_airspace(
        ["made:australia"],
        positions={"YSSY_CRT": ["SYDNEY_CTR"], "made:approach/ysSY_APP": ["SY_APP"]},
    )
    (problem,) = airspace.problems
    assert (problem.kind, problem.name) == ("unknown_positions", "YSSY_CRT")
    assert "YSSY_CTR" in problem.message
    (approach,) = airspace.find("YSSY_APP")
    assert [rule.prefix for rule in approach.positions] == ["SY"]


@pytest.mark.parametrize("capacity", [0, -3, 2.5, True, "12"])
def test_a_capacity_that_is_none_is_refused(capacity: Any) -> None:
    """A capacity is a number of aircraft, 1 or more; the error names it and the sector."""
    with pytest.raises(AirspaceError, match=f"{capacity!r} is no capacity of 'WEST'"):
        Airspace([dataset()], {"WEST": capacity})


def test_an_airspace_without_sectors_is_refused() -> None:
    """Without any sector there is nothing to watch, and the error says what to name."""
    for datasets in ([], [DataSet("empty", "test:empty", ())]):
        with pytest.raises(AirspaceError, match="vatspy:DIR"):
            Airspace(datasets)


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """The fingerprint of a known airspace is a known one, on every machine and in every run."""
    first, second = Airspace([dataset()]), Airspace([dataset()], {"WEST": 5})
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint == "21c9c9df02af1ac1dc2cfb6614eb70fc"


CHANGES = {
    "name": lambda s: replace(s, name="SOUTH"),
    "kind": lambda s: replace(s, kind="approach"),
    "shape": lambda s: replace(s, volumes=(Volume(box(0, 0, 4, 4.00001)),)),
    "hole": lambda s: replace(
        s, volumes=(Volume(Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 2, 2).exterior])),)
    ),
    "floor": lambda s: replace(s, volumes=(Volume(box(0, 0, 4, 4), floor_ft=100.0),)),
    "ceiling": lambda s: replace(s, volumes=(Volume(box(0, 0, 4, 4), ceiling_ft=100.0),)),
    "volumes": lambda s: replace(s, volumes=s.volumes * 2),
    "positions": lambda s: replace(s, positions=()),
    "frequency": lambda s: replace(
        s, positions=(replace(s.positions[0], frequency_mhz="118.000"),)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_fingerprint_changes_with_what_it_is_of(change: Callable[[Sector], Sector]) -> None:
    """Another name, kind, shape, limit, list of positions or order is another airspace."""
    before = sectors("set", "fir", WEST=box(0, 0, 4, 4), EAST=box(4, 0, 8, 4))
    after = (change(before[0]), before[1])
    airspaces = [Airspace([dataset("set", group)]) for group in (before, after, before[::-1])]
    assert len({airspace.fingerprint for airspace in airspaces}) == 3


def test_a_rounding_error_changes_no_fingerprint() -> None:
    """A coordinate that differs in its last bits, as between machines, is the same one."""
    exact = sectors("set", "fir", A=box(0.1, 0.1, 1.3, 1.7))
    nearly = sectors(
        "set", "fir", A=shapely.transform(box(0.1, 0.1, 1.3, 1.7), lambda xy: np.nextafter(xy, 9))
    )
    prints = {Airspace([dataset("set", group)]).fingerprint for group in (exact, nearly)}
    assert len(prints) == 1


def test_airspace_is_loaded_by_specs() -> None:
    """SPECs are read and joined, capacities and configured positions with them."""
    airspace = load_airspace(
        ["made:australia", "made:australia?as=again"],
        {"YSSY_CTR": 20},
        {"YSSY_CTR": ["SYDNEY_CTR@124.550"]},
    )
    assert airspace.is_made
    assert {p.name.split(":")[0] for p in airspace.partitions} == {"made", "again"}
    assert airspace.locate(151.18, -33.95, 35_000).max() >= 0
    sydney = airspace.find("YSSY_CTR")
    assert {sector.capacity for sector in sydney} == {20}
    assert {sector.positions[0].prefix for sector in sydney} == {"SYDNEY"}


def test_a_spec_that_cannot_be_read_is_an_error() -> None:
    """A data set that is not there is an error that names it."""
    with pytest.raises(AirspaceError, match="nowhere"):
        load_airspace(["made:australia", "vatspy:/nowhere"])


@pytest.mark.real_data
def test_real_data_sets_side_by_side(real_data: Path) -> None:
    """Real data sets are joined into one airspace whose partitions agree with shapely."""
    folder = real_data / "airspace"
    airspace = load_airspace([f"vatspy:{folder}/vatspy", f"vatsys:{folder}/vatsys-australia"])
    names = [partition.name for partition in airspace.partitions]
    assert sorted(names) == ["vatspy:enroute", "vatspy:fir", "vatsys:approach", "vatsys:enroute"]
    assert len({sector.sector_id for sector in airspace.sectors}) == len(airspace.sectors)
    points = scattered(airspace.sectors, 20_000, seed=1)
    found = airspace.locate(*points)
    for partition, row in zip(airspace.partitions, found, strict=True):
        part = airspace.sectors[partition.first : partition.first + partition.count]
        expected = look_up(part, *points)
        differ = row != np.where(expected < 0, -1, expected + partition.first)
        lon, lat, _ = (value[differ] for value in points)
        assert not far_from_edges(part, lon, lat).any()
