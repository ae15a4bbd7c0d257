from __future__ import annotations

import airportsdata
import pytest
import shapely
from shapely.geometry import Point

from sectorwatch.airspace.check import check
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.formats.made import APPROACH_RADIUS_NM, REGIONS
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.errors import AirspaceError


def test_made_airspace_says_so() -> None:
    """Nobody can take it for real."""
    dataset = read_dataset("made:australia")
    assert dataset.is_made
    assert all("made" in sector.label for sector in dataset.sectors)
    assert all(sector.notes == ("made, not real",) for sector in dataset.sectors)
    assert dataset.problems == ()


def test_sectors_are_named_after_their_airports() -> None:
    """YSSY_CTR exists, with YSSY_APP beneath and a FIR around; each has its kind."""
    by_name = {sector.name: sector for sector in read_dataset("made:australia").sectors}
    assert by_name["YSSY_CTR"].kind == "enroute"
    assert by_name["YSSY_APP"].kind == "approach"
    assert by_name["YMML_FIR"].kind == "fir"
    airport = airportsdata.load("ICAO")["YSSY"]
    sydney = Point(airport["lon"], airport["lat"])
    low, high = by_name["YSSY_CTR"].volumes
    assert not low.polygon.contains(sydney)
    assert high.polygon.contains(sydney)
    assert by_name["YSSY_APP"].volumes[0].polygon.contains(sydney)
    assert high.floor_ft == by_name["YSSY_APP"].volumes[0].ceiling_ft == 24_500.0


def test_positions_are_their_callsigns_and_who_covers_them() -> None:
    """YSSY_APP is worked by approach, departures, then the centres."""
    by_name = {sector.name: sector for sector in read_dataset("made:australia").sectors}
    listed = [(rule.prefix, rule.suffixes) for rule in by_name["YSSY_APP"].positions]
    assert listed == [
        ("YSSY", ("APP", "DEP")),
        ("YSSY", ("CTR",)),
        ("YBBN", ("CTR",)),
        ("YBBN", ("FSS",)),
    ]
    assert [rule.prefix for rule in by_name["YBBN_CTR"].positions] == ["YBBN", "YBBN"]


def test_why_somebody_works_a_sector_names_that_sector() -> None:
    """A centre that also works an approach or a region covers it; only its own is its own."""
    sectors = {sector.name: sector for sector in read_dataset("made:australia").sectors}
    why = {name: [rule.why for rule in sector.positions] for name, sector in sectors.items()}
    assert why["YMML_CTR"][0] == "YMML_CTR is its own position"
    assert why["YMML_APP"][:2] == ["YMML_APP is its own position", "YMML_CTR covers YMML_APP"]
    assert why["YMML_FIR"][0] == "YMML_CTR covers YMML_FIR"
    assert why["YSSY_APP"][1:3] == ["YSSY_CTR covers YSSY_APP", "YBBN_CTR covers YSSY_APP"]


def test_partitions_do_not_overlap_and_leave_only_the_approaches_out() -> None:
    """The cells meet without a sliver; what enroute lacks below FL245 is what approaches have."""
    fir, enroute, approach = check(read_dataset("made:australia")).partitions
    assert (fir.overlaps, fir.gaps, fir.hidden) == ((), (), ())
    assert (enroute.overlaps, enroute.hidden) == ((), ())
    assert (approach.overlaps, approach.hidden) == ((), ())
    assert {gap.ceiling_ft for gap in enroute.gaps} <= {24_500.0}
    assert not any(gap.sliver for gap in enroute.gaps)
    assert fir.area_nm2 == pytest.approx(enroute.area_nm2, rel=1e-9)
    assert all(partition.without_positions == 0 for partition in (fir, enroute, approach))


def test_a_cell_is_what_is_nearest_to_its_airport() -> None:
    """Within one degree of latitude of the middle, nearest on the map is nearest on the ground."""
    dataset = read_dataset("made:australia")
    known = airportsdata.load("ICAO")
    codes = [icao for members in REGIONS["australia"].centres.values() for icao in members]
    assert set(codes) <= known.keys()
    cells = {
        s.name[:4]: shapely.union_all([v.polygon for v in s.volumes])
        for s in dataset.sectors
        if s.kind == "enroute"
    }
    for icao, cell in cells.items():
        assert cell.contains(Point(known[icao]["lon"], known[icao]["lat"]))
    approaches = [sector for sector in dataset.sectors if sector.kind == "approach"]
    for sector in approaches:
        airport = known[sector.name[:4]]
        lon, lat = shapely.get_coordinates(sector.volumes[0].polygon).T
        away = distance_nm(airport["lat"], airport["lon"], lat, lon)
        assert away.max() <= APPROACH_RADIUS_NM + 0.01


def test_the_same_region_is_always_made_the_same() -> None:
    """Sector ids and shapes do not depend on the run."""
    one, two = read_dataset("made:australia"), read_dataset("made:Australia?as=made")
    assert [sector.sector_id for sector in one.sectors] == [s.sector_id for s in two.sectors]
    assert [s.volumes[0].polygon.wkb for s in one.sectors] == [
        s.volumes[0].polygon.wkb for s in two.sectors
    ]


def test_an_unknown_region_is_refused() -> None:
    """The message says which there are."""
    with pytest.raises(AirspaceError, match="'atlantis'; there is for australia"):
        read_dataset("made:atlantis")
