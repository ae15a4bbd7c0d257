"""Questions about flights, live and past: what they were, filed and did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, or_, select

from sectorwatch.store import schema
from sectorwatch.store.blobs import PER_DEGREE
from sectorwatch.store.rows import clean, read_plan
from sectorwatch.store.segments import VISITS
from sectorwatch.store.sources import END_OF_TIME_S, Page, is_number
from sectorwatch.traffic.tick import Flight, Movement, PlanRevision, Visit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection, Row, Select

    from sectorwatch.store.sources import Sources

__all__ = [
    "FlightQueries",
    "flight_of",
    "flights_numbered",
    "flights_with_plans",
    "movement_of",
    "touches",
    "visit_of",
    "visits_of",
]

_FLIGHT = schema.flight.c
_PLAN = schema.flight_plan.c
_SELECT = select(schema.flight, _PLAN.plan).outerjoin(
    schema.flight_plan, _PLAN.plan_id == _FLIGHT.plan_id
)
_NEWEST_FIRST = (_FLIGHT.first_seen_s.desc(), _FLIGHT.flight_id)
_MOST_IDS = 10_000


class FlightQueries:
    """Asks about flights; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def by_id(self, flight_id: int) -> Flight | None:
        """The flight of this number as known last, None where there is none."""
        with self._sources.database.read("asking for a flight") as connection:
            return flight_by_id(connection, flight_id)

    def latest(self, callsign: str) -> Flight | None:
        """The flight that was seen first last under `callsign`, None where there was none."""
        found = self.find(callsign=callsign, limit=1)
        return found.items[0] if found.items else None

    def find(
        self,
        *,
        callsign: str | None = None,
        airport: str | None = None,
        sector_id: int | None = None,
        from_s: int | None = None,
        to_s: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Flight]:
        """Flights that were online in the period and match all that is given, newest first.

        `airport` is one they filed, left or reached in the period. `sector_id` asks for visits to
        that sector in the period.
        """
        first, last = (
            from_s if from_s is not None else 0,
            to_s if to_s is not None else END_OF_TIME_S,
        )
        wanted: list[ColumnElement[bool]] = [_FLIGHT.first_seen_s < last]
        if from_s is not None:
            wanted.append(or_(_FLIGHT.ended_s.is_(None), _FLIGHT.ended_s >= first))
        if callsign is not None:
            wanted.append(_FLIGHT.callsign == clean(callsign))
        if airport is not None:
            wanted.append(touches(clean(airport), first, last))
        if sector_id is not None:
            wanted.append(_FLIGHT.flight_id.in_(self._visitors(sector_id, first, last)))
        with self._sources.database.read("asking for flights") as connection:
            total = connection.scalar(
                select(func.count()).select_from(schema.flight).where(*wanted)
            )
            chosen = _SELECT.where(*wanted).order_by(*_NEWEST_FIRST).limit(limit).offset(offset)
            rows = connection.execute(chosen).all()
        return Page(int(total or 0), [flight_of(row) for row in rows])

    def plans(self, flight_id: int) -> list[PlanRevision]:
        """A flight's plans as they became known, oldest first."""
        table = schema.plan_revision.c
        if not is_number(flight_id):
            return []
        with self._sources.database.read("asking for a flight's plans") as connection:
            rows = connection.execute(
                select(schema.plan_revision, _PLAN.plan)
                .join(schema.flight_plan, _PLAN.plan_id == table.plan_id)
                .where(table.flight_id == flight_id)
                .order_by(table.snapshot_time_us)
            ).all()
        return [
            PlanRevision(
                flight_id=row.flight_id,
                received_at_us=row.received_at_us,
                snapshot_time_us=row.snapshot_time_us,
                plan=read_plan(row.plan),
            )
            for row in rows
        ]

    def movements(self, flight_id: int) -> list[Movement]:
        """A flight's take-offs and landings, oldest first."""
        table = schema.movement.c
        if not is_number(flight_id):
            return []
        with self._sources.database.read("asking for a flight's movements") as connection:
            rows = connection.execute(
                select(schema.movement).where(table.flight_id == flight_id).order_by(table.time_s)
            ).all()
        return [movement_of(row) for row in rows]

    def visits(self, flight_id: int) -> list[Visit]:
        """A flight's stays in sectors, oldest first."""
        table = schema.visit.c
        with self._sources.database.read("asking for a flight's visits") as connection:
            flight = flight_by_id(connection, flight_id)
            if flight is None:
                return []
            files = self._sources.manifest.files(
                connection, VISITS.name, flight.first_seen_s, _end_of(flight)
            )
            rows = connection.execute(select(schema.visit).where(table.flight_id == flight_id))
            found = [visit_of(row) for row in rows.mappings()]
        found += visits_of(self._sources.of_flight(files, flight_id))
        return sorted(found, key=lambda visit: (visit.entry_s, visit.sector_id))

    def _visitors(self, sector_id: int, from_s: int, to_s: int) -> list[int]:
        table = schema.visit.c
        with self._sources.database.read("asking who visited a sector") as connection:
            files = self._sources.manifest.files(connection, VISITS.name, from_s, to_s)
            ids = set(
                connection.scalars(
                    select(table.flight_id)
                    .where(
                        table.sector_id == sector_id,
                        table.entry_s < to_s,
                        or_(table.exit_s.is_(None), table.exit_s > from_s),
                    )
                    .limit(_MOST_IDS)
                )
            )
        if files:
            columns = self._sources.reader.ask(
                "SELECT flight_id FROM read_parquet($files, hive_partitioning = false) "
                "WHERE sector_id = $sector_id AND entry_s < $to_s AND exit_s > $from_s "
                "GROUP BY flight_id ORDER BY max(entry_s) DESC LIMIT $most",
                files,
                {"sector_id": sector_id, "from_s": from_s, "to_s": to_s, "most": _MOST_IDS},
            )
            ids.update(columns["flight_id"].tolist())
        return sorted(ids)


