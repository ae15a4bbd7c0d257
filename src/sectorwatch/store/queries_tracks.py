"""A flight's track in one call, still flying or long gone, and what it comes to in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.store import schema
from sectorwatch.store.blobs import PER_DEGREE, StoredPositions, flight_rows
from sectorwatch.store.lost import lost_times
from sectorwatch.store.queries_flights import flight_by_id
from sectorwatch.store.segments import POSITIONS
from sectorwatch.store.sources import END_OF_TIME_S
from sectorwatch.store.steps import LONGEST_STEP_S, from_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.store.lost import Lost
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Flight

__all__ = ["Track", "TrackFigures", "TrackQueries"]

_LAG_S = 600
"""A position is at most so much older than the snapshot that brought it (177 s were seen)."""
_MOST_BETWEEN_S = 300
"""Between two positions further apart nothing is known, as in the tracker's own rules."""
_COLUMNS = tuple(StoredPositions.__dataclass_fields__)
_QUESTION = """
    SELECT * FROM read_parquet($files, hive_partitioning = false) WHERE flight_id = $flight_id
"""


@dataclass(frozen=True, slots=True)
class Track:
    """A flight and its positions in order of time; `lost` says of which times none are left."""

    flight: Flight
    positions: StoredPositions
    lost: Sequence[Lost] = ()

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north, shape (n,)."""
        return self.positions.latitude_e5 / PER_DEGREE

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east, shape (n,)."""
        return self.positions.longitude_e5 / PER_DEGREE

    def figures(self) -> TrackFigures:
        """What the track comes to.

        A stretch counts as flown where both its ends were in the air and less than 5 min apart.
        """
        here = self.positions
        if not len(here.time_s):
            return TrackFigures(0, None, None, 0, 0.0, None, None)
        seconds = np.diff(here.time_s)
        flown = here.airborne[1:] & here.airborne[:-1] & (seconds <= _MOST_BETWEEN_S)
        lat, lon = self.latitude, self.longitude
        distance = distance_nm(lat[:-1], lon[:-1], lat[1:], lon[1:])
        return TrackFigures(
            positions=len(here.time_s),
            first_s=int(here.time_s[0]),
            last_s=int(here.time_s[-1]),
            airborne_s=int(seconds[flown].sum()),
            distance_nm=float(distance[flown].sum()),
            max_altitude_ft=int(here.altitude_ft.max()),
            max_groundspeed_kt=int(here.groundspeed_kt.max()),
        )


@dataclass(frozen=True, slots=True)
class TrackFigures:
    """A track in figures; times in seconds, None where there is no position."""

    positions: int
    first_s: int | None
    last_s: int | None
    airborne_s: int
    distance_nm: float
    max_altitude_ft: int | None
    max_groundspeed_kt: int | None


class TrackQueries:
    """Asks for tracks."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def track(
        self, flight_id: int, *, from_s: int | None = None, to_s: int | None = None
    ) -> Track | None:
        """The positions of a flight in `[from_s, to_s)`, all of them without; None: no such flight.

        Hours that are sealed come from their files, the rest from the blobs of the ticks; both are
        looked up at one moment, so that an hour that is being sealed is neither missed nor doubled.
        """
        first = 0 if from_s is None else from_s
        last = END_OF_TIME_S if to_s is None else to_s
        table = schema.tick.c
        with self._sources.database.read("asking for a track") as connection:
            flight = flight_by_id(connection, flight_id)
            if flight is None:
                return None
            first = max(first, flight.first_seen_s - _LAG_S)
            if flight.ended_s is not None:
                last = min(last, flight.ended_s + 1)
            files = self._sources.manifest.files(connection, POSITIONS.name, first, last)
            blobs = connection.scalars(
                select(table.positions).where(
                    table.positions.is_not(None),
                    table.snapshot_time_us >= first * 1_000_000,
                    table.snapshot_time_us < (last + _LAG_S) * 1_000_000,
                )
            ).all()
        parts = [flight_rows(blob, flight_id) for blob in blobs]
        if files:
            parts += self._sealed(flight_id, files)
        found = StoredPositions.join(parts)
        order = np.argsort(found.time_s, kind="stable")
        times = found.time_s[order]
        # Asked last: what was found damaged just now is among it.
        with self._sources.database.read("asking what is lost") as connection:
            until_s = min(last, _now_s(connection))
            lost = lost_times(connection, POSITIONS.name, max(first, flight.first_seen_s), until_s)
        return Track(flight, found.take(order[(times >= first) & (times < last)]), lost)

    def _sealed(self, flight_id: int, files: list[str]) -> list[StoredPositions]:
        columns = self._sources.ask(_QUESTION, files, {"flight_id": flight_id})
        if columns is None:
            return []
        # Files come one after another, in each the flight's rows, the first of them whole.
        begins = np.flatnonzero(columns[POSITIONS.name_in_file("time_s")] >= LONGEST_STEP_S)
        return [
            StoredPositions(
                *(
                    from_steps(values, begins) if POSITIONS.columns[name].steps else values
                    for name in _COLUMNS
                    for values in [columns[POSITIONS.name_in_file(name)]]
                )
            )
        ]


def _now_s(connection: Connection) -> int:
    last_us = connection.scalar(select(func.max(schema.tick.c.snapshot_time_us)))
    return 0 if last_us is None else last_us // 1_000_000 + 1
