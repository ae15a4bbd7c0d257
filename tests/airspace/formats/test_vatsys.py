from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from made_airspace import VATSYS_SECTORS, VATSYS_VOLUMES, write_vatsys
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.geodesy import area_nm2
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.airspace.model import DataSet, Sector


def _sector(dataset: DataSet, name: str) -> Sector:
    (found,) = (sector for sector in dataset.sectors if sector.name == name)
    return found


def _callsigns(sector: Sector) -> list[str]:
    return [f"{rule.prefix}_{rule.suffixes[0]}" for rule in sector.positions]


def test_centres_and_radios_are_enroute_and_approaches_one_a_volume_set(tmp_path: Path) -> None:
    """Towers, training callsigns and who has no volumes are positions only."""
    dataset = read_dataset(f"vatsys:{write_vatsys(tmp_path)}")
    assert [(sector.kind, sector.name) for sector in dataset.sectors] == [
        ("enroute", "WST"),
        ("enroute", "EST"),
        ("enroute", "STH"),
        ("approach", "T"),
    ]
    only = [f"{rule.prefix}_{rule.suffixes[0]}" for rule in dataset.position_only]
    assert only == ["WEST_T_CTR", "TN-F_APP", "TN_TWR", "LOST_CTR"]
    assert dataset.facts["positions"] == 9
    assert dataset.facts["positions_only"] == 4


def test_volumes_have_levels_and_may_be_of_several_boundaries(tmp_path: Path) -> None:
    """No ceiling is no limit; 0 is the surface; two boundaries are one area; swapped ones are put right."""
    dataset = read_dataset(f"vatsys:{write_vatsys(tmp_path)}")
    west, east, south = (_sector(dataset, name) for name in ("WST", "EST", "STH"))
    assert [(v.floor_ft, v.ceiling_ft) for v in west.volumes] == [
        (-math.inf, 60_000.0),
        (24_500.0, 60_000.0),
    ]
    assert [(v.floor_ft, v.ceiling_ft) for v in east.volumes] == [(-math.inf, math.inf)]
    assert east.volumes[0].polygon.area == pytest.approx(10 * 10 + 20 * 10)
    assert [(v.floor_ft, v.ceiling_ft) for v in south.volumes] == [(-math.inf, 60_000.0)]
    assert west.volumes[0].polygon.contains(Point(135, -15))


def test_positions_stand_own_first_then_who_is_responsible(tmp_path: Path) -> None:
    """Transitively, nearest first, each once, through nesting and round a circle."""
    dataset = read_dataset(f"vatsys:{write_vatsys(tmp_path)}")
    assert _callsigns(_sector(dataset, "WST")) == ["AA-WST_CTR", "BB-STH_FSS"]
    assert _callsigns(_sector(dataset, "EST")) == ["AA-EST_CTR", "AA-WST_CTR", "BB-STH_FSS"]
    assert _callsigns(_sector(dataset, "T")) == [
        "TN_APP",
        "TN-S_DEP",
        "AA-EST_CTR",
        "AA-WST_CTR",
        "BB-STH_FSS",
    ]
    assert [rule.why for rule in _sector(dataset, "T").positions][1:4] == [
        "TN-S_DEP is its own position (Town Departures)",
        "AA-EST_CTR is responsible for TN_APP",
        "AA-WST_CTR is responsible for AA-EST_CTR",
    ]
    frequencies = {rule.prefix: rule.frequency_mhz for s in dataset.sectors for rule in s.positions}
    assert frequencies == {
        "AA-WST": "128.850",
        "AA-EST": "130.450",
        "BB-STH": "123.450",
        "TN": "124.700",
        "TN-S": None,
    }
    assert dataset.prefixes == {"AA", "BB", "TN", "WEST", "LOST"}


