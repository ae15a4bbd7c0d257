from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from shapely.geometry import Polygon, box

from made_airspace import write_vatspy
from sectorwatch.airspace.check import Gap, Overlap, check
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.model import DataSet, Problem, Sector, Volume

if TYPE_CHECKING:
    from pathlib import Path

# A square degree at the equator, in square nautical miles of the mean Earth.
SQUARE_DEGREE = 60.04**2


def _sector(name: str, *volumes: Volume) -> Sector:
    return Sector("set", "enroute", name, name, volumes)


def _check(*sectors: Sector) -> tuple[dict[str, float], tuple[Overlap, ...], tuple[Gap, ...]]:
    (partition,) = check(DataSet("set", "set:x", sectors)).partitions
    return partition.figures, partition.overlaps, partition.gaps


def test_sectors_that_fit_have_neither_overlap_nor_gap() -> None:
    """Shared edges are shared, and what is above another is not in it."""
    figures, overlaps, gaps = _check(
        _sector("A", Volume(box(0, 0, 1, 1), 0, 100)),
        _sector("B", Volume(box(1, 0, 2, 1), 0, 100), Volume(box(0, 0, 1, 1), 100, 200)),
    )
    assert (overlaps, gaps) == ((), ())
    assert set(figures.values()) == {0}


def test_an_overlap_is_measured_and_named() -> None:
    """Its area in square nautical miles; nested where it is all of one; each pair once."""
    figures, overlaps, _ = _check(
        _sector("A", Volume(box(0, 0, 2, 1))),
        _sector("B", Volume(box(1, 0, 3, 1))),
        _sector("C", Volume(box(0.25, 0.25, 0.75, 0.75))),
    )
    assert [(pair.first, pair.second, pair.nested, pair.sliver) for pair in overlaps] == [
        ("A", "B", False, False),
        ("A", "C", True, False),
    ]
    assert overlaps[0].area_nm2 == pytest.approx(SQUARE_DEGREE, rel=1e-3)
    assert overlaps[1].area_nm2 == pytest.approx(SQUARE_DEGREE / 4, rel=1e-3)
    assert (figures["overlaps"], figures["overlaps_nested"], figures["overlaps_partial"]) == (
        2,
        1,
        1,
    )


def test_two_drawings_of_one_border_are_slivers() -> None:
    """Borders 600 m apart overlap and leave gaps, and are told from real ones."""
    jagged = Polygon([(1.005, 0), (2, 0), (2, 1), (1.005, 1), (1.005, 0.7), (0.995, 0.5)])
    figures, overlaps, _ = _check(
        _sector("A", Volume(box(0, 0, 1, 1))), _sector("B", Volume(jagged))
    )
    assert [pair.sliver for pair in overlaps] == [True]
    assert figures["overlaps_slivers"] == 1


def test_a_hole_between_sectors_is_a_gap_at_its_levels() -> None:
    """A hole that goes on through several levels is one gap; one that a cap closes ends there."""
    ring = Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    _, _, gaps = _check(
        _sector("A", Volume(ring, 0, 300)),
        _sector("B", Volume(box(5, 5, 6, 6), 100, 200)),
        _sector("C", Volume(box(1, 1, 2, 2), 200, 300)),
    )
    (gap,) = gaps
    assert (gap.floor_ft, gap.ceiling_ft) == (0, 200)
    assert 1 < gap.longitude < 2
    assert 1 < gap.latitude < 2
    assert gap.area_nm2 == pytest.approx(SQUARE_DEGREE, rel=1e-3)
    assert not gap.sliver


def test_specks_are_no_gaps_and_thin_holes_are_slivers() -> None:
    """What rounding leaves is not told; a strip of 100 m is told as a sliver."""
    thin = [(1, 1), (2, 1), (2, 1.001), (1, 1.001)]
    speck = [(0.5, 0.5), (0.50001, 0.5), (0.50001, 0.50001)]
    ring = Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [thin, speck])
    figures, _, gaps = _check(_sector("A", Volume(ring)))
    assert [gap.sliver for gap in gaps] == [True]
    assert (figures["gaps"], figures["gaps_slivers"], figures["gaps_wide"]) == (1, 1, 0)


