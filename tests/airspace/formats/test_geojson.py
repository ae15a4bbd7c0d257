from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_airspace import box_ring, feature, write_geojson
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path


def _square(properties: Any, west: float = 0) -> dict[str, Any]:
    return feature(properties, box_ring(west, 0, west + 1, 1))


def test_names_and_levels_come_from_the_properties_named(tmp_path: Path) -> None:
    """name, label, floor and ceiling are read; kind, unit and the data set's name as asked for."""
    path = write_geojson(
        tmp_path / "high sectors.json",
        [_square({"ident": "A1", "long": "Alpha One", "lo": 245, "hi": "UNL"})],
    )
    dataset = read_dataset(
        f"geojson:{path}?name=ident&label=long&floor=lo&ceiling=hi&unit=fl&kind=fir&as=mine"
    )
    (sector,) = dataset.sectors
    (volume,) = sector.volumes
    assert (sector.name, sector.label, sector.partition) == ("A1", "Alpha One", "mine:fir")
    assert (volume.floor_ft, volume.ceiling_ft) == (24_500.0, math.inf)
    assert dataset.problems == ()
    assert dataset.is_made is False


def test_without_options_the_likeliest_property_is_the_name(tmp_path: Path) -> None:
    """The file's name is the data set's; a sector without levels goes from ground to sky."""
    path = write_geojson(tmp_path / "high sectors.json", [_square({"OBJECTID": 1, "Label": "A 1"})])
    (sector,) = read_dataset(f"geojson:{path}").sectors
    assert (sector.dataset, sector.kind, sector.name) == ("high-sectors", "enroute", "A 1")
    assert (sector.volumes[0].floor_ft, sector.volumes[0].ceiling_ft) == (-math.inf, math.inf)


def test_a_single_feature_is_a_data_set(tmp_path: Path) -> None:
    """A file that is one Feature and no collection is read as one of one."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps(_square({"name": "A"})))
    assert [sector.name for sector in read_dataset(f"geojson:{path}").sectors] == ["A"]


def test_a_level_can_stand_for_all(tmp_path: Path) -> None:
    """Where the data have no floor the SPEC gives one."""
    path = write_geojson(tmp_path / "x.json", [_square({"name": "A"})])
    (sector,) = read_dataset(f"geojson:{path}?floor=FL240&ceiling=60000").sectors
    assert (sector.volumes[0].floor_ft, sector.volumes[0].ceiling_ft) == (24_000.0, 60_000.0)


def test_a_property_that_ends_in_fl_is_in_flight_levels(tmp_path: Path) -> None:
    """`min_fl` says its unit itself."""
    path = write_geojson(tmp_path / "x.json", [_square({"name": "A", "min_fl": 245, "waffl": 9})])
    (sector,) = read_dataset(f"geojson:{path}?floor=waffl&ceiling=min_fl").sectors
    assert (sector.volumes[0].floor_ft, sector.volumes[0].ceiling_ft) == (9.0, 24_500.0)


def test_one_bad_feature_costs_itself_alone(tmp_path: Path) -> None:
    """Without name, shape, or sense in its levels it is left out, counted and told."""
    path = write_geojson(
        tmp_path / "x.json",
        [
            _square({"name": "GOOD"}),
            _square({"name": ""}),
            _square({"name": None}),
            {"type": "Feature", "properties": {"name": "FLAT"}, "geometry": None},
            _square({"name": "HIGH", "lo": "up there"}),
            _square({"name": "THIN", "lo": 500, "hi": 500}),
            _square({"name": "UPSIDE", "lo": 60_000, "hi": 24_500}),
            {"type": "Feature"},
            17,
        ],
    )
    dataset = read_dataset(f"geojson:{path}?name=name&floor=lo&ceiling=hi")
    assert [sector.name for sector in dataset.sectors] == ["GOOD", "UPSIDE"]
    assert Counter(problem.kind for problem in dataset.problems) == {
        "no_name": 2,
        "no_shape": 1,
        "bad_level": 2,
        "swapped_levels": 1,
        "no_feature": 2,
    }
    assert dataset.facts["no_feature"] == 2
    upside = dataset.sectors[1].volumes[0]
    assert (upside.floor_ft, upside.ceiling_ft) == (24_500.0, 60_000.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("?name=nam", "no feature has a property 'nam'; there are name, lo"),
        ("?label=x", "no feature has a property 'x'"),
        ("?floor=low", "neither a level such as FL240 nor a property"),
        ("?kind=low", "kind=low"),
        ("?floor=lo&unit=m", "unit=m"),
        ("?name=lo", "not one that is a sector"),
    ],
)
def test_options_that_fit_nothing_are_refused(tmp_path: Path, options: str, said: str) -> None:
    """A misspelt property is said, with those that there are."""
    path = write_geojson(tmp_path / "x.json", [_square({"name": "A", "lo": ""})])
    with pytest.raises(AirspaceError) as error:
        read_dataset(f"geojson:{path}{options}")
    assert said in str(error.value)
    assert "x.json" in str(error.value)


def test_a_file_where_no_property_looks_like_a_name_is_refused(tmp_path: Path) -> None:
    """It says which properties there are, so that one can be named."""
    many = {f"p{number}": 1 for number in range(20)}
    path = write_geojson(tmp_path / "x.json", [_square(many)])
    with pytest.raises(AirspaceError, match=r"p0, p1.*\.\.\.\).*say which with \?name="):
        read_dataset(f"geojson:{path}")
    path = write_geojson(tmp_path / "y.json", [_square({})])
    with pytest.raises(AirspaceError, match="none at all"):
        read_dataset(f"geojson:{path}")


def test_a_sectors_own_name_is_its_position(tmp_path: Path) -> None:
    """Nothing else is known of who works it; a name with blanks is nobody's callsign."""
    path = write_geojson(
        tmp_path / "x.json", [_square({"name": n}) for n in ("EDGG", "A 1", "X_APP")]
    )
    dataset = read_dataset(f"geojson:{path}")
    assert [
        [(rule.prefix, rule.suffixes) for rule in sector.positions] for sector in dataset.sectors
    ] == [[("EDGG", ("CTR", "FSS"))], [], [("X", ("APP",))]]
    assert dataset.prefixes == {"EDGG", "X"}


