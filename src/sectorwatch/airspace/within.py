"""Which airports lie within an airspace, at whatever height its sectors begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.airspace.airports import Airports
    from sectorwatch.airspace.airspace import Airspace

__all__ = ["airports_within"]


def airports_within(
    airspace: Airspace, airports: Airports, partition: str | None = None
) -> NDArray[np.bool_]:
    """For each airport whether it lies inside the outline of a sector, of any or of one partition.

    Shape (airports,). Floors do not count: an airport under an upper sector is within it. What lies
    on an outline is.
    """
    polygons = [
        volume.polygon
        for sector in airspace.sectors
        if partition is None or sector.partition == partition
        for volume in sector.volumes
    ]
    found = np.zeros(len(airports), np.bool_)
    tree = shapely.STRtree(shapely.points(airports.lon, airports.lat))
    shapely.prepare(polygons)
    found[np.unique(tree.query(polygons, predicate="intersects")[1])] = True
    return found
