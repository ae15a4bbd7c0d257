from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from made_airspace import VATSPY_DAT, write_vatspy
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.geodesy import area_nm2
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.airspace.model import DataSet, Sector


def _sector(dataset: DataSet, kind: str, name: str) -> Sector:
    (found,) = (s for s in dataset.sectors if (s.kind, s.name) == (kind, name))
    return found


def _prefixes(dataset: DataSet, kind: str, name: str) -> list[str]:
    return [rule.prefix for rule in _sector(dataset, kind, name).positions]


def test_every_boundary_is_enroute_and_those_without_a_dash_are_firs(tmp_path: Path) -> None:
    """The two partitions hold the file's boundaries in its order."""
    dataset = read_dataset(f"vatspy:{write_vatspy(tmp_path)}")
    names: dict[str, list[str]] = {}
    for sector in dataset.sectors:
        names.setdefault(sector.partition, []).append(sector.name)
    assert names == {
        "vatspy:fir": ["AAAA", "BBBB", "CCCC", "DDDD"],
        "vatspy:enroute": ["AAAA", "AAAA-E", "BBBB", "CCCC", "DDDD"],
    }
    assert _sector(dataset, "enroute", "AAAA-E").label == "Alpha (East)"
    assert _sector(dataset, "fir", "DDDD").label == "DDDD"


def test_positions_stand_in_the_order_of_rows_parent_and_upper_regions(tmp_path: Path) -> None:
    """An empty prefix is the row's id; nobody stands twice; all may be _CTR or _FSS."""
    dataset = read_dataset(f"vatspy:{write_vatspy(tmp_path)}")
    assert _prefixes(dataset, "enroute", "AAAA-E") == ["AAAA_E", "AAAA_E1", "AAAA", "ALF", "EURX"]
    assert _prefixes(dataset, "fir", "AAAA") == ["AAAA", "ALF", "EURX"]
    assert _prefixes(dataset, "fir", "BBBB") == ["BRV", "BBBM", "BBBB", "EURX"]
    rules = _sector(dataset, "enroute", "AAAA-E").positions
    assert {rule.suffixes for rule in rules} == {("CTR", "FSS")}
    assert [rule.why for rule in rules] == [
        "AAAA_E works AAAA-E (Alpha (East))",
        "AAAA_E1 works AAAA-E (Alpha (East))",
        "AAAA works AAAA, of which AAAA-E is a part",
        "ALF works AAAA, of which AAAA-E is a part",
        "EURX (Upper Everything) covers AAAA",
    ]


def test_what_is_wrong_is_told_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Copies, shapes under a wrong name, jumps, bow ties, names without shape: each is a problem."""
    dataset = read_dataset(f"vatspy:{write_vatspy(tmp_path)}")
    assert {(problem.kind, problem.name) for problem in dataset.problems} == {
        ("antimeridian", "CCCC"),
        ("invalid_shape", "DDDD"),
        ("no_shape", "EEEE"),
        ("no_name", "feature 9"),
        ("no_feature", "feature 10"),
        ("misplaced_copy", "BBBB"),
        ("identical_copy", "CCCC"),
        ("unknown_boundary", "NOPE"),
        ("unknown_boundary", "ZZZZ"),
        ("no_position", "DDDD"),
    }
    assert len(_sector(dataset, "fir", "BBBB").volumes) == 1
    across = _sector(dataset, "fir", "CCCC").volumes[0].polygon
    assert across.contains(Point(-177, 5))
    assert across.contains(Point(177, 5))
    assert across.area == 100
    assert dataset.facts["idl_rows"] == 2
    assert dataset.facts["airports_rows"] == 1


@pytest.mark.parametrize(
    ("dat", "said"),
    [
        ("", "is empty"),
        ("[FIRs]\n", "no rows under"),
        ("AAAA|Alpha||AAAA\n", "no rows under"),
        ("[Firs]\nAAAA|Alpha||AAAA\n", "no rows under"),
    ],
)
def test_a_dat_without_firs_is_refused(tmp_path: Path, dat: str, said: str) -> None:
    """The message names the file and where to get a good one."""
    with pytest.raises(AirspaceError, match=said) as error:
        read_dataset(f"vatspy:{write_vatspy(tmp_path, dat)}")
    assert "VATSpy.dat" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Either of the two can be missing, or the folder."""
    with pytest.raises(AirspaceError, match=r"VATSpy\.dat is not there"):
        read_dataset(f"vatspy:{tmp_path}")
    write_vatspy(tmp_path)
    (tmp_path / "Boundaries.geojson").unlink()
    with pytest.raises(AirspaceError, match=r"Boundaries\.geojson is not there"):
        read_dataset(f"vatspy:{tmp_path}")