properties = st.dictionaries(
    st.sampled_from(["name", "lo", "hi", "label_lon", "label_lat", "x"]),
    st.none()
    | st.text(max_size=6)
    | st.integers(-(10**6), 10**6)
    | st.floats(-1e6, 1e6)
    | st.lists(st.none()),
    max_size=5,
)
rings = st.lists(st.tuples(st.floats(-400, 400), st.floats(-95, 95)), max_size=6)


@settings(max_examples=60)
@given(st.lists(st.tuples(properties, rings), max_size=6))
def test_any_collection_is_a_data_set_or_an_airspace_error(
    tmp_path_factory: pytest.TempPathFactory, features: list[tuple[dict[str, Any], Any]]
) -> None:
    """A good feature among any others is always there."""
    path = tmp_path_factory.mktemp("geojson") / "x.json"
    good = _square({"name": "GOOD", "lo": 10, "hi": 20})
    write_geojson(path, [*(feature(values, ring) for values, ring in features), good])
    dataset = read_dataset(f"geojson:{path}?name=name&floor=lo&ceiling=hi")
    assert "GOOD" in {sector.name for sector in dataset.sectors}
    assert len({sector.sector_id for sector in dataset.sectors}) == len(dataset.sectors)
    for sector in dataset.sectors:
        for volume in sector.volumes:
            assert volume.floor_ft < volume.ceiling_ft
            assert volume.polygon.is_valid


def test_real_fir_boundaries_are_read(real_data: Path) -> None:
    """392 features, 387 names: two are in two parts, one is twice, two are partly misplaced."""
    path = real_data / "airspace/perti-us/artcc.json"
    dataset = read_dataset(f"geojson:{path}?name=ICAOCODE&floor=FLOOR&ceiling=CEILING&kind=fir")
    volumes = {sector.name: len(sector.volumes) for sector in dataset.sectors}
    assert len(dataset.sectors) == 387
    assert {name for name, count in volumes.items() if count > 1} == {"KZNY", "SUEO"}
    counts = Counter(problem.kind for problem in dataset.problems)
    assert counts["identical_copy"] == 1
    assert {p.name for p in dataset.problems if p.kind == "misplaced_copy"} == {"CZQM", "CZQX"}
    assert not counts.keys() & {"no_shape", "no_name", "bad_level", "no_feature"}


def test_real_high_sectors_are_read(real_data: Path) -> None:
    """1,406 features: 1,395 labels, one shape twice, and nothing lost; its levels are its own."""
    path = real_data / "airspace/perti-us/high.json"
    dataset = read_dataset(f"geojson:{path}?name=label&floor=FL240")
    assert (len(dataset.sectors), sum(len(s.volumes) for s in dataset.sectors)) == (1_395, 1_405)
    assert {v.floor_ft for s in dataset.sectors for v in s.volumes} == {24_000.0}
    levels = read_dataset(f"geojson:{path}?name=label&floor=min_fl&ceiling=max_fl&as=levels")
    by_name = {sector.name: sector for sector in levels.sectors}
    paris = sorted((v.floor_ft, v.ceiling_ft) for v in by_name["LFFFPAR-OG"].volumes)
    assert paris == [(26_500.0, 29_400.0), (29_500.0, 30_400.0)]
    # Two features on both sides of the antimeridian are one sector; the only hole there is stays.
    assert len(by_name["ZAN10"].volumes) == 2
    assert len(by_name["ZAK05"].volumes[0].polygon.interiors) == 1
