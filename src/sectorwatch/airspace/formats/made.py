"""Made airspace: cells around a region's main airports, for whoever has no boundary data yet.

None of it is real. Airport positions come from `airportsdata`; everything else is geometry. A
region has three partitions, none with overlaps:

- `enroute`: each main airport's cell, the places nearer to it than to another one (`YSSY_CTR`),
- `approach`: 45 NM around the busier ones, within their cell, up to FL245 (`YSSY_APP`),
- `fir`: the cells by the centre that looks after them (`YMML_FIR`).

Beneath FL245 an approach is cut out of its cell; above it the cell goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import airportsdata
import numpy as np
import shapely

from sectorwatch.airspace.geodesy import destination
from sectorwatch.airspace.model import DataSet, PositionRule, Sector, Volume
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapely.geometry import MultiPolygon, Polygon

    from sectorwatch.airspace.spec import Spec

__all__ = ["REGIONS", "Region", "read"]

APPROACH_RADIUS_NM = 45.0
APPROACH_CEILING_FT = 24_500.0
ENROUTE_CEILING_FT = 60_000.0

_MARGIN_DEG = 3.0
_CIRCLE_POINTS = 72
# About 0.1 m: cells made apart from each other then share their corners exactly.
_GRID_DEG = 1e-6


@dataclass(frozen=True, slots=True)
class Region:
    """What airspace is made around: ICAO codes of airports, by the centre that looks after them.

    `approaches` are those with an approach of their own.
    """

    name: str
    centres: Mapping[str, Sequence[str]]
    approaches: frozenset[str]


REGIONS: dict[str, Region] = {
    "australia": Region(
        name="Australia",
        centres={
            "YBBN": ("YBBN", "YSSY", "YBCS", "YBTL", "YBMK", "YBMA", "YPDN", "YBAS"),
            "YMML": ("YMML", "YSCB", "YPAD", "YMHB", "YMLT"),
            "YPPH": ("YPPH", "YPKG", "YBRM", "YPKA"),
        },
        approaches=frozenset(
            {"YSSY", "YMML", "YBBN", "YPPH", "YPAD", "YSCB", "YBCS", "YPDN", "YMHB", "YBTL"}
        ),
    ),
}
"""The regions that `made:REGION` knows, the default first."""


def read(spec: Spec) -> DataSet:
    """The made airspace of a region; raises AirspaceError where we make none for it."""
    region = REGIONS.get(spec.target.strip().lower())
    if region is None:
        raise AirspaceError(
            f"there is no made airspace for {spec.target!r}; there is for {', '.join(REGIONS)}"
        )
    name = spec.dataset_name("made")
    airports = _airports(region)
    cells = _cells(airports)
    circles = {
        icao: shapely.intersection(_circle(*airports[icao]), cells[icao], grid_size=_GRID_DEG)
        for icao in airports
        if icao in region.approaches
    }
    sectors = [
        *_firs(name, region, cells),
        *_enroute(name, region, cells, circles),
        *_approaches(name, region, circles),
    ]
    return DataSet(
        name=name,
        spec=str(spec),
        sectors=tuple(sectors),
        prefixes=frozenset(airports),
        is_made=True,
        facts={"airports": len(airports)},
    )


def _airports(region: Region) -> dict[str, tuple[float, float]]:
    """(longitude, latitude) of the region's airports, by ICAO code, centre by centre."""
    known = airportsdata.load("ICAO")
    codes = [icao for members in region.centres.values() for icao in members]
    return {icao: (known[icao]["lon"], known[icao]["lat"]) for icao in codes if icao in known}


