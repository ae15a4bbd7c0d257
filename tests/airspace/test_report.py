from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shapely.geometry import Polygon, box

from airspace.oracle import sector
from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.airspace.geodesy import area_nm2
from sectorwatch.airspace.model import DataSet, Sector, Volume
from sectorwatch.airspace.report import PartitionReport, partition_report

if TYPE_CHECKING:
    from pathlib import Path


def report(*sectors: Sector) -> PartitionReport:
    """The report on one partition of these sectors."""
    airspace = Airspace([DataSet("test", "test:", sectors)])
    return partition_report(airspace, airspace.partitions[0])


def test_a_tiling_has_neither_overlaps_nor_gaps() -> None:
    """Sectors side by side or one above the other share nothing and leave nothing open."""
    found = report(
        sector("W", Volume(box(0, 0, 1, 1), ceiling_ft=9_000)),
        sector("above", Volume(box(0, 0, 1, 1), floor_ft=9_000)),
        sector("E", box(1, 0, 2, 1)),
    )
    assert (found.name, found.sectors, found.volumes) == ("test:enroute", 3, 3)
    assert (found.overlaps, found.overlap_nm2, found.gaps, found.gap_nm2) == (0, 0.0, 0, 0.0)
    assert found.area_nm2 == pytest.approx(area_nm2([box(0, 0, 2, 1)])[0])


def test_overlaps_are_counted_by_pairs_of_sectors() -> None:
    """Two sectors that share airspace in two places are one overlap; volumes of one are none."""
    found = report(
        sector("A", box(0, 0, 4, 1)),
        sector("B", box(0.5, 0, 1, 2), box(2, 0, 3, 2), box(2, 1, 3, 3)),
    )
    assert found.overlaps == 1
    assert found.overlap_nm2 == pytest.approx(area_nm2([box(0, 0, 1.5, 1)])[0])


def test_edges_rounded_apart_are_no_overlap() -> None:
    """What two sectors share by a rounding of their edges is not counted."""
    assert report(sector("A", box(0, 0, 1.0000001, 1)), sector("B", box(1, 0, 2, 1))).overlaps == 0


def test_gaps_are_holes_that_nobody_fills() -> None:
    """A hole counts where no sector is in it at any altitude, the space around does not."""
    ring = Polygon(box(0, 0, 9, 3).exterior, [box(1, 1, 2, 2).exterior, box(5, 1, 7, 2).exterior])
    found = report(sector("ring", ring), sector("filled", Volume(box(5, 1, 7, 2), 0, 500)))
    assert found.gaps == 1
    assert found.gap_nm2 == pytest.approx(area_nm2([box(1, 1, 2, 2)])[0])


@pytest.mark.real_data
def test_real_airspace_overlaps_and_leaves_gaps(real_data: Path) -> None:
    """The real data sets are no tilings, and the report says by how much."""
    airspace = load_airspace([f"vatsys:{real_data}/airspace/vatsys-australia"])
    found = partition_report(airspace, airspace.partitions[0])
    assert found.sectors > 90
    assert found.overlaps > 0
    assert found.gaps > 0
    assert 0 < found.gap_nm2 < found.area_nm2 < 60e6