def touches(airport: str, from_s: int, to_s: int) -> ColumnElement[bool]:
    """Which rows of `flight` filed, left or reached `airport` in the period."""
    moved = schema.movement.c
    # Each part has an index: joined by "or" they are looked up, not searched for.
    return or_(
        _FLIGHT.departure == airport,
        _FLIGHT.arrival == airport,
        _FLIGHT.flight_id.in_(
            select(moved.flight_id).where(
                moved.airport == airport, moved.time_s >= from_s, moved.time_s < to_s
            )
        ),
    )


def flights_with_plans() -> Select[*tuple[Any, ...]]:
    """Rows of `flight`, each with its plan's text, for `flight_of`."""
    return _SELECT


def flight_by_id(connection: Connection, flight_id: int) -> Flight | None:
    """The flight of this number, asked of an open connection."""
    if not is_number(flight_id):
        return None
    row = connection.execute(_SELECT.where(_FLIGHT.flight_id == flight_id)).one_or_none()
    return None if row is None else flight_of(row)


def flights_numbered(connection: Connection, flight_ids: Sequence[int]) -> dict[int, Flight]:
    """The flights of these numbers, by number, as far as they are kept."""
    found: dict[int, Flight] = {}
    for start in range(0, len(flight_ids), _MOST_IDS):
        some = flight_ids[start : start + _MOST_IDS]
        rows = connection.execute(_SELECT.where(_FLIGHT.flight_id.in_(some)))
        found |= {row.flight_id: flight_of(row) for row in rows}
    return found


def flight_of(row: Row[Any]) -> Flight:
    """A row of `flight`, joined with its plan, as the tracker gave it."""
    return Flight(
        flight_id=row.flight_id,
        cid=row.cid,
        callsign=row.callsign,
        first_seen_s=row.first_seen_s,
        logon_time_s=row.logon_time_s,
        server=row.server,
        pilot_rating=row.pilot_rating,
        plan=None if row.plan is None else read_plan(row.plan),
        departed_s=row.departed_s,
        departed_from=row.departed_from,
        arrived_s=row.arrived_s,
        arrived_at=row.arrived_at,
        ended_s=row.ended_s,
        reconnects=row.reconnects,
    )


def movement_of(row: Row[Any]) -> Movement:
    """A row of `movement` as the tracker gave it."""
    return Movement(
        flight_id=row.flight_id,
        kind=row.kind,
        airport=row.airport,
        time_s=row.time_s,
        callsign=row.callsign,
    )


def visit_of(row: Mapping[Any, Any]) -> Visit:
    """A row of `visit`, of the table or of a segment, as the tracker gave it."""
    return Visit(
        flight_id=row["flight_id"],
        sector_id=row["sector_id"],
        entry_s=row["entry_s"],
        entry_latitude=row["entry_latitude_e5"] / PER_DEGREE,
        entry_longitude=row["entry_longitude_e5"] / PER_DEGREE,
        entry_altitude_ft=row["entry_altitude_ft"],
        exit_s=row["exit_s"],
        exit_latitude=_degrees(row["exit_latitude_e5"]),
        exit_longitude=_degrees(row["exit_longitude_e5"]),
        exit_altitude_ft=row["exit_altitude_ft"],
    )


def visits_of(columns: Mapping[str, Any]) -> Iterable[Visit]:
    """Columns of a segment as visits; masked values are None."""
    names = list(columns)
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    return [visit_of(dict(zip(names, row, strict=True))) for row in rows]


def _degrees(e5: int | None) -> float | None:
    return None if e5 is None else e5 / PER_DEGREE


def _end_of(flight: Flight) -> int:
    return END_OF_TIME_S if flight.ended_s is None else flight.ended_s + 1
