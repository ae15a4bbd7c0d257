"""Another collector's crossings beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compare_collector import compare

if TYPE_CHECKING:
    from pathlib import Path


def test_every_difference_from_another_collector_is_explained(real_data: Path) -> None:
    """Its ten entries and seven exits are all ours too, each where the positions say it was."""
    sectors = real_data / "airspace" / "vatsys-australia" / "collector_sectors.geojson"
    found, alone = compare(real_data / "collector", sectors)
    assert alone == []
    assert [one.kind for one in found] == ["entry"] * 10 + ["exit"] * 7
    assert [one.row() for one in found if not one.explained] == []
