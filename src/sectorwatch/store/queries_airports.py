"""Questions about airports: take-offs and landings, one by one and by the hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Integer, case, func, literal_column, select

from sectorwatch.store import schema
from sectorwatch.store.queries_flights import movement_of
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.rows import clean
from sectorwatch.store.segments import HOUR_S
from sectorwatch.store.sources import Page

if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import NDArray

    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Movement

__all__ = ["AirportHours", "AirportQueries"]

_MOVEMENT = schema.movement.c
_STEP_S = 60
# Written out, for PostgreSQL must see that what is grouped by is what is selected.
_HOUR = literal_column(str(HOUR_S), Integer)
_DEPARTURES = func.sum(case((_MOVEMENT.kind == "departure", 1), else_=0))
_ARRIVALS = func.sum(case((_MOVEMENT.kind == "arrival", 1), else_=0))


@dataclass(frozen=True, slots=True)
class AirportHours:
    """An airport hour by hour, shape (n,): every hour that the period touches, none left out.

    `known` is False where there was no snapshot in the whole hour, so that nothing is known of it.
    """

    hour_s: NDArray[np.int64]
    departures: NDArray[np.int32]
    arrivals: NDArray[np.int32]
    known: NDArray[np.bool_]


class AirportQueries:
    """Asks about airports, by ICAO code; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def movements(
        self,
        airport: str,
        from_s: int,
        to_s: int,
        *,
        kind: Literal["departure", "arrival"] | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> Page[Movement]:
        """Take-offs and landings at `airport` in the period, newest first."""
        wanted = [
            _MOVEMENT.airport == clean(airport),
            _MOVEMENT.time_s >= from_s,
            _MOVEMENT.time_s < to_s,
        ]
        if kind is not None:
            wanted.append(_MOVEMENT.kind == kind)
        with self._sources.database.read("asking for movements") as connection:
            total = connection.scalar(
                select(func.count()).select_from(schema.movement).where(*wanted)
            )
            rows = connection.execute(
                select(schema.movement)
                .where(*wanted)
                .order_by(_MOVEMENT.time_s.desc(), _MOVEMENT.flight_id)
                .limit(limit)
                .offset(offset)
            ).all()
        return Page(int(total or 0), [movement_of(row) for row in rows])

    def counts(self, from_s: int, to_s: int) -> dict[str, tuple[int, int]]:
        """(departures, arrivals) of every airport that had any in the period, busiest first."""
        with self._sources.database.read("asking for airports' traffic") as connection:
            rows = connection.execute(
                select(_MOVEMENT.airport, _DEPARTURES, _ARRIVALS)
                .where(_MOVEMENT.time_s >= from_s, _MOVEMENT.time_s < to_s)
                .group_by(_MOVEMENT.airport)
                .order_by(func.count().desc(), _MOVEMENT.airport)
            ).all()
        return {airport: (int(departures), int(arrivals)) for airport, departures, arrivals in rows}

    def by_hour(self, airport: str, from_s: int, to_s: int) -> AirportHours:
        """Take-offs and landings at `airport` in the full hours that the period touches."""
        first = from_s // HOUR_S * HOUR_S
        last = -(-to_s // HOUR_S) * HOUR_S
        hours = np.arange(first, max(first, last), HOUR_S, dtype=np.int64)
        hour = (_MOVEMENT.time_s - _MOVEMENT.time_s % _HOUR).label("hour_s")
        with self._sources.database.read("asking for an airport's hours") as connection:
            known = known_times(connection, first, last)
            rows = connection.execute(
                select(hour, _DEPARTURES, _ARRIVALS)
                .where(
                    _MOVEMENT.airport == clean(airport),
                    _MOVEMENT.time_s >= first,
                    _MOVEMENT.time_s < last,
                )
                .group_by(hour)
            ).all()
        departures, arrivals = np.zeros((2, len(hours)), np.int32)
        for at, departed, arrived in rows:
            departures[(at - first) // HOUR_S] = departed
            arrivals[(at - first) // HOUR_S] = arrived
        minutes = known.at(np.arange(first, max(first, last), _STEP_S, dtype=np.int64))
        is_known: NDArray[np.bool_] = np.any(minutes.reshape(-1, HOUR_S // _STEP_S), axis=1)
        return AirportHours(hours, departures, arrivals, is_known)
