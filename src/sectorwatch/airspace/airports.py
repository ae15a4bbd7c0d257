"""Airports: where they are, how high, and which is nearest.

Positions and elevations come from `airportsdata`; a data set of the network may be laid over them,
for what a flight simulator's pilots fly from is what the network's own list knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import airportsdata
import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.edges import expand
from sectorwatch.airspace.formats.reading import Findings, read_text
from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, distance_nm, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

__all__ = ["Airport", "Airports", "read_vatspy_airports"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

# A quarter of a degree, 15 NM: some five airports a cell where there are most.
_ROWS = 720
_ROW_DEG = 180.0 / _ROWS
_HAIR_DEG = 1e-9
_FULL_TURN, _HALF_TURN, _POLE = 360.0, 180.0, 90.0
# Pairs of a point and an airport near it that are held at once.
_MOST_PAIRS = 2_000_000
# An airport that the overlay moves further than this is another airport, of unknown elevation.
_SAME_PLACE_NM = 5.0
_VATSPY_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Airport:
    """One airport; `index` is its place in the arrays of `Airports`."""

    index: int
    icao: str
    name: str
    latitude: float
    longitude: float
    elevation_ft: float | None


class Airports:
    """Airports as arrays of shape (n,), in one order: `icao`, `name`, `lat`, `lon`, `elevation_ft`.

    `elevation_ft` is NaN where unknown. Codes are unique; `aliases` gives other codes by which an
    airport is found. Raises ValueError where a position is none.
    """

    def __init__(
        self, airports: Sequence[Airport], aliases: Mapping[str, str] | None = None
    ) -> None:
        self.icao: tuple[str, ...] = tuple(airport.icao for airport in airports)
        self.name: tuple[str, ...] = tuple(airport.name for airport in airports)
        self.lat: Floats = np.array([airport.latitude for airport in airports], dtype=np.float64)
        self.lon: Floats = np.array([airport.longitude for airport in airports], dtype=np.float64)
        self.elevation_ft: Floats = np.array(
            [math.nan if a.elevation_ft is None else a.elevation_ft for a in airports],
            dtype=np.float64,
        )
        for number in np.flatnonzero(
            ~((np.abs(self.lat) <= _POLE) & (np.abs(self.lon) <= _HALF_TURN))
        )[:1]:
            raise ValueError(
                f"airport {self.icao[number]} is at latitude {self.lat[number]:g}, longitude"
                f" {self.lon[number]:g}; they are -90..90 and -180..180"
            )
        self._index_of = {icao: number for number, icao in enumerate(self.icao)}
        if len(self._index_of) != len(self.icao):
            raise ValueError("an airport's code stands there twice; codes are unique")
        for alias, icao in (aliases or {}).items():
            if icao in self._index_of:
                self._index_of.setdefault(alias, self._index_of[icao])
        self._vectors = unit_vectors(self.lat, self.lon)
        self._lay_out()

    @classmethod
    def load(cls, overlay: Iterable[tuple[str, str, float, float]] = ()) -> Airports:
        """All airports that `airportsdata` knows, with (code, name, lat, lon) rows laid over them.

        An overlaid airport has the overlay's position; its elevation stays known where it did not
        move by more than 5 NM. Takes about 0.15 s.
        """
        known: dict[str, Airport] = {}
        aliases: dict[str, str] = {}
        for icao, row in airportsdata.load("ICAO").items():
            if icao.startswith("_"):  # entries that have an IATA code alone
                continue
            # The source writes 0 where it does not know: 982 times in Australia.
            elevation = row["elevation"] or None
            known[icao] = Airport(0, icao, row["name"], row["lat"], row["lon"], elevation)
            if row["lid"]:
                aliases[row["lid"]] = icao
        for given, name, lat, lon in overlay:
            code = given if given in known else aliases.get(given, given)
            before = known.get(code)
            elevation = None
            if before is not None:
                moved = float(distance_nm(before.latitude, before.longitude, lat, lon))
                elevation = before.elevation_ft if moved <= _SAME_PLACE_NM else None
            known[code] = Airport(0, code, name, lat, lon, elevation)
        return cls(list(known.values()), aliases)

    def __len__(self) -> int:
        return len(self.icao)

    def get(self, icao: str) -> Airport | None:
        """The airport with this ICAO code or FAA identifier, in any case; None if unknown."""
        index = self._index_of.get(icao.strip().upper())
        if index is None:
            return None
        elevation = float(self.elevation_ft[index])
        return Airport(
            index=index,
            icao=self.icao[index],
            name=self.name[index],
            latitude=float(self.lat[index]),
            longitude=float(self.lon[index]),
            elevation_ft=None if math.isnan(elevation) else elevation,
        )

    def nearest(self, lat: ArrayLike, lon: ArrayLike, within_nm: float) -> Numbers:
        """The index of the airport nearest to each point, shape (n,); -1 where none is within.

        Along great circles, so right at the poles and across the antimeridian. Of airports equally
        near the first; -1, too, for a point that is not finite. Raises ValueError where `within_nm`
        is negative or no number.
        """
        if not within_nm >= 0:
            raise ValueError(f"within_nm is {within_nm!r}; it is a distance, 0 or more")
        y, x = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (lat, lon)))
        found = np.full(y.shape, -1, dtype=np.intp)
        good = np.flatnonzero(np.isfinite(x) & (np.abs(y) <= _POLE))
        radius = min(within_nm / EARTH_RADIUS_NM, math.pi)
        share = math.sin(radius / 2) ** 2  # of the sphere
        at_once = max(1, int(_MOST_PAIRS / (len(self.icao) * min(1.0, 4 * share) + 100)))
        for start in range(0, len(good), at_once):
            part = good[start : start + at_once]
            found[part] = self._nearest(y[part], x[part], radius)
        return found

    def _lay_out(self) -> None:
        """Sorts the airports into rows of latitude and, in each, cells about as wide as high."""
        middle = (np.arange(_ROWS) + 0.5) * _ROW_DEG - _POLE
        self._cells_in_row = np.maximum(1, np.cos(np.radians(middle)) * 2 * _ROWS).astype(np.intp)
        self._row_start = np.concatenate(([0], np.cumsum(self._cells_in_row)))
        row = np.clip((self.lat + _POLE) // _ROW_DEG, 0, _ROWS - 1).astype(np.intp)
        cells = self._cells_in_row[row]
        column = np.clip((self.lon + _HALF_TURN) * cells // _FULL_TURN, 0, cells - 1)
        cell = self._row_start[row] + column.astype(np.intp)
        self._in_cell_order = np.argsort(cell, kind="stable")
        self._cell_start = np.searchsorted(
            cell[self._in_cell_order], np.arange(self._row_start[-1] + 1)
        )

    def _nearest(self, lat: Floats, lon: Floats, radius: float) -> Numbers:
        point, airport = self._near(lat, lon, math.degrees(radius))
        # The square of the chord tells near distances apart where a cosine would not.
        chord = np.zeros(len(point))
        for here, there in zip(unit_vectors(lat, lon), self._vectors, strict=True):
            apart = here[point]
            apart -= there[airport]
            apart *= apart
            chord += apart
        within = chord <= (2 * math.sin(radius / 2)) ** 2
        point, airport, chord = point[within], airport[within], chord[within]
        order = np.lexsort((airport, chord, point))
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = np.diff(point[order]) != 0
        found = np.full(len(lat), -1, dtype=np.intp)
        found[point[order][first]] = airport[order][first]
        return found

    def _near(self, lat: Floats, lon: Floats, radius_deg: float) -> tuple[Numbers, Numbers]:
        """Pairs (point, airport): all that can be within the radius, and some that are not."""
        south, north = lat - radius_deg - _HAIR_DEG, lat + radius_deg + _HAIR_DEG
        lowest = np.clip((south + _POLE) // _ROW_DEG, 0, _ROWS - 1).astype(np.intp)
        highest = np.clip((north + _POLE) // _ROW_DEG, 0, _ROWS - 1).astype(np.intp)
        # How far east and west a circle reaches; all round where a pole is in it.
        around = np.abs(lat) + radius_deg >= _POLE
        ratio = math.sin(math.radians(min(radius_deg, _POLE))) / np.cos(np.radians(lat))
        reach = np.degrees(np.arcsin(np.minimum(ratio, 1.0, where=~around, out=np.ones_like(lat))))
        # A hair more, for what lies on a border may have been rounded across it.
        reach = np.where(around, _HALF_TURN, reach + _HAIR_DEG)
        point, step = expand(highest - lowest + 1)
        row = lowest[point] + step
        cells = self._cells_in_row[row]
        west = np.floor((lon[point] - reach[point] + _HALF_TURN) * cells / _FULL_TURN)
        east = np.floor((lon[point] + reach[point] + _HALF_TURN) * cells / _FULL_TURN)
        first = np.mod(west, cells).astype(np.intp)
        end = first + np.minimum(east - west + 1, cells).astype(np.intp)
        # Past the last cell of a row it goes on with the first.
        base = self._row_start[row]
        segments = (
            (first, np.minimum(end, cells)),
            (np.zeros_like(end), np.maximum(end - cells, 0)),
        )
        points: list[Numbers] = []
        airports: list[Numbers] = []
        for from_cell, to_cell in segments:
            start = self._cell_start[base + from_cell]
            which, place = expand(self._cell_start[base + to_cell] - start)
            points.append(point[which].astype(np.intp))
            airports.append(self._in_cell_order[start[which] + place])
        return np.concatenate(points), np.concatenate(airports)


def read_vatspy_airports(directory: Path) -> list[tuple[str, str, float, float]]:
    """The airports of a VATSpy data set as rows (code, name, lat, lon) for `Airports.load`.

    Rows that cannot be read, and pseudo airports, are left out; of a code the first row counts.
    Raises AirspaceError where there is no `VATSpy.dat`.
    """
    text = read_text(directory / "VATSpy.dat", "VATSpy's list of airports", Findings())
    rows: dict[str, tuple[str, str, float, float]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip().lower()
        fields = line.split("|")
        if section != "[airports]" or line.startswith(";") or len(fields) < _VATSPY_FIELDS:
            continue
        code, name = fields[0].strip().upper(), fields[1].strip()
        try:
            lat, lon = float(fields[2]), float(fields[3])
        except ValueError:
            continue
        if code and fields[6].strip() == "0" and abs(lat) <= _POLE and abs(lon) <= _HALF_TURN:
            rows.setdefault(code, (code, name, lat, lon))
    return list(rows.values())