def test_a_sector_that_never_has_a_point_is_hidden() -> None:
    """Smaller ones, or an equal one before it, have all of it from floor to ceiling."""
    dataset = DataSet(
        "set",
        "set:x",
        (
            _sector("BOTH", Volume(box(0, 0, 2, 1), 0, 100)),
            _sector("LEFT", Volume(box(0, 0, 1, 1), 0, 100)),
            _sector("RIGHT", Volume(box(1, 0, 2, 1), 0, 200)),
            _sector("COPY", Volume(box(0, 0, 1, 1), 0, 100)),
            _sector("HIGHER", Volume(box(0, 0, 1, 1), 50, 150)),
        ),
    )
    assert check(dataset).partitions[0].hidden == ("BOTH", "COPY")


def test_very_many_levels_are_thinned() -> None:
    """A data set of hundreds of levels is checked at those where the most begins and ends."""
    ring = Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    sectors = [_sector(f"S{n}", Volume(box(n, 5, n + 1, 6), n, n + 1.5)) for n in range(90)]
    _, _, gaps = _check(_sector("A", Volume(ring, 0, 100)), *sectors)
    assert [(gap.floor_ft, gap.ceiling_ft) for gap in gaps] == [(0, 100)]


def test_problems_are_counted_beyond_what_is_kept() -> None:
    """A reader's own count goes before that of the problems it kept."""
    dataset = DataSet(
        "set",
        "set:x",
        (_sector("A", Volume(box(0, 0, 1, 1))),),
        problems=(Problem("no_shape", "x", "bad"), Problem("other", "x", "bad")),
        facts={"no_shape": 900},
    )
    assert check(dataset).problem_counts == {"no_shape": 900, "other": 1}


def test_a_check_is_json_with_short_lists(tmp_path: Path) -> None:
    """No infinity in it, no list longer than asked for, and the figures beside the lists."""
    result = check(read_dataset(f"vatspy:{write_vatspy(tmp_path)}"))
    short = json.loads(json.dumps(result.as_dict(listed=2), allow_nan=False))
    assert len(short["problems"]) == 2
    assert short["problem_counts"]["unknown_boundary"] == 2
    assert short["positions"] == 20
    fir, enroute = short["partitions"]
    assert (fir["name"], fir["sectors"], enroute["sectors"]) == ("vatspy:fir", 4, 5)
    assert enroute["largest_overlaps"] == [
        {
            "first": "AAAA",
            "second": "AAAA-E",
            "area_nm2": pytest.approx(50 * SQUARE_DEGREE, rel=0.01),
            "nested": True,
            "sliver": False,
        }
    ]
    assert enroute["without_limits"] == 5
    full = result.as_dict(listed=None)
    assert len(full["problems"]) == len(result.problems)


def test_a_gap_without_limits_is_null_in_json() -> None:
    """JSON has no infinity; null is the surface, or no limit."""
    ring = Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    result = check(DataSet("set", "set:x", (_sector("A", Volume(ring)),)))
    (gap,) = result.as_dict()["partitions"][0]["largest_gaps"]
    assert (gap["floor_ft"], gap["ceiling_ft"]) == (None, None)
    assert result.partitions[0].gaps[0].floor_ft == -math.inf


def test_the_real_world_overlaps_and_leaves_gaps(real_data: Path) -> None:
    """VATSpy and vatSys have both, in the numbers that stand in the documentation."""
    vatsys = check(read_dataset(f"vatsys:{real_data / 'airspace/vatsys-australia'}"))
    enroute, approach = vatsys.partitions
    assert (enroute.figures["overlaps"], enroute.figures["gaps"]) == (87, 112)
    assert (approach.figures["overlaps"], approach.figures["gaps"]) == (6, 1)
    assert {"KZAK", "KZAK5", "KZAK6"} <= set(enroute.hidden)
    fir, whole = check(read_dataset(f"vatspy:{real_data / 'airspace/vatspy'}")).partitions
    assert fir.area_nm2 == pytest.approx(145.4e6, rel=1e-3)
    assert fir.figures["overlaps_partial"] == 48
    assert {"EDGG", "BIRD"} <= set(whole.hidden)
