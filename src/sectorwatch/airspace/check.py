"""What `airspace check` says of a data set: what it holds, and what is wrong in it, as data.

Real data overlap and leave slivers. Where sectors of a partition overlap, the smallest in area has
the point, so an overlap is no error; but who loads a data set wants to know of them, of places that
no sector has, and of sectors that never have a point at all.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import Polygon

from sectorwatch.airspace.geodesy import area_nm2, distance_nm
from sectorwatch.airspace.geometry import union
from sectorwatch.airspace.index import sector_areas_nm2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace.model import DataSet, Problem, Sector, SectorKind

__all__ = ["DataSetCheck", "Gap", "Overlap", "PartitionCheck", "check"]

SLIVER_NM = 1.0
"""An overlap or gap whose mean width is less is a sliver: two drawings of one border."""

_LISTED = 20
# Less than 4,000 square metres is what rounding makes of two equal borders.
_SPECK_NM2 = 1e-3
_WHOLE = 0.999
_MOST_LEVELS = 64


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two sectors of a partition that share airspace.

    `area_nm2` is summed over their volumes' overlaps; `nested` where it is all of the smaller one.
    """

    first: str
    second: str
    area_nm2: float
    nested: bool
    sliver: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A place with sectors all around that no sector has, between two levels.

    Longitude and latitude are those of a point in it. -inf is the surface, +inf no limit.
    """

    longitude: float
    latitude: float
    area_nm2: float
    floor_ft: float
    ceiling_ft: float
    sliver: bool


@dataclass(frozen=True, slots=True)
class PartitionCheck:
    """One partition: the sectors of one kind, how they overlap and what they leave out.

    `hidden` are sectors that never have a point, smaller ones having all of theirs. Overlaps and
    gaps are all of them, the largest first.
    """

    name: str
    kind: SectorKind
    sectors: int
    volumes: int
    corners: int
    area_nm2: float
    without_limits: int
    without_positions: int
    overlaps: tuple[Overlap, ...]
    gaps: tuple[Gap, ...]
    hidden: tuple[str, ...]

    @property
    def figures(self) -> dict[str, float]:
        """The partition in numbers: how many overlaps and gaps of which sort, and their areas."""
        partial = [pair for pair in self.overlaps if not pair.nested]
        wide = [pair for pair in partial if not pair.sliver]
        holes = [gap for gap in self.gaps if not gap.sliver]
        return {
            "overlaps": len(self.overlaps),
            "overlaps_nested": len(self.overlaps) - len(partial),
            "overlaps_partial": len(wide),
            "overlaps_partial_nm2": math.fsum(pair.area_nm2 for pair in wide),
            "overlaps_slivers": len(partial) - len(wide),
            "gaps": len(self.gaps),
            "gaps_wide": len(holes),
            "gaps_wide_nm2": math.fsum(gap.area_nm2 for gap in holes),
            "gaps_slivers": len(self.gaps) - len(holes),
        }


@dataclass(frozen=True, slots=True)
class DataSetCheck:
    """A data set, its partitions, and its problems: those kept, and how many there were of each."""

    name: str
    spec: str
    is_made: bool
    facts: Mapping[str, int]
    partitions: tuple[PartitionCheck, ...]
    positions: int
    position_only: int
    problems: tuple[Problem, ...]
    problem_counts: Mapping[str, int]

    def as_dict(self, listed: int | None = _LISTED) -> dict[str, Any]:
        """The check as JSON can carry it, no list longer than `listed` (None: all of them)."""
        return {
            "name": self.name,
            "spec": self.spec,
            "is_made": self.is_made,
            "facts": dict(self.facts),
            "positions": self.positions,
            "position_only": self.position_only,
            "partitions": [_partition_dict(partition, listed) for partition in self.partitions],
            "problem_counts": dict(self.problem_counts),
            "problems": [asdict(problem) for problem in self.problems[:listed]],
        }


def check(dataset: DataSet) -> DataSetCheck:
    """What a data set holds and what is wrong in it; takes seconds where it covers the world."""
    by_partition: dict[str, list[Sector]] = {}
    for sector in dataset.sectors:
        by_partition.setdefault(sector.partition, []).append(sector)
    callsigns = {
        f"{rule.prefix}_{suffix}"
        for sector in dataset.sectors
        for rule in sector.positions
        for suffix in rule.suffixes
    }
    return DataSetCheck(
        name=dataset.name,
        spec=dataset.spec,
        is_made=dataset.is_made,
        facts=dataset.facts,
        partitions=tuple(_check_partition(sectors) for sectors in by_partition.values()),
        positions=len(callsigns),
        position_only=len(dataset.position_only),
        problems=dataset.problems,
        # Readers keep the first few hundred problems of a kind, but count them all.
        problem_counts={
            kind: dataset.facts.get(kind, count)
            for kind, count in Counter(problem.kind for problem in dataset.problems).items()
        },
    )


@dataclass(frozen=True, slots=True)
class _Stack:
    """All volumes of a partition side by side, shape (n,), and its sectors' names and areas."""

    polygons: NDArray[np.object_]
    floor_ft: NDArray[np.float64]
    ceiling_ft: NDArray[np.float64]
    sector: NDArray[np.intp]
    names: Sequence[str]
    sector_area_nm2: NDArray[np.float64]

    @classmethod
    def of(cls, sectors: Sequence[Sector]) -> _Stack:
        volumes = [(n, volume) for n, sector in enumerate(sectors) for volume in sector.volumes]
        polygons = np.empty(len(volumes), dtype=object)
        polygons[:] = [volume.polygon for _, volume in volumes]
        return cls(
            polygons=polygons,
            floor_ft=np.array([volume.floor_ft for _, volume in volumes]),
            ceiling_ft=np.array([volume.ceiling_ft for _, volume in volumes]),
            sector=np.array([number for number, _ in volumes], dtype=np.intp),
            names=[sector.name for sector in sectors],
            sector_area_nm2=sector_areas_nm2(sectors),
        )


