"""The positions that can be worked: those of the airspace's own lists, and aerodromes' towers.

A sector's list says who works it, in order: the first of it that is online. A position that stands
further back in other sectors' lists covers them while nobody splits them off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from shapely import centroid

from sectorwatch.airspace import Airports
from sectorwatch.airspace.geodesy import area_nm2, distance_nm, unit_vectors
from sectorwatch.airspace.owners import frequency_khz
from sectorwatch.simulator.chance import key_of, lot
from sectorwatch.simulator.channels import assign_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import PositionRule, Sector

__all__ = ["FACILITIES", "Aerodromes", "AerodromesLike", "Positions", "aerodromes_of", "positions"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

FACILITIES = {"FSS": 1, "DEL": 2, "GND": 3, "TWR": 4, "APP": 5, "DEP": 5, "CTR": 6}
_TERMINAL = ("GND", "TWR", "DEL")
_FSS_INSTEAD, _DEP_INSTEAD = 0.02, 0.04
_MOST_AERODROMES = 400
_DELIVERY_SHARE = 0.4
_LONGEST_PREFIX = 24
_ELSEWHERE = 0.002
"""Traffic of sectors without an airport of the network, as a share of all."""


class AerodromesLike(Protocol):
    """What is known of the network's airports: `ScheduleAirports` has it."""

    @property
    def icao(self) -> Sequence[str]:
        """Their codes."""

    @property
    def latitude(self) -> Floats:
        """Degrees, shape (n,)."""

    @property
    def longitude(self) -> Floats:
        """Degrees, shape (n,)."""

    @property
    def elevation_ft(self) -> Floats:
        """Feet above the sea, shape (n,)."""


class Aerodromes(NamedTuple):
    """Airports as arrays of shape (n,)."""

    icao: tuple[str, ...]
    latitude: Floats
    longitude: Floats
    elevation_ft: Floats


@dataclass(frozen=True, eq=False)
class Positions:
    """Everything that can be worked, arrays of shape (p,).

    `lists` has for each sector the positions of its list in order, -1 where it is over. `parent`
    is the position that a position is split from, -1 where from none. `tower`, `ground` and
    `delivery` have a position for each aerodrome, -1 where there is none; `home` the other way
    round. `weight` says how much traffic there is to work.
    """

    callsign: tuple[str, ...]
    key: NDArray[np.int64]
    facility: Integers
    latitude: Floats
    longitude: Floats
    channel_khz: Integers
    weight: Floats
    parent: Integers
    home: Integers
    lists: Integers
    tower: Integers
    ground: Integers
    delivery: Integers

    def __len__(self) -> int:
        return len(self.callsign)


def aerodromes_of(airspace: Airspace) -> Aerodromes:
    """The airports that the airspace's positions are named after, such as those of `YSSY_APP`."""
    known = Airports.load()
    codes = dict.fromkeys(
        rule.prefix.upper() for sector in airspace.sectors for rule in sector.positions
    )
    found = [airport for code in codes if (airport := known.get(code)) is not None]
    unique = {airport.icao: airport for airport in found}.values()
    return Aerodromes(
        tuple(airport.icao for airport in unique),
        np.array([airport.latitude for airport in unique], dtype=np.float64),
        np.array([airport.longitude for airport in unique], dtype=np.float64),
        np.array([airport.elevation_ft or 0.0 for airport in unique], dtype=np.float64),
    )


