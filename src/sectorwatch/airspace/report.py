"""How well a partition's sectors fit together: overlaps and gaps, counted and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry import Polygon

from sectorwatch.airspace.edges import sound
from sectorwatch.airspace.geodesy import area_nm2

if TYPE_CHECKING:
    from sectorwatch.airspace.airspace import Airspace, Partition

__all__ = ["PartitionReport", "partition_report"]

# Less, a third of a hectare, is where two edges meet that were rounded apart.
_LEAST_NM2 = 1e-3


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What a partition holds, and where its sectors overlap or leave gaps.

    An overlap is a pair of sectors that share more than 0.001 square nautical miles at some
    altitude; a point there is in the one smaller in area. A gap is a hole that the sectors together
    leave open at every altitude.
    """

    name: str
    sectors: int
    volumes: int
    area_nm2: float
    overlaps: int
    overlap_nm2: float
    gaps: int
    gap_nm2: float


def partition_report(airspace: Airspace, partition: Partition) -> PartitionReport:
    """The report on one partition of an airspace; takes seconds for a data set of the world."""
    sectors = airspace.sectors[partition.first : partition.first + partition.count]
    volumes = [(i, volume) for i, sector in enumerate(sectors) for volume in sector.volumes]
    owner = np.array([number for number, _ in volumes], dtype=np.int64)
    floor = np.array([volume.floor_ft for _, volume in volumes])
    ceiling = np.array([volume.ceiling_ft for _, volume in volumes])
    shapes = sound([volume.polygon for _, volume in volumes])

    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    meet = (owner[first] < owner[second]) & (floor[first] < ceiling[second])
    meet &= floor[second] < ceiling[first]
    first, second = first[meet], second[meet]
    shared_nm2 = area_nm2(shapely.intersection(shapes[first], shapes[second]))
    pair = owner[first] * len(sectors) + owner[second]
    real = shared_nm2 > _LEAST_NM2

    whole = shapely.union_all(shapes)
    rings, ring_of = shapely.get_rings(shapely.get_parts(whole), return_index=True)
    # The first ring of a part is its outline, the others are its holes.
    holes = [Polygon(ring) for ring in rings[1:][ring_of[1:] == ring_of[:-1]]]
    hole_nm2 = area_nm2(holes)
    return PartitionReport(
        name=partition.name,
        sectors=len(sectors),
        volumes=len(volumes),
        area_nm2=float(area_nm2([whole])[0]),
        overlaps=len(np.unique(pair[real])),
        overlap_nm2=float(shared_nm2[real].sum()),
        gaps=len(holes),
        gap_nm2=float(hole_nm2.sum()),
    )
