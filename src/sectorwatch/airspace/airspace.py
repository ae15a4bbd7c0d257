"""Data sets joined into one airspace: its sectors, its partitions, and what is where."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely

from sectorwatch.airspace.formats import read_dataset
from sectorwatch.airspace.index import Index, points_of
from sectorwatch.airspace.model import Problem
from sectorwatch.airspace.owners import OwnerFinder, with_positions
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry import MultiPolygon, Polygon

    from sectorwatch.airspace.model import DataSet, Sector, SectorKind
    from sectorwatch.airspace.owners import ControllerLike, OwnerMatch

__all__ = ["Airspace", "Partition", "load_airspace"]

# Coordinates count to 1 cm: what is computed may differ in its last bit from machine to machine.
_PER_DEGREE = 1e7
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Partition:
    """One data set's sectors of one kind: in it a point is in at most one sector.

    They are `Airspace.sectors[first:first + count]`.
    """

    name: str
    kind: SectorKind
    first: int
    count: int


class Airspace:
    """All sectors of some data sets, and the index that says which of them hold a point.

    Data sets of one name get numbers behind it, sectors that share data set, kind and name become
    one; both are told in `problems`. `capacities` gives sectors, by name or `partition/name`, how
    many aircraft at once they take. `configured` are names, said likewise, whose lists of positions
    were given: one that no sector has is a problem. Raises AirspaceError where there is no sector
    at all, a capacity is none, or a polygon lies outside the world.
    """

    def __init__(
        self,
        datasets: Iterable[DataSet],
        capacities: Mapping[str, int] | None = None,
        configured: Iterable[str] = (),
    ) -> None:
        found: list[Problem] = []
        self.datasets: tuple[DataSet, ...] = tuple(_told_apart(datasets, found))
        groups: dict[tuple[str, SectorKind], list[Sector]] = {}
        for dataset in self.datasets:
            for sector in _joined(dataset.sectors, found):
                groups.setdefault((sector.dataset, sector.kind), []).append(sector)
        if not groups:
            raise AirspaceError(
                "the airspace has no sector; name a data set such as vatspy:DIR or made:australia"
            )
        sectors: list[Sector] = []
        partitions: list[Partition] = []
        for (_, kind), group in groups.items():
            partitions.append(Partition(group[0].partition, kind, len(sectors), len(group)))
            sectors.extend(group)
        self._by_name: dict[str, list[int]] = {}
        for number, sector in enumerate(sectors):
            for name in (sector.name, f"{sector.partition}/{sector.name}"):
                self._by_name.setdefault(name.casefold(), []).append(number)
        self.partitions: tuple[Partition, ...] = tuple(partitions)
        self.sectors: tuple[Sector, ...] = tuple(sectors)
        self.sectors = tuple(self._with_capacities(capacities or {}, found))
        found.extend(
            _unknown("positions", name, self.nearest_names(name))
            for name in configured
            if not self.find(name)
        )
        self.problems: tuple[Problem, ...] = (
            *(problem for dataset in self.datasets for problem in dataset.problems),
            *found,
        )
        self._index_of = {sector.sector_id: number for number, sector in enumerate(self.sectors)}
        self._indexes = [Index(groups[key]) for key in groups]
        self._owners = OwnerFinder(self.sectors, self.datasets)

    def locate(self, lon: ArrayLike, lat: ArrayLike, altitude_ft: ArrayLike) -> NDArray[np.int32]:
        """Which sector of each partition holds each point: shape (partitions, n).

        Coordinates in degrees and feet, shape (n,). Answers index `sectors`, -1 is none; a
        coordinate that is not finite, or a latitude past a pole, is in none.
        """
        points = points_of(lon, lat, altitude_ft)
        found = np.empty((len(self.partitions), len(points.lon)), dtype=np.int32)
        for row, (partition, index) in enumerate(zip(self.partitions, self._indexes, strict=True)):
            found[row] = index.locate_points(points)
            if partition.first:
                found[row] += np.where(found[row] >= 0, np.int32(partition.first), np.int32(0))
        return found

    def settled(
        self,
        lon: ArrayLike,
        lat: ArrayLike,
        altitude_ft: ArrayLike,
        lon2: ArrayLike,
        lat2: ArrayLike,
        altitude2_ft: ArrayLike,
    ) -> NDArray[np.bool_]:
        """Where the whole step from the first to the second point stays in one sector a partition.

        Shape (n,); a step is straight in longitude, latitude and feet. True only where that is
        certain: every point of the step, its ends among them, has the same answer of `locate`.
        """
        start, end = points_of(lon, lat, altitude_ft), points_of(lon2, lat2, altitude2_ft)
        if len(start.lon) != len(end.lon):
            raise ValueError(f"{len(start.lon)} first points, but {len(end.lon)} second ones")
        settled = np.ones(len(start.lon), dtype=np.bool_)
        for index in self._indexes:
            settled &= index.settled_points(start, end)
        return settled

    def find(self, name: str) -> list[Sector]:
        """The sectors called `name`, or `partition/name`, in any case; `[]` if there is none."""
        return [self.sectors[number] for number in self._by_name.get(name.strip().casefold(), ())]

    def nearest_names(self, name: str, n: int = 5) -> list[str]:
        """Up to `n` names of sectors that are most like `name`, the likeliest first.

        Those that begin with it come first, then those that contain it, then similar ones.
        """
        wanted = name.strip().casefold()[:_LONGEST_NAME]
        names = {sector.name.casefold(): sector.name for sector in self.sectors}
        begin = sorted(key for key in names if wanted and key.startswith(wanted))
        contain = sorted(key for key in names if wanted and wanted in key)
        likely = list(dict.fromkeys(begin + contain))[:n]
        if len(likely) < n:
            likely += difflib.get_close_matches(wanted, names.keys() - set(likely), n, 0.5)
        return [names[key] for key in likely[:n]]

    def index_of(self, sector_id: int) -> int | None:
        """Where in `sectors` the sector with this id stands; None if this airspace has none."""
        return self._index_of.get(sector_id)

    def owners(self, controllers: Sequence[ControllerLike]) -> list[OwnerMatch | None]:
        """Who owns each sector, in the order of `sectors`; None where nobody online does."""
        return self._owners.owners(controllers)

    @property
    def is_made(self) -> bool:
        """Whether any of it was made by us rather than by those who control there."""
        return any(dataset.is_made for dataset in self.datasets)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) of all sectors, degrees."""
        polygons = [volume.polygon for sector in self.sectors for volume in sector.volumes]
        west, south, east, north = shapely.total_bounds(polygons).tolist()
        return west, south, east, north

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that any other airspace has others of.

        Over the names, kinds, order, positions and volumes of all sectors, coordinates to 1e-7
        degrees, so the same on every machine. Labels and capacities are not in it: they change
        nothing of what is counted.
        """
        digest = hashlib.blake2b(digest_size=16)
        polygons: list[Polygon | MultiPolygon] = []
        for sector in self.sectors:
            limits = [(volume.floor_ft, volume.ceiling_ft) for volume in sector.volumes]
            positions = [(p.prefix, p.suffixes, p.frequency_mhz) for p in sector.positions]
            text = repr((sector.dataset, sector.kind, sector.name, limits, positions))
            digest.update(text.encode("utf-8", "surrogatepass"))
            polygons.extend(volume.polygon for volume in sector.volumes)
        parts, volume_of = shapely.get_parts(polygons, return_index=True)
        rings, part_of = shapely.get_rings(parts, return_index=True)
        points, ring_of = shapely.get_coordinates(rings, return_index=True)
        for numbers in (volume_of, part_of, ring_of, np.rint(points * _PER_DEGREE)):
            digest.update(np.ascontiguousarray(numbers, dtype="<i8").tobytes())
        return digest.hexdigest()

    def _with_capacities(self, capacities: Mapping[str, int], found: list[Problem]) -> list[Sector]:
        sectors = list(self.sectors)
        for name, capacity in capacities.items():
            if type(capacity) is not int or capacity < 1:
                raise AirspaceError(
                    f"{capacity!r} is no capacity of {name!r}: it is how many aircraft at once, 1"
                    " or more"
                )
            numbers = self._by_name.get(name.strip().casefold(), [])
            for number in numbers:
                sectors[number] = replace(sectors[number], capacity=capacity)
            if not numbers:
                found.append(_unknown("capacity", name, self.nearest_names(name)))
        return sectors


def load_airspace(
    specs: Sequence[str],
    capacities: Mapping[str, int] | None = None,
    positions: Mapping[str, Sequence[str]] | None = None,
) -> Airspace:
    """The airspace that SPECs such as `vatspy:DIR` name, several side by side.

    `capacities` gives sectors by name how many aircraft they take, `positions` replaces their
    lists of who works them (callsigns, `BN-ARL_CTR@130.900`). Raises AirspaceError where a data
    set cannot be read, naming the file and what to do.
    """
    datasets = [with_positions(read_dataset(spec), positions or {}) for spec in specs]
    return Airspace(datasets, capacities, positions or ())


def _told_apart(datasets: Iterable[DataSet], found: list[Problem]) -> Iterable[DataSet]:
    """The data sets, each under a name that none before it has."""
    taken: set[str] = set()
    for dataset in datasets:
        name, number = dataset.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{dataset.name}-{number}"
        taken.add(name.casefold())
        if name == dataset.name:
            yield dataset
            continue
        message = (
            f"{dataset.spec} is called {name} here, for {dataset.name} is taken; name it with ?as="
        )
        found.append(Problem("repeated_dataset", name, message))
        sectors = tuple(replace(sector, dataset=name) for sector in dataset.sectors)
        yield replace(dataset, name=name, sectors=sectors)


def _joined(sectors: Sequence[Sector], found: list[Problem]) -> Iterable[Sector]:
    """The sectors, those of one kind and name made one: a sector's id is made of these."""
    by_key: dict[tuple[str, str], Sector] = {}
    for sector in sectors:
        key = (sector.kind, sector.name)
        before = by_key.get(key)
        if before is None:
            by_key[key] = sector
            continue
        by_key[key] = replace(before, volumes=before.volumes + sector.volumes)
        message = f"{sector.partition} has it more than once; its volumes were joined"
        found.append(Problem("repeated_sector", sector.name, message))
    return by_key.values()


def _unknown(setting: Literal["capacity", "positions"], name: str, nearest: list[str]) -> Problem:
    hint = f"; near it are {', '.join(nearest)}" if nearest else ""
    what = "a capacity" if setting == "capacity" else "a list of positions"
    return Problem(
        f"unknown_{setting}",
        name,
        f"{what} is configured for {name!r}, but there is no such sector{hint}",
    )