def positions(
    airspace: Airspace, aerodromes: AerodromesLike, weights: Floats | None, *, seed: int
) -> Positions:
    """The positions of `airspace` and the towers of its `aerodromes`, of which `weights` is busy.

    Weights, shape (aerodromes,), count movements or anything like it; without, all are alike. The
    busiest 400 aerodromes that lie in a sector get a tower and a ground.
    """
    table = _Table()
    lists = [[table.add(name) for name in _names(sector, seed)] for sector in airspace.sectors]
    given = _given_channels(airspace)
    busy = np.ones(len(aerodromes.icao)) if weights is None else np.asarray(weights, np.float64)
    inside = airspace.locate(
        aerodromes.longitude, aerodromes.latitude, aerodromes.elevation_ft + 1_500.0
    )
    sites = np.flatnonzero((inside >= 0).any(axis=0))
    sites = sites[np.argsort(-busy[sites], kind="stable")][:_MOST_AERODROMES]
    airborne = len(table.callsigns)
    towers = _towers(table, aerodromes, sites, given)
    latitude, longitude = _places(airspace.sectors, lists, airborne)
    home = np.full(len(table.callsigns), -1, dtype=np.int32)
    for column in towers:
        home[column[column >= 0]] = np.flatnonzero(column >= 0)
    latitude = np.concatenate([latitude, aerodromes.latitude[home[airborne:]]])
    longitude = np.concatenate([longitude, aerodromes.longitude[home[airborne:]]])
    callsigns = tuple(table.callsigns)
    key = np.array([key_of(callsign) for callsign in callsigns], dtype=np.int64)
    facility = np.array([_facility(callsign) for callsign in callsigns], dtype=np.int32)
    given_khz = np.array([given.get(callsign, 0) for callsign in callsigns], dtype=np.int32)
    padded = np.full((len(lists), max(map(len, lists))), -1, dtype=np.int32)
    for number, row in enumerate(lists):
        padded[number, : len(row)] = row
    radius_nm = _radii_nm(airspace.sectors, lists, latitude, longitude)
    weight = np.zeros(len(callsigns))
    _add_traffic(weight, padded, inside, busy)
    weight[airborne:] = busy[home[airborne:]]
    return Positions(
        callsign=callsigns,
        key=key,
        facility=facility,
        latitude=latitude,
        longitude=longitude,
        channel_khz=assign_channels(seed, key, facility, latitude, longitude, radius_nm, given_khz),
        weight=weight,
        parent=_parents(padded, facility),
        home=home,
        lists=padded,
        tower=towers[0],
        ground=towers[1],
        delivery=towers[2],
    )


class _Table:
    """Callsigns, each once, in the order in which they came."""

    def __init__(self) -> None:
        self.callsigns: list[str] = []
        self._index: dict[str, int] = {}

    def add(self, callsign: str) -> int:
        index = self._index.setdefault(callsign, len(self.callsigns))
        if index == len(self.callsigns):
            self.callsigns.append(callsign)
        return index


def _names(sector: Sector, seed: int) -> list[str]:
    """Callsigns of a sector's list; of a sector without one, a callsign made of its name."""
    found = [_callsign(rule, seed) for rule in sector.positions]
    if not found:
        suffix = "APP" if sector.kind == "approach" else "CTR"
        word = re.sub("[^A-Z0-9]+", "-", sector.name.upper()).strip("-")[:_LONGEST_PREFIX]
        found = [f"{word or f'S{sector.sector_id % 10_000}'}_{suffix}"]
    return list(dict.fromkeys(found))


def _callsign(rule: PositionRule, seed: int) -> str:
    prefix = rule.prefix.upper().strip("_")
    suffixes = [suffix.upper().lstrip("_") for suffix in rule.suffixes]
    chance = lot(seed, "other suffix", key_of(prefix))
    if len(suffixes) > 1 and (
        (suffixes[1] == "FSS" and chance < _FSS_INSTEAD)
        or (suffixes[1] == "DEP" and chance < _DEP_INSTEAD)
    ):
        return f"{prefix}_{suffixes[1]}"
    return f"{prefix}_{suffixes[0]}"


def _facility(callsign: str) -> int:
    return FACILITIES.get(callsign.rpartition("_")[2], FACILITIES["CTR"])


def _given_channels(airspace: Airspace) -> dict[str, int]:
    """What the data sets say of channels, by callsign; also of positions that work no sector."""
    rules = [rule for sector in airspace.sectors for rule in sector.positions]
    rules += [rule for dataset in airspace.datasets for rule in dataset.position_only]
    given: dict[str, int] = {}
    for rule in rules:
        khz = frequency_khz(rule.frequency_mhz or "")
        if khz is None:
            continue
        for suffix in rule.suffixes:
            given.setdefault(f"{rule.prefix.upper().strip('_')}_{suffix.upper().lstrip('_')}", khz)
    return given