def test_boundaries_of_another_kind_are_refused(tmp_path: Path) -> None:
    """A FeatureCollection without a single id is not VATSpy's."""
    write_vatspy(tmp_path)
    (tmp_path / "Boundaries.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}}]}'
    )
    with pytest.raises(AirspaceError, match="1 boundaries, and not one"):
        read_dataset(f"vatspy:{tmp_path}")


def test_a_file_of_too_many_lines_is_refused(tmp_path: Path) -> None:
    """A real one has 20,000."""
    with pytest.raises(AirspaceError, match="200,001 lines"):
        read_dataset(f"vatspy:{write_vatspy(tmp_path, ';' + chr(10) * 200_001)}")


def test_a_bad_row_costs_itself_alone(tmp_path: Path) -> None:
    """Rows with too few columns, or before any section, are told with their line."""
    dat = "stray\n" + VATSPY_DAT + "[FIRs]\nXXXX|short\n|no id||AAAA\n[UIRs]\nYYYY\n"
    dataset = read_dataset(f"vatspy:{write_vatspy(tmp_path, dat)}")
    bad = [problem for problem in dataset.problems if problem.kind == "bad_row"]
    assert [problem.name for problem in bad] == ["stray", "XXXX", "", "YYYY"]
    assert "line 1 " in bad[0].message
    assert len(dataset.sectors) == 9


@settings(max_examples=60)
@given(st.text(alphabet="ABEx|[]FIRsU,;_- \n\x00", max_size=80))
def test_any_rows_leave_the_good_ones(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands between good rows and a good section, the good rows are read."""
    folder = tmp_path_factory.mktemp("vatspy")
    dat = f"[FIRs]\nAAAA|Alpha||AAAA\n{text}\n[FIRs]\nAAAA-E|East|AAAA_E|AAAA-E\n"
    dataset = read_dataset(f"vatspy:{write_vatspy(folder, dat)}")
    assert "AAAA" in _prefixes(dataset, "fir", "AAAA")
    assert "AAAA_E" in _prefixes(dataset, "enroute", "AAAA-E")


@pytest.fixture(scope="module")
def real(real_data: Path) -> DataSet:
    """The real VATSpy data set."""
    return read_dataset(f"vatspy:{real_data / 'airspace/vatspy'}")


def test_the_real_boundaries_are_all_there(real: DataSet) -> None:
    """1,102 boundaries of 1,096 ids: 431 FIRs; of six ids that repeat two keep two shapes."""
    assert Counter(sector.kind for sector in real.sectors) == {"fir": 431, "enroute": 1_096}
    several = {sector.name for sector in real.sectors if len(sector.volumes) > 1}
    assert several == {"KZNY", "SUEO"}
    copies = {(p.kind, p.name) for p in real.problems if p.kind.endswith("_copy")}
    assert copies == {
        ("identical_copy", "NZOH"),
        ("identical_copy", "ZBAA"),
        ("misplaced_copy", "CZQM"),
        ("misplaced_copy", "CZQX"),
    }
    counts = Counter(problem.kind for problem in real.problems)
    assert not counts.keys() & {"no_shape", "no_name", "bad_row", "unknown_boundary", "no_position"}


def test_twelve_real_shapes_span_the_antimeridian(real: DataSet) -> None:
    """None of them is as wide as the world: each is in pieces on both sides."""
    wide = [
        sector
        for sector in real.sectors
        if sector.kind == "enroute"
        and any(v.polygon.bounds[2] - v.polygon.bounds[0] > 180 for v in sector.volumes)
    ]
    assert len(wide) == 12
    for sector in wide:
        for piece in sector.volumes[0].polygon.geoms:
            assert piece.bounds[2] - piece.bounds[0] < 180


def test_real_callsigns_own_their_boundaries(real: DataSet) -> None:
    """Rows whose id is not the boundary's, several prefixes, parents and upper regions."""
    assert _prefixes(real, "fir", "KZNY") == ["NY", "KZNY"]
    assert _prefixes(real, "fir", "KZAK") == [
        "SF", "SFR", "SFRO", "ZAK", "OO", "OOR", "OORO", "KZAK"
    ]  # fmt: skip
    assert _prefixes(real, "fir", "EBBU") == ["EBBU", "EBUR", "EUC-MW"]
    assert _prefixes(real, "enroute", "BIRD-S")[:2] == ["BIRD_S", "BIRD"]
    assert _prefixes(real, "enroute", "BIRD-S")[-1] == "BICC"


def test_real_shapes_are_sound(real: DataSet) -> None:
    """Every polygon is valid, within the map, and encloses something."""
    for sector in real.sectors:
        for volume in sector.volumes:
            west, south, east, north = volume.polygon.bounds
            assert volume.polygon.is_valid
            assert (west >= -180, south >= -90, east <= 180, north <= 90) == (True,) * 4
            assert area_nm2([volume.polygon])[0] > 10