def _cells(airports: Mapping[str, tuple[float, float]]) -> dict[str, Polygon | MultiPolygon]:
    """For each airport the places nearer to it than to the others, within a margin around all."""
    points = np.array(list(airports.values()))
    # Degrees of longitude are shorter than those of latitude; nearest is meant on the ground.
    squeeze = np.array([math.cos(math.radians(float(points[:, 1].mean()))), 1.0])
    sites = shapely.points(points * squeeze)
    hull = shapely.buffer(shapely.multipoints(sites).convex_hull, _MARGIN_DEG, quad_segs=4)
    found = shapely.voronoi_polygons(shapely.multipoints(sites), extend_to=hull, ordered=True)
    clipped = shapely.intersection(shapely.get_parts(found), hull)
    cells = shapely.transform(clipped, lambda xy: xy / squeeze)
    return dict(zip(airports, shapely.set_precision(cells, _GRID_DEG), strict=True))


def _circle(longitude: float, latitude: float) -> Polygon:
    bearings = np.linspace(0.0, 360.0, _CIRCLE_POINTS, endpoint=False)
    latitudes, longitudes = destination(latitude, longitude, bearings, APPROACH_RADIUS_NM)
    return shapely.polygons(np.column_stack([longitudes, latitudes]))


def _enroute(
    dataset: str,
    region: Region,
    cells: Mapping[str, Polygon | MultiPolygon],
    circles: Mapping[str, Polygon | MultiPolygon],
) -> list[Sector]:
    sectors = []
    for icao, cell in cells.items():
        volumes = [Volume(cell, ceiling_ft=ENROUTE_CEILING_FT)]
        if icao in circles:
            around = shapely.difference(cell, circles[icao], grid_size=_GRID_DEG)
            volumes = [
                Volume(around, ceiling_ft=ENROUTE_CEILING_FT),
                Volume(circles[icao], APPROACH_CEILING_FT, ENROUTE_CEILING_FT),
            ]
        sectors.append(
            Sector(
                dataset=dataset,
                kind="enroute",
                name=f"{icao}_CTR",
                label=f"{icao} Centre (made)",
                volumes=tuple(volumes),
                positions=_area_positions(f"{icao}_CTR", icao, _centre_of(region, icao)),
                notes=("made, not real",),
            )
        )
    return sectors


def _approaches(
    dataset: str, region: Region, circles: Mapping[str, Polygon | MultiPolygon]
) -> list[Sector]:
    return [
        Sector(
            dataset=dataset,
            kind="approach",
            name=f"{icao}_APP",
            label=f"{icao} Approach (made)",
            volumes=(Volume(circle, ceiling_ft=APPROACH_CEILING_FT),),
            positions=(
                PositionRule(icao, ("APP", "DEP"), None, f"{icao}_APP is its own position"),
                *_area_positions(f"{icao}_APP", icao, _centre_of(region, icao)),
            ),
            notes=("made, not real",),
        )
        for icao, circle in circles.items()
    ]


def _firs(
    dataset: str, region: Region, cells: Mapping[str, Polygon | MultiPolygon]
) -> list[Sector]:
    return [
        Sector(
            dataset=dataset,
            kind="fir",
            name=f"{centre}_FIR",
            label=f"{centre} Flight Information Region (made)",
            volumes=(
                Volume(
                    shapely.union_all(
                        [cells[icao] for icao in members if icao in cells], grid_size=_GRID_DEG
                    ),
                    ceiling_ft=ENROUTE_CEILING_FT,
                ),
            ),
            positions=_area_positions(f"{centre}_FIR", centre, centre),
            notes=("made, not real",),
        )
        for centre, members in region.centres.items()
    ]


def _area_positions(sector: str, icao: str, centre: str) -> tuple[PositionRule, ...]:
    """The cell's own centre, then the one that looks after it, then that one's radio."""
    does = "is its own position" if sector == f"{icao}_CTR" else f"covers {sector}"
    own = PositionRule(icao, ("CTR",), None, f"{icao}_CTR {does}")
    radio = PositionRule(centre, ("FSS",), None, f"{centre}_FSS covers the region of {centre}")
    if icao == centre:
        return own, radio
    covering = PositionRule(centre, ("CTR",), None, f"{centre}_CTR covers {sector}")
    return own, covering, radio


def _centre_of(region: Region, icao: str) -> str:
    return next(centre for centre, members in region.centres.items() if icao in members)