def _towers(
    table: _Table, aerodromes: AerodromesLike, sites: NDArray[np.intp], given: dict[str, int]
) -> tuple[Integers, Integers, Integers]:
    """Tower, ground and delivery of each aerodrome: indices of positions, -1 for none."""
    found = {suffix: np.full(len(aerodromes.icao), -1, dtype=np.int32) for suffix in _TERMINAL}
    for rank, site in enumerate(sites.tolist()):
        icao = aerodromes.icao[site]
        # vatSys has SY_TWR for Sydney, the United States have JFK_TWR.
        names = [icao, icao[-2:], *([icao[1:]] if icao.startswith("K") else [])]
        prefix = next((name for name in names if f"{name}_TWR" in given), names[-1])
        if not (icao.startswith("K") or f"{prefix}_TWR" in given):
            prefix = icao
        for suffix in _TERMINAL:
            if suffix == "DEL" and rank >= len(sites) * _DELIVERY_SHARE:
                continue
            before = len(table.callsigns)
            index = table.add(f"{prefix}_{suffix}")
            if index == before:
                found[suffix][site] = index
    return found["TWR"], found["GND"], found["DEL"]


def _places(
    sectors: Sequence[Sector], lists: Sequence[Sequence[int]], count: int
) -> tuple[Floats, Floats]:
    """Where each position is: the middle of the sectors it is first for, else of all it covers."""
    polygons = [sector.volumes[0].polygon for sector in sectors]
    middles = centroid(np.array(polygons, dtype=object))
    lat = np.array([middle.y for middle in middles])
    lon = np.array([middle.x for middle in middles])
    vectors = np.stack(unit_vectors(lat, lon), axis=1) * np.sqrt(area_nm2(polygons))[:, None]
    own, covered = np.zeros((count, 3)), np.zeros((count, 3))
    for number, row in enumerate(lists):
        own[row[0]] += vectors[number]
        covered[row[1:]] += vectors[number]
    total = np.where((own != 0).any(axis=1, keepdims=True), own, covered)
    x, y, z = total.T
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _radii_nm(
    sectors: Sequence[Sector], lists: Sequence[Sequence[int]], latitude: Floats, longitude: Floats
) -> Floats:
    """How far from its place each position works at most, nautical miles; 0 for towers."""
    polygons = [sector.volumes[0].polygon for sector in sectors]
    middles = centroid(np.array(polygons, dtype=object))
    own_nm = np.sqrt(area_nm2(polygons) / np.pi)
    radius_nm = np.zeros(len(latitude))
    for number, row in enumerate(lists):
        away_nm = distance_nm(latitude[row], longitude[row], middles[number].y, middles[number].x)
        radius_nm[row] = np.maximum(radius_nm[row], away_nm + own_nm[number])
    return radius_nm


def _add_traffic(weight: Floats, lists: Integers, inside: NDArray[np.int32], busy: Floats) -> None:
    """Give each sector's traffic to its list: all to the first, less to who covers it."""
    traffic = np.full(len(lists), busy.sum() * _ELSEWHERE / max(1, len(lists)))
    for row in inside:
        np.add.at(traffic, row[row >= 0], busy[row >= 0])
    for place in range(lists.shape[1]):
        there = lists[:, place] >= 0
        np.add.at(weight, lists[there, place], traffic[there] * 0.5**place)


def _parents(lists: Integers, facility: Integers) -> Integers:
    """For each position the one it is split from: who stands behind it and covers the most.

    An approach is no split of the centre that covers it: it opens without it as well.
    """
    breadth = np.bincount(lists[lists >= 0], minlength=len(facility))
    parent = np.full(len(facility), -1, dtype=np.int32)
    for row in lists:
        own, *behind = row[row >= 0].tolist()
        wider = [
            other
            for other in behind
            if breadth[other] > breadth[own] and facility[other] == facility[own]
        ]
        if wider and parent[own] < 0:
            parent[own] = max(wider, key=lambda other: (breadth[other], -other))
    return parent