@dataclass(frozen=True, slots=True)
class _Shared:
    """Pairs of volumes that overlap, and what they share, shape (n,)."""

    one: NDArray[np.intp]
    two: NDArray[np.intp]
    shapes: NDArray[np.object_]
    area_nm2: NDArray[np.float64]


def _check_partition(sectors: Sequence[Sector]) -> PartitionCheck:
    stack = _Stack.of(sectors)
    shared = _shared(stack)
    whole = union(stack.polygons)
    without_limits = (stack.floor_ft == -np.inf) & (stack.ceiling_ft == np.inf)
    return PartitionCheck(
        name=sectors[0].partition,
        kind=sectors[0].kind,
        sectors=len(sectors),
        volumes=len(stack.polygons),
        corners=int(shapely.get_num_coordinates(stack.polygons).sum()),
        area_nm2=float(area_nm2([whole])[0]),
        without_limits=int(without_limits.sum()),
        without_positions=sum(not sector.positions for sector in sectors),
        overlaps=_overlaps(stack, shared),
        gaps=_gaps(stack),
        hidden=_hidden(stack, shared),
    )


def _shared(stack: _Stack) -> _Shared:
    one, two = shapely.STRtree(stack.polygons).query(stack.polygons, predicate="intersects")
    low = np.maximum(stack.floor_ft[one], stack.floor_ft[two])
    high = np.minimum(stack.ceiling_ft[one], stack.ceiling_ft[two])
    pairs = (one < two) & (stack.sector[one] != stack.sector[two]) & (low < high)
    one, two = one[pairs], two[pairs]
    shapes = shapely.intersection(stack.polygons[one], stack.polygons[two])
    areas = area_nm2(shapes)
    real = areas > _SPECK_NM2
    return _Shared(one[real], two[real], shapes[real], areas[real])


def _overlaps(stack: _Stack, shared: _Shared) -> tuple[Overlap, ...]:
    """The overlapping pairs of sectors, the largest first."""
    rows_of: dict[tuple[int, int], list[int]] = {}
    sectors = zip(stack.sector[shared.one], stack.sector[shared.two], strict=True)
    for row, (first, second) in enumerate(sectors):
        rows_of.setdefault((int(first), int(second)), []).append(row)
    overlaps = []
    for (first, second), rows in rows_of.items():
        area = float(shared.area_nm2[rows].sum())
        smaller = min(stack.sector_area_nm2[first], stack.sector_area_nm2[second])
        widest = max(_width_nm(shared.shapes[row], float(shared.area_nm2[row])) for row in rows)
        overlaps.append(
            Overlap(
                first=stack.names[first],
                second=stack.names[second],
                area_nm2=area,
                nested=bool(area >= _WHOLE * smaller),
                sliver=widest < SLIVER_NM,
            )
        )
    return tuple(sorted(overlaps, key=lambda pair: (-pair.area_nm2, pair.first, pair.second)))


