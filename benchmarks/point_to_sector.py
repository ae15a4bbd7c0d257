"""Target 4: a million points to 1,500 three-dimensional volumes, against shapely's STRtree.

The volumes are cut from real data: VATSpy's FIRs up to FL240, PERTI's high sectors between FL240
and FL350, its superhigh ones from there up, each by itself. STRtree's query gives every polygon that
has a point; which of them has it at its altitude, and the smallest of those, is worked out
afterwards and not timed. Ours gives the answer. Both have their index built and their points ready.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sectorwatch.airspace import load_airspace
from sectorwatch.airspace.index import Index, sector_areas_nm2
from sectorwatch.airspace.model import Sector, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = NDArray[np.float64]

REACH = 8.0
VOLUMES = 1_500
POINTS = 1_000_000
ROUNDS = 5
METRE_DEG = 9e-6
WORLD, USA = (-180.0, -90.0, 180.0, 90.0), (-125.0, 24.0, -66.0, 50.0)


def volumes_of(data: Path) -> list[Sector]:
    """The 1,500 volumes, each a sector of its own."""
    folder = data / "airspace"
    loaded = load_airspace(
        [
            f"geojson:{folder}/perti-us/superhigh.json?name=label",
            f"vatspy:{folder}/vatspy",
            f"geojson:{folder}/perti-us/high.json?name=label",
        ]
    )
    limits = {
        "superhigh:enroute": (35_000.0, np.inf),
        "vatspy:fir": (-np.inf, 24_000.0),
        "high:enroute": (24_000.0, 35_000.0),
    }
    cut = [
        Volume(volume.polygon, *limits[sector.partition])
        for partition in limits
        for sector in loaded.sectors
        if sector.partition == partition
        for volume in sector.volumes
    ]
    return [
        Sector("bench", "enroute", str(number), "", (volume,))
        for number, volume in enumerate(cut[:VOLUMES])
    ]


def points_in(bounds: tuple[float, ...], seed: int) -> tuple[Floats, Floats, Floats]:
    """A million points (lon, lat, altitude in feet) evenly over a box, up to FL450."""
    rng = np.random.default_rng(seed)
    west, south, east, north = bounds
    return (
        rng.uniform(west, east, POINTS),
        rng.uniform(south, north, POINTS),
        rng.uniform(0, 45_000, POINTS),
    )


def chosen(
    sectors: Sequence[Sector], pairs: NDArray[np.intp], altitude_ft: Floats
) -> NDArray[np.intp]:
    """Of (point, polygon) pairs the smallest polygon with the point at its altitude, else -1."""
    floor = np.array([sector.volumes[0].floor_ft for sector in sectors])
    ceiling = np.array([sector.volumes[0].ceiling_ft for sector in sectors])
    point, polygon = pairs
    has = (floor[polygon] <= altitude_ft[point]) & (altitude_ft[point] < ceiling[polygon])
    point, polygon = point[has], polygon[has]
    n = len(sectors)
    by_rank = np.lexsort((np.arange(n), sector_areas_nm2(sectors)))
    rank = np.empty(n, dtype=np.intp)
    rank[by_rank] = np.arange(n)
    best = np.full(len(altitude_ft), n)
    np.minimum.at(best, point, rank[polygon])
    answer: NDArray[np.intp] = np.append(by_rank, -1)[best]
    return answer


def median_s(sides: Sequence[Callable[[], object]]) -> list[float]:
    """The median time of each side, turn by turn so that both meet the same machine."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, taken in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def compare(sectors: Sequence[Sector], index: Index, bounds: tuple[float, ...]) -> dict[str, float]:
    """Both sides over the points of one box: medians in seconds, ratio and disagreements."""
    lon, lat, altitude_ft = points_in(bounds, seed=len(sectors))
    polygons = np.array([sector.volumes[0].polygon for sector in sectors], dtype=object)
    shapely.prepare(polygons)
    tree, points = shapely.STRtree(polygons), shapely.points(lon, lat)
    theirs, ours = median_s(
        [
            lambda: tree.query(points, predicate="intersects"),
            lambda: index.locate(lon, lat, altitude_ft),
        ]
    )
    expected = chosen(sectors, tree.query(points, predicate="intersects"), altitude_ft)
    differ = np.flatnonzero(index.locate(lon, lat, altitude_ft) != expected)
    edges = shapely.STRtree(shapely.boundary(polygons))
    near, _ = edges.query(points[differ], predicate="dwithin", distance=METRE_DEG)
    return {
        "theirs_s": theirs,
        "ours_s": ours,
        "ratio": theirs / ours,
        "differ": len(differ),
        "differ_far": len(differ) - len(np.unique(near)),
        "inside": float((expected >= 0).mean()),
    }


def turned_about_s(sectors: Sequence[Sector], bounds: tuple[float, ...]) -> float:
    """Shapely's own best way: a tree of the points, asked by prepared polygons; seconds."""
    lon, lat, _ = points_in(bounds, seed=len(sectors))
    polygons = np.array([sector.volumes[0].polygon for sector in sectors], dtype=object)
    points = shapely.points(lon, lat)
    return median_s([lambda: shapely.STRtree(points).query(polygons, predicate="intersects")])[0]


def run() -> dict[str, Any]:
    """Both sides on the same points; see `run_all.py` for what the answer holds."""
    data = Path(os.environ.get("SECTORWATCH_REAL_DATA", ""))
    if not (data / "airspace").is_dir():
        sys.exit("SECTORWATCH_REAL_DATA has to name the folder of real data with airspace/ in it")
    sectors = volumes_of(data)
    start = time.perf_counter()
    index = Index(sectors)
    built_s = time.perf_counter() - start
    found = {name: compare(sectors, index, box) for name, box in (("US", USA), ("world", WORLD))}
    figures = {"volumes": f"{len(sectors):,}", "built in": f"{built_s:.2f} s"}
    for name, row in found.items():
        figures[name] = (
            f"{POINTS / row['ours_s'] / 1e6:.1f} M points/s against"
            f" {POINTS / row['theirs_s'] / 1e6:.2f} M, {row['ratio']:.0f} times"
            f" ({row['inside']:.0%} in a volume)"
        )
    figures["disagreements"] = f"{sum(row['differ'] for row in found.values()):.0f}"
    far = sum(row["differ_far"] for row in found.values())
    figures["of them over 1 m from an edge"] = f"{far:.0f}"
    turned = POINTS / turned_about_s(sectors, USA) / 1e6
    figures["US, shapely's tree of points asked by polygons"] = f"{turned:.2f} M points/s"
    ratio = min(row["ratio"] for row in found.values())
    return {
        "target": "4",
        "what": "a million points to 1,500 three-dimensional volumes",
        "against": "`shapely.STRtree.query(points, predicate)`",
        "reach": f"≥ {REACH:.0f} times, no disagreement but within 1 m of an edge",
        "figures": figures,
        "ratio": f"{ratio:.0f} times",
        "met": ratio >= REACH and far == 0 and len(sectors) == VOLUMES,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1, ensure_ascii=False))