def test_what_is_wrong_is_told_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Copies, names that lead nowhere, fixes by name, levels that are none."""
    dataset = read_dataset(f"vatsys:{write_vatsys(tmp_path)}")
    assert {(problem.kind, problem.name) for problem in dataset.problems} == {
        ("identical_copy", "TMA"),
        ("repeated_name", "TMA"),
        ("no_shape", "BY_NAME"),
        ("open_ring", "E"),
        ("touching_parts", "E"),
        ("open_ring", "S"),
        ("swapped_levels", "S"),
        ("unknown_boundary", "LOST"),
        ("no_shape", "LOST"),
        ("bad_level", "ODD"),
        ("repeated_name", "W"),
        ("swapped_levels", "UNUSED"),
        ("bad_frequency", "TAS"),
        ("repeated_name", "WST"),
        ("bad_position", "XXX"),
        ("unknown_sector", "West"),
        ("unknown_volume", "EST"),
        ("no_volume", "TAF"),
        ("unknown_volume", "LST"),
        ("no_volume", "LST"),
        ("unknown_sector", "WST"),
    }
    assert dataset.facts["unused_volumes"] == 1
    assert dataset.facts["unused_boundaries"] == 1
    assert dataset.facts["consoles"] == 2


@pytest.mark.parametrize("name", ["Sectors.xml", "Volumes.xml", "Positions.xml"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "entities"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, damage: str) -> None:
    """All three files have to be there and whole."""
    path = write_vatsys(tmp_path) / name
    content = path.read_text()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_text(content[: len(content) // 2])
    elif damage == "empty":
        path.write_text("")
    else:
        path.write_text(f'<!DOCTYPE a [<!ENTITY b "c">]>{content.partition("?>")[2]}')
    with pytest.raises(AirspaceError, match=name):
        read_dataset(f"vatsys:{tmp_path}")


def test_a_profile_without_any_sector_is_refused(tmp_path: Path) -> None:
    """Towers alone are no airspace, and volumes without boundaries are none."""
    tower = '<Sectors><Sector Name="T" Callsign="T_TWR"><Volumes>T</Volumes></Sector></Sectors>'
    with pytest.raises(AirspaceError, match="holds 1 positions, and none"):
        read_dataset(f"vatsys:{write_vatsys(tmp_path, sectors=tower)}")
    with pytest.raises(AirspaceError, match="no volume with a boundary"):
        read_dataset(f"vatsys:{write_vatsys(tmp_path, volumes='<Volumes/>')}")


@settings(max_examples=40)
@given(
    st.text(alphabet="<>/&;!-ABCab\"'= \n", max_size=40),
    st.integers(0, len(VATSYS_SECTORS)),
    st.integers(0, len(VATSYS_VOLUMES)),
)
def test_any_damage_is_a_data_set_or_an_airspace_error(
    tmp_path_factory: pytest.TempPathFactory, junk: str, at: int, there: int
) -> None:
    """Text put anywhere into the files never raises anything else."""
    sectors = VATSYS_SECTORS[:at] + junk + VATSYS_SECTORS[at:]
    volumes = VATSYS_VOLUMES[:there] + junk + VATSYS_VOLUMES[there:]
    folder = tmp_path_factory.mktemp("vatsys")
    for files in ({"sectors": sectors}, {"volumes": volumes}):
        try:
            dataset = read_dataset(f"vatsys:{write_vatsys(folder, **files)}")
        except AirspaceError:
            continue
        assert dataset.sectors


@pytest.fixture(scope="module")
def real(real_data: Path) -> DataSet:
    """The real Australian profile."""
    return read_dataset(f"vatsys:{real_data / 'airspace/vatsys-australia'}")


def test_the_real_positions_are_sorted_as_the_design_says(real: DataSet) -> None:
    """292: 105 _CTR and _FSS (4 of them training), 187 others, of which 51 share 32 approaches."""
    assert real.facts["positions"] == 292
    assert real.facts["positions"] - real.facts["enroute_positions"] == 187
    assert real.facts["training_positions"] == 4
    assert real.facts["approach_positions"] == 51
    # The 134 towers, grounds, deliveries and flows, 4 in training, 2 approaches without volumes.
    assert len(real.position_only) == real.facts["positions_only"] == 140
    assert Counter(sector.kind for sector in real.sectors) == {"enroute": 101, "approach": 32}
    training = {"VCCF_T", "WIIF_T", "WAAF_T", "WAAF_X"}
    assert training <= {rule.prefix for rule in real.position_only}


def test_real_problems_are_few_and_known(real: DataSet) -> None:
    """Nothing is lost: a copy, borders that touch, four shapes across the antimeridian."""
    assert Counter(problem.kind for problem in real.problems) == {
        "identical_copy": 1,
        "touching_parts": 9,
        "antimeridian": 4,
        "invalid_shape": 1,
        "no_volume": 2,
    }


def test_real_approaches_are_named_after_their_volumes(real: DataSet) -> None:
    """Brisbane's five positions are one sector; Perth has two that differ by a cap."""
    brisbane = _sector(real, "BNA")
    assert brisbane.label == "Brisbane Approach (North)"
    assert _callsigns(brisbane) == [
        "BN_APP", "BN-S_APP", "BN_DEP", "BN-S_DEP", "BN-R_DEP", "BN-NSA_CTR", "BN-INL_CTR"
    ]  # fmt: skip
    assert [(v.floor_ft, v.ceiling_ft) for v in brisbane.volumes] == [(-math.inf, 18_000.0)]
    assert len(_sector(real, "PHA+PEA_R155A_CAP").volumes) == 2
    assert len(_sector(real, "PHA").volumes) == 1
    assert "BAG_NORTH+BAG_SOUTH" in {sector.name for sector in real.sectors}


def test_real_responsibility_runs_in_a_circle_and_ends(real: DataSet) -> None:
    """MAV names MAW and MAW names MAV; each stands once in Avalon's list."""
    avalon = _callsigns(_sector(real, "MAV"))
    assert avalon[0] == "AV_APP"
    assert len(avalon) == len(set(avalon))
    assert sorted(avalon[1:]) == ["ML-BLA_CTR", "ML-R_DEP", "ML-S_DEP", "ML_APP"]
    assert _callsigns(_sector(real, "MDE")) == ["BN-MDE_CTR", "BN-ARL_CTR"]


def test_two_data_sets_agree_across_the_antimeridian(real: DataSet, real_data: Path) -> None:
    """One jumps from 180 to -180, one is cut there: the same airspace to a millionth."""
    vatspy = read_dataset(f"vatspy:{real_data / 'airspace/vatspy'}")
    for name in ("NZZO", "NZCM", "FIMM"):
        mine = _sector(real, name).volumes[0].polygon
        (theirs,) = (
            s.volumes[0].polygon for s in vatspy.sectors if (s.kind, s.name) == ("fir", name)
        )
        areas = area_nm2([mine, theirs, shapely.intersection(mine, theirs)])
        assert areas[0] == pytest.approx(areas[1], rel=1e-6)
        assert areas[0] == pytest.approx(areas[2], rel=1e-6)