def _hidden(stack: _Stack, shared: _Shared) -> tuple[str, ...]:
    """Sectors all of whose volumes are covered, from floor to ceiling, by those before them."""
    order = np.lexsort((np.arange(len(stack.names)), stack.sector_area_nm2))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    first_wins = rank[stack.sector[shared.one]] < rank[stack.sector[shared.two]]
    winner = np.where(first_wins, shared.one, shared.two)
    loser = np.where(first_wins, shared.two, shared.one)
    spans = stack.floor_ft[winner] <= stack.floor_ft[loser]
    spans &= stack.ceiling_ft[winner] >= stack.ceiling_ft[loser]
    own = area_nm2(list(stack.polygons))
    covered = np.bincount(loser[spans], weights=shared.area_nm2[spans], minlength=len(own))
    gone = np.zeros(len(own), dtype=bool)
    for volume in np.flatnonzero(covered >= _WHOLE * own):
        cover = union(shared.shapes[spans & (loser == volume)])
        gone[volume] = area_nm2([cover])[0] >= _WHOLE * own[volume]
    left = np.bincount(stack.sector[~gone], minlength=len(stack.names))
    return tuple(name for name, count in zip(stack.names, left, strict=True) if count == 0)


def _gaps(stack: _Stack) -> tuple[Gap, ...]:
    """The holes in what the sectors cover together, level by level, the largest first.

    A hole that is the same at one level and the next is one gap. Of more than 64 levels those are
    looked at where the most volumes begin or end.
    """
    counted = Counter(np.concatenate([stack.floor_ft, stack.ceiling_ft]).tolist())
    levels = {level for level, _ in counted.most_common(_MOST_LEVELS)}
    steps = sorted(levels | {min(counted), max(counted)})
    still_open: dict[bytes, tuple[Polygon, float, float]] = {}
    found: list[tuple[Polygon, float, float]] = []
    for low, high in pairwise(steps):
        here = (stack.floor_ft <= low) & (stack.ceiling_ft > low)
        now = {}
        for hole in _holes(union(stack.polygons[here])):
            key = shapely.to_wkb(hole)
            _, since, _ = still_open.pop(key, (hole, low, high))
            now[key] = (hole, since, high)
        found.extend(still_open.values())
        still_open = now
    found.extend(still_open.values())
    gaps = []
    areas = area_nm2([hole for hole, _, _ in found]).tolist()
    for (hole, low, high), area in zip(found, areas, strict=True):
        if area > _SPECK_NM2:
            point = hole.representative_point()
            sliver = _width_nm(hole, area) < SLIVER_NM
            gaps.append(Gap(point.x, point.y, area, low, high, sliver=sliver))
    return tuple(sorted(gaps, key=lambda gap: (-gap.area_nm2, gap.longitude, gap.floor_ft)))


def _holes(shape: Any) -> list[Polygon]:
    return [
        Polygon(ring).normalize()
        for part in shapely.get_parts(shape)
        for ring in getattr(part, "interiors", ())
    ]


def _width_nm(shape: Any, area: float) -> float:
    """The mean width of something long and thin: twice its area over its perimeter."""
    perimeter = 0.0
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                lon, lat = shapely.get_coordinates(ring).T
                perimeter += float(distance_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]).sum())
    return 2 * area / perimeter


def _partition_dict(partition: PartitionCheck, listed: int | None) -> dict[str, Any]:
    return {
        "name": partition.name,
        "kind": partition.kind,
        "sectors": partition.sectors,
        "volumes": partition.volumes,
        "corners": partition.corners,
        "area_nm2": round(partition.area_nm2, 1),
        "without_limits": partition.without_limits,
        "without_positions": partition.without_positions,
        **{name: round(value, 1) for name, value in partition.figures.items()},
        "hidden": len(partition.hidden),
        "hidden_names": list(partition.hidden[:listed]),
        "largest_overlaps": [
            {**asdict(pair), "area_nm2": round(pair.area_nm2, 3)}
            for pair in partition.overlaps[:listed]
        ],
        "largest_gaps": [
            {
                "longitude": round(gap.longitude, 5),
                "latitude": round(gap.latitude, 5),
                "area_nm2": round(gap.area_nm2, 3),
                "floor_ft": gap.floor_ft if math.isfinite(gap.floor_ft) else None,
                "ceiling_ft": gap.ceiling_ft if math.isfinite(gap.ceiling_ft) else None,
                "sliver": gap.sliver,
            }
            for gap in partition.gaps[:listed]
        ],
    }
